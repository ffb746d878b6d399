//! What two sides share, and who may own it: the algorithm is the same over a mapping, the heap and loom's model of memory.

use core::sync::atomic::Ordering;
use sgring_kill_points::kill_point;
use std::sync::Arc;

#[cfg(not(loom))]
pub(crate) use core::sync::atomic::{AtomicU64, fence};
#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicU64, fence};

/// One shared word.
pub trait Word {
    /// Loads the word.
    fn load(&self, order: Ordering) -> u64;
    /// Stores the word.
    fn store(&self, value: u64, order: Ordering);
    /// Stores `new` if the word is `current`, in one step, and says whether it was.
    fn replace(&self, current: u64, new: u64, order: Ordering) -> bool;
}

impl Word for AtomicU64 {
    fn load(&self, order: Ordering) -> u64 {
        self.load(order)
    }

    fn store(&self, value: u64, order: Ordering) {
        self.store(value, order);
    }

    fn replace(&self, current: u64, new: u64, order: Ordering) -> bool {
        self.compare_exchange(current, new, order, Ordering::Relaxed)
            .is_ok()
    }
}

/// The shared words of one queue: its entries, a power of two, all zero when it is new, and the consumer's sleep flag.
pub trait Words {
    /// How one word is kept.
    type Word: Word;
    /// How many entries there are: a power of two.
    fn entries(&self) -> usize;
    /// The entry at `index`, which is less than [`Words::entries`].
    fn entry(&self, index: usize) -> &Self::Word;
    /// The sleep flag: 1 while the consumer wants to be rung, else 0.
    fn armed(&self) -> &Self::Word;

    /// Makes the queue new again, for another peer. Nobody else has its words meanwhile: the one before is dead, and the next one gets
    /// them by a hand-over that orders this before whatever it does.
    fn clear(&self) {
        for index in 0..self.entries() {
            self.entry(index).store(0, Ordering::Relaxed);
        }
        kill_point();
        self.armed().store(0, Ordering::Relaxed);
        kill_point();
    }
}

/// Words on the heap, for threads of one process and for models. Clones share them.
#[derive(Clone, Debug)]
pub struct Heap {
    /// The entries, and behind them the flag.
    words: Arc<[AtomicU64]>,
}

impl Heap {
    /// A new queue of at least `entries` entries.
    #[must_use]
    pub fn new(entries: usize) -> Self {
        let len = entries.next_power_of_two();
        Self {
            words: (0..=len).map(|_| AtomicU64::new(0)).collect(),
        }
    }
}

impl Words for Heap {
    type Word = AtomicU64;

    fn entries(&self) -> usize {
        self.words.len() - 1
    }

    fn entry(&self, index: usize) -> &AtomicU64 {
        &self.words[index]
    }

    fn armed(&self) -> &AtomicU64 {
        &self.words[self.entries()]
    }
}

/// Words in a mapping that another process may have, too.
#[cfg(not(loom))]
#[derive(Debug)]
pub struct Mapped {
    entries: core::ptr::NonNull<AtomicU64>,
    len: usize,
    armed: core::ptr::NonNull<AtomicU64>,
}

#[cfg(not(loom))]
impl Mapped {
    /// A queue of `len` entries at `entries`, with its flag at `armed`.
    ///
    /// # Safety
    ///
    /// 1. Both pointers are aligned to 8 bytes, and `len` words and one word behind them stay mapped as long as this value lives.
    /// 2. In this process these words are accessed through atomics only.
    ///
    /// What another process does to the words is no concern of this type: every value is a value that an atomic may have.
    ///
    /// # Panics
    ///
    /// If `len` is no power of two, or a pointer is null or not aligned.
    #[must_use]
    pub unsafe fn new(entries: *mut u64, len: usize, armed: *mut u64) -> Self {
        assert!(len.is_power_of_two(), "a queue's length is a power of two");
        assert!(
            entries.is_aligned() && armed.is_aligned(),
            "queue words are aligned"
        );
        Self {
            entries: core::ptr::NonNull::new(entries.cast()).expect("queue words are mapped"),
            len,
            armed: core::ptr::NonNull::new(armed.cast()).expect("the sleep flag is mapped"),
        }
    }
}

#[cfg(not(loom))]
impl Words for Mapped {
    type Word = AtomicU64;

    fn entries(&self) -> usize {
        self.len
    }

    fn entry(&self, index: usize) -> &AtomicU64 {
        assert!(index < self.len, "an entry's index is masked by its caller");
        // SAFETY: 1. `index` is less than `len`, checked above. 2. `len` words are mapped there (`new`, 1).
        let entry = unsafe { self.entries.add(index) };
        // SAFETY: 1. The word is mapped and aligned (`new`, 1). 2. An atomic may be changed by others while it is borrowed.
        unsafe { entry.as_ref() }
    }

    fn armed(&self) -> &AtomicU64 {
        // SAFETY: as in `entry`.
        unsafe { self.armed.as_ref() }
    }
}

// SAFETY: the pointers lead to atomics only (`Mapped::new`, 2), which any thread may use, and to memory that is mapped for the whole
// process as long as the value lives (`Mapped::new`, 1).
#[cfg(not(loom))]
unsafe impl Send for Mapped {}
