//! Models of the queue: loom runs each of them through every interleaving and every value that its memory model allows.
//!
//! ```text
//! RUSTFLAGS='--cfg loom' cargo test -p sgring-ring --release --test loom
//! ```
//!
//! A model that cannot fail proves nothing: `scripts/loom.js` runs these again for every ordering of `src/order.rs`, weakened by
//! `SGRING_WEAKEN`, and the model whose name begins with that ordering's must then fail.
//!
//! What crosses the queue outside of its words stands in loom's `UnsafeCell`, which panics at any two accesses that no edge orders.
//! The models of `[entry]` never sleep: the fences of `[sleep]` would mend a weakened store or load behind their back.

#![cfg(loom)]

use loom::cell::UnsafeCell;
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;
use sgring_ring::{Consumer, Heap, Producer};

/// Both ends of a new queue.
fn queue(entries: usize) -> (Producer<Heap>, Consumer<Heap>) {
    let words = Heap::new(entries);
    (Producer::new(words.clone()), Consumer::new(words))
}

/// Runs a model that has too many interleavings for all of them: those of at most four preemptions.
fn bounded(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(4);
    builder.check(model);
}

/// The next payload, waited for without sleeping.
fn poll(consumer: &mut Consumer<Heap>) -> u64 {
    loop {
        match consumer.consume().expect("the producer keeps the rules") {
            Some(payload) => return payload,
            None => thread::yield_now(),
        }
    }
}

/// The next payload, slept for as the protocol has it. Every sleep is counted in `sleeps`.
fn poll_or_sleep(consumer: &mut Consumer<Heap>, bell: &Bell, sleeps: &mut u32) -> u64 {
    loop {
        if let Some(payload) = consumer.consume().expect("the producer keeps the rules") {
            return payload;
        }
        if consumer.arm().expect("the producer keeps the rules") {
            *sleeps += 1;
            bell.wait();
        }
    }
}

/// Plain memory beside a queue: loom sees to it that the queue's edges order all accesses to it.
struct Plain(UnsafeCell<u64>);

impl Plain {
    fn new() -> Self {
        Self(UnsafeCell::new(0))
    }

    fn write(&self, value: u64) {
        // SAFETY: the pointer is the cell's own, and loom panics if another access is not ordered with this one.
        self.0.with_mut(|place| unsafe { *place = value });
    }

    fn read(&self) -> u64 {
        // SAFETY: as in `write`.
        self.0.with(|place| unsafe { *place })
    }
}

/// A bell that keeps its rings until they are heard, as bytes on a socket. A wait for a ring that never comes is a deadlock, which
/// loom reports.
struct Bell {
    rings: Mutex<u32>,
    rung: Condvar,
}

impl Bell {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            rings: Mutex::new(0),
            rung: Condvar::new(),
        })
    }

    fn ring(&self) {
        *self.rings.lock().expect("no model outlives a panic") += 1;
        self.rung.notify_one();
    }

    /// Sleeps until the bell was rung, and forgets one ring.
    fn wait(&self) {
        let mut rings = self.rings.lock().expect("no model outlives a panic");
        while *rings == 0 {
            rings = self.rung.wait(rings).expect("no model outlives a panic");
        }
        *rings -= 1;
    }
}

#[test]
#[should_panic(expected = "outside a Loom model")]
fn the_gate_is_live_so_heap_words_belong_to_loom() {
    let (mut producer, _consumer) = queue(1);
    producer.publish(0);
}

#[test]
fn publish_shows_what_was_written_before_it() {
    loom::model(|| {
        let (mut producer, mut consumer) = queue(2);
        let plain = Arc::new([Plain::new(), Plain::new()]);
        let theirs = Arc::clone(&plain);
        let publishing = thread::spawn(move || {
            for (slot, plain) in theirs.iter().enumerate() {
                plain.write(100 + slot as u64);
                producer.publish(slot as u64);
            }
        });
        for slot in 0..2 {
            assert_eq!(poll(&mut consumer), slot, "entries come in their order");
            assert_eq!(plain[slot as usize].read(), 100 + slot);
        }
        publishing.join().unwrap();
    });
}

#[test]
fn consume_takes_an_entry_once_with_all_that_was_written_before_its_batch() {
    loom::model(|| {
        let (mut producer, mut consumer) = queue(2);
        let plain = Arc::new([Plain::new(), Plain::new()]);
        let theirs = Arc::clone(&plain);
        let publishing = thread::spawn(move || {
            theirs.iter().for_each(|plain| plain.write(7));
            producer.publish(0);
            producer.publish(1);
        });
        assert_eq!(poll(&mut consumer), 0);
        // The first entry suffices for both: they were written before it.
        assert_eq!(plain.iter().map(Plain::read).sum::<u64>(), 14);
        assert_eq!(poll(&mut consumer), 1);
        assert_eq!(
            consumer.consume(),
            Ok(None),
            "a lap ends where its producer stopped"
        );
        publishing.join().unwrap();
    });
}

/// A command's bytes in both directions, as its slot keeps them.
struct Slot {
    request: Plain,
    response: Plain,
}

/// The initiator sends `commands` through `slots` slots, all of which it keeps busy; the target answers those it found together in
/// the opposite order.
fn reuse(slots: usize, commands: u64) {
    let shared: Arc<Vec<Slot>> = Arc::new(
        (0..slots)
            .map(|_| Slot {
                request: Plain::new(),
                response: Plain::new(),
            })
            .collect(),
    );
    let (mut submit, mut submitted) = queue(slots);
    let (mut complete, mut completed) = queue(slots);
    let theirs = Arc::clone(&shared);
    let target = thread::spawn(move || {
        let mut answered = 0;
        while answered < commands {
            let mut found = vec![poll(&mut submitted)];
            while let Some(slot) = submitted.consume().expect("the initiator keeps the rules") {
                found.push(slot);
            }
            answered += found.len() as u64;
            for slot in found.into_iter().rev() {
                let Slot { request, response } = &theirs[slot as usize];
                response.write(request.read() + 1000);
                complete.publish(slot);
            }
        }
    });
    let mut send = |slot: usize, command: u64| {
        shared[slot].request.write(command);
        submit.publish(slot as u64);
    };
    (0..slots).for_each(|slot| send(slot, slot as u64));
    for command in slots as u64..slots as u64 + commands {
        let slot = poll(&mut completed) as usize;
        let Slot { request, response } = &shared[slot];
        assert_eq!(
            response.read(),
            request.read() + 1000,
            "the answer is to this slot's command"
        );
        if command < commands {
            send(slot, command);
        }
    }
    target.join().expect("the target ends without a panic");
}

#[test]
fn a_slot_is_rewritten_only_after_its_completion_was_consumed() {
    loom::model(|| reuse(1, 2));
}

#[test]
fn two_slots_complete_in_any_order_and_are_reused_while_the_other_is_out() {
    bounded(|| reuse(2, 3));
}

#[test]
fn ring_fence_makes_a_producer_see_who_sleeps() {
    loom::model(|| {
        let (mut producer, mut consumer) = queue(1);
        let publishing = thread::spawn(move || {
            producer.publish(0);
            producer.must_ring()
        });
        // No bell, which would order more than the queue does.
        let sleeps = consumer.arm().expect("the producer keeps the rules");
        let rings = publishing.join().unwrap();
        assert!(
            !sleeps || rings,
            "a sleeper that is not rung sleeps for ever"
        );
    });
}

#[test]
fn arm_fence_makes_a_consumer_see_what_nobody_will_ring_for() {
    loom::model(|| {
        let (mut producer, mut consumer) = queue(1);
        let bell = Bell::new();
        let theirs = Arc::clone(&bell);
        let publishing = thread::spawn(move || {
            producer.publish(7);
            if producer.must_ring() {
                theirs.ring();
            }
        });
        assert_eq!(poll_or_sleep(&mut consumer, &bell, &mut 0), 7);
        publishing.join().unwrap();
    });
}

#[test]
fn a_sleep_is_rung_exactly_once_whoever_asks_how_often() {
    loom::model(|| {
        let (mut producer, mut consumer) = queue(2);
        let publishing = thread::spawn(move || {
            let mut rings = 0;
            for payload in 0..2 {
                producer.publish(payload);
                rings += u32::from(producer.must_ring());
                rings += u32::from(producer.must_ring());
            }
            rings
        });
        let sleeps = consumer.arm().expect("the producer keeps the rules");
        let rings = publishing.join().unwrap();
        if sleeps {
            assert_eq!(rings, 1, "a sleep is answered once");
        } else {
            assert!(
                rings <= 1,
                "an announcement taken back is answered at most once"
            );
        }
    });
}

#[test]
fn a_consumer_that_sleeps_again_is_rung_again() {
    bounded(|| {
        let (mut producer, mut consumer) = queue(2);
        let bell = Bell::new();
        let theirs = Arc::clone(&bell);
        let publishing = thread::spawn(move || {
            let mut rings = 0;
            for payload in 0..2 {
                producer.publish(payload);
                if producer.must_ring() {
                    rings += 1;
                    theirs.ring();
                }
            }
            rings
        });
        let mut sleeps = 0;
        for payload in 0..2 {
            assert_eq!(poll_or_sleep(&mut consumer, &bell, &mut sleeps), payload);
        }
        let rings = publishing.join().unwrap();
        assert!(rings >= sleeps, "{sleeps} sleeps ended with {rings} rings");
    });
}

#[test]
fn a_command_and_its_completion_wake_both_sides() {
    bounded(|| {
        let (mut submit, mut submitted) = queue(1);
        let (mut complete, mut completed) = queue(1);
        let (door, desk) = (Bell::new(), Bell::new());
        let slot = Arc::new(Slot {
            request: Plain::new(),
            response: Plain::new(),
        });
        let target = {
            let (door, desk, slot) = (Arc::clone(&door), Arc::clone(&desk), Arc::clone(&slot));
            thread::spawn(move || {
                for _ in 0..2 {
                    poll_or_sleep(&mut submitted, &door, &mut 0);
                    slot.response.write(slot.request.read() + 1000);
                    complete.publish(0);
                    if complete.must_ring() {
                        desk.ring();
                    }
                }
            })
        };
        for command in 0..2 {
            slot.request.write(command);
            submit.publish(0);
            if submit.must_ring() {
                door.ring();
            }
            poll_or_sleep(&mut completed, &desk, &mut 0);
            assert_eq!(slot.response.read(), command + 1000);
        }
        target.join().unwrap();
    });
}
