//! io_uring between two threads: a message in the other's completion queue for each number; and what a call that does nothing costs.

use crate::exchange::{Sample, Setting};
use crate::fail;
use crate::place::{Usage, pin};
use crate::queues::{Receiver, Sender};
use io_uring::{IoUring, opcode, types};
use sgring_profile::Side;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::time::Instant;

/// Sends numbers to another ring.
pub(crate) struct Messages {
    own: IoUring,
    to: Arc<IoUring>,
    listed: usize,
    calls: u64,
}

/// Takes what arrives in its ring.
pub(crate) struct Arrivals(Arc<IoUring>);

/// A ring that messages arrive in, and one that sends them there.
pub(crate) fn messages(count: usize) -> (Messages, Arrivals) {
    let entries = (2 * count as u32).next_power_of_two();
    let to = Arc::new(ring(entries));
    let messages = Messages {
        own: ring(entries),
        to: Arc::clone(&to),
        listed: 0,
        calls: 0,
    };
    (messages, Arrivals(to))
}

impl Sender for Messages {
    fn push(&mut self, number: u64) {
        let to: RawFd = self.to.as_raw_fd();
        let entry = opcode::MsgRingData::new(types::Fd(to), 0, number, None)
            .build()
            .flags(io_uring::squeue::Flags::SKIP_SUCCESS);
        // SAFETY: the message refers to no memory.
        if unsafe { self.own.submission().push(&entry) }.is_err() {
            fail("a submission queue of twice the depth is full");
        }
        self.listed += 1;
    }

    fn publish(&mut self) {
        let submitted = self.own.submit().unwrap_or_else(|error| fail(error));
        if submitted != self.listed {
            fail(format_args!("{submitted} of {} messages left", self.listed));
        }
        self.listed = 0;
        self.calls += 1;
    }

    fn calls(&self) -> u64 {
        self.calls
    }
}

impl Receiver for Arrivals {
    fn pop(&mut self, mut taken: impl FnMut(u64)) {
        // SAFETY: this is the only one that takes completions of this ring: `Messages` knows its descriptor only.
        for completion in unsafe { self.0.completion_shared() } {
            if completion.result() != 0 {
                fail(format_args!("a message came with {}", completion.result()));
            }
            taken(completion.user_data());
        }
    }
}

/// `count` NOPs, `depth` in one call: nobody is on the other side.
pub(crate) fn nops(setting: &Setting, count: usize) -> Sample {
    pin(setting.cpus[0]);
    let _watched = sgring_profile::watch(Side::Initiator);
    let mut ring = ring(setting.depth.next_power_of_two() as u32);
    let before = Usage::of_this_thread(0);
    let mut calls = 0;
    let started = Instant::now();
    let mut done = 0;
    while done < count {
        let batch = setting.depth.min(count - done);
        for tag in 0..batch {
            let nop = opcode::Nop::new().build().user_data(tag as u64);
            // SAFETY: it refers to no memory.
            if unsafe { ring.submission().push(&nop) }.is_err() {
                fail("a submission queue of the depth is full");
            }
        }
        ring.submit_and_wait(batch)
            .unwrap_or_else(|error| fail(error));
        calls += 1;
        let mut came = 0;
        for (tag, completion) in ring.completion().enumerate() {
            if completion.result() != 0 || completion.user_data() != tag as u64 {
                fail(format_args!("a NOP ended with {}", completion.result()));
            }
            came += 1;
        }
        if came != batch {
            fail(format_args!("{came} of {batch} NOPs came back"));
        }
        done += batch;
    }
    Sample {
        took: started.elapsed(),
        usage: Usage::of_this_thread(calls).since(before),
    }
}

/// Whether this kernel lets us have a ring that sends messages.
pub(crate) fn is_there() -> bool {
    let mut probe = io_uring::Probe::new();
    IoUring::new(2).is_ok_and(|ring| {
        ring.submitter().register_probe(&mut probe).is_ok()
            && probe.is_supported(opcode::MsgRingData::CODE)
    })
}

fn ring(entries: u32) -> IoUring {
    IoUring::new(entries.max(2)).unwrap_or_else(|error| fail(format_args!("io_uring: {error}")))
}
