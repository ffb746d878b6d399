//! The two ends of a pair's queues that one side holds, with the sleep and the wake-up that belong to them.

use crate::memory::{Bell, Mapped, Mapping};
use crate::{Geometry, Violation};
use core::ops::ControlFlow;
use sgring_ring::{Consumer, Producer};

/// The end that publishes, and the bell of who sleeps at the other.
#[derive(Debug)]
pub(crate) struct Outgoing {
    queue: Producer<Mapped>,
    bell: Bell,
}

impl Outgoing {
    pub(crate) fn new(queue: Mapped, bell: Bell) -> Self {
        let queue = Producer::new(queue);
        Self { queue, bell }
    }

    /// Publishes an entry. A batch of them is followed by [`Outgoing::ring`].
    pub(crate) fn publish(&mut self, payload: u64) {
        self.queue.publish(payload);
    }

    /// Rings the peer if it sleeps.
    pub(crate) fn ring(&mut self) {
        // The flag is taken: a peer that cannot be rung (the kernel has no memory for a byte) would sleep for ever.
        if self.queue.must_ring() && !self.bell.ring() {
            self.bell.hang_up();
        }
    }
}

/// The end that consumes.
#[derive(Debug)]
pub(crate) struct Incoming {
    queue: Consumer<Mapped>,
    /// Announced that it sleeps, and has not looked since.
    armed: bool,
    /// What the peer did wrong, for good.
    violation: Option<Violation>,
}

impl Incoming {
    pub(crate) fn new(queue: Mapped) -> Self {
        Self {
            queue: Consumer::new(queue),
            armed: false,
            violation: None,
        }
    }

    /// Calls `take` with each payload that is there and how many came before it, until it breaks, and returns how many it took. With
    /// `arm` and none there, this side is rung when the next one comes; until it looks again, for whoever looks is awake.
    ///
    /// # Errors
    ///
    /// What the peer did wrong, from the call on that finds nothing before it. Nothing is taken after it.
    pub(crate) fn look(
        &mut self,
        arm: bool,
        mut take: impl FnMut(u64, usize) -> Result<ControlFlow<()>, Violation>,
    ) -> Result<usize, Violation> {
        if self.armed {
            self.queue.disarm();
            self.armed = false;
        }
        let mut count = self.drain(&mut take)?;
        if count == 0 && arm {
            let armed = self.queue.arm();
            self.armed = armed.map_err(|corrupt| *self.violation.insert(corrupt.into()))?;
            if !self.armed {
                count = self.drain(&mut take)?;
            }
        }
        Ok(count)
    }

    fn drain(
        &mut self,
        take: &mut impl FnMut(u64, usize) -> Result<ControlFlow<()>, Violation>,
    ) -> Result<usize, Violation> {
        let mut count = 0;
        while self.violation.is_none() {
            let taken = match self.queue.consume() {
                Ok(Some(payload)) => take(payload, count),
                Ok(None) => break,
                Err(corrupt) => Err(corrupt.into()),
            };
            match taken {
                Ok(flow) => {
                    count += 1;
                    if flow.is_break() {
                        break;
                    }
                }
                Err(violation) => self.violation = Some(violation),
            }
        }
        match self.violation {
            Some(violation) if count == 0 => Err(violation),
            _ => Ok(count),
        }
    }
}

/// The words of the submission queue and of the completion queue.
///
/// # Panics
///
/// If `memory` is not of `geometry`'s size.
///
/// # Safety
///
/// 1. `memory` outlives them. 2. Nothing else in this process touches these words but through atomics.
pub(crate) unsafe fn mapped(memory: &Mapping, geometry: Geometry) -> [Mapped; 2] {
    assert_eq!(
        memory.len(),
        geometry.segment_bytes(),
        "the segment has its geometry's size"
    );
    [geometry.submission_queue(), geometry.completion_queue()].map(|(entries, flag)| {
        // SAFETY: the queue lies in the segment, which has the geometry's size.
        let entries = unsafe { memory.as_ptr().add(entries) };
        // SAFETY: the flag lies in the header.
        let armed = unsafe { memory.as_ptr().add(flag) };
        // SAFETY: 1. Both are multiples of 8 from a page's start, within the mapping, which outlives them by the caller's promise.
        // 2. The caller's promise.
        unsafe { Mapped::new(entries.cast(), geometry.entries(), armed.cast()) }
    })
}
