//! The side that submits tasks.

use crate::geometry::{Geometry, write_header};
use crate::memory::{Bell, Mapping};
use crate::queues::{Incoming, Outgoing, mapped};
use crate::slot::{CompletionWord, INLINE_CDB, MAX_CDB_LEN, SLOT_BYTES, Slot, SubmissionWord};
use crate::{Desk, Violation, shared};
use core::mem::offset_of;
use core::ops::ControlFlow;
use sgring_ring::Words;
use std::sync::Arc;

/// The service response of what no target is to carry out (`ts/task/function.ts`, `OVERTAKEN`).
const OVERTAKEN: u8 = 8;

/// Targets that may die while they have a task: whatever kills each that gets it is not given to another one.
pub const MOST_DEATHS: u8 = 3;

/// The initiator's end of a pair. One thread uses it.
///
/// Its desk is two lists of as many 32-bit words as there are slots: the slots to submit, written by JavaScript, and the completions
/// that were reaped, `slot | status << 16 | flags << 24`.
#[derive(Debug)]
pub struct Initiator {
    submissions: Outgoing,
    completions: Incoming,
    slots: Box<[SlotState]>,
    /// What was written of each slot that is submitted, if there may be another target.
    copies: Option<Box<[Lines]>>,
    /// Slots of tasks that no target gets any more, to be reaped.
    given_up: Vec<u16>,
    /// How many submissions were published.
    published: u64,
    desk: Arc<Desk>,
    geometry: Geometry,
    epoch: u16,
    // Dropped last: the queues stand in it.
    memory: Arc<Mapping>,
}

#[derive(Clone, Copy, Debug, Default)]
struct SlotState {
    generation: u16,
    submitted: bool,
    /// An earlier target has had it, and this one may say that its outcome is not known.
    inherited: bool,
    /// Targets that have died while they had it.
    deaths: u8,
    /// Which submission of the pair it was.
    place: u64,
}

/// Words of what is submitted in a slot's first two lines.
const HEAD: usize = offset_of!(Slot, reserved_line) / 8;
/// And of the rest of a long CDB.
const TAIL: usize = (MAX_CDB_LEN - INLINE_CDB).div_ceil(8);
const _: () = assert!(offset_of!(Slot, cdb_tail) + 8 * TAIL <= SLOT_BYTES);

/// A task as it was submitted, out of its target's reach.
#[derive(Clone, Copy, Debug)]
struct Lines {
    head: [u64; HEAD],
    tail: [u64; TAIL],
}

impl Lines {
    const EMPTY: Self = Self {
        head: [0; HEAD],
        tail: [0; TAIL],
    };

    fn has_tail(&self) -> bool {
        (self.head[offset_of!(Slot, cdb_len) / 8] & 0xffff) as usize > INLINE_CDB
    }
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
            copies: None,
            given_up: Vec::new(),
            published: 0,
            desk: Desk::new(8 * geometry.slots()),
            geometry,
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

    /// Keeps what is submitted from here on for another target: LUN, tag, CDB, lengths and the places of up to two pieces of data a
    /// direction. Whatever a dying target stores to the slots, the next one gets these; the arena it does not.
    pub fn keep(&mut self) {
        self.copies = Some(vec![Lines::EMPTY; self.slots.len()].into());
    }

    /// There will be no other target.
    pub fn keep_nothing(&mut self) {
        self.copies = None;
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
            *state = SlotState {
                generation: state.generation.wrapping_add(1),
                submitted: true,
                inherited: false,
                deaths: 0,
                place: self.published,
            };
            let word = SubmissionWord {
                slot: slot as u16,
                generation: state.generation,
                epoch: self.epoch,
                resubmitted: false,
                rerun: false,
            };
            self.published += 1;
            self.copy(slot as usize);
            self.submissions.publish(word.pack());
        }
        Ok(())
    }

    /// The target has died. A task that it had, as others had that died, goes to no other one: its completion, with the service response
    /// *overtaken*, is among the next that are reaped. How many such there are.
    pub fn outlive(&mut self) -> usize {
        for (slot, state) in self.slots.iter_mut().enumerate() {
            if !state.submitted {
                continue;
            }
            state.deaths += 1;
            if state.deaths < MOST_DEATHS {
                continue;
            }
            state.submitted = false;
            self.given_up.push(slot as u16);
        }
        self.given_up.len()
    }

    /// Makes the segment ready for another target, which `bell` rings, after the one before has **died**: new queues, a new epoch, and in
    /// them all that was not completed, in its order, as the same submissions. The arena stays as it is, and so do slots, but for what the
    /// earlier target may have stored to them (see [`keep`](Self::keep)). How many were submitted.
    ///
    /// # Safety
    ///
    /// No other process writes to the segment any more: the earlier target is gone, whose end of the connection alone does not say so.
    pub unsafe fn resubmit(&mut self, features: u64, epoch: u32, bell: Bell) -> usize {
        // SAFETY: 1. The pair holds the memory and drops it last. 2. Only its queues know where these words are, and the earlier ones
        // are not used from here on.
        let queues = unsafe { mapped(&self.memory, self.geometry) };
        for queue in &queues {
            queue.clear();
        }
        let [submissions, completions] = queues;
        // SAFETY: the mapping is page-aligned and larger than a page.
        unsafe { write_header(self.memory.as_ptr(), self.geometry, features, epoch) };
        self.epoch = epoch as u16;
        self.submissions = Outgoing::new(submissions, bell);
        self.completions = Incoming::new(completions);
        let submitted = (0..self.slots.len()).filter(|&slot| self.slots[slot].submitted);
        let mut outstanding: Vec<usize> = submitted.collect();
        outstanding.sort_unstable_by_key(|&slot| self.slots[slot].place);
        for &slot in &outstanding {
            self.slots[slot].inherited = true;
            self.publish_again(slot, false);
        }
        outstanding.len()
    }

    /// Publishes the submission of a slot once more, to be carried out again though an earlier target had begun it: its completion, which
    /// has come, said that this is not known to have happened.
    ///
    /// # Errors
    ///
    /// [`Violation::SlotState`] if no earlier target has had what was completed last, or this one was told so before: then it cannot say so.
    pub fn rerun(&mut self, slot: u16) -> Result<(), Violation> {
        let state = self.slots.get_mut(usize::from(slot));
        let state = state
            .filter(|state| !state.submitted && state.inherited)
            .ok_or(Violation::SlotState)?;
        state.submitted = true;
        state.inherited = false;
        state.place = self.published;
        self.published += 1;
        self.publish_again(usize::from(slot), true);
        self.submissions.ring();
        Ok(())
    }

    fn publish_again(&mut self, slot: usize, rerun: bool) {
        self.restore(slot);
        let word = SubmissionWord {
            slot: slot as u16,
            generation: self.slots[slot].generation,
            epoch: self.epoch,
            resubmitted: true,
            rerun,
        };
        self.submissions.publish(word.pack());
    }

    fn copy(&mut self, slot: usize) {
        let [head, tail] = self.lines(slot);
        let Some(copy) = self.copies.as_mut().and_then(|copies| copies.get_mut(slot)) else {
            return;
        };
        // SAFETY: `lines` says where.
        unsafe { shared::load(head, &mut copy.head) };
        if copy.has_tail() {
            // SAFETY: likewise.
            unsafe { shared::load(tail, &mut copy.tail) };
        }
    }

    fn restore(&mut self, slot: usize) {
        let [head, tail] = self.lines(slot);
        let Some(copy) = self.copies.as_ref().and_then(|copies| copies.get(slot)) else {
            return;
        };
        // SAFETY: `lines` says where.
        unsafe { shared::store(head, &copy.head) };
        if copy.has_tail() {
            // SAFETY: likewise.
            unsafe { shared::store(tail, &copy.tail) };
        }
    }

    /// Where the two parts of [`Lines`] stand, for a slot that there is: mapped as long as the pair lives, and aligned to 8 bytes.
    fn lines(&self, slot: usize) -> [*mut u8; 2] {
        let at = self.geometry.slots_offset() + slot * SLOT_BYTES;
        [0, offset_of!(Slot, cdb_tail)].map(|offset| self.memory.as_ptr().wrapping_add(at + offset))
    }

    /// Takes every completion that is there, writes them to the desk's second list, and returns how many they are. With `arm` and none
    /// there, this side is rung when the next one comes; until it looks again, for whoever looks is awake.
    ///
    /// # Errors
    ///
    /// What the target did wrong, from the call on that finds nothing before it.
    pub fn reap(&mut self, arm: bool) -> Result<usize, Violation> {
        let list = 4 * self.slots.len();
        let given_up = self.given_up.len();
        for (index, slot) in self.given_up.drain(..).enumerate() {
            let completion = u32::from(slot) | u32::from(OVERTAKEN) << 24;
            self.desk.store(list, index, completion);
        }
        if given_up > 0 {
            return Ok(given_up);
        }
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
