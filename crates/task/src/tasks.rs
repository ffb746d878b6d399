//! The tasks that a target has accepted: what it believes of each slot, whatever the slot says now.

use crate::ledger::{Ledger, Remembered};
use crate::memory::Mapping;
use crate::segments::{DataDescriptor, Segment, Segments};
use crate::slot::{
    CompletionWord, INLINE_CDB, INLINE_SEGMENTS, MAX_CDB_LEN, MIN_CDB_LEN, RESPONSE_BYTES, Record,
    SLOT_BYTES, Slot, SubmissionWord, flags, resubmitted,
};
use crate::{Desk, Geometry, Violation, shared};
use core::mem::{offset_of, size_of};
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
    ledger: Option<Ledger>,
    memory: Arc<Mapping>,
}

#[derive(Clone, Debug, Default)]
struct Task {
    generation: u16,
    accepted: bool,
    /// What went before is an earlier target's: the next submission may have any generation.
    unknown: bool,
    /// The ledger has something of it.
    kept: bool,
    segments: Segments,
}

/// What became of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accepted {
    /// A task to carry out, with so many bytes of data.
    Task(u64),
    /// An earlier target has answered it: the answer is in its slot, and this is its completion.
    Answered(CompletionWord),
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
            ledger: None,
            memory,
        }
    }

    /// Keeps a ledger from now on; `returned` if it is an earlier target's of the same pair.
    pub(crate) fn keep(&mut self, ledger: Ledger, returned: bool) {
        for task in &mut self.slots {
            task.unknown = returned;
            task.kept = returned;
        }
        self.ledger = Some(ledger);
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

    /// Checks a submission, and copies it to its record unless an earlier target has answered it.
    ///
    /// # Errors
    ///
    /// What is wrong with it: nothing of it is accepted then.
    pub(crate) fn accept(&mut self, word: SubmissionWord) -> Result<Accepted, Violation> {
        let slot = usize::from(word.slot);
        let task = self.slots.get_mut(slot).ok_or(Violation::Slot)?;
        if word.epoch != self.epoch {
            return Err(Violation::Epoch);
        }
        if task.accepted {
            return Err(Violation::SlotState);
        }
        let mut resubmitted = 0;
        if word.resubmitted {
            let remembered = self.recall(word)?;
            resubmitted = match remembered {
                Some(Remembered::Answered(status, flags)) => {
                    return Ok(Accepted::Answered(self.answer_again(word, status, flags)));
                }
                Some(Remembered::Started) if word.rerun => {
                    resubmitted::RESUBMITTED | resubmitted::STARTED | resubmitted::RERUN
                }
                Some(Remembered::Started) => resubmitted::RESUBMITTED | resubmitted::STARTED,
                None => resubmitted::RESUBMITTED,
            };
        } else if word.generation != task.generation.wrapping_add(1) && !task.unknown {
            return Err(Violation::Generation);
        } else if task.kept {
            task.kept = false;
            if let Some(ledger) = &self.ledger {
                ledger.forget(slot);
            }
        }
        let task = &mut self.slots[slot];
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
        task.unknown = false;

        // The record's first line is the slot's, but for the counts of segments, in whose place stand the generation and what it was before.
        line[3] =
            line[3] & 0xffff_ffff | u64::from(word.generation) << 32 | u64::from(resubmitted) << 48;
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
        Ok(Accepted::Task(
            u64::from(data.out_len) + u64::from(data.in_len),
        ))
    }

    /// What the ledger has of a submission that an earlier target has had, or this one, which could not say what had become of it.
    ///
    /// # Errors
    ///
    /// [`Violation::Generation`] if this target knows better what the slot's next submission is.
    fn recall(&self, word: SubmissionWord) -> Result<Option<Remembered>, Violation> {
        let slot = usize::from(word.slot);
        let task = &self.slots[slot];
        let remembered = self
            .ledger
            .as_ref()
            .and_then(|ledger| ledger.find(slot, word.generation));
        let again = word.rerun
            && word.generation == task.generation
            && remembered == Some(Remembered::Started);
        if task.unknown || again {
            Ok(remembered)
        } else {
            Err(Violation::Generation)
        }
    }

    /// The answer that an earlier target gave goes to its slot once more. It stays in the ledger, for the next target.
    fn answer_again(&mut self, word: SubmissionWord, status: u8, flags: u8) -> CompletionWord {
        let slot = usize::from(word.slot);
        let mut response = [0; RESPONSE_BYTES / 8];
        let words = response_words(flags);
        if let Some(ledger) = &self.ledger {
            ledger.load_response(slot, &mut response[..words]);
        }
        self.store_response(slot, &response[..words]);
        let task = &mut self.slots[slot];
        task.generation = word.generation;
        task.unknown = false;
        CompletionWord {
            slot: word.slot,
            generation: word.generation,
            status,
            flags,
        }
    }

    /// The task's answer, as its record has it, is written to its slot, and into the ledger where it was marked as started, and the task
    /// is over. Its completion.
    ///
    /// # Errors
    ///
    /// [`Violation::SlotState`] if the slot has no accepted task.
    pub(crate) fn end(
        &mut self,
        slot: u16,
        status: u8,
        flags: u8,
    ) -> Result<CompletionWord, Violation> {
        let generation = self.accepted(slot).ok_or(Violation::SlotState)?.generation;
        let started = flags & flags::STARTED != 0;
        let flags = flags & !flags::STARTED;
        let at = usize::from(slot);
        let words = response_words(flags);
        let mut response = [0; RESPONSE_BYTES / 8];
        if words > 0 {
            let from = at * size_of::<Record>() + offset_of!(Record, out_residual);
            self.desk.load_words(from, &mut response[..words]);
            self.store_response(at, &response[..words]);
        }
        let task = &mut self.slots[at];
        task.accepted = false;
        task.segments.release();
        if let Some(ledger) = self.ledger.as_ref().filter(|_| started) {
            ledger.answered(at, generation, status, flags, &response[..words]);
            task.kept = true;
        }
        Ok(CompletionWord {
            slot,
            generation,
            status,
            flags,
        })
    }

    fn store_response(&self, slot: usize, response: &[u64]) {
        let to = shared_slot(
            &self.memory,
            self.geometry,
            slot,
            offset_of!(Slot, out_residual),
        );
        // SAFETY: the slot's response is mapped and aligned.
        unsafe { shared::store(to, response) };
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

/// How many words of a response these flags tell of.
fn response_words(flags: u8) -> usize {
    match flags {
        _ if flags & flags::SENSE != 0 => RESPONSE_BYTES / 8,
        _ if flags & flags::TRANSPORT != 0 => 2,
        _ if flags & flags::RESIDUAL != 0 => 1,
        _ => 0,
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
