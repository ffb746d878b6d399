//! The image in a file or on a block device, through the page cache.
//!
//! **Who hears of lost bytes.** A write that went to the page cache may fail later, when the kernel writes it back.
//! The kernel then drops the bytes (the pages count as clean) and reports the failure *once to each open file
//! description*, at its next sync (Linux `Documentation/filesystems/vfs.rst`, "Handling errors during writeback"). So:
//!
//! - a flush has a description of its own, which nobody else syncs: whatever was lost since the open, it hears of;
//! - it syncs one at a time, and remembers a failure for as long as the store is open: a later flush that reported
//!   success would promise bytes that are gone. Reopening is the way out, for somebody who has looked at the file;
//! - a FUA write has a description (a *lane*) to itself while it lasts: were two of them in one, the first to look
//!   would take the other's report, and the other would take its lost bytes for good. That its lane reports a loss
//!   which was not its own may happen; then it fails without need, and is right when it is tried again;
//! - reads and plain writes use a description that never syncs. It holds the lock.

use crate::error::Errno;
use crate::intent::{Intent, Unfinished};
use crate::lock::Locked;
use crate::mapped::Mapped;
use crate::span::{Cursor, Span};
use crate::store::{Durability, Kind};
use crate::stripe::{CHUNK, Piece};
use sgring_kill_points::kill_point;
use sgring_sync::{Mutex, MutexGuard};
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::ptr;

/// How many FUA writes run at once: as many as a pool is likely to have threads.
pub(crate) const LANES: usize = 4;

/// What is written where no hole can be made.
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

/// How many spans go to the kernel at once; IOV_MAX is 1024.
const BATCH: usize = 64;

/// An open file or block device.
#[derive(Debug)]
pub(crate) struct FileImage {
    data: Locked,
    kind: Kind,
    writer: Option<Writer>,
    /// Its bytes as memory, where it was opened so.
    mapped: Option<Mapped>,
}

/// What only a store that may write has.
#[derive(Debug)]
struct Writer {
    lanes: Vec<Mutex<File>>,
    flusher: Mutex<Flusher>,
}

#[derive(Debug)]
struct Flusher {
    file: File,
    /// What the first failed flush said.
    lost: Option<Errno>,
}

impl FileImage {
    pub(crate) fn read_only(data: Locked, kind: Kind) -> Self {
        Self {
            data,
            kind,
            writer: None,
            mapped: None,
        }
    }

    /// `lanes` and `flusher` are descriptions of the same file, each opened on its own.
    pub(crate) fn writable(data: Locked, kind: Kind, lanes: Vec<File>, flusher: File) -> Self {
        let lanes = lanes.into_iter().map(Mutex::new).collect();
        let flusher = Mutex::new(Flusher {
            file: flusher,
            lost: None,
        });
        Self {
            data,
            kind,
            writer: Some(Writer { lanes, flusher }),
            mapped: None,
        }
    }

    /// Whether it is a regular file, and of this file system, whose pages are memory: a touch of them waits for no disk, and room that was
    /// allocated in a file is there for whatever is written into it.
    pub(crate) fn is_on_tmpfs(&self) -> bool {
        let mut found = MaybeUninit::<libc::statfs>::zeroed();
        // SAFETY: `found` has room for what is written, and the descriptor is open.
        let told = unsafe { libc::fstatfs(self.data.as_raw_fd(), found.as_mut_ptr()) };
        // SAFETY: zeros are a `statfs`, and so is what the kernel writes.
        let system = unsafe { found.assume_init() }.f_type as u32;
        // The number has 32 bits; how many its type has differs with the C library. The nodes of devices are on such a file system, too.
        self.kind == Kind::File && told == 0 && system == libc::TMPFS_MAGIC as u32
    }

    /// Finishes what a dead process was copying here, and maps it: a file on tmpfs of `len_bytes`, to read and write.
    ///
    /// # Errors
    ///
    /// What `pwrite(2)`, `mmap(2)` or `lseek(2)` says.
    pub(crate) fn map(&mut self, len_bytes: u64, intent: Intent) -> io::Result<()> {
        if let Some(Unfinished {
            file,
            offset,
            bytes,
        }) = intent.unfinished()
        {
            let end = offset.checked_add(bytes.len() as u64);
            let within = end.is_some_and(|end| end <= len_bytes);
            if within && file == self.data.metadata()?.ino() {
                self.data.write_all_at(&bytes, offset)?;
                kill_point();
            }
        }
        intent.clear();
        let extent = |at| self.extent(at, len_bytes);
        let mapped = Mapped::new(&self.data, len_bytes, intent, extent)
            .map_err(|Errno(errno)| io::Error::from_raw_os_error(errno))?;
        self.mapped = Some(mapped);
        Ok(())
    }

    /// Its bytes as memory, if it has been mapped.
    pub(crate) fn mapped(&self) -> Option<&Mapped> {
        self.mapped.as_ref()
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) fn is_read_only(&self) -> bool {
        self.writer.is_none()
    }

    /// Reads `piece` to where the cursor stands, and moves the cursor.
    ///
    /// # Errors
    ///
    /// What `preadv(2)` says. `EIO` if the file ends before the piece does: somebody cut it, and these bytes are gone.
    ///
    /// # Safety
    ///
    /// The cursor has `piece.len` bytes ahead, which stay mapped and are writable.
    pub(crate) unsafe fn read(&self, piece: Piece, into: &mut Cursor<'_>) -> Result<(), Errno> {
        let fd = self.data.as_raw_fd();
        transfer(piece, into, |batch, offset| {
            let (iov, count) = iovecs(batch);
            // SAFETY: the array has `count` entries, which by contract are mapped and writable. The kernel writes
            // them as bytes, whatever a peer does with them meanwhile.
            unsafe { libc::preadv(fd, iov, count, offset) }
        })
    }

    /// Writes from where the cursor stands to `piece`, and moves the cursor.
    ///
    /// # Errors
    ///
    /// `EROFS` if this image is read-only; `EIO` if somebody cut the file before the piece's end (a write would bring
    /// the bytes between back as zeros); else what `pwritev2(2)` or `fdatasync(2)` says. What was written before the error stays.
    ///
    /// # Safety
    ///
    /// The cursor has `piece.len` bytes ahead, which stay mapped and are readable.
    pub(crate) unsafe fn write(
        &self,
        piece: Piece,
        from: &mut Cursor<'_>,
        durability: Durability,
    ) -> Result<(), Errno> {
        let writer = self.refuse_write(piece)?;
        if let Some(mapped) = &self.mapped {
            mapped.make_room(&self.data, piece);
        }
        let written = match durability {
            // SAFETY: the contract is the caller's.
            Durability::Cached => unsafe { write_cached(&self.data, piece, from) },
            // SAFETY: the contract is the caller's.
            Durability::Medium => unsafe { write_medium(&writer.lane(piece), piece, from) },
        };
        if let Some(mapped) = &self.mapped {
            match written {
                Ok(()) => mapped.note_written(piece),
                // Some of it may be there. What nobody can tell of is zeros, and its writer has heard of an error.
                Err(_) => {
                    let end = piece.offset + piece.len as u64;
                    let _untold = mapped.note_found(piece.offset..end, |at| self.extent(at, end));
                }
            }
        }
        written
    }

    /// Makes `piece` zeros, and has the file system take the room back where it can: else they are written.
    ///
    /// # Errors
    ///
    /// As [`FileImage::write`].
    pub(crate) fn release(&self, piece: Piece) -> Result<(), Errno> {
        self.refuse_write(piece)?;
        if let Some(mapped) = &self.mapped {
            mapped.note_released(piece);
        }
        match punch(&self.data, piece) {
            Ok(()) => {}
            // Not here, or not at such borders.
            Err(Errno(libc::EOPNOTSUPP | libc::ENOSYS | libc::EINVAL)) => {
                return self.write_zeros(piece);
            }
            punched => return punched,
        }
        if let Some(mapped) = &self.mapped {
            mapped.note_hole(piece);
        }
        Ok(())
    }

    fn write_zeros(&self, piece: Piece) -> Result<(), Errno> {
        for part in piece.parts(ZEROS.len()) {
            let spans = [Span {
                ptr: ZEROS.as_ptr().cast_mut(),
                len: part.len,
            }];
            // SAFETY: a write only reads the span, which is a constant's.
            unsafe { write_cached(&self.data, part, &mut Cursor::new(&spans)) }?;
        }
        Ok(())
    }

    /// Up to where the file is as it is at `offset`, `len_bytes` at most, and whether it has room there (lseek(2), SEEK_DATA).
    ///
    /// # Errors
    ///
    /// What `lseek(2)` says.
    pub(crate) fn extent(&self, offset: u64, len_bytes: u64) -> Result<(u64, bool), Errno> {
        // Where the file ends, a hole begins.
        let seek = |whence, unless| match lseek(&self.data, offset, whence) {
            Err(Errno(libc::ENXIO)) => Ok(unless),
            sought => sought,
        };
        let data = seek(libc::SEEK_DATA, len_bytes)?;
        if data > offset {
            return Ok((data.min(len_bytes), false));
        }
        Ok((seek(libc::SEEK_HOLE, len_bytes)?.min(len_bytes), true))
    }

    /// Has the kernel forget what it has cached of these bytes and the medium has, too: the next read asks the medium. On tmpfs nothing is
    /// forgotten: its pages are all the medium that it has.
    pub(crate) fn forget(&self, piece: Piece) {
        let (offset, len) = (piece.offset.cast_signed(), piece.len as libc::off_t);
        // Where the kernel does not heed it, the cache is read, which is no error.
        // SAFETY: it takes numbers, and changes no byte.
        unsafe {
            libc::posix_fadvise(
                self.data.as_raw_fd(),
                offset,
                len,
                libc::POSIX_FADV_DONTNEED,
            )
        };
    }

    /// Cuts the file, or makes it longer by a hole. One that is mapped has a way of its own: [`Mapped::resize`].
    ///
    /// # Errors
    ///
    /// `EROFS` if this image is read-only, `EOPNOTSUPP` for a device; else what `ftruncate(2)` says.
    pub(crate) fn set_len(&self, len_bytes: u64) -> Result<(), Errno> {
        if self.is_read_only() {
            return Err(Errno(libc::EROFS));
        }
        if self.kind != Kind::File {
            return Err(Errno(libc::EOPNOTSUPP));
        }
        Ok(self.data.set_len(len_bytes)?)
    }

    fn refuse_write(&self, piece: Piece) -> Result<&Writer, Errno> {
        let Some(writer) = &self.writer else {
            return Err(Errno(libc::EROFS));
        };
        let end = piece.offset + piece.len as u64;
        if self.kind == Kind::File && self.data.metadata()?.len() < end {
            return Err(Errno(libc::EIO));
        }
        Ok(writer)
    }

    /// Returns when all that was written before is on the medium.
    ///
    /// # Errors
    ///
    /// What `fdatasync(2)` says; after the first failure always that one.
    pub(crate) fn flush(&self) -> Result<(), Errno> {
        let Some(writer) = &self.writer else {
            return Ok(());
        };
        let mut flusher = writer.flusher.lock();
        if let Some(errno) = flusher.lost {
            return Err(errno);
        }
        let flushed = flusher.file.sync_data().map_err(Errno::from);
        kill_point();
        flusher.lost = flushed.err();
        flushed
    }
}

impl Writer {
    /// A free lane, or else one to wait for.
    fn lane(&self, piece: Piece) -> MutexGuard<'_, File> {
        let free = self.lanes.iter().find_map(|lane| lane.try_lock());
        free.unwrap_or_else(|| self.lanes[(piece.offset / CHUNK) as usize % LANES].lock())
    }
}

/// # Safety
///
/// As [`FileImage::write`].
unsafe fn write_cached(file: &File, piece: Piece, from: &mut Cursor<'_>) -> Result<(), Errno> {
    let fd = file.as_raw_fd();
    transfer(piece, from, |batch, offset| {
        let (iov, count) = iovecs(batch);
        // SAFETY: the array has `count` entries, which by contract are mapped and readable. The kernel copies them
        // as bytes, whatever a peer does with them meanwhile.
        unsafe { libc::pwritev(fd, iov, count, offset) }
    })
}

/// Writes through to the medium: of what else the cache holds, nothing has to follow.
///
/// # Safety
///
/// As [`FileImage::write`].
unsafe fn write_medium(lane: &File, piece: Piece, from: &mut Cursor<'_>) -> Result<(), Errno> {
    let start = *from;
    let fd = lane.as_raw_fd();
    let written = transfer(piece, from, |batch, offset| {
        let (iov, count) = iovecs(batch);
        // SAFETY: as in `write_cached`.
        unsafe { libc::pwritev2(fd, iov, count, offset, libc::RWF_DSYNC) }
    });
    match written {
        Err(Errno(libc::EOPNOTSUPP | libc::ENOSYS)) => {
            // This file system knows no RWF_DSYNC: the long way, from the start.
            *from = start;
            // SAFETY: the contract is the caller's.
            unsafe { write_cached(lane, piece, from) }?;
            Ok(lane.sync_data()?)
        }
        written => written,
    }
}

fn punch(file: &File, piece: Piece) -> Result<(), Errno> {
    let mode = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
    let (offset, len) = (piece.offset.cast_signed(), piece.len as libc::off_t);
    loop {
        // SAFETY: it takes numbers, and touches no memory.
        let punched = unsafe { libc::fallocate(file.as_raw_fd(), mode, offset, len) };
        kill_point();
        match punched {
            0 => return Ok(()),
            _ => match Errno::last() {
                Errno(libc::EINTR) => {}
                errno => return Err(errno),
            },
        }
    }
}

/// Nobody reads or writes at the position that this moves.
fn lseek(file: &File, offset: u64, whence: libc::c_int) -> Result<u64, Errno> {
    // SAFETY: it takes numbers, and touches no memory.
    let sought = unsafe { libc::lseek(file.as_raw_fd(), offset.cast_signed(), whence) };
    u64::try_from(sought).map_err(|_| Errno::last())
}

/// Repeats `call` until the whole piece is moved.
fn transfer(
    piece: Piece,
    cursor: &mut Cursor<'_>,
    mut call: impl FnMut(&[Span], libc::off_t) -> isize,
) -> Result<(), Errno> {
    let mut done = 0;
    while done < piece.len {
        let mut batch = [Span {
            ptr: ptr::null_mut(),
            len: 0,
        }; BATCH];
        let count = cursor.fill(&mut batch, piece.len - done);
        // A store's length fits an `off_t`, so its offsets do.
        let offset = (piece.offset + done as u64).cast_signed();
        let moved = call(&batch[..count], offset);
        kill_point();
        match moved {
            0 => return Err(Errno(libc::EIO)),
            moved if moved > 0 => {
                done += moved.cast_unsigned();
                cursor.advance(moved.cast_unsigned());
            }
            _ => match Errno::last() {
                Errno(libc::EINTR) => {}
                errno => return Err(errno),
            },
        }
    }
    Ok(())
}

/// A batch as the kernel takes it: `Span` has the layout of `iovec`.
fn iovecs(batch: &[Span]) -> (*const libc::iovec, libc::c_int) {
    (batch.as_ptr().cast(), batch.len() as libc::c_int)
}
