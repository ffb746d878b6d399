//! The side that answers tasks.

use crate::geometry::{Geometry, header_matches};
use crate::initiator::mapped;
use crate::segments::{DataDescriptor, Segment, Segments};
use crate::slot::{
    CompletionWord, INLINE_CDB, INLINE_SEGMENTS, MAX_CDB_LEN, MIN_CDB_LEN, RESPONSE_BYTES, Record,
    SLOT_BYTES, Slot, SubmissionWord, flags,
};
use crate::{Desk, Violation, shared};
use core::mem::{offset_of, size_of};
use sgring_ring::{Consumer, Mapped, Producer};
use sgring_shm::{Bell, Mapping};
use std::sync::Arc;

/// The target's end of a pair. One thread uses it.
///
/// Its desk is a [`Record`] for each slot, then two lists of as many 32-bit words as there are slots: the slots that were fetched, and
/// the completions to publish, `slot | status << 16 | flags << 24`.
#[derive(Debug)]
pub struct Target {
    submissions: Consumer<Mapped>,
    completions: Producer<Mapped>,
    tasks: Box<[Task]>,
    /// Scratch for the check that a task's segments do not overlap.
    order: Vec<Segment>,
    desk: Arc<Desk>,
    bell: Bell,
    epoch: u16,
    /// The slot whose task was completed last.
    last_completed: usize,
    /// Announced that it sleeps, and has not looked since.
    armed: bool,
    /// What the initiator did wrong, for good.
    violation: Option<Violation>,
    geometry: Geometry,
    // Dropped last: the queues stand in it.
    memory: Arc<Mapping>,
}

/// What the target believes of a slot: the one place that decides what is outstanding.
#[derive(Clone, Debug, Default)]
struct Task {
    generation: u16,
    accepted: bool,
    segments: Segments,
}

/// Which of a task's two data buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the initiator.
    Out,
    /// To the initiator.
    In,
}

/// The most submissions that one [`Target::fetch`] takes. Each may name 512 segments, which are copied, sorted and compared: this bounds
/// what one call may cost the target's thread, whatever its peer submits.
const FETCH_MOST: usize = 64;
/// And no further one once those taken have this much data, which a target in memory copies before it looks at anybody else.
const FETCH_BYTES: u64 = 1 << 20;

const DESCRIPTOR_WORDS: usize = 8;
const SEGMENT_WORDS: usize = 2 * INLINE_SEGMENTS;
const TAIL_WORDS: usize = (MAX_CDB_LEN - INLINE_CDB).div_ceil(8);

impl Target {
    /// The target's end of a segment that was checked and mapped. `None` if its header does not say what the handshake said.
    ///
    /// # Panics
    ///
    /// If `memory` is not of `geometry`'s size.
    #[must_use]
    pub fn attach(
        memory: Arc<Mapping>,
        geometry: Geometry,
        features: u64,
        epoch: u32,
        bell: Bell,
    ) -> Option<Self> {
        assert_eq!(
            memory.len(),
            geometry.segment_bytes(),
            "the segment has its geometry's size"
        );
        // SAFETY: the mapping is page-aligned and larger than a page.
        if !unsafe { header_matches(memory.as_ptr(), geometry, features, epoch) } {
            return None;
        }
        let slots = geometry.slots();
        Some(Self {
            submissions: Consumer::new(mapped(&memory, geometry, geometry.submission_queue())),
            completions: Producer::new(mapped(&memory, geometry, geometry.completion_queue())),
            tasks: vec![Task::default(); slots].into(),
            order: Vec::new(),
            desk: Desk::new(slots * (size_of::<Record>() + 8)),
            bell,
            epoch: epoch as u16,
            last_completed: 0,
            armed: false,
            violation: None,
            geometry,
            memory,
        })
    }

    /// What this side shares with its JavaScript.
    #[must_use]
    pub fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    /// The segment: whoever works on a task's bytes in another thread holds it.
    #[must_use]
    pub fn memory(&self) -> &Arc<Mapping> {
        &self.memory
    }

    /// Takes the submissions that are there, up to 64, checks each, copies it to its record, writes its slot to the desk's first list,
    /// and returns how many they are: call it again until they are 0. With `arm` and none there, this side is rung when the next one
    /// comes; until it looks again, for whoever looks is awake.
    ///
    /// # Errors
    ///
    /// What the initiator did wrong, from the call on that finds nothing before it. Accepted submissions stay accepted.
    pub fn fetch(&mut self, arm: bool) -> Result<usize, Violation> {
        if self.armed {
            self.submissions.disarm();
            self.armed = false;
        }
        let mut count = self.drain()?;
        if count == 0 && arm {
            let armed = self.submissions.arm();
            self.armed = armed.map_err(|corrupt| *self.violation.insert(corrupt.into()))?;
            if !self.armed {
                count = self.drain()?;
            }
        }
        Ok(count)
    }

    fn drain(&mut self) -> Result<usize, Violation> {
        let list = self.tasks.len() * size_of::<Record>();
        let mut count = 0;
        let mut bytes = 0;
        while count < FETCH_MOST && bytes < FETCH_BYTES && self.violation.is_none() {
            match self.take() {
                Ok(Some((slot, data_bytes))) => {
                    bytes += data_bytes;
                    // The list has room: a slot that is accepted is not accepted again before it was completed, which does not happen
                    // here.
                    self.desk.store(list, count, u32::from(slot));
                    count += 1;
                }
                Ok(None) => {
                    self.expect();
                    break;
                }
                Err(violation) => self.violation = Some(violation),
            }
        }
        match self.violation {
            Some(violation) if count == 0 => Err(violation),
            _ => Ok(count),
        }
    }

    /// An initiator with little to do mostly uses the slot again that came home last. Asking for its line now, the target waits for the
    /// line and for the entry at the same time, and not for one after the other.
    fn expect(&self) {
        #[cfg(target_arch = "x86_64")]
        {
            use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            let line = shared_slot(&self.memory, self.geometry, self.last_completed, 0);
            // SAFETY: a hint: it reads nothing that the program sees.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(line.cast()) };
        }
    }

    /// The slot of the next submission, which is accepted then, and how many bytes of data it has.
    fn take(&mut self) -> Result<Option<(u16, u64)>, Violation> {
        let Some(payload) = self.submissions.consume()? else {
            return Ok(None);
        };
        let word = SubmissionWord::unpack(payload);
        let data_bytes = self.accept(word)?;
        Ok(Some((word.slot, data_bytes)))
    }

    fn accept(&mut self, word: SubmissionWord) -> Result<u64, Violation> {
        let slot = usize::from(word.slot);
        let task = self.tasks.get_mut(slot).ok_or(Violation::Slot)?;
        if word.epoch != self.epoch {
            return Err(Violation::Epoch);
        }
        if task.accepted {
            return Err(Violation::SlotState);
        }
        if word.generation != task.generation.wrapping_add(1) {
            return Err(Violation::Generation);
        }
        let base = shared_slot(&self.memory, self.geometry, slot, 0);
        let record = slot * size_of::<Record>();

        // The first line is loaded once; what follows looks at this copy only.
        let mut line = [0; DESCRIPTOR_WORDS];
        // SAFETY: the slot's first line is mapped and aligned.
        unsafe { shared::load(base, &mut line) };
        let cdb_len = usize::from(line[2] as u16);
        let attribute = (line[2] >> 16) as u8 & 0x0f;
        let function = (line[2] >> 24) as u8;
        if !(MIN_CDB_LEN..=MAX_CDB_LEN).contains(&cdb_len) {
            return Err(Violation::CdbLen);
        }
        if !matches!(attribute, 0 | 1 | 2 | 4) {
            return Err(Violation::Attribute);
        }
        let data = DataDescriptor {
            out_len: (line[2] >> 32) as u32,
            in_len: line[3] as u32,
            out_count: (line[3] >> 32) as u16,
            in_count: (line[3] >> 48) as u16,
        };
        if function != 0 && (data.out_len != 0 || data.in_len != 0) {
            return Err(Violation::Function);
        }
        if (line[3] >> 32) != 0 || data.out_len != 0 || data.in_len != 0 {
            let mut inline = [0; SEGMENT_WORDS];
            let segments = shared_slot(&self.memory, self.geometry, slot, offset_of!(Slot, out));
            // SAFETY: the slot's second line is mapped and aligned.
            unsafe { shared::load(segments, &mut inline) };
            let arena = arena(&self.memory, self.geometry);
            // SAFETY: the arena is mapped with its whole length and aligned to its pages.
            unsafe {
                task.segments.read(
                    data,
                    &inline,
                    arena,
                    self.geometry.arena_bytes(),
                    &mut self.order,
                )
            }?;
        } else {
            task.segments.clear();
        }
        task.generation = word.generation;
        task.accepted = true;

        // The record's first line is the slot's, but for the counts of segments, in whose place the generation stands.
        line[3] = line[3] & 0xffff_ffff | u64::from(word.generation) << 32;
        self.desk.store_words(record, &line);
        if cdb_len > INLINE_CDB {
            let mut tail = [0; TAIL_WORDS];
            let from = shared_slot(
                &self.memory,
                self.geometry,
                slot,
                offset_of!(Slot, cdb_tail),
            );
            // SAFETY: the tail is mapped, and the slot's last padding covers its last word.
            unsafe { shared::load(from, &mut tail) };
            // Half of the last word is that padding.
            tail[TAIL_WORDS - 1] &= 0xffff_ffff;
            self.desk
                .store_words(record + offset_of!(Record, cdb) + INLINE_CDB, &tail);
        }
        Ok(u64::from(data.out_len) + u64::from(data.in_len))
    }

    /// Publishes the first `count` completions of the desk's second list, and rings the initiator if it sleeps.
    ///
    /// # Errors
    ///
    /// [`Violation::SlotState`] at the first slot without an accepted task: a fault of this side's own. Those before it were published.
    pub fn complete(&mut self, count: usize) -> Result<(), Violation> {
        let published = self.publish(count);
        // The flag is taken: a peer that cannot be rung (the kernel has no memory for a byte) would sleep for ever.
        if self.completions.must_ring() && !self.bell.ring() {
            self.bell.hang_up();
        }
        published
    }

    fn publish(&mut self, count: usize) -> Result<(), Violation> {
        let list = self.tasks.len() * (size_of::<Record>() + 4);
        for index in 0..count.min(self.tasks.len()) {
            let word = self.desk.load(list, index);
            let (slot, status, flags) = (word as u16, (word >> 16) as u8, (word >> 24) as u8);
            let generation = self.task(slot).ok_or(Violation::SlotState)?.generation;
            self.write_response(usize::from(slot), flags);
            let task = &mut self.tasks[usize::from(slot)];
            task.accepted = false;
            task.segments.release();
            self.last_completed = usize::from(slot);
            self.completions.publish(
                CompletionWord {
                    slot,
                    generation,
                    status,
                    flags,
                }
                .pack(),
            );
        }
        Ok(())
    }

    fn write_response(&self, slot: usize, flags: u8) {
        let words = match flags {
            _ if flags & flags::SENSE != 0 => RESPONSE_BYTES / 8,
            _ if flags & flags::RESIDUAL != 0 => 1,
            _ => return,
        };
        let from = slot * size_of::<Record>() + offset_of!(Record, out_residual);
        let mut response = [0; RESPONSE_BYTES / 8];
        self.desk.load_words(from, &mut response[..words]);
        let to = shared_slot(
            &self.memory,
            self.geometry,
            slot,
            offset_of!(Slot, out_residual),
        );
        // SAFETY: the slot's response is mapped and aligned.
        unsafe { shared::store(to, &response[..words]) };
    }

    /// The accepted task's segments in one direction. `None` if the slot has no accepted task.
    #[must_use]
    pub fn segments(&self, slot: u16, direction: Direction) -> Option<&[Segment]> {
        let segments = &self.task(slot)?.segments;
        Some(match direction {
            Direction::Out => segments.data_out(),
            Direction::In => segments.data_in(),
        })
    }

    /// Where a segment's bytes stand; they stay mapped as long as [`Target::memory`] is held.
    #[must_use]
    pub fn place(&self, segment: Segment) -> *mut u8 {
        assert!(
            segment.offset as usize <= self.geometry.arena_bytes(),
            "checked when it was read"
        );
        // SAFETY: within the arena.
        unsafe { arena(&self.memory, self.geometry).add(segment.offset as usize) }
    }

    fn task(&self, slot: u16) -> Option<&Task> {
        self.tasks
            .get(usize::from(slot))
            .filter(|task| task.accepted)
    }
}

/// A place in a slot.
fn shared_slot(memory: &Mapping, geometry: Geometry, slot: usize, offset: usize) -> *mut u8 {
    assert!(
        slot < geometry.slots() && offset < SLOT_BYTES,
        "the caller has checked the slot"
    );
    let at = geometry.slots_offset() + slot * SLOT_BYTES + offset;
    // SAFETY: within the segment, which has the geometry's size (`attach`).
    unsafe { memory.as_ptr().add(at) }
}

fn arena(memory: &Mapping, geometry: Geometry) -> *mut u8 {
    // SAFETY: within the segment, which has the geometry's size (`attach`).
    unsafe { memory.as_ptr().add(geometry.arena_offset()) }
}
