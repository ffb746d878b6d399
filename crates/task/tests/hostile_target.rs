//! A target that writes what it likes into the segment: each thing that it can do wrong is found and named, nothing panics, and nothing
//! is written for it.

mod common;

use common::{Command, Shared, pair};
use sgring_task::{CompletionWord, Slot, Violation};
use std::mem::offset_of;

const PAGE: u32 = 4096;
const SLOTS: u32 = 5;

/// An initiator with slots 1 and 3 submitted finds `violation` in what `attack` publishes as the target.
#[track_caller]
fn initiator_refuses(violation: Violation, attack: impl FnOnce(&Shared)) {
    let (mut client, _server) = pair(SLOTS, PAGE);
    for slot in [1, 3] {
        Command::new(&[0; 6]).put(&client.shared, slot);
    }
    client.submit(&[1, 3]);
    attack(&client.shared);
    let before = client.shared.snapshot();
    assert_eq!(client.reap(false), Err(violation));
    assert!(client.shared.snapshot() == before);
    assert_eq!(client.reap(true), Err(violation), "for good");
}

#[test]
fn a_completion_of_what_was_not_submitted_is_a_slot_state_violation() {
    for slot in [0, 2, 4] {
        for generation in [0, 1] {
            initiator_refuses(Violation::SlotState, |shared| {
                shared.completions().complete(slot, generation);
            });
        }
    }
}

#[test]
fn a_second_completion_is_a_slot_state_violation() {
    let (mut client, _server) = pair(SLOTS, PAGE);
    Command::new(&[0; 6]).put(&client.shared, 3);
    client.submit(&[3]);
    let mut completions = client.shared.completions();
    completions.complete(3, 1);
    completions.complete(3, 1);
    assert_eq!(client.reap(false), Ok(vec![(3, 0, 0)]));
    assert_eq!(client.reap(false), Err(Violation::SlotState));
}

#[test]
fn completions_before_a_violation_are_reaped_and_none_after_it() {
    let (mut client, _server) = pair(SLOTS, PAGE);
    for slot in 0..4 {
        Command::new(&[0; 6]).put(&client.shared, slot);
    }
    client.submit(&[0, 1, 2, 3]);
    let mut completions = client.shared.completions();
    completions.complete(2, 1);
    completions.complete(0, 1);
    completions.complete(1, 7);
    completions.complete(3, 1);
    assert_eq!(client.reap(true), Ok(vec![(2, 0, 0), (0, 0, 0)]));
    for arm in [true, false] {
        assert_eq!(client.reap(arm), Err(Violation::Generation));
    }
}

#[test]
fn a_completion_of_another_generation_is_a_generation_violation() {
    for generation in [0, 2, u16::MAX] {
        initiator_refuses(Violation::Generation, |shared| {
            shared.completions().complete(1, generation);
        });
    }
}

#[test]
fn a_completion_of_a_slot_beyond_the_last_is_a_slot_violation() {
    for slot in [5, 8, 4096, u16::MAX] {
        initiator_refuses(Violation::Slot, |shared| {
            shared.completions().complete(slot, 1);
        });
    }
}

#[test]
fn a_forged_completion_word_is_an_entry_violation() {
    for lap in [2, 0x8000, u16::MAX] {
        initiator_refuses(Violation::Entry, |shared| {
            shared.completions().store(lap, 1 | 1 << 16);
        });
    }
}

#[test]
fn a_late_completion_of_a_slot_in_its_next_life_is_a_generation_violation() {
    let (mut client, server) = pair(1, PAGE);
    drop(server);
    let mut completions = client.shared.completions();
    for generation in 1..=2 {
        Command::new(&[0; 6]).put(&client.shared, 0);
        client.submit(&[0]);
        completions.complete(0, 1);
        let reaped = client.reap(false);
        match generation {
            1 => assert_eq!(reaped, Ok(vec![(0, 0, 0)])),
            _ => assert_eq!(reaped, Err(Violation::Generation)),
        }
    }
}

#[test]
fn whatever_status_flags_and_sense_length_a_target_sends_arrive_as_they_are() {
    let (mut client, server) = pair(1, PAGE);
    drop(server);
    Command::new(&[0; 6]).put(&client.shared, 0);
    client.submit(&[0]);
    let at = client.shared.slot(0, offset_of!(Slot, sense_len));
    client.shared.write(at, &u16::MAX.to_le_bytes());
    let word = CompletionWord {
        slot: 0,
        generation: 1,
        status: 0xff,
        flags: 0xff,
    };
    client.shared.completions().publish(word.pack());
    assert_eq!(client.reap(false), Ok(vec![(0, 0xff, 0xff)]));
}
