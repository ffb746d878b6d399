//! Queue entries, as an initiator reads them from a target that writes what it likes.

use crate::forgery::{FLAGS, Forgery, QUEUES, SLOTS, without};
use crate::pair::{Client, RawQueue};
use crate::submissions::both_ends;
use arbitrary::{Arbitrary, Unstructured};
use sgring_task::{CompletionWord, SubmissionWord, Violation};

#[derive(Arbitrary, Debug)]
enum Step {
    Forge(Forgery),
    Submit(u8),
    /// The completion of a slot, of its generation or of one so many later.
    Complete {
        slot: u8,
        later: u8,
        status: u8,
        flags: u8,
    },
    /// Any payload in the next lap.
    Publish(u64),
    Reap(bool),
}

/// What a target does, one step after the other, and what the initiator makes of it.
pub fn run(data: &[u8]) {
    let (client, _server) = both_ends();
    let completions = client.shared.completions();
    let mut play = Play {
        client,
        completions,
        states: [State::default(); SLOTS as usize],
        unread: Some(Vec::new()),
        found: None,
        violation: None,
    };
    let mut input = Unstructured::new(data);
    while !input.is_empty() {
        let Ok(step) = Step::arbitrary(&mut input) else {
            break;
        };
        play.take(step);
    }
    play.reap(true);
    play.reap(false);
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    generation: u16,
    submitted: bool,
}

struct Play {
    client: Client,
    completions: RawQueue,
    states: [State; SLOTS as usize],
    /// What was published and not reaped; `None` once anybody has forged a queue.
    unread: Option<Vec<CompletionWord>>,
    /// What the model has found behind completions that came home.
    found: Option<Violation>,
    /// What was told.
    violation: Option<Violation>,
}

/// Slot, status and flags.
type Home = (u16, u8, u8);

impl Play {
    fn take(&mut self, step: Step) {
        match step {
            Step::Forge(forgery) => {
                if forgery.commit(&self.client.shared) {
                    self.unread = None;
                }
            }
            Step::Submit(slot) => self.submit(u16::from(slot) % (SLOTS + 1)),
            Step::Complete {
                slot,
                later,
                status,
                flags,
            } => {
                let slot = u16::from(slot) % (SLOTS + 1);
                let known = self.states.get(usize::from(slot));
                let generation = known.map_or(1, |state| state.generation);
                self.publish(CompletionWord {
                    slot,
                    generation: generation.wrapping_add((later % 4).into()),
                    status,
                    flags,
                });
            }
            Step::Publish(payload) => {
                self.publish(CompletionWord::unpack(payload & 0xffff_ffff_ffff));
            }
            Step::Reap(arm) => self.reap(arm),
        }
    }

    fn publish(&mut self, word: CompletionWord) {
        self.completions.publish(word.pack());
        match &mut self.unread {
            // More than the queue is long: the words before are gone.
            Some(unread) if unread.len() == self.client.shared.geometry.entries() => {
                self.unread = None;
            }
            Some(unread) => unread.push(word),
            None => {}
        }
    }

    fn submit(&mut self, slot: u16) {
        let state = self.states.get_mut(usize::from(slot));
        let free = state.filter(|state| !state.submitted);
        let own = [
            (FLAGS[0], 8),
            (QUEUES, 8 * self.client.shared.geometry.entries()),
        ];
        let before = without(self.client.shared.snapshot(), &own);
        self.client.pair.desk().store(0, 0, u32::from(slot));
        let submitted = self.client.pair.submit(1);
        assert_eq!(submitted.is_ok(), free.is_some(), "slot {slot}");
        assert!(without(self.client.shared.snapshot(), &own) == before);
        if let Some(state) = free {
            state.generation = state.generation.wrapping_add(1);
            state.submitted = true;
            let word = SubmissionWord {
                slot,
                generation: state.generation,
                epoch: crate::pair::EPOCH as u16,
                resubmitted: false,
                rerun: false,
            };
            let entries = self.client.shared.geometry.entries();
            let is_there = (0..entries).any(|entry| {
                let bytes = self.client.shared.read(QUEUES + 8 * entry, 6);
                bytes == word.pack().to_le_bytes()[..6]
            });
            assert!(is_there, "{word:?} is in the queue");
        }
    }

    fn reap(&mut self, arm: bool) {
        let own = [(FLAGS[1], 8)];
        let before = without(self.client.shared.snapshot(), &own);
        let reaped = self.client.reap(arm);
        assert!(
            without(self.client.shared.snapshot(), &own) == before,
            "a look writes nothing but its own flag"
        );
        if let Some(violation) = self.violation {
            assert_eq!(reaped, Err(violation), "for good");
            return;
        }
        if let Some(unread) = self.unread.take() {
            let (home, found) = self.expected(&unread);
            self.found = found;
            match found {
                Some(violation) if home.is_empty() => assert_eq!(reaped, Err(violation)),
                _ => assert_eq!(reaped.as_ref(), Ok(&home), "{unread:?}"),
            }
            // Nothing is taken behind what was found.
            self.unread = found.is_none().then(Vec::new);
        } else if let Some(found) = self.found {
            assert_eq!(reaped, Err(found), "what stopped the last look");
        } else {
            for (slot, ..) in reaped.iter().flatten() {
                let state = &mut self.states[usize::from(*slot)];
                assert!(state.submitted, "slot {slot} is nobody's");
                state.submitted = false;
            }
        }
        self.violation = reaped.err();
    }

    /// What the rules make of entries that were published by the rules: what comes home, and what is wrong behind it.
    fn expected(&mut self, unread: &[CompletionWord]) -> (Vec<Home>, Option<Violation>) {
        let mut home = Vec::new();
        for word in unread {
            let violation = match self.states.get_mut(usize::from(word.slot)) {
                None => Violation::Slot,
                Some(state) if !state.submitted => Violation::SlotState,
                Some(state) if state.generation != word.generation => Violation::Generation,
                Some(state) => {
                    state.submitted = false;
                    home.push((word.slot, word.status, word.flags));
                    continue;
                }
            };
            return (home, Some(violation));
        }
        (home, None)
    }
}
