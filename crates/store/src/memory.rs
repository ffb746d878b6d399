//! The image in memory: one private anonymous mapping, zero-filled, that takes memory only where it was written.
//!
//! Which pages were written is noted, a bit a page, in a second mapping of that kind: the kernel would tell of the
//! pages that it holds, and a page that was only read is one of them.
//!
//! Both may move when the image gets another length. Whoever touches them holds a stripe, and whoever moves them holds all
//! of them; what was started before, and is about bytes that are gone, finds that out under its stripe.

use crate::error::{Errno, StoreError};
use crate::mapping::{Mapping, possible};
use crate::notes::Notes;
use crate::span::Cursor;
use crate::stripe::Piece;
use std::ptr;

/// What is let go of at a time, and noted as written. The system's pages are as large, or larger by a power of two: then
/// what is released is zeroed, and stays in memory.
pub(crate) const PAGE: usize = 4096;
/// The largest page of a system that this runs on (64 KiB on some arm64 kernels).
const LARGEST_PAGE: usize = 64 << 10;

/// The image, and the notes of what is in it.
#[derive(Debug)]
pub(crate) struct Memory {
    bytes: Mapping,
    /// The pages that were written.
    written: Notes<PAGE>,
}

impl Memory {
    pub(crate) fn new(len_bytes: u64) -> Result<Self, StoreError> {
        let Some(len) = possible(len_bytes) else {
            return Err(StoreError::Length { len_bytes });
        };
        let refused = |errno| StoreError::Memory { len_bytes, errno };
        let bytes = Mapping::zeroed(len).map_err(refused)?;
        let written = Notes::new(len).map_err(refused)?;
        // A kernel without transparent huge pages refuses this, and nothing is lost.
        // SAFETY: the range is the mapping just made; the advice changes no byte of it.
        unsafe { libc::madvise(bytes.base().cast(), len, libc::MADV_HUGEPAGE) };
        Ok(Self { bytes, written })
    }

    /// Gives the image another length, by zeros that take no memory, or by cutting it.
    ///
    /// # Errors
    ///
    /// `EINVAL` for a length that none can have, `ENOMEM` where the system has no room for it: the length is as before then.
    ///
    /// # Safety
    ///
    /// The caller has every stripe to itself.
    pub(crate) unsafe fn resize(&self, len_bytes: u64) -> Result<(), Errno> {
        let len = possible(len_bytes).ok_or(Errno(libc::EINVAL))?;
        let before = self.bytes.len();
        if len > before {
            // The notes first: for longer ones there is always a use.
            // SAFETY: the contract is the caller's.
            unsafe { self.written.resize(len) }?;
        } else {
            // The system cuts at its pages; what is left of the last one, and its notes, must not come back later.
            let rest = len.next_multiple_of(LARGEST_PAGE).min(before) - len;
            // SAFETY: `len` is at most the length of the mapping.
            let end = unsafe { self.bytes.base().add(len) };
            // SAFETY: these bytes lie within the mapping, and are ours alone, as all of it.
            unsafe { ptr::write_bytes(end, 0, rest) };
            self.written
                .set(len.div_ceil(PAGE)..before.div_ceil(PAGE), false);
        }
        // SAFETY: the image is touched under a stripe, all of which the caller has.
        unsafe { self.bytes.resize(len) }
    }

    /// Makes `piece` zeros. Its whole pages go back to the system.
    ///
    /// # Errors
    ///
    /// `EIO` for a piece that is no longer there.
    ///
    /// # Safety
    ///
    /// Nobody reads or writes this piece of the image meanwhile: the caller has its stripe to itself.
    pub(crate) unsafe fn release(&self, piece: Piece) -> Result<(), Errno> {
        self.bytes.check(piece)?;
        let (start, end) = (piece.offset as usize, piece.offset as usize + piece.len);
        // The last page of the image is whole, whatever its length.
        let whole_end = if end == self.bytes.len() {
            end.div_ceil(PAGE)
        } else {
            end / PAGE
        };
        let first = start.div_ceil(PAGE).min(whole_end);
        let (zeroed_to, zeroed_from) = if first < whole_end {
            (first * PAGE, (whole_end * PAGE).min(end))
        } else {
            (end, end)
        };
        for part in [start..zeroed_to.min(end), zeroed_from..end] {
            // SAFETY: checked above: the part lies within the mapping, whose length fits an `isize`.
            let from = unsafe { self.bytes.base().add(part.start) };
            // SAFETY: these bytes are mapped, and by contract ours alone.
            unsafe { ptr::write_bytes(from, 0, part.len()) };
        }
        if first >= whole_end {
            return Ok(());
        }
        let len = zeroed_from - zeroed_to;
        // SAFETY: within the mapping, as above.
        let from = unsafe { self.bytes.base().add(zeroed_to) };
        // SAFETY: whole pages of the mapping, which the contract says are ours alone; they read as zeros from now on.
        let released = unsafe { libc::madvise(from.cast(), len, libc::MADV_DONTNEED) };
        if released != 0 {
            // Pages larger than ours, or locked ones.
            // SAFETY: as above.
            unsafe { ptr::write_bytes(from, 0, len) };
        }
        self.written.set(first..whole_end, false);
        Ok(())
    }

    /// Up to where the image is as it is at `offset`, and whether it was written there. Others may write meanwhile: then it is
    /// an answer of before or after that. The caller holds a stripe, whichever.
    ///
    /// # Errors
    ///
    /// `EIO` for an offset that is no longer there.
    pub(crate) fn extent(&self, offset: u64) -> Result<(u64, bool), Errno> {
        self.bytes.check(Piece { offset, len: 1 })?;
        let pages = self.bytes.len().div_ceil(PAGE);
        let (written, end) = self.written.run(offset as usize / PAGE, pages);
        Ok(((end * PAGE).min(self.bytes.len()) as u64, written))
    }

    /// Copies `piece` of the image to where the cursor stands, and moves the cursor.
    ///
    /// # Errors
    ///
    /// `EIO` for a piece that is no longer there.
    ///
    /// # Safety
    ///
    /// 1. The cursor has `piece.len` bytes ahead, which stay mapped, are writable, and lie outside this image.
    /// 2. Nobody writes this piece of the image meanwhile: the caller holds its stripe.
    pub(crate) unsafe fn read(&self, piece: Piece, into: &mut Cursor<'_>) -> Result<(), Errno> {
        self.bytes.check(piece)?;
        // SAFETY: the contract is the caller's.
        unsafe { self.bytes.read(piece, into) };
        Ok(())
    }

    /// A read of these bytes comes soon.
    pub(crate) fn prefetch(&self, offset: u64, len: usize) {
        self.bytes.prefetch(offset, len);
    }

    /// Copies from where the cursor stands to `piece` of the image, and moves the cursor.
    ///
    /// # Errors
    ///
    /// `EIO` for a piece that is no longer there.
    ///
    /// # Safety
    ///
    /// 1. The cursor has `piece.len` bytes ahead, which stay mapped, are readable, and lie outside this image.
    /// 2. Nobody reads or writes this piece of the image meanwhile: the caller has its stripe to itself.
    pub(crate) unsafe fn write(&self, piece: Piece, from: &mut Cursor<'_>) -> Result<(), Errno> {
        self.bytes.check(piece)?;
        // SAFETY: the contract is the caller's.
        unsafe { self.bytes.write(piece, from) };
        let start = piece.offset as usize;
        self.written
            .set(start / PAGE..(start + piece.len).div_ceil(PAGE), true);
        Ok(())
    }
}
