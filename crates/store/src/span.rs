//! Memory that somebody else keeps mapped, and a position in a list of it.

use libc::iovec;
use std::mem::{offset_of, size_of};

/// A raw span of memory that somebody else keeps mapped. It is never turned into a reference: its bytes may change
/// under a transfer, and then these bytes, and no others, arrive torn.
///
/// Its layout is that of `struct iovec`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Span {
    /// Its first byte.
    pub ptr: *mut u8,
    /// How many bytes. 0 is allowed, whatever `ptr` is.
    pub len: usize,
}

// SAFETY: a span is two numbers. Whoever dereferences one does so in an unsafe function, whose contract covers the
// thread that it runs on.
unsafe impl Send for Span {}
// SAFETY: as for `Send`.
unsafe impl Sync for Span {}

const _: () = assert!(size_of::<Span>() == size_of::<iovec>());
const _: () = assert!(offset_of!(Span, ptr) == offset_of!(iovec, iov_base));
const _: () = assert!(offset_of!(Span, len) == offset_of!(iovec, iov_len));

/// How many bytes a list of spans has; `None` if that overflows.
pub(crate) fn total(spans: &[Span]) -> Option<u64> {
    spans
        .iter()
        .try_fold(0u64, |sum, span| sum.checked_add(span.len as u64))
}

/// A position in a list of spans. It does arithmetic only: nothing here touches the memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    /// What is left: the first of these is not empty.
    spans: &'a [Span],
    /// How much of the first is behind the cursor: less than its length.
    within: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(spans: &'a [Span]) -> Self {
        let mut cursor = Self { spans, within: 0 };
        cursor.advance(0);
        cursor
    }

    /// The bytes right ahead that lie together, cut to `max`.
    pub(crate) fn first(&self, max: usize) -> Option<Span> {
        let span = self.spans.first()?;
        let len = (span.len - self.within).min(max);
        Some(Span {
            ptr: span.ptr.wrapping_add(self.within),
            len,
        })
    }

    /// Puts what lies ahead into `batch`, at most `max` bytes of it, and says how many entries that took.
    pub(crate) fn fill(&self, batch: &mut [Span], max: usize) -> usize {
        let mut ahead = *self;
        let mut left = max;
        let mut count = 0;
        for entry in batch {
            let Some(span) = ahead.first(left).filter(|span| span.len > 0) else {
                break;
            };
            *entry = span;
            count += 1;
            left -= span.len;
            ahead.advance(span.len);
        }
        count
    }

    /// Fills `into` with what lies ahead, as far as that goes, and moves behind it: a copy that nobody else changes any more.
    ///
    /// # Safety
    ///
    /// The spans ahead are mapped and readable.
    pub(crate) unsafe fn take(&mut self, into: &mut [u8]) {
        let mut rest = into;
        while let Some(span) = self.first(rest.len()).filter(|span| span.len > 0) {
            let (part, behind) = rest.split_at_mut(span.len);
            // SAFETY: the span is mapped by contract, and `part` is as long and private. What a peer changes meanwhile arrives torn.
            unsafe {
                std::ptr::copy_nonoverlapping(span.ptr.cast_const(), part.as_mut_ptr(), span.len)
            };
            rest = behind;
            self.advance(span.len);
        }
    }

    /// Makes the `len` bytes ahead zeros, as far as there are so many, and moves behind them.
    ///
    /// # Safety
    ///
    /// The spans ahead are mapped and writable.
    pub(crate) unsafe fn zero(&mut self, len: usize) {
        let mut left = len;
        while let Some(span) = self.first(left).filter(|span| span.len > 0) {
            // SAFETY: the span is mapped by contract.
            unsafe { std::ptr::write_bytes(span.ptr, 0, span.len) };
            left -= span.len;
            self.advance(span.len);
        }
    }

    /// Moves on by `n` bytes, or to the end, and over empty spans.
    pub(crate) fn advance(&mut self, n: usize) {
        let mut left = n;
        while let Some((first, rest)) = self.spans.split_first() {
            let ahead = first.len - self.within;
            if left < ahead {
                self.within += left;
                return;
            }
            left -= ahead;
            self.spans = rest;
            self.within = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(at: usize, len: usize) -> Span {
        Span {
            ptr: std::ptr::without_provenance_mut(at),
            len,
        }
    }

    fn ahead(cursor: &Cursor<'_>, entries: usize, max: usize) -> Vec<(usize, usize)> {
        let mut batch = vec![span(0, 0); entries];
        let count = cursor.fill(&mut batch, max);
        batch[..count]
            .iter()
            .map(|span| (span.ptr.addr(), span.len))
            .collect()
    }

    #[test]
    fn a_cursor_passes_over_empty_spans_and_stops_inside_others() {
        let spans = [
            span(1, 0),
            span(100, 10),
            span(2, 0),
            span(200, 5),
            span(3, 0),
        ];
        let mut cursor = Cursor::new(&spans);
        assert_eq!(ahead(&cursor, 8, 100), [(100, 10), (200, 5)]);
        assert_eq!(ahead(&cursor, 8, 12), [(100, 10), (200, 2)]);
        assert_eq!(ahead(&cursor, 1, 100), [(100, 10)]);
        cursor.advance(4);
        assert_eq!(ahead(&cursor, 8, 6), [(104, 6)]);
        cursor.advance(6);
        assert_eq!(ahead(&cursor, 8, 100), [(200, 5)]);
        cursor.advance(5);
        assert!(cursor.first(1).is_none());
    }

    #[test]
    fn a_total_that_overflows_is_none() {
        assert_eq!(total(&[span(1, 3), span(9, 4)]), Some(7));
        assert_eq!(total(&[span(1, usize::MAX), span(9, 1)]), None);
    }
}
