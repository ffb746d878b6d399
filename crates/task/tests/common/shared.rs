//! A mapping's bytes, and one side of a queue.

use super::EPOCH;
use sgring_shm::{Mapping, memfd};
use sgring_task::{CompletionWord, Geometry, SLOT_BYTES, SubmissionWord};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// One side's mapping of a segment.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) mapping: Arc<Mapping>,
    pub(crate) geometry: Geometry,
}

/// Two mappings of one fresh segment.
pub(crate) fn segment(slots: u32, arena_bytes: u32) -> [Shared; 2] {
    let geometry = Geometry::new(slots, arena_bytes).expect("sizes within the limits");
    let len = geometry.segment_bytes() as u64;
    let file = memfd::create(len).expect("a memory file");
    [(), ()].map(|()| Shared {
        mapping: Arc::new(Mapping::map(file.as_fd(), len).expect("a mapping")),
        geometry,
    })
}

impl Shared {
    /// Where `len` bytes of the segment from `at` stand.
    pub(crate) fn at(&self, at: usize, len: usize) -> *mut u8 {
        assert!(at + len <= self.mapping.len());
        // SAFETY: in bounds, checked above.
        unsafe { self.mapping.as_ptr().add(at) }
    }

    pub(crate) fn word(&self, at: usize) -> &AtomicU64 {
        let word = self.at(at, 8).cast::<u64>();
        assert!(word.is_aligned());
        // SAFETY: mapped as long as `self`, aligned, and every bit pattern is a value.
        unsafe { AtomicU64::from_ptr(word) }
    }

    /// Plain writes: what orders them against the other side is for the queues to see to.
    pub(crate) fn write(&self, at: usize, bytes: &[u8]) {
        let to = self.at(at, bytes.len());
        // SAFETY: in bounds; the source is private memory.
        unsafe { to.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    }

    /// Plain reads.
    pub(crate) fn read(&self, at: usize, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        let from = self.at(at, len);
        // SAFETY: in bounds; the destination is private memory.
        unsafe { bytes.as_mut_ptr().copy_from_nonoverlapping(from, len) };
        bytes
    }

    pub(crate) fn slot(&self, slot: u16, offset: usize) -> usize {
        self.geometry.slots_offset() + usize::from(slot) * SLOT_BYTES + offset
    }

    pub(crate) fn arena(&self, offset: u32) -> usize {
        self.geometry.arena_offset() + offset as usize
    }

    /// Everything before the arena, and the arena.
    pub(crate) fn snapshot(&self) -> Vec<u8> {
        let slots_end = self.slot(0, self.geometry.slots() * SLOT_BYTES);
        let mut bytes = self.read(0, slots_end);
        bytes.extend(self.read(self.arena(0), self.geometry.arena_bytes()));
        bytes
    }

    pub(crate) fn submissions(&self) -> RawQueue {
        RawQueue::new(self, 4096)
    }

    pub(crate) fn completions(&self) -> RawQueue {
        RawQueue::new(self, 4096 + 8 * self.geometry.entries())
    }
}

/// One side of a queue, by the documented bits.
pub(crate) struct RawQueue {
    shared: Shared,
    entries: usize,
    position: u64,
}

impl RawQueue {
    fn new(shared: &Shared, entries: usize) -> Self {
        Self {
            shared: shared.clone(),
            entries,
            position: 0,
        }
    }

    /// Stores the next entry's word as it is, with its lap.
    pub(crate) fn store(&mut self, lap: u16, payload: u64) {
        let word = self.here();
        let value = u64::from(lap) << 48 | payload;
        self.shared.word(word).store(value, Ordering::Release);
        self.position += 1;
    }

    pub(crate) fn publish(&mut self, payload: u64) {
        self.store(self.lap(), payload);
    }

    /// So many entries are somebody else's.
    pub(crate) fn skip(&mut self, entries: u64) {
        self.position += entries;
    }

    pub(crate) fn submit(&mut self, slot: u16, generation: u16) {
        let word = SubmissionWord {
            slot,
            generation,
            epoch: EPOCH as u16,
            ..SubmissionWord::default()
        };
        self.publish(word.pack());
    }

    pub(crate) fn complete(&mut self, slot: u16, generation: u16) {
        let word = CompletionWord {
            slot,
            generation,
            status: 0,
            flags: 0,
        };
        self.publish(word.pack());
    }

    /// The next payload, if it is there.
    pub(crate) fn consume(&mut self) -> Option<u64> {
        let word = self.shared.word(self.here()).load(Ordering::Acquire);
        let there = (word >> 48) as u16 == self.lap();
        self.position += u64::from(there);
        there.then_some(word & ((1 << 48) - 1))
    }

    pub(crate) fn lap(&self) -> u16 {
        (self.position / self.shared.geometry.entries() as u64 + 1) as u16
    }

    fn here(&self) -> usize {
        self.entries + 8 * (self.position as usize % self.shared.geometry.entries())
    }
}
