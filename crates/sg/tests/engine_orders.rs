//! Every command of an engine ends once, in whatever order things happen.

mod common;

use common::scripted::Limits;
use common::{Command, End, Rig};
use proptest::prelude::*;
use sgring_sg::Outcome;

const COMMANDS: u16 = 24;
const WITHOUT_RESPONSE: u8 = 2;
const FUNCTION_COMPLETE: u8 = 3;
const FUNCTION_REJECTED: u8 = 5;

#[derive(Clone, Copy, Debug)]
enum Step {
    /// Submits a free slot.
    Submit(prop::sample::Index),
    /// Ends one that was started.
    End(prop::sample::Index),
    /// ABORT TASK of any slot's last command.
    Abort(u16),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => any::<prop::sample::Index>().prop_map(Step::Submit),
        2 => any::<prop::sample::Index>().prop_map(Step::End),
        1 => (0..COMMANDS).prop_map(Step::Abort),
    ];
    prop::collection::vec(step, 1..80)
}

/// The engine as it should be: what waits, in its order, and what is in flight.
#[derive(Default)]
struct Model {
    room: usize,
    waiting: Vec<u16>,
    in_flight: Vec<u16>,
}

impl Model {
    /// Those that leave now.
    fn start(&mut self) -> Vec<u16> {
        let count = self.waiting.len().min(self.room - self.in_flight.len());
        let started: Vec<u16> = self.waiting.drain(..count).collect();
        self.in_flight.extend(&started);
        started
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_is_its_model(steps in steps(), room in 1..6usize) {
        let mut rig = Rig::new(Limits { room, ..Limits::default() });
        let mut model = Model { room, ..Model::default() };
        for step in steps {
            match step {
                Step::Submit(which) => {
                    let is_free = |slot: &u16| !model.waiting.contains(slot) && !model.in_flight.contains(slot);
                    let free: Vec<u16> = (0..COMMANDS).filter(is_free).collect();
                    if free.is_empty() { continue }
                    let slot = *which.get(&free);
                    rig.submit(slot, &Command::new(slot.into()));
                    model.waiting.push(slot);
                }
                Step::End(which) => {
                    if model.in_flight.is_empty() { continue }
                    let slot = model.in_flight.swap_remove(which.index(model.in_flight.len()));
                    rig.script.end(&End { outcome: Outcome { slot, ..Outcome::default() }, ..End::default() });
                    let ended = rig.completed(1)[0];
                    prop_assert_eq!((ended.slot, ended.flags), (slot, 0));
                }
                Step::Abort(slot) => {
                    rig.submit(COMMANDS, &Command::function(1, slot.into()));
                    let waits = model.waiting.iter().position(|&one| one == slot);
                    if let Some(at) = waits {
                        model.waiting.remove(at);
                        let ended = rig.completed(2);
                        prop_assert_eq!((ended[0].slot, ended[0].flags), (slot, WITHOUT_RESPONSE));
                        prop_assert_eq!(ended[1].flags, FUNCTION_COMPLETE);
                    } else {
                        let rejected = model.in_flight.contains(&slot);
                        let answer = if rejected { FUNCTION_REJECTED } else { FUNCTION_COMPLETE };
                        prop_assert_eq!(rig.completed(1)[0].flags, answer);
                    }
                }
            }
            for slot in model.start() {
                prop_assert_eq!(rig.script.started().map(|started| started.slot), Some(slot));
            }
        }
        let left = model.in_flight.len();
        rig.engine.stop();
        rig.hung_up();
        prop_assert_eq!(rig.engine.left_behind() as usize, left);
        for slot in model.in_flight {
            rig.script.end(&End { outcome: Outcome { slot, ..Outcome::default() }, ..End::default() });
        }
        prop_assert_eq!(rig.script.started(), None);
    }
}
