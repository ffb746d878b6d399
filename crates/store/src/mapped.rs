//! A file's bytes on tmpfs as memory: what an event loop copies by itself where that neither waits nor fails.
//!
//! Its pages are the system's memory: a touch waits as one of the process's own memory does, for swap at most. On a file system with a disk
//! behind it, a touch would wait for the disk, and for a journal.
//!
//! A touch of a mapped page has no errno. Where the file system must find room for it first and has none, it is a SIGBUS: on a hole a read is one, too.
//! So no page is touched here before its room is there, which is noted:
//!
//! - *written*: this page was written once, by whichever way. Any other is zeros, which take no touch. Reading one that was needs no room.
//! - *room*: the file system has room for all of this granule (fallocate(2)), and keeps it. Only there is anything written.
//!
//! A thread makes that room, before it writes by its system calls as for any file (`file`): where it does not come about, for want
//! of room, threads go on writing there, and hear so by an errno. What is given back loses its room with its bytes.

use crate::error::Errno;
use crate::intent::{self, Claim, Intent};
use crate::mapping::{Mapping, possible};
use crate::memory::PAGE;
use crate::notes::Notes;
use crate::span::Cursor;
use crate::stripe::{CHUNK, Piece};
use sgring_kill_points::kill_point;
use std::fs::File;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;

/// What room is made for at a time: a page of the system at least, on any.
const GRANULE: usize = 64 << 10;
// Who has a chunk's stripe has those of its granules.
const _: () = assert!((CHUNK as usize).is_multiple_of(GRANULE) && GRANULE.is_multiple_of(PAGE));

/// The mapped file, and what is known of its pages.
#[derive(Debug)]
pub(crate) struct Mapped {
    bytes: Mapping,
    written: Notes<PAGE>,
    room: Notes<GRANULE>,
    /// What the file's copies have in common: the file, by its number, and what is being copied.
    number: u64,
    intent: Intent,
}

impl Mapped {
    /// Maps a file of `len_bytes`. `extent` says what it holds, as `FileImage::extent` does.
    ///
    /// # Errors
    ///
    /// What `mmap(2)` says, `EFBIG` for more than an address space has, and those of `extent`.
    pub(crate) fn new(
        file: &File,
        len_bytes: u64,
        intent: Intent,
        extent: impl Fn(u64) -> Result<(u64, bool), Errno>,
    ) -> Result<Self, Errno> {
        let len = possible(len_bytes).ok_or(Errno(libc::EFBIG))?;
        let mapped = Self {
            bytes: Mapping::shared(file, len)?,
            written: Notes::new(len)?,
            room: Notes::new(len)?,
            number: file.metadata()?.ino(),
            intent,
        };
        mapped.note_found(0..len_bytes, extent)?;
        Ok(mapped)
    }

    /// `EIO` for a piece that is no longer there. The caller holds its stripe, so what is found stays true.
    pub(crate) fn check(&self, piece: Piece) -> Result<(), Errno> {
        self.bytes.check(piece)
    }

    /// Copies `piece` to where the cursor stands, and moves the cursor.
    ///
    /// # Safety
    ///
    /// As for [`Mapping::read`].
    pub(crate) unsafe fn read(&self, piece: Piece, into: &mut Cursor<'_>) {
        let end = piece.offset + piece.len as u64;
        let last = parts::<PAGE>(piece.offset, end).end;
        let mut offset = piece.offset;
        while offset < end {
            let (written, until) = self.written.run(offset as usize / PAGE, last);
            let until = ((until * PAGE) as u64).min(end);
            let part = Piece {
                offset,
                len: (until - offset) as usize,
            };
            if written {
                // SAFETY: a part of the caller's piece.
                unsafe { self.bytes.read(part, into) };
            } else {
                // SAFETY: the cursor has these bytes ahead, writable.
                unsafe { into.zero(part.len) };
            }
            offset = until;
        }
    }

    /// Whether nothing stands in the way of a write there. The caller holds the stripe.
    pub(crate) fn has_room(&self, piece: Piece) -> bool {
        self.room.all(granules(piece))
    }

    /// The right to write. `None` while somebody else does.
    pub(crate) fn claim(&self) -> Option<Claim<'_>> {
        self.intent.claim()
    }

    /// Copies from where the cursor stands to `piece`, and moves the cursor. A kill in the middle of it tears no block.
    ///
    /// # Safety
    ///
    /// As for [`Mapping::write`]; and the piece [has room](Self::has_room).
    pub(crate) unsafe fn write(&self, piece: Piece, from: &mut Cursor<'_>, claim: &Claim<'_>) {
        let end = piece.offset + piece.len as u64;
        let mut offset = piece.offset;
        while offset < end {
            let next = (offset + 1).next_multiple_of(intent::PART as u64).min(end);
            // SAFETY: the piece lies within the mapping, whose length fits an `isize`.
            let to = unsafe { self.bytes.base().add(offset as usize) };
            let len = (next - offset) as usize;
            // SAFETY: 1. the cursor has the whole piece ahead; 2. the caller has its stripe to itself.
            unsafe { claim.copy(from, len, to, (self.number, offset)) };
            offset = next;
        }
        self.note_written(piece);
    }

    /// Before somebody writes there by a system call: the room, so that the next write needs none. The caller has the stripe to itself.
    pub(crate) fn make_room(&self, file: &File, piece: Piece) {
        if self.has_room(piece) {
            return;
        }
        let granules = granules(piece);
        let (start, end) = (granules.start * GRANULE, granules.end * GRANULE);
        let len = end.min(self.bytes.len()) - start;
        // SAFETY: it takes numbers, and touches no memory.
        let made = unsafe {
            libc::fallocate(
                file.as_raw_fd(),
                libc::FALLOC_FL_KEEP_SIZE,
                start as libc::off_t,
                len as libc::off_t,
            )
        };
        kill_point();
        // Else tmpfs has taken back what it had allocated, and the write that follows finds room for itself, or says why not.
        if made == 0 {
            self.room.set(granules, true);
        }
    }

    /// Notes what the file holds of a range, as `extent` says, `FileImage::extent`. The caller has its stripe to itself.
    ///
    /// # Errors
    ///
    /// Those of `extent`: then not all is noted.
    pub(crate) fn note_found(
        &self,
        range: Range<u64>,
        extent: impl Fn(u64) -> Result<(u64, bool), Errno>,
    ) -> Result<(), Errno> {
        let mut offset = range.start;
        while offset < range.end {
            let (end, allocated) = extent(offset)?;
            let end = end.min(range.end);
            if allocated {
                self.written.set(parts::<PAGE>(offset, end), true);
            }
            offset = end;
        }
        Ok(())
    }

    /// Somebody has written there by a system call. The caller has the stripe to itself.
    pub(crate) fn note_written(&self, piece: Piece) {
        let end = piece.offset + piece.len as u64;
        self.written.set(parts::<PAGE>(piece.offset, end), true);
    }

    /// Before a hole is made there. The caller has the stripe to itself.
    pub(crate) fn note_released(&self, piece: Piece) {
        self.room.set(granules(piece), false);
    }

    /// The hole is there: whole pages of it are as if they never had been written. The caller has the stripe to itself.
    pub(crate) fn note_hole(&self, piece: Piece) {
        let (start, end) = (piece.offset as usize, piece.offset as usize + piece.len);
        self.written.set(start.div_ceil(PAGE)..end / PAGE, false);
    }

    /// Another length for the file, by `set_len`, and for its mapping.
    ///
    /// # Errors
    ///
    /// What `set_len` says, `EINVAL` and `ENOMEM` for what cannot be mapped. Then the length is as before, unless the file cannot be cut again.
    ///
    /// # Safety
    ///
    /// The caller has every stripe to itself.
    pub(crate) unsafe fn resize(
        &self,
        len_bytes: u64,
        set_len: impl Fn(u64) -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        let len = possible(len_bytes).ok_or(Errno(libc::EINVAL))?;
        let before = self.bytes.len();
        // The longer of the two is the file, whatever fails: what is mapped is there.
        if len > before {
            // SAFETY: the contract is the caller's.
            unsafe { self.written.resize(len) }?;
            // SAFETY: as above.
            unsafe { self.room.resize(len) }?;
            set_len(len_bytes)?;
        }
        // SAFETY: the image is touched under a stripe, all of which the caller has.
        unsafe { self.bytes.resize(len) }.inspect_err(|_| {
            // What cannot be taken back is a hole behind the end of what is served.
            let _cut = set_len(before as u64);
        })?;
        if len < before {
            set_len(len_bytes).inspect_err(|_| {
                // Where that fails, too, what was cut off is `EIO`.
                // SAFETY: as above.
                let _back = unsafe { self.bytes.resize(before) };
            })?;
            self.written
                .set(len.div_ceil(PAGE)..before.div_ceil(PAGE), false);
        }
        // The last granule had room up to the end.
        let end = len.min(before) / GRANULE;
        self.room.set(end..before.div_ceil(GRANULE), false);
        Ok(())
    }

    /// The next transfer of these bytes comes soon.
    pub(crate) fn prefetch(&self, offset: u64, len: usize) {
        self.bytes.prefetch(offset, len);
    }
}

fn granules(piece: Piece) -> Range<usize> {
    parts::<GRANULE>(piece.offset, piece.offset + piece.len as u64)
}

/// The parts that a range touches.
fn parts<const PART: usize>(start: u64, end: u64) -> Range<usize> {
    start as usize / PART..(end as usize).div_ceil(PART)
}
