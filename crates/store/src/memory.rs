//! The image in memory: one private anonymous mapping, zero-filled, that takes memory only where it was written.
//!
//! Which pages were written is noted, a bit a page, in a second mapping of that kind: the kernel would tell of the
//! pages that it holds, and a page that was only read is one of them.

use crate::error::{Errno, StoreError};
use crate::span::Cursor;
use crate::stripe::{CHUNK, Piece};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What is let go of at a time, and noted as written. The system's pages are as large, or larger by a power of two: then
/// what is released is zeroed, and stays in memory.
pub(crate) const PAGE: usize = 4096;
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
#[derive(Debug)]
struct Mapping {
    base: NonNull<u8>,
    len: usize,
}

// SAFETY: the mapping belongs to the process, not to a thread.
unsafe impl Send for Mapping {}
// SAFETY: `&self` gives no access to the bytes but through `Memory`: as atomics, or by functions whose contracts exclude data races.
unsafe impl Sync for Mapping {}

impl Mapping {
    fn new(len: usize) -> Result<Self, Errno> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a new mapping at an address of the kernel's choice touches nothing that exists.
        let base = unsafe { libc::mmap(ptr::null_mut(), len, protection, flags, -1, 0) };
        let base = NonNull::new(base.cast::<u8>()).filter(|_| base != libc::MAP_FAILED);
        let Some(base) = base else {
            return Err(Errno::last());
        };
        Ok(Self { base, len })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, was made with this length, and nothing refers to it any more.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.len) };
    }
}

impl Memory {
    pub(crate) fn new(len_bytes: u64) -> Result<Self, StoreError> {
        // `isize::MAX` is the most that pointer arithmetic allows within one object.
        let len = isize::try_from(len_bytes).ok().filter(|&len| len > 0);
        let Some(len) = len.map(isize::cast_unsigned) else {
            return Err(StoreError::Length { len_bytes });
        };
        let refused = |errno| StoreError::Memory { len_bytes, errno };
        let bytes = Mapping::new(len).map_err(refused)?;
        let words = len.div_ceil(PAGE * WORD_PAGES);
        let written = Mapping::new(words * size_of::<u64>()).map_err(refused)?;
        // A kernel without transparent huge pages refuses this, and nothing is lost.
        // SAFETY: the range is the mapping just made; the advice changes no byte of it.
        unsafe { libc::madvise(bytes.base.as_ptr().cast(), len, libc::MADV_HUGEPAGE) };
        Ok(Self { bytes, written })
    }

    /// The note of a page, and of those beside it.
    fn word(&self, index: usize) -> &AtomicU64 {
        debug_assert!(index < self.written.len / size_of::<u64>());
        let words = self.written.base.as_ptr().cast::<u64>();
        // SAFETY: `index` is that of a page of the image, for each of which there is a bit in the mapping.
        let word = unsafe { words.add(index) };
        // SAFETY: 1. Aligned, as a page is, and mapped for as long as `self`. 2. Nobody touches it but as this atomic.
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

    /// Makes `piece` zeros. Its whole pages go back to the system.
    ///
    /// # Safety
    ///
    /// 1. `piece` lies within the image.
    /// 2. Nobody reads or writes this piece of the image meanwhile.
    pub(crate) unsafe fn release(&self, piece: Piece) {
        let (start, end) = (piece.offset as usize, piece.offset as usize + piece.len);
        // The last page of the image is whole, whatever its length.
        let whole_end = if end == self.bytes.len {
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
            // SAFETY: 1: the part lies within the mapping, whose length fits an `isize`.
            let from = unsafe { self.bytes.base.as_ptr().add(part.start) };
            // SAFETY: 1 and 2: these bytes are mapped, and ours alone.
            unsafe { ptr::write_bytes(from, 0, part.len()) };
        }
        if first >= whole_end {
            return;
        }
        let len = zeroed_from - zeroed_to;
        // SAFETY: 1: within the mapping, as above.
        let from = unsafe { self.bytes.base.as_ptr().add(zeroed_to) };
        // SAFETY: whole pages of the mapping, which 2 says are ours alone; they read as zeros from now on.
        let released = unsafe { libc::madvise(from.cast(), len, libc::MADV_DONTNEED) };
        if released != 0 {
            // Pages larger than ours, or locked ones.
            // SAFETY: as above.
            unsafe { ptr::write_bytes(from, 0, len) };
        }
        self.note(first, whole_end, false);
    }

    /// Up to where the image is as it is at `offset`, and whether it was written there. Others may write meanwhile: then it is
    /// an answer of before or after that.
    pub(crate) fn extent(&self, offset: u64) -> (u64, bool) {
        let pages = self.bytes.len.div_ceil(PAGE);
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
        ((page * PAGE).min(self.bytes.len) as u64, written)
    }

    /// Copies `piece` of the image to where the cursor stands, and moves the cursor.
    ///
    /// # Safety
    ///
    /// 1. The cursor has `piece.len` bytes ahead, which stay mapped, are writable, and lie outside this image.
    /// 2. `piece` lies within the image.
    /// 3. Nobody writes this piece of the image meanwhile.
    pub(crate) unsafe fn read(&self, piece: Piece, into: &mut Cursor<'_>) {
        let mut done = 0;
        while let Some(span) = into.first(piece.len - done).filter(|span| span.len > 0) {
            // SAFETY: 2: `offset + done` lies within the mapping, whose length fits an `isize`.
            let from = unsafe { self.bytes.base.as_ptr().add(piece.offset as usize + done) };
            // SAFETY: 1 and 2: both ranges are mapped for `span.len` bytes, and apart. By 3 the source does not change.
            // The destination belongs to a peer, which may touch it at any time from a process of its own: then these
            // bytes are undefined to it, and nothing here ever looks at them.
            unsafe { ptr::copy_nonoverlapping(from, span.ptr, span.len) };
            done += span.len;
            into.advance(span.len);
        }
    }

    /// Has the processor fetch these bytes meanwhile, where there is an instruction for it. Bytes outside the image are none.
    pub(crate) fn prefetch(&self, offset: u64, len: usize) {
        #[cfg(target_arch = "x86_64")]
        for at in (0..len).step_by(LINE) {
            let address = self.bytes.base.as_ptr().wrapping_add(offset as usize + at);
            // SAFETY: a hint: it reads nothing that the program sees, and an address outside of any mapping is ignored.
            unsafe { core::arch::x86_64::_mm_prefetch::<PREFETCH>(address.cast()) };
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (offset, len);
    }

    /// Copies from where the cursor stands to `piece` of the image, and moves the cursor.
    ///
    /// # Safety
    ///
    /// 1. The cursor has `piece.len` bytes ahead, which stay mapped, are readable, and lie outside this image.
    /// 2. `piece` lies within the image.
    /// 3. Nobody reads or writes this piece of the image meanwhile.
    pub(crate) unsafe fn write(&self, piece: Piece, from: &mut Cursor<'_>) {
        let mut done = 0;
        while let Some(span) = from.first(piece.len - done).filter(|span| span.len > 0) {
            // SAFETY: 2: `offset + done` lies within the mapping, whose length fits an `isize`.
            let into = unsafe { self.bytes.base.as_ptr().add(piece.offset as usize + done) };
            // SAFETY: 1 and 2: both ranges are mapped for `span.len` bytes, and apart. By 3 the destination is ours.
            // The source belongs to a peer, which may change it meanwhile from a process of its own: then its own
            // bytes arrive torn. They are copied as bytes, and no decision is taken on their value.
            unsafe { ptr::copy_nonoverlapping(span.ptr.cast_const(), into, span.len) };
            done += span.len;
            from.advance(span.len);
        }
        let start = piece.offset as usize;
        self.note(start / PAGE, (start + piece.len).div_ceil(PAGE), true);
    }
}

#[cfg(target_arch = "x86_64")]
const LINE: usize = 64;
#[cfg(target_arch = "x86_64")]
const PREFETCH: i32 = core::arch::x86_64::_MM_HINT_T1;
