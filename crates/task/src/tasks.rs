//! The tasks that a target has accepted: what it believes of each slot, whatever the slot says now.

use crate::segments::{DataDescriptor, Segment, Segments};
use crate::slot::{
    INLINE_CDB, INLINE_SEGMENTS, MAX_CDB_LEN, MIN_CDB_LEN, RESPONSE_BYTES, Record, SLOT_BYTES,
    Slot, SubmissionWord, flags,
};
use crate::{Desk, Geometry, Violation, shared};
use core::mem::{offset_of, size_of};
use sgring_shm::Mapping;
use std::sync::Arc;

/// A task for each slot: the one place that decides what is outstanding.
#[derive(Debug)]
pub(crate) struct Tasks {
    slots: Box<[Task]>,
    /// Scratch for the check that a task's segments do not overlap.
    order: Vec<Segment>,
    desk: Arc<Desk>,
    epoch: u16,
    geometry: Geometry,
    memory: Arc<Mapping>,
}

#[derive(Clone, Debug, Default)]
struct Task {
    generation: u16,
    accepted: bool,
    segments: Segments,
}

const DESCRIPTOR_WORDS: usize = 8;
const SEGMENT_WORDS: usize = 2 * INLINE_SEGMENTS;
const TAIL_WORDS: usize = (MAX_CDB_LEN - INLINE_CDB).div_ceil(8);

impl Tasks {
    /// None yet. `memory` is of `geometry`'s size, and `desk` begins with a [`Record`] for each slot.
    pub(crate) fn new(
        memory: Arc<Mapping>,
        geometry: Geometry,
        epoch: u32,
        desk: Arc<Desk>,
    ) -> Self {
        Self {
            slots: vec![Task::default(); geometry.slots()].into(),
            order: Vec::new(),
            desk,
            epoch: epoch as u16,
            geometry,
            memory,
        }
    }

    pub(crate) fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    pub(crate) fn memory(&self) -> &Arc<Mapping> {
        &self.memory
    }

    /// Where the first list stands on the desk: behind the records.
    pub(crate) fn fetched_list(&self) -> usize {
        self.slots.len() * size_of::<Record>()
    }

    /// Where the second list stands.
    pub(crate) fn completion_list(&self) -> usize {
        self.slots.len() * (size_of::<Record>() + 4)
    }

    /// How many slots there are.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Checks a submission and copies it to its record. How many bytes of data it has.
    ///
    /// # Errors
    ///
    /// What is wrong with it: nothing of it is accepted then.
    pub(crate) fn accept(&mut self, word: SubmissionWord) -> Result<u64, Violation> {
        let slot = usize::from(word.slot);
        let task = self.slots.get_mut(slot).ok_or(Violation::Slot)?;
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

    /// The task's answer, as its record has it, is written to its slot, and the task is over. Its generation.
    ///
    /// # Errors
    ///
    /// [`Violation::SlotState`] if the slot has no accepted task.
    pub(crate) fn end(&mut self, slot: u16, flags: u8) -> Result<u16, Violation> {
        let generation = self.accepted(slot).ok_or(Violation::SlotState)?.generation;
        self.write_response(usize::from(slot), flags);
        let task = &mut self.slots[usize::from(slot)];
        task.accepted = false;
        task.segments.release();
        Ok(generation)
    }

    fn write_response(&self, slot: usize, flags: u8) {
        let words = match flags {
            _ if flags & flags::SENSE != 0 => RESPONSE_BYTES / 8,
            _ if flags & flags::TRANSPORT != 0 => 2,
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

    /// `None` if the slot has no accepted task.
    pub(crate) fn segments(&self, slot: u16) -> Option<&Segments> {
        self.accepted(slot).map(|task| &task.segments)
    }

    /// Where a segment's bytes stand.
    pub(crate) fn place(&self, segment: Segment) -> *mut u8 {
        assert!(
            segment.offset as usize <= self.geometry.arena_bytes(),
            "checked when it was read"
        );
        // SAFETY: within the arena.
        unsafe { arena(&self.memory, self.geometry).add(segment.offset as usize) }
    }

    /// A slot's first line is wanted soon.
    pub(crate) fn prefetch(&self, slot: u16) {
        #[cfg(target_arch = "x86_64")]
        {
            use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            let line = shared_slot(&self.memory, self.geometry, usize::from(slot), 0);
            // SAFETY: a hint: it reads nothing that the program sees.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(line.cast()) };
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = slot;
    }

    fn accepted(&self, slot: u16) -> Option<&Task> {
        self.slots
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
