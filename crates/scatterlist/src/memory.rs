//! Bytes in and out of the memory that a list's offsets refer to.

use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::ptr;

use crate::List;
use crate::cut::Cut;

/// Memory that somebody else may read and write at any time: an arena in a shared segment.
///
/// It is only ever copied from and to; no reference to its bytes is made. A copy of bytes that change meanwhile is some
/// mixture of old and new ones, which hurts whoever changed them and nobody else: copy, check, use the copy.
#[derive(Clone, Copy, Debug)]
pub struct Memory<'m> {
    base: *mut u8,
    len: usize,
    lives: PhantomData<&'m ()>,
}

impl Memory<'_> {
    /// The `len` bytes at `base`; offset 0 of a list is at `base`.
    ///
    /// # Safety
    /// For as long as the lifetime:
    /// 1. `base..base + len` is one allocation or mapping, readable and writable, of at most `isize::MAX` bytes;
    /// 2. this process has no reference to any of these bytes, and none of its threads writes a byte while another
    ///    copies it through this value. Other processes may do what they like.
    #[must_use]
    pub const unsafe fn new(base: *mut u8, len: usize) -> Self {
        Self {
            base,
            len,
            lives: PhantomData,
        }
    }

    /// Its length in bytes.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether it has no bytes.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// Some bytes of a [`Memory`] that follow each other: what preadv(2) and pwritev(2) take.
#[derive(Clone, Copy, Debug)]
pub struct Span<'m> {
    /// The first byte; it and the `len - 1` after it lie in the memory.
    pub ptr: *mut u8,
    /// How many bytes, never 0.
    pub len: usize,
    lives: PhantomData<&'m ()>,
}

impl List {
    /// The bytes from `offset` of the transfer on, at most `len` of them, where they lie in `memory`.
    ///
    /// Ends early where the transfer ends, or before the first byte that is not in `memory`; for a list made with the
    /// length of that memory there is none.
    #[must_use]
    pub fn spans<'a, 'm>(&'a self, memory: Memory<'m>, offset: u64, len: u64) -> Spans<'a, 'm> {
        Spans {
            cut: Cut::at(self.segments(), offset, len),
            memory,
        }
    }

    /// Copies `bytes` into `memory`, to `offset` of the transfer and on; returns how many were copied.
    ///
    /// Fewer than all, where the transfer or the memory ends, as [`spans`](List::spans) has it.
    pub fn copy_in(&self, memory: Memory<'_>, offset: u64, bytes: &[u8]) -> usize {
        let mut done = 0;
        for span in self.spans(memory, offset, bytes.len() as u64) {
            let from = bytes[done..][..span.len].as_ptr();
            // SAFETY: 1. `from` has span.len bytes, by the slicing. 2. `span.ptr` has as many that are writable, by
            // `Span`. 3. They are apart: no slice lies in a `Memory`, by the contract of `Memory::new`.
            unsafe { ptr::copy_nonoverlapping(from, span.ptr, span.len) };
            done += span.len;
        }
        done
    }

    /// Copies from `offset` of the transfer and on out of `memory`, into `bytes`; returns how many were copied.
    ///
    /// Fewer than all, where the transfer or the memory ends, as [`spans`](List::spans) has it; the rest of `bytes` is
    /// left as it was.
    pub fn copy_out(&self, memory: Memory<'_>, offset: u64, bytes: &mut [u8]) -> usize {
        let mut done = 0;
        for span in self.spans(memory, offset, bytes.len() as u64) {
            let to = bytes[done..][..span.len].as_mut_ptr();
            // SAFETY: 1. `span.ptr` has span.len readable bytes, by `Span`. 2. `to` has as many, by the slicing. 3. They
            // are apart: no slice lies in a `Memory`, by the contract of `Memory::new`.
            unsafe { ptr::copy_nonoverlapping(span.ptr.cast_const(), to, span.len) };
            done += span.len;
        }
        done
    }
}

/// The [`Span`]s of [`List::spans`].
#[derive(Clone, Debug)]
pub struct Spans<'a, 'm> {
    cut: Cut<'a>,
    memory: Memory<'m>,
}

impl<'m> Iterator for Spans<'_, 'm> {
    type Item = Span<'m>;

    fn next(&mut self) -> Option<Span<'m>> {
        let segment = self.cut.next()?;
        let start = usize::try_from(segment.address).unwrap_or(usize::MAX);
        let room = self.memory.len.saturating_sub(start);
        let wanted = usize::try_from(segment.len).unwrap_or(usize::MAX);
        let len = wanted.min(room);
        if len < wanted {
            // What lies behind a hole is not where the caller would count it.
            self.cut = self.cut.first(0);
        }
        if len == 0 {
            return None;
        }
        // SAFETY: start < start + len <= memory.len, which is one allocation by the contract of `Memory::new`.
        let ptr = unsafe { self.memory.base.add(start) };
        Some(Span {
            ptr,
            len,
            lives: PhantomData,
        })
    }
}

impl FusedIterator for Spans<'_, '_> {}
