//! The side that answers tasks.

use crate::geometry::{Geometry, header_matches};
use crate::memory::{Bell, Mapping};
use crate::queues::{Incoming, Outgoing, mapped};
use crate::segments::Segment;
use crate::slot::{Record, SubmissionWord};
use crate::tasks::{Accepted, Tasks};
use crate::{Desk, Ledger, Violation};
use core::mem::size_of;
use core::ops::ControlFlow;
use std::sync::Arc;

/// The target's end of a pair. One thread uses it.
///
/// Its desk is a [`Record`] for each slot, then two lists of as many 32-bit words as there are slots: the slots that were fetched, and
/// the completions to publish, `slot | status << 16 | flags << 24`.
#[derive(Debug)]
pub struct Target {
    submissions: Incoming,
    completions: Outgoing,
    /// The slot whose task was completed last.
    last_completed: u16,
    // Dropped last: it holds the memory, in which the queues stand.
    tasks: Tasks,
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
/// And no further one once those taken have this much data, which a target in memory copies before it looks at anybody else: a fetch is that
/// of one command more at most.
const FETCH_BYTES: u64 = 1 << 20;

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
        // SAFETY: 1. The pair holds the memory and drops it last. 2. Only its queues know where these words are.
        let [submissions, completions] = unsafe { mapped(&memory, geometry) };
        // SAFETY: the mapping is page-aligned and larger than a page.
        if !unsafe { header_matches(memory.as_ptr(), geometry, features, epoch) } {
            return None;
        }
        let desk = Desk::new(geometry.slots() * (size_of::<Record>() + 8));
        Some(Self {
            submissions: Incoming::new(submissions),
            completions: Outgoing::new(completions, bell),
            last_completed: 0,
            tasks: Tasks::new(memory, geometry, epoch, desk),
        })
    }

    /// Keeps a ledger of what it is asked from now on; `returned` if an earlier target of the same pair has left it, whose submissions
    /// come again. To be called before the first [`Target::fetch`].
    pub fn keep(&mut self, ledger: Ledger, returned: bool) {
        self.tasks.keep(ledger, returned);
    }

    /// What this side shares with its JavaScript.
    #[must_use]
    pub fn desk(&self) -> &Arc<Desk> {
        self.tasks.desk()
    }

    /// The segment: whoever works on a task's bytes in another thread holds it.
    #[must_use]
    pub fn memory(&self) -> &Arc<Mapping> {
        self.tasks.memory()
    }

    /// Takes the submissions that are there, up to 64, checks each, copies it to its record, writes its slot to the desk's first list,
    /// and returns how many they are: call it again until they are 0. With `arm` and none there, this side is rung when the next one
    /// comes; until it looks again, for whoever looks is awake.
    ///
    /// # Errors
    ///
    /// What the initiator did wrong, from the call on that finds nothing before it. Accepted submissions stay accepted.
    pub fn fetch(&mut self, arm: bool) -> Result<usize, Violation> {
        let fetched = loop {
            let (taken, answered) = self.look(arm)?;
            // 0 is for none there. A slot's task is answered from the ledger once at most, so this ends.
            if taken > answered || taken == 0 {
                break taken - answered;
            }
        };
        if fetched == 0 {
            // An initiator with little to do mostly uses the slot again that came home last. Asking for its line now, the target waits
            // for the line and for the entry at the same time, and not for one after the other.
            self.tasks.prefetch(self.last_completed);
        }
        Ok(fetched)
    }

    /// Takes submissions, of which those to carry out are on the desk's first list. How many were taken, and how many of them the ledger
    /// answered.
    fn look(&mut self, arm: bool) -> Result<(usize, usize), Violation> {
        let list = self.tasks.fetched_list();
        let (mut bytes, mut answered) = (0, 0);
        let taken = self.submissions.look(arm, |payload, index| {
            let word = SubmissionWord::unpack(payload);
            match self.tasks.accept(word)? {
                Accepted::Task(len) => {
                    bytes += len;
                    // The list has room: a slot that is accepted is not accepted again before it was completed, which does not happen
                    // here.
                    let desk = self.tasks.desk();
                    desk.store(list, index - answered, u32::from(word.slot));
                }
                Accepted::Answered(completion) => {
                    answered += 1;
                    self.completions.publish(completion.pack());
                }
            }
            if index + 1 < FETCH_MOST && bytes < FETCH_BYTES {
                Ok(ControlFlow::Continue(()))
            } else {
                Ok(ControlFlow::Break(()))
            }
        })?;
        if answered > 0 {
            self.completions.ring();
        }
        Ok((taken, answered))
    }

    /// Publishes the first `count` completions of the desk's second list, and rings the initiator if it sleeps.
    ///
    /// # Errors
    ///
    /// [`Violation::SlotState`] at the first slot without an accepted task: a fault of this side's own. Those before it were published.
    pub fn complete(&mut self, count: usize) -> Result<(), Violation> {
        let published = self.publish(count);
        self.completions.ring();
        published
    }

    fn publish(&mut self, count: usize) -> Result<(), Violation> {
        let list = self.tasks.completion_list();
        for index in 0..count.min(self.tasks.len()) {
            let word = self.tasks.desk().load(list, index);
            let (slot, status, flags) = (word as u16, (word >> 16) as u8, (word >> 24) as u8);
            let completion = self.tasks.end(slot, status, flags)?;
            self.last_completed = slot;
            self.completions.publish(completion.pack());
        }
        Ok(())
    }

    /// How many slots there are.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.tasks.len()
    }

    pub(crate) fn fetched_list(&self) -> usize {
        self.tasks.fetched_list()
    }

    pub(crate) fn completion_list(&self) -> usize {
        self.tasks.completion_list()
    }

    /// The accepted task's segments in one direction. `None` if the slot has no accepted task.
    #[must_use]
    pub fn segments(&self, slot: u16, direction: Direction) -> Option<&[Segment]> {
        let segments = self.tasks.segments(slot)?;
        Some(match direction {
            Direction::Out => segments.data_out(),
            Direction::In => segments.data_in(),
        })
    }

    /// Where a segment's bytes stand; they stay mapped as long as [`Target::memory`] is held.
    #[must_use]
    pub fn place(&self, segment: Segment) -> *mut u8 {
        self.tasks.place(segment)
    }
}
