//! A buffer in one piece for a command whose bytes lie in several, where the kernel takes but one.

use crate::{Errno, Span};
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;

/// Whole pages. It is stricter than any queue's `dma_alignment`, so that the kernel does not bounce it again. And nobody else writes to them:
/// a write after a fork(2) gives this process a copy of the page where Linux only holds it (6.1), and the device writes to the other one.
const PAGE: usize = 4096;

/// Private memory that the kernel may be using: only ever copied from and to, never borrowed.
#[derive(Debug)]
pub(crate) struct Bounce {
    start: NonNull<u8>,
    len: usize,
    layout: Layout,
}

// SAFETY: the memory is this value's alone, and what is offered takes `&mut self` or hands out numbers.
unsafe impl Send for Bounce {}

impl Bounce {
    /// As many bytes as `spans` have, all zero.
    pub(crate) fn new(spans: &[Span]) -> Result<Self, Errno> {
        let len: usize = spans.iter().map(|span| span.len).sum();
        if len == 0 {
            return Err(Errno(libc::EINVAL));
        }
        let layout = Layout::from_size_align(len, PAGE).map_err(|_| Errno(libc::EINVAL))?;
        let layout = layout.pad_to_align();
        // SAFETY: the layout has a size, looked at above.
        let start = NonNull::new(unsafe { alloc_zeroed(layout) }).ok_or(Errno(libc::ENOMEM))?;
        Ok(Self { start, len, layout })
    }

    /// All of it.
    pub(crate) fn span(&self) -> Span {
        Span {
            ptr: self.start.as_ptr(),
            len: self.len,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_as_long_as_its_spans_and_has_its_pages_for_itself() {
        let mut bytes = [7u8; 5000];
        let span = Span {
            ptr: bytes.as_mut_ptr(),
            len: bytes.len(),
        };
        let bounce = Bounce::new(&[span, span]).unwrap();
        assert_eq!(bounce.span().len, 10_000);
        assert_eq!(bounce.layout.size() % PAGE, 0);
        assert_eq!(bounce.span().ptr.addr() % PAGE, 0);
        assert_eq!(Bounce::new(&[]).unwrap_err(), Errno(libc::EINVAL));
    }
}
