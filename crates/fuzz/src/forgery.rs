//! What anybody who has mapped a segment may do to it.

use crate::pair::{Shared, segment};
use arbitrary::Arbitrary;
use sgring_task::SLOT_BYTES;
use std::sync::atomic::Ordering::Relaxed;

/// Slots of the pair that is fuzzed: not a power of two, so that the queues are longer.
pub(crate) const SLOTS: u16 = 3;
/// Bytes of its arena.
pub(crate) const ARENA: u32 = 4096;
/// Where the queues stand; before them is the header with the sleep flags.
pub(crate) const QUEUES: usize = 4096;
/// The target's sleep flag, and the initiator's.
pub(crate) const FLAGS: [usize; 2] = [128, 256];

/// A write to the segment.
#[derive(Arbitrary, Clone, Debug)]
pub(crate) enum Forgery {
    /// A word anywhere in the arena.
    Arena(u16, u64),
    /// A word anywhere in the slots.
    Slot(u16, u64),
    /// A word of the queues, or one of the sleep flags.
    Word(u8, u64),
}

impl Forgery {
    /// Writes it, and says whether a queue or a flag was hit.
    pub(crate) fn commit(&self, shared: &Shared) -> bool {
        let (at, value) = match *self {
            Self::Arena(word, value) => (shared.arena(8 * (u32::from(word) % (ARENA / 8))), value),
            Self::Slot(word, value) => {
                let words = usize::from(SLOTS) * SLOT_BYTES / 8;
                (shared.slot(0, 8 * (usize::from(word) % words)), value)
            }
            Self::Word(word, value) => {
                let entries = 2 * shared.geometry.entries();
                let at = match usize::from(word) % (entries + FLAGS.len()) {
                    entry if entry < entries => QUEUES + 8 * entry,
                    flag => FLAGS[flag - entries],
                };
                (at, value)
            }
        };
        shared.word(at).store(value, Relaxed);
        matches!(self, Self::Word(..))
    }
}

thread_local! {
    /// One for all inputs: to make one takes longer than most of them.
    static SEGMENT: [Shared; 2] = segment(u32::from(SLOTS), ARENA);
}

/// Two mappings of a segment that is all zeros.
pub(crate) fn fresh_segment() -> [Shared; 2] {
    let sides = SEGMENT.with(Clone::clone);
    let [here, _] = &sides;
    here.write(0, &vec![0; here.slot(SLOTS, 0)]);
    here.write(here.arena(0), &[0; ARENA as usize]);
    sides
}

/// The bytes of a segment that may change while one side works, taken out of a comparison.
pub(crate) fn without(mut snapshot: Vec<u8>, parts: &[(usize, usize)]) -> Vec<u8> {
    for &(at, len) in parts {
        snapshot[at..][..len].fill(0);
    }
    snapshot
}
