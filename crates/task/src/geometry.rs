//! Where things stand in a segment. Both sides compute it from two numbers and never read it from shared memory.
//!
//! ```text
//! 0        4096                                                  arena_offset (2 MiB aligned)
//! +--------+------------------+------------------+-------+---//--+------------------ - - ---+
//! | header | submission queue | completion queue | slots |       | arena                    |
//! +--------+------------------+------------------+-------+---//--+------------------ - - ---+
//!          8 bytes an entry    8 bytes an entry   640 a slot      page-aligned length, sparse
//!
//! header:   0 magic u64 | 8 version u32 | 12 slots u32 | 16 required features u64 | 24 arena bytes u32 | 28 epoch u32
//!         128 the target's sleep flag u64 (submission queue)
//!         256 the initiator's sleep flag u64 (completion queue)
//! ```

use crate::memory::{Word64, word64};
use crate::slot::SLOT_BYTES;
use core::sync::atomic::Ordering::Relaxed;
use sgring_kill_points::kill_point;

/// The first eight bytes of a segment, "SGRING\0\x01" as a little-endian number.
pub const HEADER_MAGIC: u64 = u64::from_le_bytes(*b"SGRING\0\x01");

/// The version of this layout. A change of any offset is a new version.
pub const SEGMENT_VERSION: u32 = 1;

const HEADER_BYTES: usize = 4096;
const SUBMISSION_FLAG: usize = 128;
const COMPLETION_FLAG: usize = 256;
const PAGE: u32 = 4096;
/// A huge page, so that the arena can be made of them.
const ARENA_ALIGN: usize = 2 << 20;

/// The two numbers that a segment's layout follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    slots: u32,
    arena_bytes: u32,
}

impl Geometry {
    /// The most slots a pair may have: slot numbers have 16 bits, and a target keeps private memory for each.
    pub const MAX_SLOTS: u32 = 4096;
    /// The largest arena: offsets and lengths fit in 31 bits, so that JavaScript's small integers hold them.
    pub const MAX_ARENA_BYTES: u32 = 0x7fff_f000;

    /// `None` unless there are 1 to [`Self::MAX_SLOTS`] slots and the arena is 1 or more pages, up to [`Self::MAX_ARENA_BYTES`].
    #[must_use]
    pub fn new(slots: u32, arena_bytes: u32) -> Option<Self> {
        let slots_fit = (1..=Self::MAX_SLOTS).contains(&slots);
        let arena_fits = (PAGE..=Self::MAX_ARENA_BYTES).contains(&arena_bytes)
            && arena_bytes.is_multiple_of(PAGE);
        (slots_fit && arena_fits).then_some(Self { slots, arena_bytes })
    }

    /// How many slots there are.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.slots as usize
    }

    /// How many bytes the arena has.
    #[must_use]
    pub fn arena_bytes(&self) -> usize {
        self.arena_bytes as usize
    }

    /// How many entries each queue has: enough for every slot, so that whoever holds a slot can publish it.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.slots().next_power_of_two()
    }

    pub(crate) fn submission_queue(&self) -> (usize, usize) {
        (HEADER_BYTES, SUBMISSION_FLAG)
    }

    pub(crate) fn completion_queue(&self) -> (usize, usize) {
        (HEADER_BYTES + 8 * self.entries(), COMPLETION_FLAG)
    }

    /// Where the first slot stands, in bytes from the segment's start.
    #[must_use]
    pub fn slots_offset(&self) -> usize {
        (HEADER_BYTES + 16 * self.entries()).next_multiple_of(64)
    }

    /// Where the arena stands, in bytes from the segment's start.
    #[must_use]
    pub fn arena_offset(&self) -> usize {
        (self.slots_offset() + self.slots() * SLOT_BYTES).next_multiple_of(ARENA_ALIGN)
    }

    /// How many bytes the segment has.
    #[must_use]
    pub fn segment_bytes(&self) -> usize {
        self.arena_offset() + self.arena_bytes()
    }

    fn header(&self, features: u64, epoch: u32) -> [u64; 4] {
        [
            HEADER_MAGIC,
            u64::from(SEGMENT_VERSION) | u64::from(self.slots) << 32,
            features,
            u64::from(self.arena_bytes) | u64::from(epoch) << 32,
        ]
    }
}

/// Writes the header of a fresh segment.
///
/// # Safety
///
/// `base` leads to a mapping of at least one page, aligned to 8 bytes.
pub unsafe fn write_header(base: *mut u8, geometry: Geometry, features: u64, epoch: u32) {
    for (index, value) in geometry.header(features, epoch).into_iter().enumerate() {
        // SAFETY: the header's four words lie in the first page, which is mapped and aligned (1).
        unsafe { header_word(base, index) }.store(value, Relaxed);
        kill_point();
    }
}

/// Whether the header says what the handshake said.
///
/// # Safety
///
/// As [`write_header`].
pub(crate) unsafe fn header_matches(
    base: *mut u8,
    geometry: Geometry,
    features: u64,
    epoch: u32,
) -> bool {
    geometry
        .header(features, epoch)
        .into_iter()
        .enumerate()
        .all(|(index, value)| {
            // SAFETY: as in `write_header`.
            unsafe { header_word(base, index) }.load(Relaxed) == value
        })
}

/// # Safety
///
/// `base` leads to a mapping of at least `8 * index + 8` bytes that outlives the result, aligned to 8 bytes.
unsafe fn header_word<'a>(base: *mut u8, index: usize) -> Word64<'a> {
    // SAFETY: in bounds by the caller's promise.
    let word = unsafe { base.cast::<u64>().add(index) };
    // SAFETY: aligned and mapped by the caller's promise; an atomic may be changed by others while it is borrowed.
    unsafe { word64(word) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_follow_each_other_without_overlap() {
        for slots in [1, 2, 3, 63, 64, 65, 255, 256, 4095, 4096] {
            for arena in [PAGE, 1 << 20, Geometry::MAX_ARENA_BYTES] {
                let geometry = Geometry::new(slots, arena).unwrap();
                let queues = 8 * geometry.entries();
                assert!(geometry.entries() >= geometry.slots());
                assert_eq!(
                    geometry.submission_queue().0 + queues,
                    geometry.completion_queue().0
                );
                assert!(geometry.completion_queue().0 + queues <= geometry.slots_offset());
                assert!(
                    geometry.slots_offset() + geometry.slots() * SLOT_BYTES
                        <= geometry.arena_offset()
                );
                assert_eq!(geometry.arena_offset() % ARENA_ALIGN, 0);
                assert_eq!(geometry.segment_bytes() % PAGE as usize, 0);
            }
        }
    }

    #[test]
    fn sizes_outside_the_limits_are_refused() {
        for (slots, arena) in [
            (0, PAGE),
            (Geometry::MAX_SLOTS + 1, PAGE),
            (1, 0),
            (1, PAGE - 1),
            (1, PAGE + 1),
            (1, u32::MAX),
            (u32::MAX, u32::MAX),
        ] {
            assert_eq!(
                Geometry::new(slots, arena),
                None,
                "{slots} slots, {arena} bytes"
            );
        }
    }
}
