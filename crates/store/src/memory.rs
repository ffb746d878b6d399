//! The image in memory: one private anonymous mapping, zero-filled, that takes memory only where it was written.
//!
//! Which pages were written is noted, a bit a page, in a second mapping of that kind: the kernel would tell of the
//! pages that it holds, and a page that was only read is one of them.
//!
//! Both may move when the image gets another length. Whoever touches them holds a stripe, and whoever moves them holds all
//! of them; what was started before, and is about bytes that are gone, finds that out under its stripe.

use crate::error::{Errno, StoreError};
use crate::span::Cursor;
use crate::stripe::{CHUNK, Piece};
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// What is let go of at a time, and noted as written. The system's pages are as large, or larger by a power of two: then
/// what is released is zeroed, and stays in memory.
pub(crate) const PAGE: usize = 4096;
/// The largest page of a system that this runs on (64 KiB on some arm64 kernels).
const LARGEST_PAGE: usize = 64 << 10;
/// Pages that one word of the notes stands for.
const WORD_PAGES: usize = 64;
// A word lies in one chunk, so whoever has a chunk's stripe is alone with its words.
const _: () = assert!((CHUNK as usize).is_multiple_of(PAGE * WORD_PAGES));

/// The image, and the notes of what is in it.
#[derive(Debug)]
pub(crate) struct Memory {
    bytes: Mapping,
    /// A bit for each page that was written: 64-bit words.
    written: Mapping,
}

/// Zeroed memory. It has one owner and is unmapped with it.
///
/// Where it is and how long is atomic because a hint looks without a stripe (`Memory::prefetch`); stripes order all else.
#[derive(Debug)]
struct Mapping {
    base: AtomicPtr<u8>,
    len: AtomicUsize,
}

impl Mapping {
    fn new(len: usize) -> Result<Self, Errno> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a new mapping at an address of the kernel's choice touches nothing that exists.
        let base = unsafe { libc::mmap(ptr::null_mut(), len, protection, flags, -1, 0) };
        if base == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        Ok(Self {
            base: AtomicPtr::new(base.cast()),
            len: AtomicUsize::new(len),
        })
    }

    fn base(&self) -> *mut u8 {
        self.base.load(Relaxed)
    }

    fn len(&self) -> usize {
        self.len.load(Relaxed)
    }

    /// Gives it another length, at another place if need be. Whole pages behind the new end are gone; new ones are zeros.
    ///
    /// # Safety
    ///
    /// Nobody uses the mapping meanwhile, or an address of it afterwards.
    unsafe fn resize(&self, len: usize) -> Result<(), Errno> {
        // SAFETY: the range is the whole of this mapping, which the contract leaves to us alone.
        let base =
            unsafe { libc::mremap(self.base().cast(), self.len(), len, libc::MREMAP_MAYMOVE) };
        if base == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        self.base.store(base.cast(), Relaxed);
        self.len.store(len, Relaxed);
        Ok(())
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, has this length, and nothing refers to it any more.
        unsafe { libc::munmap(self.base().cast(), self.len()) };
    }
}

impl Memory {
    pub(crate) fn new(len_bytes: u64) -> Result<Self, StoreError> {
        let Some(len) = possible(len_bytes) else {
            return Err(StoreError::Length { len_bytes });
        };
        let refused = |errno| StoreError::Memory { len_bytes, errno };
        let bytes = Mapping::new(len).map_err(refused)?;
        let written = Mapping::new(notes_len(len)).map_err(refused)?;
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
            // SAFETY: notes are touched under a stripe, all of which the caller has.
            unsafe { self.written.resize(notes_len(len)) }?;
        } else {
            // The system cuts at its pages; what is left of the last one, and its notes, must not come back later.
            let rest = len.next_multiple_of(LARGEST_PAGE).min(before) - len;
            // SAFETY: `len` is at most the length of the mapping.
            let end = unsafe { self.bytes.base().add(len) };
            // SAFETY: these bytes lie within the mapping, and are ours alone, as all of it.
            unsafe { ptr::write_bytes(end, 0, rest) };
            self.note(len.div_ceil(PAGE), before.div_ceil(PAGE), false);
        }
        // SAFETY: the image is touched under a stripe, all of which the caller has.
        unsafe { self.bytes.resize(len) }
    }

    /// The note of a page, and of those beside it. The caller holds a stripe.
    fn word(&self, index: usize) -> &AtomicU64 {
        debug_assert!(index < self.written.len() / size_of::<u64>());
        let words = self.written.base().cast::<u64>();
        // SAFETY: `index` is that of a page of the image, for each of which there is a bit in the mapping.
        let word = unsafe { words.add(index) };
        // SAFETY: 1. Aligned, as a page is, and mapped for as long as the caller has its stripe. 2. Nobody touches it but as this atomic.
        unsafe { AtomicU64::from_ptr(word) }
    }

    /// Notes the pages of `piece`, all that it touches, as written or not. The caller has the stripe of it to itself.
    fn note(&self, first: usize, end: usize, written: bool) {
        let mut page = first;
        while page < end {
            let bit = page % WORD_PAGES;
            let count = (WORD_PAGES - bit).min(end - page);
            let mask = (u64::MAX >> (WORD_PAGES - count)) << bit;
            let word = self.word(page / WORD_PAGES);
            let seen = word.load(Relaxed);
            let noted = if written { seen | mask } else { seen & !mask };
            // Most writes go where something was before: their line stays clean.
            if noted != seen {
                word.store(noted, Relaxed);
            }
            page += count;
        }
    }

    /// `EIO` for a piece that is no longer there. The caller holds its stripe, so what is found stays true.
    fn check(&self, piece: Piece) -> Result<(), Errno> {
        let end = piece.offset + piece.len as u64;
        if end <= self.bytes.len() as u64 {
            return Ok(());
        }
        Err(Errno(libc::EIO))
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
        self.check(piece)?;
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
        self.note(first, whole_end, false);
        Ok(())
    }

    /// Up to where the image is as it is at `offset`, and whether it was written there. Others may write meanwhile: then it is
    /// an answer of before or after that. The caller holds a stripe, whichever.
    ///
    /// # Errors
    ///
    /// `EIO` for an offset that is no longer there.
    pub(crate) fn extent(&self, offset: u64) -> Result<(u64, bool), Errno> {
        self.check(Piece { offset, len: 1 })?;
        let pages = self.bytes.len().div_ceil(PAGE);
        let first = offset as usize / PAGE;
        let is_written = |word: u64, page: usize| word >> (page % WORD_PAGES) & 1 == 1;
        let written = is_written(self.word(first / WORD_PAGES).load(Relaxed), first);
        let mut page = first;
        while page < pages {
            let bit = page % WORD_PAGES;
            let word = self.word(page / WORD_PAGES).load(Relaxed) >> bit;
            let same = if written {
                word.trailing_ones()
            } else {
                word.trailing_zeros()
            };
            let same = (same as usize).min(WORD_PAGES - bit);
            page += same;
            if same < WORD_PAGES - bit {
                break;
            }
        }
        Ok(((page * PAGE).min(self.bytes.len()) as u64, written))
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
        self.check(piece)?;
        let mut done = 0;
        while let Some(span) = into.first(piece.len - done).filter(|span| span.len > 0) {
            // SAFETY: checked above: `offset + done` lies within the mapping, whose length fits an `isize`.
            let from = unsafe { self.bytes.base().add(piece.offset as usize + done) };
            // SAFETY: by 1 and the check both ranges are mapped for `span.len` bytes, and apart. By 2 the source does not change.
            // The destination belongs to a peer, which may touch it at any time from a process of its own: then these
            // bytes are undefined to it, and nothing here ever looks at them.
            unsafe { ptr::copy_nonoverlapping(from, span.ptr, span.len) };
            done += span.len;
            into.advance(span.len);
        }
        Ok(())
    }

    /// Has the processor fetch these bytes meanwhile, where there is an instruction for it. Bytes outside the image are none.
    pub(crate) fn prefetch(&self, offset: u64, len: usize) {
        #[cfg(target_arch = "x86_64")]
        for at in (0..len).step_by(LINE) {
            let address = self.bytes.base().wrapping_add(offset as usize + at);
            // SAFETY: a hint: it reads nothing that the program sees, and an address outside of any mapping is ignored.
            unsafe { core::arch::x86_64::_mm_prefetch::<PREFETCH>(address.cast()) };
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (offset, len);
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
        self.check(piece)?;
        let mut done = 0;
        while let Some(span) = from.first(piece.len - done).filter(|span| span.len > 0) {
            // SAFETY: checked above: `offset + done` lies within the mapping, whose length fits an `isize`.
            let into = unsafe { self.bytes.base().add(piece.offset as usize + done) };
            // SAFETY: by 1 and the check both ranges are mapped for `span.len` bytes, and apart. By 2 the destination is ours.
            // The source belongs to a peer, which may change it meanwhile from a process of its own: then its own
            // bytes arrive torn. They are copied as bytes, and no decision is taken on their value.
            unsafe { ptr::copy_nonoverlapping(span.ptr.cast_const(), into, span.len) };
            done += span.len;
            from.advance(span.len);
        }
        let start = piece.offset as usize;
        self.note(start / PAGE, (start + piece.len).div_ceil(PAGE), true);
        Ok(())
    }
}

/// A length that a mapping can have: `isize::MAX` is the most that pointer arithmetic allows within one object.
fn possible(len_bytes: u64) -> Option<usize> {
    let len = isize::try_from(len_bytes).ok().filter(|&len| len > 0);
    len.map(isize::cast_unsigned)
}

/// Bytes of the notes for an image of `len`.
fn notes_len(len: usize) -> usize {
    len.div_ceil(PAGE * WORD_PAGES) * size_of::<u64>()
}

#[cfg(target_arch = "x86_64")]
const LINE: usize = 64;
#[cfg(target_arch = "x86_64")]
const PREFETCH: i32 = core::arch::x86_64::_MM_HINT_T1;
