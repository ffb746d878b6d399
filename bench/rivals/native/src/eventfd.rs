//! Payloads in shared memory, and an eventfd that is written for each batch: what many programs do by hand.

use crate::fail;
use crate::queues::{Receiver, Sender};
use crate::rings::{self, CountedReceiver, CountedSender};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// A ring of two counters whose every batch is told by the descriptor.
pub(crate) struct Told {
    ring: CountedSender,
    event: OwnedFd,
    calls: u64,
}

/// And one that waits for it.
pub(crate) struct Waits {
    ring: CountedReceiver,
    event: OwnedFd,
    sleep: bool,
    calls: u64,
}

pub(crate) fn queue(count: usize, sleep: bool) -> (Told, Waits) {
    let (sender, receiver) = rings::counters(count);
    let flags = if sleep { 0 } else { libc::EFD_NONBLOCK };
    // SAFETY: a plain call.
    let fd = unsafe { libc::eventfd(0, flags | libc::EFD_CLOEXEC) };
    if fd < 0 {
        fail(io::Error::last_os_error());
    }
    // SAFETY: just made, and nobody else's.
    let event = unsafe { OwnedFd::from_raw_fd(fd) };
    let other = event.try_clone().unwrap_or_else(|error| fail(error));
    let told = Told {
        ring: sender,
        event,
        calls: 0,
    };
    let waits = Waits {
        ring: receiver,
        event: other,
        sleep,
        calls: 0,
    };
    (told, waits)
}

impl Sender for Told {
    fn push(&mut self, number: u64) {
        self.ring.push(number);
    }

    fn publish(&mut self) {
        self.ring.publish();
        let one = 1u64;
        self.calls += 1;
        // SAFETY: eight readable bytes, as the call expects.
        if unsafe { libc::write(self.event.as_raw_fd(), (&raw const one).cast(), 8) } != 8 {
            fail(io::Error::last_os_error());
        }
    }

    fn calls(&self) -> u64 {
        self.calls
    }
}

impl Receiver for Waits {
    fn pop(&mut self, taken: impl FnMut(u64)) {
        let mut count = 0u64;
        self.calls += 1;
        // SAFETY: eight writable bytes, as the call expects.
        if unsafe { libc::read(self.event.as_raw_fd(), (&raw mut count).cast(), 8) } == 8 {
            return self.ring.pop(taken);
        }
        let error = io::Error::last_os_error();
        let nothing = error.kind() == io::ErrorKind::WouldBlock && !self.sleep;
        if !nothing && error.kind() != io::ErrorKind::Interrupted {
            fail(error);
        }
    }

    fn calls(&self) -> u64 {
        self.calls
    }
}
