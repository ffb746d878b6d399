//! Two threads on one pair of queues, with plain memory that nothing but the queues guards: what ThreadSanitizer is run on.
//!
//! ```text
//! TSAN_OPTIONS=suppressions=$PWD/crates/ring/tests/tsan.suppressions \
//! RUSTC_BOOTSTRAP=1 RUSTFLAGS='-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer' \
//!     cargo test -p sgring-ring --target x86_64-unknown-linux-gnu --test threads
//! ```
//!
//! With `--cfg weaken="publish"` or `"consume"` added, that command must report races (exit status 66).

#![cfg(not(loom))]

#[path = "common/memory.rs"]
mod memory;

use memory::Memory;
use sgring_ring::{Consumer, Heap, Producer, Words};
use std::cell::UnsafeCell;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

/// After this long without its peer a thread gives up, and the test fails.
const DEADLINE: Duration = Duration::from_secs(60);

/// One side's waiting: each entry is waited for in its own way.
trait Wait {
    /// The next payload of `consumer`.
    fn next<W: Words>(&mut self, consumer: &mut Consumer<W>) -> u64;
    /// Called after each batch that `producer` published.
    fn published<W: Words>(&mut self, producer: &Producer<W>);
}

/// Looks again and again, and lets others run now and then: the queues are all that orders the two threads.
struct Spin;

impl Wait for Spin {
    fn next<W: Words>(&mut self, consumer: &mut Consumer<W>) -> u64 {
        let started = Instant::now();
        loop {
            for _ in 0..256 {
                if let Some(payload) = consumer.consume().expect("the producer keeps the rules") {
                    return payload;
                }
                std::hint::spin_loop();
            }
            assert!(started.elapsed() < DEADLINE, "no entry came");
            thread::yield_now();
        }
    }

    fn published<W: Words>(&mut self, _producer: &Producer<W>) {}
}

/// Sleeps whenever there is nothing, until a byte comes on a socket.
struct Sleep {
    /// Where this side is rung.
    bell: UnixStream,
    /// Where it rings the other: does not block, since a full socket was rung already.
    peer: UnixStream,
    /// How often [`Consumer::arm`] was called, and how often it said that one may sleep.
    arms: u64,
    sleeps: u64,
    /// How often [`Producer::must_ring`] said so.
    rings: u64,
}

impl Sleep {
    /// Both sides.
    fn pair() -> (Self, Self) {
        let (here, to_here) = UnixStream::pair().expect("a socket pair");
        let (there, to_there) = UnixStream::pair().expect("a socket pair");
        (Self::new(here, to_there), Self::new(there, to_here))
    }

    fn new(bell: UnixStream, peer: UnixStream) -> Self {
        bell.set_read_timeout(Some(DEADLINE))
            .expect("a timeout that is not zero");
        peer.set_nonblocking(true).expect("a socket");
        Self {
            bell,
            peer,
            arms: 0,
            sleeps: 0,
            rings: 0,
        }
    }
}

impl Wait for Sleep {
    fn next<W: Words>(&mut self, consumer: &mut Consumer<W>) -> u64 {
        loop {
            if let Some(payload) = consumer.consume().expect("the producer keeps the rules") {
                return payload;
            }
            self.arms += 1;
            if consumer.arm().expect("the producer keeps the rules") {
                self.sleeps += 1;
                // A byte a sleep, so that sleeps can be counted against rings.
                self.bell
                    .read_exact(&mut [0])
                    .expect("a sleeper is rung before its deadline");
            }
        }
    }

    fn published<W: Words>(&mut self, producer: &Producer<W>) {
        if producer.must_ring() {
            self.rings += 1;
            match self.peer.write_all(&[0]) {
                Err(full) if full.kind() == ErrorKind::WouldBlock => {}
                written => written.expect("the peer keeps its end until both are done"),
            }
        }
    }
}

/// Spins, for a peer that sleeps.
struct Ringing(Sleep);

impl Wait for Ringing {
    fn next<W: Words>(&mut self, consumer: &mut Consumer<W>) -> u64 {
        Spin.next(consumer)
    }

    fn published<W: Words>(&mut self, producer: &Producer<W>) {
        self.0.published(producer);
    }
}

/// A command's bytes, in both directions.
#[derive(Default)]
struct Slot {
    request: UnsafeCell<u64>,
    response: UnsafeCell<u64>,
}

/// The slots of both sides.
struct Slots(Vec<Slot>);

// SAFETY: a slot is the initiator's until it is published in the submission queue and again once its completion was consumed, and
// the target's between. That the queues make this true is what is tested.
unsafe impl Sync for Slots {}

impl Slots {
    fn new(len: usize) -> Self {
        Self((0..len).map(|_| Slot::default()).collect())
    }

    fn request(&self, slot: u64) -> *mut u64 {
        self.0[slot as usize].request.get()
    }

    fn response(&self, slot: u64) -> *mut u64 {
        self.0[slot as usize].response.get()
    }
}

/// The target's answer to `request`.
fn answer(request: u64) -> u64 {
    request.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17)
}

/// Both queues of a pair over words of one kind: the initiator's ends, and the target's.
type Pair<W> = ((Producer<W>, Consumer<W>), (Consumer<W>, Producer<W>));

/// A pair over the words that `sides` makes: a queue's, once for either side.
fn pair<W: Words>(mut sides: impl FnMut() -> (W, W)) -> Pair<W> {
    let (submission, completion) = (sides(), sides());
    (
        (Producer::new(submission.0), Consumer::new(completion.0)),
        (Consumer::new(submission.1), Producer::new(completion.1)),
    )
}

fn heap(len: usize) -> Pair<Heap> {
    pair(|| {
        let words = Heap::new(len);
        (words.clone(), words)
    })
}

/// Sends `commands` through `len` slots, all of which it keeps busy, to a target that answers those it found together from the last
/// to the first. Checks their sequence on one side and every answer on the other, and gives both sides' waiting back.
fn converse<W: Words + Send, A: Wait, B: Wait + Send>(
    ((mut submit, mut completed), (mut submitted, mut complete)): Pair<W>,
    len: u64,
    commands: u64,
    (mut initiator, mut target): (A, B),
) -> (A, B) {
    let slots = &Slots::new(len as usize);
    thread::scope(|scope| {
        let answering = scope.spawn(move || {
            let mut found = Vec::new();
            let mut sequence = 0..commands;
            while !sequence.is_empty() {
                found.push(target.next(&mut submitted));
                while let Some(entry) = submitted.consume().expect("the initiator keeps the rules")
                {
                    found.push(entry);
                }
                for entry in &found {
                    assert_eq!(
                        Some(entry / len),
                        sequence.next(),
                        "entries come in their order"
                    );
                }
                for entry in found.drain(..).rev() {
                    let slot = entry % len;
                    // SAFETY: the slot was consumed and is not yet completed: it is this side's.
                    let request = unsafe { slots.request(slot).read() };
                    // SAFETY: as the line before.
                    unsafe { slots.response(slot).write(answer(request)) };
                    complete.publish(slot);
                }
                target.published(&complete);
            }
            target
        });

        let mut send = |slot: u64, command: u64, initiator: &mut A| {
            // SAFETY: the slot was never sent, or its completion was consumed: it is this side's.
            unsafe { slots.request(slot).write(command) };
            submit.publish(command * len + slot);
            initiator.published(&submit);
        };
        for command in 0..len {
            send(command, command, &mut initiator);
        }
        let mut sent: Vec<u64> = (0..len).collect();
        for command in len..commands + len {
            let slot = initiator.next(&mut completed);
            // SAFETY: the slot's completion was consumed: it is this side's.
            let response = unsafe { slots.response(slot).read() };
            assert_eq!(
                response,
                answer(sent[slot as usize]),
                "the answer to what was asked"
            );
            if command < commands {
                sent[slot as usize] = command;
                send(slot, command, &mut initiator);
            }
        }
        let target = answering.join().expect("the target's thread");
        (initiator, target)
    })
}

/// Runs `converse` over words in memory as two sides have it mapped.
fn converse_mapped<A: Wait, B: Wait + Send>(len: u64, commands: u64, waits: (A, B)) -> (A, B) {
    let memories = [Memory::new(len as usize), Memory::new(len as usize)];
    let mut left = memories.iter();
    let pair = pair(|| {
        let memory = left.next().expect("a pair has two queues");
        // SAFETY: `memories` outlives both threads, which `converse` joins.
        let here = unsafe { memory.mapped() };
        // SAFETY: as the line before.
        let there = unsafe { memory.mapped() };
        (here, there)
    });
    converse(pair, len, commands, waits)
}

/// Each sleep of one side was ended by a ring of the other's, and no announcement was rung for twice.
fn is_accounted_for(sleeper: &Sleep, ringer: &Sleep) {
    let (arms, sleeps, rings) = (sleeper.arms, sleeper.sleeps, ringer.rings);
    assert!(
        sleeps <= rings && rings <= arms,
        "{sleeps} sleeps, {rings} rings, {arms} arms"
    );
}

#[test]
fn spinning_threads_exchange_plain_memory_over_heap_words() {
    converse(heap(64), 64, 400_000, (Spin, Spin));
    converse(heap(1), 1, 20_000, (Spin, Spin));
}

#[test]
fn spinning_threads_exchange_plain_memory_over_mapped_words() {
    converse_mapped(64, 400_000, (Spin, Spin));
    converse_mapped(2, 20_000, (Spin, Spin));
}

#[test]
fn sleeping_threads_are_rung_once_a_sleep() {
    for len in [1, 2, 64] {
        let (initiator, target) = converse_mapped(len, 10_000, Sleep::pair());
        is_accounted_for(&initiator, &target);
        is_accounted_for(&target, &initiator);
    }
}

#[test]
fn a_sleeper_and_a_spinner_understand_each_other() {
    let (door, desk) = Sleep::pair();
    // The spinning side has nobody ring it, but rings the other.
    let (ringer, target) = converse(heap(8), 8, 10_000, (Ringing(desk), door));
    is_accounted_for(&target, &ringer.0);
}
