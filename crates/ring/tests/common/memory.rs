//! Queue words in memory that a test owns, for queues over [`Mapped`].

use sgring_ring::Mapped;
use std::sync::atomic::AtomicU64;

/// The words of one queue: its entries, and behind them its sleep flag.
pub(crate) struct Memory(Box<[AtomicU64]>);

impl Memory {
    /// The words of a queue of `entries` entries, a power of two.
    pub(crate) fn new(entries: usize) -> Self {
        Self((0..=entries).map(|_| AtomicU64::new(0)).collect())
    }

    /// The words as one side has them mapped.
    ///
    /// # Safety
    ///
    /// The memory outlives what is returned.
    pub(crate) unsafe fn mapped(&self) -> Mapped {
        let entries = self.0.as_ptr().cast::<u64>().cast_mut();
        let len = self.0.len() - 1;
        // SAFETY: 1. `len` words and one are allocated there, aligned as atomics are, for as long as the caller promised. 2. All
        // access is by `Mapped`, which is by atomics.
        unsafe { Mapped::new(entries, len, self.0[len].as_ptr()) }
    }
}
