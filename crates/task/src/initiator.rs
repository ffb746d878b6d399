//! The side that submits tasks.

use crate::geometry::{Geometry, write_header};
use crate::queues::{Incoming, Outgoing, mapped};
use crate::slot::{CompletionWord, SubmissionWord};
use crate::{Desk, Violation};
use core::ops::ControlFlow;
use sgring_shm::{Bell, Mapping};
use std::sync::Arc;

/// The initiator's end of a pair. One thread uses it.
///
/// Its desk is two lists of as many 32-bit words as there are slots: the slots to submit, written by JavaScript, and the completions
/// that were reaped, `slot | status << 16 | flags << 24`.
#[derive(Debug)]
pub struct Initiator {
    submissions: Outgoing,
    completions: Incoming,
    slots: Box<[SlotState]>,
    desk: Arc<Desk>,
    epoch: u16,
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
        // SAFETY: 1. The pair holds the memory and drops it last. 2. Only its queues know where these words are.
        let [submissions, completions] = unsafe { mapped(&memory, geometry) };
        // SAFETY: the mapping is page-aligned and larger than a page.
        unsafe { write_header(memory.as_ptr(), geometry, features, epoch) };
        Self {
            submissions: Outgoing::new(submissions, bell),
            completions: Incoming::new(completions),
            slots: vec![SlotState::default(); geometry.slots()].into(),
            desk: Desk::new(8 * geometry.slots()),
            epoch: epoch as u16,
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
        self.submissions.ring();
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
        let list = 4 * self.slots.len();
        // No more can be there than were submitted; a target that forges more meets `SlotState`.
        self.completions.look(arm, |payload, index| {
            let word = CompletionWord::unpack(payload);
            take_home(&mut self.slots, word)?;
            let CompletionWord {
                slot,
                status,
                flags,
                ..
            } = word;
            let completion = u32::from(slot) | u32::from(status) << 16 | u32::from(flags) << 24;
            self.desk.store(list, index, completion);
            Ok(ControlFlow::Continue(()))
        })
    }
}

/// The slot is its initiator's again.
fn take_home(slots: &mut [SlotState], word: CompletionWord) -> Result<(), Violation> {
    let state = slots.get_mut(usize::from(word.slot));
    let state = state.ok_or(Violation::Slot)?;
    if !state.submitted {
        return Err(Violation::SlotState);
    }
    if state.generation != word.generation {
        return Err(Violation::Generation);
    }
    state.submitted = false;
    Ok(())
}
