//! Three rings in shared memory: entries that publish themselves, which are sgring's, two shared counters, and one tail for many.

use crate::fail;
use crate::memory::{LINES, Shared};
use crate::queues::{Receiver, Sender};
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use sgring_ring::{Consumer, Mapped, Producer};

/// A ring of 64-bit entries, a power of two of them, and words on lines of their own behind them.
#[derive(Clone)]
struct Ring {
    memory: Shared,
    len: usize,
}

impl Ring {
    fn new(count: usize, words: usize) -> Self {
        let len = count.next_power_of_two();
        let memory = Shared::new(8 * len.next_multiple_of(LINES / 8) + words * LINES);
        Self { memory, len }
    }

    /// Where an entry stands, in bytes.
    fn entry(&self, position: u64) -> usize {
        8 * (position as usize & (self.len - 1))
    }

    /// Where one of the words behind stands, in bytes.
    fn word(&self, index: usize) -> usize {
        8 * self.len.next_multiple_of(LINES / 8) + index * LINES
    }

    fn lap(&self, position: u64) -> u64 {
        position / self.len as u64 + 1
    }
}

// ---- entries that publish themselves

/// See `sgring_ring`.
pub(crate) struct EntrySender {
    queue: Producer<Mapped>,
    /// What the queue stands in.
    _ring: Ring,
}

/// The consuming end.
pub(crate) struct EntryReceiver {
    queue: Consumer<Mapped>,
    /// What the queue stands in.
    _ring: Ring,
}

pub(crate) fn entries(count: usize) -> (EntrySender, EntryReceiver) {
    let ring = Ring::new(count, 1);
    let words = || {
        let entries = ring.memory.word(0).as_ptr();
        let armed = ring.memory.word(ring.word(0)).as_ptr();
        // SAFETY: 1. Both are aligned words of the memory that each end holds, and `len` of them stand before the flag. 2. `Shared` gives
        // out words as atomics, and nobody copies to or from this memory.
        unsafe { Mapped::new(entries, ring.len, armed) }
    };
    let sender = EntrySender {
        queue: Producer::new(words()),
        _ring: ring.clone(),
    };
    let receiver = EntryReceiver {
        queue: Consumer::new(words()),
        _ring: ring.clone(),
    };
    (sender, receiver)
}

impl Sender for EntrySender {
    fn push(&mut self, number: u64) {
        self.queue.publish(number);
    }
}

impl Receiver for EntryReceiver {
    fn pop(&mut self, mut taken: impl FnMut(u64)) {
        while let Some(number) = self.queue.consume().unwrap_or_else(|error| fail(error)) {
            taken(number);
        }
    }
}

// ---- two shared counters, as most rings have them

/// How many were published: the first word behind the entries.
const PUBLISHED: usize = 0;
/// And how many were taken.
const TAKEN: usize = 1;

/// The producing end.
pub(crate) struct CountedSender {
    ring: Ring,
    tail: u64,
    /// As many were taken at least.
    taken: u64,
}

/// The consuming end.
pub(crate) struct CountedReceiver {
    ring: Ring,
    head: u64,
}

pub(crate) fn counters(count: usize) -> (CountedSender, CountedReceiver) {
    let ring = Ring::new(count, 2);
    let sender = CountedSender {
        ring: ring.clone(),
        tail: 0,
        taken: 0,
    };
    (sender, CountedReceiver { ring, head: 0 })
}

impl Sender for CountedSender {
    fn push(&mut self, number: u64) {
        let Ring { memory, len } = &self.ring;
        if self.tail - self.taken == *len as u64 {
            // [counters-taken]: the entries that are written again were read.
            self.taken = memory.word(self.ring.word(TAKEN)).load(Acquire);
            if self.tail - self.taken == *len as u64 {
                fail("a ring of as many entries as places is full");
            }
        }
        let at = self.ring.entry(self.tail);
        memory.word(at).store(number, Relaxed);
        self.tail += 1;
    }

    fn publish(&mut self) {
        let published = self.ring.word(PUBLISHED);
        // [counters-published]: with all entries before it.
        self.ring.memory.word(published).store(self.tail, Release);
    }
}

impl Receiver for CountedReceiver {
    fn pop(&mut self, mut taken: impl FnMut(u64)) {
        let Ring { memory, .. } = &self.ring;
        // [counters-published]
        let tail = memory.word(self.ring.word(PUBLISHED)).load(Acquire);
        if tail == self.head {
            return;
        }
        for position in self.head..tail {
            taken(memory.word(self.ring.entry(position)).load(Relaxed));
        }
        self.head = tail;
        // [counters-taken]: after all entries before it were read.
        memory.word(self.ring.word(TAKEN)).store(tail, Release);
    }
}

// ---- one tail that many producers share

/// How far an entry's lap is shifted; below it stands its number.
const LAP_SHIFT: u32 = 48;

/// A producing end; there may be many.
#[derive(Clone)]
pub(crate) struct TailSender(Ring);

/// The consuming end.
pub(crate) struct TailReceiver {
    ring: Ring,
    head: u64,
}

pub(crate) fn shared_tail(count: usize) -> (TailSender, TailReceiver) {
    let ring = Ring::new(count, 1);
    (TailSender(ring.clone()), TailReceiver { ring, head: 0 })
}

impl Sender for TailSender {
    fn push(&mut self, number: u64) {
        let Self(ring) = self;
        // Only which place it is: what stands there is ordered by the entry. It was consumed, for its request or the one before was answered.
        let position = ring.memory.word(ring.word(0)).fetch_add(1, Relaxed);
        let word = ring.lap(position) << LAP_SHIFT | number;
        // [tail-entry]: with the payload before it.
        ring.memory.word(ring.entry(position)).store(word, Release);
    }
}

impl Receiver for TailReceiver {
    fn pop(&mut self, mut taken: impl FnMut(u64)) {
        loop {
            // [tail-entry]
            let word = self.ring.memory.word(self.ring.entry(self.head));
            let word = word.load(Acquire);
            if word >> LAP_SHIFT != self.ring.lap(self.head) & (u64::MAX >> LAP_SHIFT) {
                return;
            }
            taken(word & ((1 << LAP_SHIFT) - 1));
            self.head += 1;
        }
    }
}
