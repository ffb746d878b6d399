//! Memory that one side shares with its own JavaScript: lists of slot numbers, and on the target's side the tasks' records.
//!
//! One native call a batch reads or fills these lists, so that nothing has to be converted for each command. The peer cannot reach
//! this memory.

use core::cell::UnsafeCell;
use std::sync::Arc;

/// A zeroed block of private memory, aligned to 64 bytes, that JavaScript and Rust use in turns on one thread.
#[derive(Debug)]
pub struct Desk {
    lines: Box<[UnsafeCell<Line>]>,
}

#[derive(Debug)]
#[repr(C, align(64))]
struct Line([u64; 8]);

impl Desk {
    /// A desk of at least `bytes` bytes.
    #[must_use]
    pub fn new(bytes: usize) -> Arc<Self> {
        let lines = (0..bytes.div_ceil(64))
            .map(|_| UnsafeCell::new(Line([0; 8])))
            .collect();
        Arc::new(Self { lines })
    }

    /// Its first byte. JavaScript writes there between calls: use raw pointers, no references.
    #[must_use]
    pub fn as_ptr(&self) -> *mut u8 {
        self.lines.as_ptr().cast_mut().cast()
    }

    /// How many bytes it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len() * 64
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Reads the `index`-th 32-bit word of the list that starts at byte `at`.
    ///
    /// # Panics
    ///
    /// If it is not on the desk.
    #[must_use]
    pub fn load(&self, at: usize, index: usize) -> u32 {
        // SAFETY: `word` checks the bounds; only this thread's JavaScript and Rust use the desk, in turns.
        unsafe { self.word(at, index).read() }
    }

    /// Writes the `index`-th 32-bit word of the list that starts at byte `at`.
    ///
    /// # Panics
    ///
    /// If it is not on the desk.
    pub fn store(&self, at: usize, index: usize, value: u32) {
        // SAFETY: as in `load`.
        unsafe { self.word(at, index).write(value) }
    }

    fn word(&self, at: usize, index: usize) -> *mut u32 {
        self.at(at + 4 * index, 4).cast()
    }

    /// The place of `len` bytes from byte `at`.
    ///
    /// # Panics
    ///
    /// If they are not on the desk.
    pub(crate) fn at(&self, at: usize, len: usize) -> *mut u8 {
        assert!(at + len <= self.len(), "off the desk");
        // SAFETY: in bounds, checked above.
        unsafe { self.as_ptr().add(at) }
    }
}

// SAFETY: a desk is used by the thread whose JavaScript shares it; it moves between threads only as an `Arc` that is dropped there.
unsafe impl Send for Desk {}
// SAFETY: as above.
unsafe impl Sync for Desk {}
