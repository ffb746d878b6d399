//! Queue entries and slots, as a target reads them from an initiator that writes what it likes.

use crate::forgery::{FLAGS, Forgery, QUEUES, SLOTS, fresh_segment, without};
use crate::pair::{RawQueue, Server, Shared, pair_over};
use crate::rules::{Spelling, is_well_spelt, spelt};
use arbitrary::{Arbitrary, Unstructured};
use sgring_task::{CompletionWord, Direction, MAX_SENSE_LEN, Slot, Violation, flags};
use std::mem::offset_of;

#[derive(Arbitrary, Debug)]
enum Step {
    Forge(Forgery),
    /// A task behind the next entry.
    Submit(u8, Spelling),
    /// Any payload in the next lap.
    Publish(u64),
    Fetch(bool),
    Complete(Answer),
}

#[derive(Arbitrary, Debug)]
struct Answer {
    which: u8,
    status: u8,
    flags: u8,
    residuals: [i32; 2],
    sense_len: u8,
}

/// What an initiator does, one step after the other, and what the target makes of it.
pub fn run(data: &[u8]) {
    let [client, _] = fresh_segment();
    let mut play = Play::new(client);
    let mut input = Unstructured::new(data);
    while !input.is_empty() {
        let Ok(step) = Step::arbitrary(&mut input) else {
            break;
        };
        play.take(step);
    }
    let _checked = play.fetch(true);
}

struct Play {
    shared: Shared,
    server: Server,
    submissions: RawQueue,
    accepted: Vec<u16>,
    /// Entries that were published and not fetched; `None` once anybody has forged a queue.
    unread: Option<usize>,
}

impl Play {
    fn new(shared: Shared) -> Self {
        Self {
            server: Server::anew(&shared),
            submissions: shared.submissions(),
            accepted: Vec::new(),
            unread: Some(0),
            shared,
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Forge(forgery) => {
                if forgery.commit(&self.shared) {
                    self.unread = None;
                }
            }
            Step::Submit(slot, spelling) => self.submit(u16::from(slot) % SLOTS, &spelling),
            Step::Publish(payload) => {
                self.submissions.publish(payload & 0xffff_ffff_ffff);
                self.unread = self.unread.map(|unread| unread + 1);
            }
            Step::Fetch(arm) => {
                let _checked = self.fetch(arm);
            }
            Step::Complete(answer) => self.complete(&answer),
        }
    }

    fn submit(&mut self, slot: u16, Spelling(command): &Spelling) {
        let alone = self.unread == Some(0) && !self.accepted.contains(&slot);
        command.put(&self.shared, slot);
        let generation = self.server.record(slot).generation.wrapping_add(1);
        self.submissions.submit(slot, generation);
        self.unread = self.unread.map(|unread| unread + 1);
        if !alone {
            return;
        }
        // Nothing else is there: the target and the other reading of the rules must agree.
        let lists = [0, 1].map(|direction| spelt(&self.shared, slot, command, direction));
        let expected = is_well_spelt(command, [&lists[0], &lists[1]]);
        let fetched = self.fetch(false);
        assert_eq!(fetched.is_ok(), expected, "{command:?}: {fetched:?}");
        if fetched.is_ok() {
            assert_eq!(fetched, Ok(vec![slot]));
            let record = self.server.record(slot);
            assert_eq!(record.tag, command.tag);
            assert_eq!(record.cdb_len, command.cdb_len);
            let known = command.cdb.len().min(usize::from(command.cdb_len));
            assert_eq!(record.cdb[..known], command.cdb[..known]);
            for (direction, list) in [Direction::Out, Direction::In].into_iter().zip(lists) {
                assert_eq!(self.server.segments(slot, direction), Some(list));
            }
        }
    }

    /// Looks, and checks what was found; a violation is followed by a new attachment.
    fn fetch(&mut self, arm: bool) -> Result<Vec<u16>, Violation> {
        let own = [(FLAGS[0], 8)];
        let before = without(self.shared.snapshot(), &own);
        let fetched = self.server.fetch(arm);
        assert!(
            without(self.shared.snapshot(), &own) == before,
            "a look writes nothing but its own flag"
        );
        match &fetched {
            Ok(slots) => {
                for &slot in slots {
                    assert!(!self.accepted.contains(&slot), "{slot} is accepted twice");
                    self.accepted.push(slot);
                }
                self.unread = self.unread.map(|unread| unread - slots.len());
                self.check_accepted();
            }
            Err(violation) => {
                self.check_accepted();
                assert_eq!(self.server.fetch(arm), Err(*violation), "for good");
                *self = Self::new(self.shared.clone());
            }
        }
        fetched
    }

    /// What is accepted is what was fetched and not completed, and it keeps the rules whatever its slot says now.
    fn check_accepted(&self) {
        for slot in 0..SLOTS {
            let accepted = self.server.segments(slot, Direction::Out).is_some();
            assert_eq!(accepted, self.accepted.contains(&slot));
            if accepted {
                self.server.check_accepted(slot);
            }
        }
    }

    fn complete(&mut self, answer: &Answer) {
        let Some(index) = usize::from(answer.which).checked_rem(self.accepted.len()) else {
            assert!(self.server.try_complete(&[(0, 0, 0)]).is_err());
            return;
        };
        let slot = self.accepted.remove(index);
        let generation = self.server.record(slot).generation;
        let sense = vec![0x70; usize::from(answer.sense_len).min(MAX_SENSE_LEN)];
        self.server.answer(slot, answer.residuals, &sense);

        let response = offset_of!(Slot, out_residual);
        let own = [
            (FLAGS[1], 8),
            (QUEUES, 16 * self.shared.geometry.entries()),
            (
                self.shared.slot(slot, response),
                offset_of!(Slot, cdb_tail) - response,
            ),
        ];
        let before = self.shared.snapshot();
        self.server.complete(&[(slot, answer.status, answer.flags)]);
        let after = self.shared.snapshot();
        let entries = QUEUES + 8 * self.shared.geometry.entries()..self.shared.slot(0, 0);
        let written = before[entries.clone()]
            .chunks_exact(8)
            .zip(after[entries].chunks_exact(8))
            .filter(|(before, after)| before != after)
            .map(|(_, after)| after.try_into().expect("a chunk of eight"))
            .map(u64::from_le_bytes)
            .collect::<Vec<_>>();
        // None differs where its client had forged that very word.
        assert!(written.len() <= 1, "one entry a completion");
        for word in written {
            let expected = CompletionWord {
                slot,
                generation,
                status: answer.status,
                // That one is between the target and its ledger.
                flags: answer.flags & !flags::STARTED,
            };
            assert_eq!(CompletionWord::unpack(word & 0xffff_ffff_ffff), expected);
        }
        assert!(
            without(before, &own) == without(after, &own),
            "an answer goes to its slot and to the queue"
        );
        self.check_accepted();
    }
}

/// The pair's two ends are the same for both targets of this crate.
pub(crate) fn both_ends() -> (crate::pair::Client, Server) {
    pair_over(fresh_segment())
}
