//! The queue against producers that keep no rules: whatever stands in its words is an answer, never a panic.

#![cfg(not(loom))]

#[path = "common/fenced.rs"]
mod fenced;

use fenced::fenced;
use proptest::collection::vec;
use proptest::prelude::*;
use sgring_ring::{Corrupt, PAYLOAD_BITS, PAYLOAD_MASK, Words};
use std::sync::atomic::Ordering::Relaxed;

/// Lengths of 1 to 64 entries.
fn length() -> impl Strategy<Value = usize> {
    (0..=6u32).prop_map(|bits| 1 << bits)
}

/// A word of lap `lap`, whatever the rest of it says.
fn of_lap(lap: u16, rest: u64) -> u64 {
    u64::from(lap) << PAYLOAD_BITS | rest & PAYLOAD_MASK
}

/// How far a forged lap is from the one that would be right: mostly a little.
fn lap_error() -> impl Strategy<Value = u16> {
    prop_oneof![3 => (0..6u16).prop_map(|far| far.wrapping_sub(3)), 1 => any::<u16>()]
}

/// What a producer that keeps no rules may do, and its victim between.
#[derive(Clone, Copy, Debug)]
enum Chaos {
    Scribble { index: usize, word: u64 },
    ScribbleOverTheFlag(u64),
    Publish(u64),
    Consume,
    Arm,
    MustRing,
}

/// Words of few laps, so that some of them pass for entries.
fn chaos() -> impl Strategy<Value = Chaos> {
    let word = prop_oneof![
        3 => (0..4u16, any::<u64>()).prop_map(|(lap, rest)| of_lap(lap, rest)),
        1 => any::<u64>(),
    ];
    prop_oneof![
        3 => (0..64usize, word).prop_map(|(index, word)| Chaos::Scribble { index, word }),
        1 => any::<u64>().prop_map(Chaos::ScribbleOverTheFlag),
        2 => any::<u64>().prop_map(Chaos::Publish),
        4 => Just(Chaos::Consume),
        1 => Just(Chaos::Arm),
        1 => Just(Chaos::MustRing),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_forged_word_is_the_next_entry_or_none_or_corrupt(
        len in length(),
        consumed in 0..300u64,
        error in lap_error(),
        rest in any::<u64>(),
    ) {
        let (words, mut producer, mut consumer) = fenced(len);
        for position in 0..consumed {
            producer.publish(position);
            assert_eq!(consumer.consume(), Ok(Some(position)));
        }
        let expected_lap = (consumed / len as u64 + 1) as u16;
        let word = of_lap(expected_lap.wrapping_add(error), rest);
        words.entry(consumed as usize % len).store(word, Relaxed);
        match error {
            0 => {
                assert_eq!(consumer.arm(), Ok(false));
                assert_eq!(consumer.consume(), Ok(Some(rest & PAYLOAD_MASK)));
            }
            u16::MAX => {
                assert_eq!(consumer.consume(), Ok(None));
                assert_eq!(consumer.arm(), Ok(true));
            }
            _ => {
                let corrupt = consumer.consume().unwrap_err();
                assert_eq!((corrupt.word, corrupt.expected_lap), (word, expected_lap));
                assert_eq!(consumer.arm(), Err(corrupt));
                assert_eq!(consumer.consume(), Err(corrupt), "it stays where it broke");
            }
        }
    }

    #[test]
    fn a_scribbling_producer_gets_no_more_entries_taken_than_it_stored(
        len in length(),
        steps in vec(chaos(), 0..500),
    ) {
        let (words, mut producer, mut consumer) = fenced(len);
        let (mut stored, mut taken) = (0, 0);
        for step in steps {
            match step {
                Chaos::Scribble { index, word } => {
                    words.entry(index % len).store(word, Relaxed);
                    stored += 1;
                }
                Chaos::ScribbleOverTheFlag(word) => words.armed().store(word, Relaxed),
                Chaos::Publish(payload) => {
                    producer.publish(payload);
                    stored += 1;
                }
                Chaos::Consume => match consumer.consume() {
                    Ok(Some(payload)) => {
                        assert_eq!(payload & !PAYLOAD_MASK, 0);
                        taken += 1;
                    }
                    Ok(None) => {}
                    Err(Corrupt { word, expected_lap, .. }) => {
                        let lap = (word >> PAYLOAD_BITS) as u16;
                        assert!(lap != expected_lap && lap != expected_lap.wrapping_sub(1));
                    }
                },
                Chaos::Arm => {
                    // Whether it says that one may sleep depends on what was scribbled.
                    let _ = consumer.arm();
                }
                Chaos::MustRing => {
                    let armed = words.armed().load(Relaxed) == 1;
                    assert_eq!(producer.must_ring(), armed);
                }
            }
        }
        assert!(taken <= stored, "{taken} entries taken of {stored} stores");
    }
}
