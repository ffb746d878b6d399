//! Round trips: a TEST UNIT READY through both queues of a pair, and a word there and a word back.
//!
//! Both sides spin without a pause instruction, on CPUs of their own, over memory of the same kind. A trip of the ring is all that
//! the native side does for a lone command: the initiator writes the slot's line, publishes it, looks whether to ring, and takes the
//! completion; the target consumes the entry, checks and copies the line, reads the CDB, and publishes the completion. A trip of the
//! ping-pong is a release store and an acquire load each way, on two cache lines.

use crate::fail;
use core::mem::{offset_of, size_of};
use core::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};
use sgring_profile::Side;
use sgring_shm::{Mapping, bell_pair, memfd};
use sgring_task::{Geometry, Initiator, Record, Target};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// Trips before the clock starts: the other thread has arrived by then.
const WARM: usize = 2000;
const SLOTS: u32 = 64;
const ARENA_BYTES: u32 = 4096;
const EPOCH: u32 = 1;
/// Two lines apart: neighbours are fetched in pairs.
const BACK: usize = 128;

/// Both contestants, ready to be sampled.
pub(crate) struct Trips {
    there: usize,
    slots_offset: usize,
    initiator: Initiator,
    target: Target,
    words: Mapping,
    // The ends that nobody watches: with them closed, a ring would find its peer gone.
    _watched: [OwnedFd; 2],
}

impl Trips {
    /// `here` and `there` are the CPUs of the two sides.
    pub(crate) fn new(here: usize, there: usize) -> Self {
        let Some(geometry) = Geometry::new(SLOTS, ARENA_BYTES) else {
            fail("the geometry is within its limits");
        };
        let [near, far, words] = mappings(geometry);
        let (bell_there, watched_there) = bell_pair().unwrap_or_else(|error| fail(error));
        let (bell_here, watched_here) = bell_pair().unwrap_or_else(|error| fail(error));
        let initiator = Initiator::new(Arc::new(near), geometry, 0, EPOCH, bell_there);
        let Some(target) = Target::attach(Arc::new(far), geometry, 0, EPOCH, bell_here) else {
            fail("the header says what was written");
        };
        pin(here);
        Self {
            there,
            slots_offset: geometry.slots_offset(),
            initiator,
            target,
            words,
            _watched: [watched_there, watched_here],
        }
    }

    /// `count` commands, one after the other.
    pub(crate) fn ring(&mut self, count: usize) -> Duration {
        let Self {
            initiator,
            target,
            there,
            slots_offset,
            ..
        } = self;
        let total = WARM + count;
        side_by_side(
            *there,
            || (1..=total).for_each(|tag| answer(target, tag as u64)),
            |from, to| (from..to).for_each(|trip| ask(initiator, *slots_offset, trip as u64 + 1)),
            count,
        )
    }

    /// `count` words there and back.
    pub(crate) fn ping_pong(&mut self, count: usize) -> Duration {
        let (ping, pong) = (word(&self.words, 0), word(&self.words, BACK));
        ping.store(0, Relaxed);
        pong.store(0, Relaxed);
        let total = WARM + count;
        side_by_side(
            self.there,
            || {
                for trip in 1..=total as u64 {
                    while ping.load(Acquire) != trip {}
                    pong.store(trip, Release);
                }
            },
            |from, to| {
                for trip in from as u64 + 1..=to as u64 {
                    ping.store(trip, Release);
                    while pong.load(Acquire) != trip {}
                }
            },
            count,
        )
    }
}

/// Runs `far` on another thread and CPU, and `near` on this one: first the trips that warm up, then those that count.
fn side_by_side(
    there: usize,
    far: impl FnOnce() + Send,
    mut near: impl FnMut(usize, usize),
    count: usize,
) -> Duration {
    thread::scope(|scope| {
        scope.spawn(move || {
            pin(there);
            let _watched = sgring_profile::watch(Side::Target);
            far();
        });
        near(0, WARM);
        let started = Instant::now();
        near(WARM, WARM + count);
        started.elapsed()
    })
}

/// Sends TEST UNIT READY with this tag, and takes its completion.
fn ask(initiator: &mut Initiator, slots_offset: usize, tag: u64) {
    const SLOT: u32 = 0;
    const CDB_LEN: u64 = 6;
    // The slot's first line (`sgring_task::Slot`): LUN, tag, length of the CDB, no data, and a CDB of zeros.
    let line = [0, tag, CDB_LEN, 0, 0, 0, 0, 0];
    for (index, value) in line.into_iter().enumerate() {
        word(initiator.memory(), slots_offset + 8 * index).store(value, Relaxed);
    }
    initiator.desk().store(0, 0, SLOT);
    if let Err(violation) = initiator.submit(1) {
        fail(format_args!("submit: {violation:?}"));
    }
    loop {
        match initiator.reap(false) {
            Ok(0) => {}
            Ok(1) => break,
            other => fail(format_args!("reap: {other:?}")),
        }
    }
    // Slot, status and flags in one word: GOOD in slot 0.
    let completion = initiator.desk().load(4 * SLOTS as usize, 0);
    if completion != SLOT {
        fail(format_args!("completion {completion:#x}"));
    }
}

/// Fetches one command, which must be TEST UNIT READY with this tag, and answers GOOD.
fn answer(target: &mut Target, tag: u64) {
    loop {
        match target.fetch(false) {
            Ok(0) => {}
            Ok(1) => break,
            other => fail(format_args!("fetch: {other:?}")),
        }
    }
    let slots = SLOTS as usize;
    let desk = target.desk();
    let slot = desk.load(slots * size_of::<Record>(), 0);
    let record = slot as usize * size_of::<Record>();
    let tag_there = u64::from(desk.load(record + offset_of!(Record, tag), 0))
        | u64::from(desk.load(record + offset_of!(Record, tag), 1)) << 32;
    let cdb = desk.load(record + offset_of!(Record, cdb), 0);
    if tag_there != tag || cdb != 0 {
        fail(format_args!(
            "tag {tag_there} and CDB {cdb:#x}, not {tag} and 0"
        ));
    }
    desk.store(slots * (size_of::<Record>() + 4), 0, slot);
    if let Err(violation) = target.complete(1) {
        fail(format_args!("complete: {violation:?}"));
    }
}

/// The segment as each side maps it, and a page for the ping-pong.
fn mappings(geometry: Geometry) -> [Mapping; 3] {
    let map = |fd: &OwnedFd, len| Mapping::map(fd.as_fd(), len);
    let make = || {
        let len = geometry.segment_bytes() as u64;
        let (segment, page) = (memfd::create(len)?, memfd::create(4096)?);
        Ok([map(&segment, len)?, map(&segment, len)?, map(&page, 4096)?])
    };
    make().unwrap_or_else(|error: sgring_shm::ShmError| fail(error))
}

/// A shared word.
fn word(memory: &Mapping, at: usize) -> &AtomicU64 {
    assert!(
        at.is_multiple_of(8) && at + 8 <= memory.len(),
        "a word of the mapping"
    );
    // SAFETY: in bounds, checked above.
    let word = unsafe { memory.as_ptr().add(at) };
    // SAFETY: 1. The word is aligned, for a mapping starts on a page, and mapped as long as the borrow of its mapping lasts.
    // 2. It is accessed through atomics only.
    unsafe { AtomicU64::from_ptr(word.cast()) }
}

/// Keeps the calling thread on one CPU.
fn pin(cpu: usize) {
    // SAFETY: a set of integers, for which all zeros is the empty set.
    let mut set: libc::cpu_set_t = unsafe { core::mem::zeroed() };
    // SAFETY: it indexes the set's array, and panics beyond its end.
    unsafe { libc::CPU_SET(cpu, &mut set) };
    // SAFETY: the set is readable and of the size named; 0 is the calling thread.
    if unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set) } != 0 {
        fail(format_args!(
            "CPU {cpu}: {}",
            std::io::Error::last_os_error()
        ));
    }
}
