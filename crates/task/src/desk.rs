//! Memory that one side shares with its own JavaScript: lists of slot numbers, and on the target's side the tasks' records.
//!
//! One native call a batch reads or fills these lists, so that nothing has to be converted for each command. The peer cannot reach
//! this memory.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::Arc;

const LINE_BYTES: usize = 64;
const LINE_WORDS: usize = LINE_BYTES / size_of::<u32>();

/// A zeroed block of private memory, aligned to 64 bytes, that JavaScript and Rust use in turns on one thread. Its words are atomics
/// all the same: an [`Arc`] may go to another thread, and whoever looks from there sees some value of each word.
#[derive(Debug)]
pub struct Desk {
    lines: Box<[Line]>,
}

#[derive(Debug, Default)]
#[repr(C, align(64))]
struct Line([AtomicU32; LINE_WORDS]);

const _: () = assert!(size_of::<Line>() == LINE_BYTES);

impl Desk {
    /// A desk of at least `bytes` bytes.
    #[must_use]
    pub fn new(bytes: usize) -> Arc<Self> {
        let lines = (0..bytes.div_ceil(LINE_BYTES)).map(|_| Line::default());
        Arc::new(Self {
            lines: lines.collect(),
        })
    }

    /// Its first byte. JavaScript writes there between calls: use raw pointers, no references.
    #[must_use]
    pub fn as_ptr(&self) -> *mut u8 {
        self.lines.as_ptr().cast_mut().cast()
    }

    /// How many bytes it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len() * LINE_BYTES
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Reads the `index`-th 32-bit word of the list that starts at byte `at`, a multiple of 4.
    ///
    /// # Panics
    ///
    /// If it is not on the desk.
    #[must_use]
    pub fn load(&self, at: usize, index: usize) -> u32 {
        self.word(at / 4 + index).load(Relaxed)
    }

    /// Writes the `index`-th 32-bit word of the list that starts at byte `at`, a multiple of 4.
    ///
    /// # Panics
    ///
    /// If it is not on the desk.
    pub fn store(&self, at: usize, index: usize, value: u32) {
        self.word(at / 4 + index).store(value, Relaxed);
    }

    /// Copies the bytes from byte `at`, a multiple of 4, into little-endian words.
    pub(crate) fn load_words(&self, at: usize, into: &mut [u64]) {
        for (index, word) in into.iter_mut().enumerate() {
            let low = self.load(at, 2 * index);
            let high = self.load(at, 2 * index + 1);
            *word = u64::from(low) | u64::from(high) << 32;
        }
    }

    /// Copies little-endian words to byte `at`, a multiple of 4.
    pub(crate) fn store_words(&self, at: usize, from: &[u64]) {
        for (index, &word) in from.iter().enumerate() {
            self.store(at, 2 * index, word as u32);
            self.store(at, 2 * index + 1, (word >> 32) as u32);
        }
    }

    fn word(&self, index: usize) -> &AtomicU32 {
        &self.lines[index / LINE_WORDS].0[index % LINE_WORDS]
    }
}
