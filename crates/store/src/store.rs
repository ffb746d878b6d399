//! [`Store`]: a number of bytes, in memory or in a file.

use crate::error::{Errno, StoreError};
use crate::file::FileImage;
use crate::intent::Intent;
use crate::mapped::Mapped;
use crate::memory::Memory;
use crate::open::{self, Access};
use crate::span::{self, Cursor, Span};
use crate::stripe::{Piece, Pieces, Stripes};
use sgring_sync::Mutex;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What a logical unit's blocks are kept in. Any number of threads use one at once, through an `Arc`.
///
/// A naturally aligned block of a power of two up to 1 MiB is always read as one write left it, also while others
/// write it. A transfer of several blocks is not atomic, and one that fails may have been done in part.
///
/// Dropping a store flushes nothing and releases its lock, whatever duplicates of its descriptors there are.
#[derive(Debug)]
pub struct Store {
    pub(crate) image: Image,
    pub(crate) stripes: Stripes,
    len_bytes: AtomicU64,
    /// Held by whoever gives a file its length.
    resizing: Mutex<()>,
    kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Image {
    Memory(Memory),
    File(FileImage),
}

/// What a store is kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Memory of this process: gone with it.
    Memory,
    /// A regular file.
    File,
    /// A block device.
    BlockDevice,
}

/// When a write counts as done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// When later reads see it. [`Store::flush`] brings it to the medium.
    Cached,
    /// When it is on the medium (SBC-4: FUA set to one). For memory, and what is on tmpfs, that is the same.
    Medium,
}

/// What a tried transfer may touch, as it holds all its stripes at once. Two are a chunk's length at any offset.
const TRIED_PIECES: usize = 2;

impl Store {
    /// Zero-filled memory, which is taken from the system where it is first written. More than there is can be
    /// asked for; whoever then writes it all meets the system's out-of-memory killer, not an error.
    ///
    /// # Errors
    ///
    /// [`StoreError::Length`], [`StoreError::Memory`].
    pub fn memory(len_bytes: u64) -> Result<Self, StoreError> {
        let image = Image::Memory(Memory::new(len_bytes)?);
        Ok(Self {
            image,
            stripes: Stripes::new(),
            len_bytes: AtomicU64::new(len_bytes),
            resizing: Mutex::new(()),
            kind: Kind::Memory,
        })
    }

    /// A regular file or a block device, with the length that it has now, locked for as long as the store lives
    /// (`flock(2)`, which binds those who ask; a device opened for writing is also claimed from the kernel).
    ///
    /// The process should ignore `SIGXFSZ`, as Node does, so that `RLIMIT_FSIZE` is the error `EFBIG`.
    ///
    /// # Errors
    ///
    /// Any of [`StoreError`] but `Memory`.
    pub fn open(path: &Path, access: Access) -> Result<Self, StoreError> {
        let (image, len_bytes) = open::open(path, access)?;
        Ok(Self::of(image, len_bytes))
    }

    /// A regular file of the process's own, to read and write: as by [`open`](Self::open), and on tmpfs mapped besides. What an event loop asks for
    /// is then copied at once. On any other file system a touch of a mapped page may wait for a disk, so there it is as any file.
    ///
    /// `intent`, where it is mapped, is or becomes a file for this store alone: with it, a process that is killed in the middle of such a copy leaves
    /// each block whole to who opens both again. Whoever cuts either makes a `SIGBUS` of such a copy.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open); [`StoreError::NoIntent`].
    pub fn open_mapped(path: &Path, intent: &Path) -> Result<Self, StoreError> {
        let (mut image, len_bytes) = open::open(path, Access::ReadWrite)?;
        if image.is_on_tmpfs() {
            let intent = Intent::obtain(intent)?;
            let mapped = image.map(len_bytes, intent);
            mapped.map_err(open::system("map", path))?;
        }
        Ok(Self::of(image, len_bytes))
    }

    fn of(image: FileImage, len_bytes: u64) -> Self {
        let kind = image.kind();
        Self {
            image: Image::File(image),
            stripes: Stripes::new(),
            len_bytes: AtomicU64::new(len_bytes),
            resizing: Mutex::new(()),
            kind,
        }
    }

    /// How many bytes it has. Only [`Store::resize`] changes that.
    pub fn len_bytes(&self) -> u64 {
        self.len_bytes.load(Relaxed)
    }

    /// Makes memory or a regular file longer, by zeros that take no room, or shorter. What is cut off is gone; a transfer of it that is
    /// under way fails with `EIO`. Memory, and a file that is mapped, wait for the pieces, of 1 MiB at most, that are being copied.
    ///
    /// # Errors
    ///
    /// `EOPNOTSUPP` for devices, `EROFS` for a store that is read-only, `EINVAL` for a length that none can have; else what
    /// `mremap(2)` or `ftruncate(2)` says.
    pub fn resize(&self, len_bytes: u64) -> Result<(), Errno> {
        if len_bytes == 0 || i64::try_from(len_bytes).is_err() {
            return Err(Errno(libc::EINVAL));
        }
        let _resizing = self.resizing.lock();
        // Nothing that is started from now on is about bytes that are not there, whichever way it goes.
        let before = self.len_bytes.fetch_min(len_bytes, Relaxed);
        let resized = match &self.image {
            Image::Memory(memory) => {
                let _owned = self.stripes.own_every();
                // SAFETY: `_owned` has all of them.
                unsafe { memory.resize(len_bytes) }
            }
            Image::File(file) => match file.mapped() {
                None => file.set_len(len_bytes),
                Some(mapped) => {
                    let _owned = self.stripes.own_every();
                    // SAFETY: `_owned` has all of them.
                    unsafe { mapped.resize(len_bytes, |len_bytes| file.set_len(len_bytes)) }
                }
            },
        };
        match resized {
            Ok(()) => self.len_bytes.store(len_bytes, Relaxed),
            Err(errno) => {
                self.len_bytes.store(before, Relaxed);
                return Err(errno);
            }
        }
        Ok(())
    }

    /// Whether every write fails.
    pub fn read_only(&self) -> bool {
        match &self.image {
            Image::Memory(_) => false,
            Image::File(file) => file.is_read_only(),
        }
    }

    /// What it is kept in.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Fills the spans, one after the other, from `offset`: all of them, or an error.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the range lies outside the store; else what the kernel says, with `EIO` for bytes that were there
    /// when the store was opened and are no more. The spans may then hold a part.
    ///
    /// # Safety
    ///
    /// The spans are writable and stay mapped until this returns; no reference to their bytes is used meanwhile. That another
    /// process touches them is no matter.
    pub unsafe fn read(&self, offset: u64, into: &[Span]) -> Result<(), Errno> {
        let pieces = self.pieces(offset, into)?;
        let mut cursor = Cursor::new(into);
        for piece in pieces {
            let _shared = self.stripes.share(piece);
            match &self.image {
                // SAFETY: 1. `pieces` has as many bytes as the spans, which are mapped by contract, and the image is
                // private to this crate. 2. `_shared` keeps writers out.
                Image::Memory(memory) => unsafe { memory.read(piece, &mut cursor) }?,
                // SAFETY: `pieces` has as many bytes as the spans, which are mapped by contract.
                Image::File(file) => unsafe { file.read(piece, &mut cursor) }?,
            }
        }
        Ok(())
    }

    /// Writes the spans, one after the other, from `offset` on: all of them, or an error.
    ///
    /// # Errors
    ///
    /// `EROFS` if the store is read-only, `EINVAL` if the range lies outside it; else what the kernel says (`ENOSPC`,
    /// `EIO`, ...), with `EIO` for a file that was cut. A part may have been written.
    ///
    /// # Safety
    ///
    /// The spans are readable and stay mapped until this returns; no exclusive reference to their bytes is used meanwhile.
    /// That another process changes them tears what is written, and harms nothing else.
    pub unsafe fn write(
        &self,
        offset: u64,
        from: &[Span],
        durability: Durability,
    ) -> Result<(), Errno> {
        let pieces = self.writable_pieces(offset, from)?;
        let mut cursor = Cursor::new(from);
        for piece in pieces {
            let _owned = self.stripes.own(piece);
            match &self.image {
                // SAFETY: 1. as in `read`. 2. `_owned` keeps everybody else out.
                Image::Memory(memory) => unsafe { memory.write(piece, &mut cursor) }?,
                Image::File(file) => {
                    // SAFETY: as in `read`.
                    let written = unsafe { file.write(piece, &mut cursor, durability) };
                    self.keep_cut(file, piece).and(written)?;
                }
            }
        }
        Ok(())
    }

    /// Takes away again what a change that was under way has brought back of a file that was cut meanwhile: nobody
    /// would know that it is there. The kernel orders a write and a cut, so whoever writes behind the cut sees the
    /// length that was noted before it.
    ///
    /// # Errors
    ///
    /// `EIO` if the file was cut before the piece's end; else what `ftruncate(2)` says.
    pub(crate) fn keep_cut(&self, file: &FileImage, piece: Piece) -> Result<(), Errno> {
        let end = piece.offset + piece.len as u64;
        // A file that is mapped is not cut before its pieces are done.
        if end <= self.len_bytes() || file.mapped().is_some() {
            return Ok(());
        }
        let _resizing = self.resizing.lock();
        let len_bytes = self.len_bytes();
        // It may be longer again.
        if end <= len_bytes {
            return Ok(());
        }
        file.set_len(len_bytes)?;
        Err(Errno(libc::EIO))
    }

    /// Returns when all writes that had returned before are on the medium. Memory has none, and is always flushed.
    ///
    /// # Errors
    ///
    /// What `fdatasync(2)` says. The kernel reports lost bytes once and then forgets them, so after the first failure
    /// every flush of this store fails with the same errno; only opening it anew ends that.
    pub fn flush(&self) -> Result<(), Errno> {
        match &self.image {
            Image::Memory(_) => Ok(()),
            Image::File(file) => file.flush(),
        }
    }

    /// A `try_read` or `try_write` of this range comes soon: in memory, its bytes are on their way to the processor meanwhile.
    pub fn prefetch(&self, offset: u64, len: usize) {
        match &self.image {
            Image::Memory(memory) => memory.prefetch(offset, len),
            Image::File(file) => {
                if let Some(mapped) = file.mapped() {
                    mapped.prefetch(offset, len);
                }
            }
        }
    }

    /// [`Store::read`] for an event loop: `None`, with nothing done, if it could wait. That is when the store is
    /// a file that is not mapped, when somebody writes there now, or when the range touches more than two aligned
    /// mebibytes (up to 1 MiB never does).
    ///
    /// # Safety
    ///
    /// As [`Store::read`].
    pub unsafe fn try_read(&self, offset: u64, into: &[Span]) -> Option<Result<(), Errno>> {
        let image = InMemory::of(&self.image)?;
        let pieces = match self.pieces(offset, into) {
            Ok(pieces) => pieces,
            Err(errno) => return Some(Err(errno)),
        };
        let _shared = try_all(&pieces, |piece| self.stripes.try_share(piece))?;
        let mut cursor = Cursor::new(into);
        for piece in pieces {
            let read = match image {
                // SAFETY: 1. as in `read`. 2. `_shared` keeps writers out of all pieces.
                InMemory::Own(memory) => unsafe { memory.read(piece, &mut cursor) },
                InMemory::Mapped(mapped) => mapped.check(piece).map(|()| {
                    // SAFETY: as above, and it is there.
                    unsafe { mapped.read(piece, &mut cursor) }
                }),
            };
            if read.is_err() {
                return Some(read);
            }
        }
        Some(Ok(()))
    }

    /// [`Store::write`] for an event loop: `None`, with nothing done, if it could wait. That is when the store is
    /// a file that is not mapped, or has no room there yet; when somebody reads or writes there now; or when the
    /// range touches more than two aligned mebibytes (up to 1 MiB never does).
    ///
    /// # Safety
    ///
    /// As [`Store::write`].
    pub unsafe fn try_write(&self, offset: u64, from: &[Span]) -> Option<Result<(), Errno>> {
        let image = InMemory::of(&self.image)?;
        let pieces = match self.writable_pieces(offset, from) {
            Ok(pieces) => pieces,
            Err(errno) => return Some(Err(errno)),
        };
        let _owned = try_all(&pieces, |piece| self.stripes.try_own(piece))?;
        let mut claim = None;
        if let InMemory::Mapped(mapped) = image {
            claim = Some(mapped.claim()?);
            for piece in pieces.clone() {
                if let Err(errno) = mapped.check(piece) {
                    return Some(Err(errno));
                }
                if !mapped.has_room(piece) {
                    return None;
                }
            }
        }
        let mut cursor = Cursor::new(from);
        for piece in pieces {
            let written = match (image, &claim) {
                // SAFETY: 1. as in `read`. 2. `_owned` keeps everybody else out of all pieces.
                (InMemory::Own(memory), _) => unsafe { memory.write(piece, &mut cursor) },
                (InMemory::Mapped(mapped), Some(claim)) => {
                    // SAFETY: as above; it is there, and has room.
                    unsafe { mapped.write(piece, &mut cursor, claim) };
                    Ok(())
                }
                (InMemory::Mapped(_), None) => return None,
            };
            if written.is_err() {
                return Some(written);
            }
        }
        Some(Ok(()))
    }

    fn pieces(&self, offset: u64, spans: &[Span]) -> Result<Pieces, Errno> {
        self.range(offset, span::total(spans).ok_or(Errno(libc::EINVAL))?)
    }

    /// A range of this store.
    pub(crate) fn range(&self, offset: u64, len: u64) -> Result<Pieces, Errno> {
        Pieces::new(offset, len, self.len_bytes()).ok_or(Errno(libc::EINVAL))
    }

    /// A range that may be changed.
    pub(crate) fn writable_range(&self, offset: u64, len: u64) -> Result<Pieces, Errno> {
        if self.read_only() {
            return Err(Errno(libc::EROFS));
        }
        self.range(offset, len)
    }

    fn writable_pieces(&self, offset: u64, spans: &[Span]) -> Result<Pieces, Errno> {
        self.writable_range(offset, span::total(spans).ok_or(Errno(libc::EINVAL))?)
    }
}

/// What can be copied at once.
#[derive(Clone, Copy)]
enum InMemory<'a> {
    Own(&'a Memory),
    Mapped(&'a Mapped),
}

impl<'a> InMemory<'a> {
    fn of(image: &'a Image) -> Option<Self> {
        match image {
            Image::Memory(memory) => Some(Self::Own(memory)),
            Image::File(file) => file.mapped().map(Self::Mapped),
        }
    }
}

/// Locks all pieces, or none: `None` if a lock is taken, or if there are more than [`TRIED_PIECES`].
fn try_all<G>(
    pieces: &Pieces,
    lock: impl Fn(Piece) -> Option<G>,
) -> Option<[Option<G>; TRIED_PIECES]> {
    let mut held = [const { None }; TRIED_PIECES];
    let mut rest = pieces.clone();
    for (guard, piece) in held.iter_mut().zip(&mut rest) {
        *guard = Some(lock(piece)?);
    }
    rest.next().is_none().then_some(held)
}
