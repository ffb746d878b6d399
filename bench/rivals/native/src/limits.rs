//! What nothing can be faster than, and what one call a request costs at least.

use crate::exchange::{Sample, Setting};
use crate::fail;
use crate::memory::{LINES, Shared};
use crate::place::{Far, Usage, pin, pipe};
use core::sync::atomic::Ordering::{Acquire, Release};
use sgring_profile::Side;
use std::os::fd::AsRawFd;
use std::time::Instant;

const WARM: u64 = 1000;

/// A word there, a word back.
pub(crate) fn ping_pong(setting: &Setting, count: usize) -> Sample {
    let words = Shared::new(2 * LINES);
    let far_words = words.clone();
    let last = WARM + count as u64;
    let there = setting.cpus[1];
    let far = Far::start(setting.process, move || {
        pin(there);
        let answer = |trip| {
            while far_words.word(0).load(Acquire) != trip {}
            far_words.word(LINES).store(trip, Release);
        };
        (1..=WARM).for_each(answer);
        let before = Usage::of_this_thread(0);
        (WARM + 1..=last).for_each(answer);
        Usage::of_this_thread(0).since(before)
    });
    pin(setting.cpus[0]);
    let _watched = sgring_profile::watch(Side::Initiator);
    let trip = |number| {
        words.word(0).store(number, Release);
        while words.word(LINES).load(Acquire) != number {}
    };
    (1..=WARM).for_each(trip);
    let before = Usage::of_this_thread(0);
    let started = Instant::now();
    (WARM + 1..=last).for_each(trip);
    let took = started.elapsed();
    let here = Usage::of_this_thread(0).since(before);
    Sample {
        took,
        usage: here.and(far.end()),
    }
}

/// The payload, from memory to memory.
pub(crate) fn memcpy(setting: &Setting, count: usize) -> Sample {
    pin(setting.cpus[0]);
    let _watched = sgring_profile::watch(Side::Initiator);
    let from = vec![0x5a_u8; setting.payload];
    let mut into = vec![0u8; setting.payload];
    let before = Usage::of_this_thread(0);
    let started = Instant::now();
    for _ in 0..count {
        core::hint::black_box(&mut into).copy_from_slice(core::hint::black_box(&from));
    }
    let took = started.elapsed();
    if into != from {
        fail("a copy is not what was copied");
    }
    Sample {
        took,
        usage: Usage::of_this_thread(0).since(before),
    }
}

/// One call into the kernel that has next to nothing to do: FIONREAD of an empty pipe.
pub(crate) fn fionread(setting: &Setting, count: usize) -> Sample {
    pin(setting.cpus[0]);
    let _watched = sgring_profile::watch(Side::Initiator);
    let (pipe, _into) = pipe(0);
    let before = Usage::of_this_thread(0);
    let started = Instant::now();
    for _ in 0..count {
        let mut bytes: libc::c_int = -1;
        // SAFETY: `bytes` is writable, as the call expects.
        if unsafe { libc::ioctl(pipe.as_raw_fd(), libc::FIONREAD, &raw mut bytes) } != 0
            || bytes != 0
        {
            fail(format_args!("FIONREAD says {bytes}"));
        }
    }
    let took = started.elapsed();
    Sample {
        took,
        usage: Usage::of_this_thread(count as u64).since(before),
    }
}
