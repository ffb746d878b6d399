//! The side that submits tasks.

use crate::geometry::{Geometry, write_header};
use crate::slot::{CompletionWord, SubmissionWord};
use crate::{Desk, Violation};
use sgring_ring::{Consumer, Mapped, Producer};
use sgring_shm::{Bell, Mapping};
use std::sync::Arc;

/// The initiator's end of a pair. One thread uses it.
///
/// Its desk is two lists of as many 32-bit words as there are slots: the slots to submit, written by JavaScript, and the completions
/// that were reaped, `slot | status << 16 | flags << 24`.
#[derive(Debug)]
pub struct Initiator {
    submissions: Producer<Mapped>,
    completions: Consumer<Mapped>,
    slots: Box<[SlotState]>,
    desk: Arc<Desk>,
    bell: Bell,
    epoch: u16,
    /// Announced that it sleeps, and has not looked since.
    armed: bool,
    /// What the target did wrong, for good.
    violation: Option<Violation>,
    // Dropped last: the queues stand in it.
    memory: Arc<Mapping>,
}

#[derive(Clone, Copy, Debug, Default)]
struct SlotState {
    generation: u16,
    submitted: bool,
}

impl Initiator {
    /// A new pair on a fresh segment, all zero, whose header it writes. `bell` rings the target.
    ///
    /// # Panics
    ///
    /// If `memory` is not of `geometry`'s size.
    #[must_use]
    pub fn new(
        memory: Arc<Mapping>,
        geometry: Geometry,
        features: u64,
        epoch: u32,
        bell: Bell,
    ) -> Self {
        assert_eq!(
            memory.len(),
            geometry.segment_bytes(),
            "the segment has its geometry's size"
        );
        // SAFETY: the mapping is page-aligned and larger than a page.
        unsafe { write_header(memory.as_ptr(), geometry, features, epoch) };
        Self {
            submissions: Producer::new(mapped(&memory, geometry, geometry.submission_queue())),
            completions: Consumer::new(mapped(&memory, geometry, geometry.completion_queue())),
            slots: vec![SlotState::default(); geometry.slots()].into(),
            desk: Desk::new(8 * geometry.slots()),
            bell,
            epoch: epoch as u16,
            armed: false,
            violation: None,
            memory,
        }
    }

    /// What this side shares with its JavaScript.
    #[must_use]
    pub fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    /// The segment.
    #[must_use]
    pub fn memory(&self) -> &Arc<Mapping> {
        &self.memory
    }

    /// Publishes the first `count` slots of the desk's first list, and rings the target if it sleeps.
    ///
    /// # Errors
    ///
    /// [`Violation::SlotState`] at the first slot that does not exist or is submitted already: a fault of this side's own. Those before it
    /// were published.
    pub fn submit(&mut self, count: usize) -> Result<(), Violation> {
        let published = self.publish(count);
        // The flag is taken: a peer that cannot be rung (the kernel has no memory for a byte) would sleep for ever.
        if self.submissions.must_ring() && !self.bell.ring() {
            self.bell.hang_up();
        }
        published
    }

    fn publish(&mut self, count: usize) -> Result<(), Violation> {
        for index in 0..count.min(self.slots.len()) {
            let slot = self.desk.load(0, index);
            let state = self
                .slots
                .get_mut(slot as usize)
                .filter(|state| !state.submitted);
            let state = state.ok_or(Violation::SlotState)?;
            state.generation = state.generation.wrapping_add(1);
            state.submitted = true;
            let generation = state.generation;
            self.submissions.publish(
                SubmissionWord {
                    slot: slot as u16,
                    generation,
                    epoch: self.epoch,
                }
                .pack(),
            );
        }
        Ok(())
    }

    /// Takes every completion that is there, writes them to the desk's second list, and returns how many they are. With `arm` and none
    /// there, this side is rung when the next one comes; until it looks again, for whoever looks is awake.
    ///
    /// # Errors
    ///
    /// What the target did wrong, from the call on that finds nothing before it.
    pub fn reap(&mut self, arm: bool) -> Result<usize, Violation> {
        if self.armed {
            self.completions.disarm();
            self.armed = false;
        }
        let mut count = self.drain()?;
        if count == 0 && arm {
            let armed = self.completions.arm();
            self.armed = armed.map_err(|corrupt| *self.violation.insert(corrupt.into()))?;
            if !self.armed {
                count = self.drain()?;
            }
        }
        Ok(count)
    }

    fn drain(&mut self) -> Result<usize, Violation> {
        let list = 4 * self.slots.len();
        let mut count = 0;
        // No more can be there than were submitted; a target that forges more meets `SlotState`.
        while self.violation.is_none() {
            match self.take() {
                Ok(Some(word)) => {
                    self.desk.store(list, count, word);
                    count += 1;
                }
                Ok(None) => break,
                Err(violation) => self.violation = Some(violation),
            }
        }
        match self.violation {
            Some(violation) if count == 0 => Err(violation),
            _ => Ok(count),
        }
    }

    /// The next completion, as the desk's second list has it.
    fn take(&mut self) -> Result<Option<u32>, Violation> {
        let Some(payload) = self.completions.consume()? else {
            return Ok(None);
        };
        let CompletionWord {
            slot,
            generation,
            status,
            flags,
        } = CompletionWord::unpack(payload);
        let state = self
            .slots
            .get_mut(usize::from(slot))
            .ok_or(Violation::Slot)?;
        if !state.submitted {
            return Err(Violation::SlotState);
        }
        if state.generation != generation {
            return Err(Violation::Generation);
        }
        state.submitted = false;
        Ok(Some(
            u32::from(slot) | u32::from(status) << 16 | u32::from(flags) << 24,
        ))
    }
}

/// The words of one queue of a segment.
pub(crate) fn mapped(
    memory: &Arc<Mapping>,
    geometry: Geometry,
    (entries, flag): (usize, usize),
) -> Mapped {
    assert_eq!(
        memory.len(),
        geometry.segment_bytes(),
        "the segment has its geometry's size"
    );
    // SAFETY: the queue lies in the segment, which has the geometry's size.
    let entries = unsafe { memory.as_ptr().add(entries) };
    // SAFETY: the flag lies in the header.
    let armed = unsafe { memory.as_ptr().add(flag) };
    // SAFETY: 1. Both are multiples of 8 from a page's start, within the mapping; whoever holds the queue holds the mapping, too, and
    // drops it last. 2. Nothing else in this process touches the queues' words.
    unsafe { Mapped::new(entries.cast(), geometry.entries(), armed.cast()) }
}
