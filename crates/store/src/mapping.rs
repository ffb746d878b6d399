//! The one owner of mapped bytes in this crate: zeroed memory of this process, or a file's pages. It may move when it gets another length.

use crate::error::Errno;
use crate::span::Cursor;
use crate::stripe::Piece;
use std::fs::File;
use std::os::fd::{AsRawFd, RawFd};
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::Relaxed};

/// Mapped bytes. They have one owner and are unmapped with it.
///
/// Where they are and how many is atomic because a hint looks without a stripe ([`prefetch`](Self::prefetch)); stripes order all else.
#[derive(Debug)]
pub(crate) struct Mapping {
    base: AtomicPtr<u8>,
    len: AtomicUsize,
}

impl Mapping {
    /// Zeroed memory, which is taken from the system where it is first written.
    pub(crate) fn zeroed(len: usize) -> Result<Self, Errno> {
        let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        Self::new(len, kind, -1)
    }

    /// The first `len` bytes of a file, shared with it. Of a page behind the file's end, a touch is a SIGBUS.
    pub(crate) fn shared(file: &File, len: usize) -> Result<Self, Errno> {
        Self::new(len, libc::MAP_SHARED, file.as_raw_fd())
    }

    fn new(len: usize, kind: libc::c_int, fd: RawFd) -> Result<Self, Errno> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping at an address of the kernel's choice touches nothing that exists.
        let base = unsafe { libc::mmap(ptr::null_mut(), len, protection, kind, fd, 0) };
        if base == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        Ok(Self {
            base: AtomicPtr::new(base.cast()),
            len: AtomicUsize::new(len),
        })
    }

    pub(crate) fn base(&self) -> *mut u8 {
        self.base.load(Relaxed)
    }

    pub(crate) fn len(&self) -> usize {
        self.len.load(Relaxed)
    }

    /// Gives it another length, at another place if need be. Whole pages behind the new end are gone; new ones are the file's, or zeros.
    ///
    /// # Safety
    ///
    /// Nobody uses the mapping meanwhile, or an address of it afterwards.
    pub(crate) unsafe fn resize(&self, len: usize) -> Result<(), Errno> {
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

    /// `EIO` for a piece that is no longer there. The caller holds its stripe, so what is found stays true.
    pub(crate) fn check(&self, piece: Piece) -> Result<(), Errno> {
        let end = piece.offset + piece.len as u64;
        if end <= self.len() as u64 {
            return Ok(());
        }
        Err(Errno(libc::EIO))
    }

    /// Copies `piece` to where the cursor stands, and moves the cursor.
    ///
    /// # Safety
    ///
    /// 1. The cursor has `piece.len` bytes ahead, which stay mapped, are writable, and lie outside this mapping.
    /// 2. The piece has passed [`check`](Self::check), and nobody writes it meanwhile: the caller holds its stripe.
    pub(crate) unsafe fn read(&self, piece: Piece, into: &mut Cursor<'_>) {
        let mut done = 0;
        while let Some(span) = into.first(piece.len - done).filter(|span| span.len > 0) {
            // SAFETY: by 2 `offset + done` lies within the mapping, whose length fits an `isize`.
            let from = unsafe { self.base().add(piece.offset as usize + done) };
            // SAFETY: both ranges are mapped for `span.len` bytes, and apart. By 2 the source does not change.
            // The destination belongs to a peer, which may touch it at any time from a process of its own: then these
            // bytes are undefined to it, and nothing here ever looks at them.
            unsafe { ptr::copy_nonoverlapping(from, span.ptr, span.len) };
            done += span.len;
            into.advance(span.len);
        }
    }

    /// Copies from where the cursor stands to `piece`, and moves the cursor.
    ///
    /// # Safety
    ///
    /// 1. The cursor has `piece.len` bytes ahead, which stay mapped, are readable, and lie outside this mapping.
    /// 2. The piece has passed [`check`](Self::check), and nobody reads or writes it meanwhile: the caller has its stripe to itself.
    pub(crate) unsafe fn write(&self, piece: Piece, from: &mut Cursor<'_>) {
        let mut done = 0;
        while let Some(span) = from.first(piece.len - done).filter(|span| span.len > 0) {
            // SAFETY: by 2 `offset + done` lies within the mapping, whose length fits an `isize`.
            let into = unsafe { self.base().add(piece.offset as usize + done) };
            // SAFETY: both ranges are mapped for `span.len` bytes, and apart. By 2 the destination is ours.
            // The source belongs to a peer, which may change it meanwhile from a process of its own: then its own
            // bytes arrive torn. They are copied as bytes, and no decision is taken on their value.
            unsafe { ptr::copy_nonoverlapping(span.ptr.cast_const(), into, span.len) };
            done += span.len;
            from.advance(span.len);
        }
    }

    /// Has the processor fetch these bytes meanwhile, where there is an instruction for it. Bytes outside the mapping are none.
    pub(crate) fn prefetch(&self, offset: u64, len: usize) {
        #[cfg(target_arch = "x86_64")]
        for at in (0..len).step_by(LINE) {
            let address = self.base().wrapping_add(offset as usize + at);
            // SAFETY: a hint: it reads nothing that the program sees, and an address outside of any mapping is ignored.
            unsafe { core::arch::x86_64::_mm_prefetch::<PREFETCH>(address.cast()) };
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (offset, len);
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, has this length, and nothing refers to it any more.
        unsafe { libc::munmap(self.base().cast(), self.len()) };
    }
}

/// A length that a mapping can have: `isize::MAX` is the most that pointer arithmetic allows within one object.
pub(crate) fn possible(len_bytes: u64) -> Option<usize> {
    let len = isize::try_from(len_bytes).ok().filter(|&len| len > 0);
    len.map(isize::cast_unsigned)
}

#[cfg(target_arch = "x86_64")]
const LINE: usize = 64;
#[cfg(target_arch = "x86_64")]
const PREFETCH: i32 = core::arch::x86_64::_MM_HINT_T1;
