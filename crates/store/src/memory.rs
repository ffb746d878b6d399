//! The image in memory: one private anonymous mapping, zero-filled, that takes memory only where it was written.

use crate::error::{Errno, StoreError};
use crate::span::Cursor;
use crate::stripe::Piece;
use std::ptr::{self, NonNull};

/// The mapping. It has one owner and is unmapped with it.
#[derive(Debug)]
pub(crate) struct Memory {
    base: NonNull<u8>,
    len: usize,
}

// SAFETY: the mapping belongs to the process, not to a thread.
unsafe impl Send for Memory {}
// SAFETY: `&self` gives no access to the bytes but through `read` and `write`, whose contracts exclude data races.
unsafe impl Sync for Memory {}

impl Memory {
    pub(crate) fn new(len_bytes: u64) -> Result<Self, StoreError> {
        // `isize::MAX` is the most that pointer arithmetic allows within one object.
        let len = isize::try_from(len_bytes).ok().filter(|&len| len > 0);
        let Some(len) = len.map(isize::cast_unsigned) else {
            return Err(StoreError::Length { len_bytes });
        };
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a new mapping at an address of the kernel's choice touches nothing that exists.
        let base = unsafe { libc::mmap(ptr::null_mut(), len, protection, flags, -1, 0) };
        let base = NonNull::new(base.cast::<u8>()).filter(|_| base != libc::MAP_FAILED);
        let Some(base) = base else {
            return Err(StoreError::Memory {
                len_bytes,
                errno: Errno::last(),
            });
        };
        // A kernel without transparent huge pages refuses this, and nothing is lost.
        // SAFETY: the range is the mapping just made; the advice changes no byte of it.
        unsafe { libc::madvise(base.as_ptr().cast(), len, libc::MADV_HUGEPAGE) };
        Ok(Self { base, len })
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
            let from = unsafe { self.base.as_ptr().add(piece.offset as usize + done) };
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
            let address = self.base.as_ptr().wrapping_add(offset as usize + at);
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
            let into = unsafe { self.base.as_ptr().add(piece.offset as usize + done) };
            // SAFETY: 1 and 2: both ranges are mapped for `span.len` bytes, and apart. By 3 the destination is ours.
            // The source belongs to a peer, which may change it meanwhile from a process of its own: then its own
            // bytes arrive torn. They are copied as bytes, and no decision is taken on their value.
            unsafe { ptr::copy_nonoverlapping(span.ptr.cast_const(), into, span.len) };
            done += span.len;
            from.advance(span.len);
        }
    }
}

#[cfg(target_arch = "x86_64")]
const LINE: usize = 64;
#[cfg(target_arch = "x86_64")]
const PREFETCH: i32 = core::arch::x86_64::_MM_HINT_T1;

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, was made with this length, and nothing refers to it any more.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.len) };
    }
}
