//! A buffer in one piece for a command whose bytes lie in several, where the kernel takes but one.

use crate::{Errno, Span};
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;

/// Stricter than any queue's `dma_alignment`: so the kernel does not bounce it again.
const ALIGN: usize = 4096;

/// Private memory that the kernel may be using: only ever copied from and to, never borrowed.
#[derive(Debug)]
pub(crate) struct Bounce {
    start: NonNull<u8>,
    layout: Layout,
}

// SAFETY: the memory is this value's alone, and what is offered takes `&mut self` or hands out numbers.
unsafe impl Send for Bounce {}

impl Bounce {
    /// As many bytes as `spans` have, all zero.
    pub(crate) fn new(spans: &[Span]) -> Result<Self, Errno> {
        let len = spans.iter().map(|span| span.len).sum();
        let layout = Layout::from_size_align(len, ALIGN).map_err(|_| Errno(libc::EINVAL))?;
        if len == 0 {
            return Err(Errno(libc::EINVAL));
        }
        // SAFETY: the layout has a size, looked at above.
        let start = NonNull::new(unsafe { alloc_zeroed(layout) }).ok_or(Errno(libc::ENOMEM))?;
        Ok(Self { start, layout })
    }

    /// All of it.
    pub(crate) fn span(&self) -> Span {
        Span {
            ptr: self.start.as_ptr(),
            len: self.layout.size(),
        }
    }

    /// Gathers what the command sends.
    ///
    /// # Safety
    ///
    /// The spans are those of [`Bounce::new`], mapped and readable, and no kernel uses the buffer.
    pub(crate) unsafe fn gather(&mut self, spans: &[Span]) {
        let mut at = 0;
        for span in spans {
            // SAFETY: inside, for the buffer has as many bytes as the spans before this one and this one.
            let to = unsafe { self.start.as_ptr().add(at) };
            // SAFETY: 1. the span is mapped by contract; 2. `to` has as many bytes; 3. they are two allocations.
            unsafe { to.copy_from_nonoverlapping(span.ptr, span.len) };
            at += span.len;
        }
    }

    /// Scatters the first `len` bytes, which came.
    ///
    /// # Safety
    ///
    /// As [`Bounce::gather`], with spans that are writable.
    pub(crate) unsafe fn scatter(&mut self, spans: &[Span], len: usize) {
        let mut at = 0;
        for span in spans {
            let part = span.len.min(len.saturating_sub(at));
            // SAFETY: inside or at the end, as in `gather`.
            let from = unsafe { self.start.as_ptr().add(at) };
            // SAFETY: as in `gather`, the other way round.
            unsafe { span.ptr.copy_from_nonoverlapping(from, part) };
            at += span.len;
        }
    }
}

impl Drop for Bounce {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout by `new`, and by nobody else freed.
        unsafe { dealloc(self.start.as_ptr(), self.layout) };
    }
}
