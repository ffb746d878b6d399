//! The queue against a naive one, on one thread.

#![cfg(not(loom))]

#[path = "common/fenced.rs"]
mod fenced;
#[path = "common/memory.rs"]
mod memory;

use fenced::fenced;
use memory::Memory;
use proptest::collection::vec;
use proptest::prelude::*;
use sgring_ring::{Consumer, Heap, PAYLOAD_BITS, PAYLOAD_MASK, Producer, Words};
use std::collections::VecDeque;
use std::sync::atomic::Ordering::Relaxed;

#[derive(Clone, Copy, Debug)]
enum Step {
    Publish(u64),
    Consume,
    Arm,
    Disarm,
    MustRing,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => any::<u64>().prop_map(Step::Publish),
        4 => Just(Step::Consume),
        1 => Just(Step::Arm),
        1 => Just(Step::Disarm),
        1 => Just(Step::MustRing),
    ]
}

/// Lengths of 1 to 64 entries.
fn length() -> impl Strategy<Value = usize> {
    (0..=6u32).prop_map(|bits| 1 << bits)
}

/// What the queue promises, kept as naively as can be.
#[derive(Default)]
struct Oracle {
    entries: VecDeque<u64>,
    armed: bool,
}

/// Takes one step on the queue and on the oracle, which must agree. A step that a caller must not take is left out.
fn agree<W: Words>(
    step: Step,
    len: usize,
    producer: &mut Producer<W>,
    consumer: &mut Consumer<W>,
    oracle: &mut Oracle,
) {
    match step {
        Step::Publish(_) if oracle.entries.len() == len => {}
        Step::Publish(payload) => {
            producer.publish(payload);
            oracle.entries.push_back(payload & PAYLOAD_MASK);
        }
        Step::Consume => assert_eq!(consumer.consume(), Ok(oracle.entries.pop_front())),
        Step::Arm => {
            oracle.armed = oracle.entries.is_empty();
            assert_eq!(consumer.arm(), Ok(oracle.armed));
        }
        Step::Disarm => {
            consumer.disarm();
            oracle.armed = false;
        }
        Step::MustRing => {
            assert_eq!(producer.must_ring(), oracle.armed);
            oracle.armed = false;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn heap_queues_match_the_oracle(len in length(), steps in vec(step(), 0..500)) {
        let (_words, mut producer, mut consumer) = fenced(len);
        let mut oracle = Oracle::default();
        for step in steps {
            agree(step, len, &mut producer, &mut consumer, &mut oracle);
        }
    }

    #[test]
    fn mapped_queues_match_the_oracle(len in length(), steps in vec(step(), 0..500)) {
        let memory = Memory::new(len);
        // SAFETY: the memory is dropped after the producer, which was made later.
        let mut producer = Producer::new(unsafe { memory.mapped() });
        // SAFETY: as the producer's.
        let mut consumer = Consumer::new(unsafe { memory.mapped() });
        let mut oracle = Oracle::default();
        for step in steps {
            agree(step, len, &mut producer, &mut consumer, &mut oracle);
        }
    }
}

/// Bits of every kind: none, all, one at a time.
fn payloads() -> impl Iterator<Item = u64> {
    [0, PAYLOAD_MASK]
        .into_iter()
        .chain((0..PAYLOAD_BITS).map(|bit| 1 << bit))
}

#[test]
fn every_bit_of_a_payload_arrives_and_no_bit_more() {
    let (_words, mut producer, mut consumer) = fenced(4);
    for payload in payloads() {
        producer.publish(payload | !PAYLOAD_MASK);
        assert_eq!(consumer.consume(), Ok(Some(payload)));
        assert_eq!(consumer.consume(), Ok(None));
    }
}

#[test]
fn laps_go_on_after_the_last_one_that_sixteen_bits_can_count() {
    for len in [1, 2, 16] {
        let (words, mut producer, mut consumer) = fenced(len);
        for position in 0..(u64::from(u16::MAX) + 3) * len as u64 {
            assert_eq!(consumer.consume(), Ok(None));
            producer.publish(position);
            assert_eq!(consumer.consume(), Ok(Some(position)));
        }
        // Position 0 was of lap 1, and 2^16 + 2 laps are over: the words are of lap 2 again.
        assert_eq!(words.entry(0).load(Relaxed) >> PAYLOAD_BITS, 2);
    }
}

#[test]
fn a_queue_is_as_long_as_the_next_power_of_two() {
    for (asked, len) in [(0, 1), (1, 1), (2, 2), (3, 4), (64, 64), (65, 128)] {
        assert_eq!(Heap::new(asked).entries(), len, "{asked}");
    }
}
