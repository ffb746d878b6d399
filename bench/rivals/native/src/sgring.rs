//! sgring's pair, with all that it checks: a request is WRITE(10), and its data-out is the payload.

use crate::exchange::{Client, Server, Setting};
use crate::fail;
use crate::memory::keep_over_fork;
use core::mem::offset_of;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use sgring_shm::{Bell, Mapping, ShmError, memfd};
use sgring_task::{Answer, Direction, Geometry, Initiator, SLOT_BYTES, Slot, Target, Violation};
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

const EPOCH: u32 = 1;
const WRITE_10: u8 = 0x2a;
const CDB_LEN: u64 = 10;

/// A side that submits.
pub(crate) struct PairClient {
    pair: Initiator,
    geometry: Geometry,
    bell: Watched,
    free: Vec<u32>,
    /// Of each slot.
    tags: Vec<u64>,
    /// Bytes of the arena for each slot.
    stride: usize,
    listed: usize,
}

/// A side that answers.
pub(crate) struct PairServer {
    pair: Target,
    bell: Watched,
    buffer: Vec<u8>,
    taken: VecDeque<u16>,
    listed: usize,
}

/// The socket that rings this side.
struct Watched {
    socket: OwnedFd,
    sleep: bool,
    calls: u64,
}

/// Slots of a pair, and the arena that its payloads need; `None` beyond what a pair holds.
pub(crate) fn geometry(setting: &Setting) -> Option<Geometry> {
    let slots = setting.depth.next_power_of_two().max(2);
    let arena = (slots * stride(setting)).next_multiple_of(4096).max(4096);
    Geometry::new(slots.try_into().ok()?, arena.try_into().ok()?)
}

fn stride(setting: &Setting) -> usize {
    setting.payload.next_multiple_of(64)
}

pub(crate) fn pair(setting: &Setting) -> (PairClient, PairServer) {
    let Some(geometry) = geometry(setting) else {
        fail("depth times payload is beyond what a pair holds");
    };
    let made = make(setting, geometry);
    made.unwrap_or_else(|error| fail(error))
}

fn make(setting: &Setting, geometry: Geometry) -> Result<(PairClient, PairServer), ShmError> {
    let len = geometry.segment_bytes() as u64;
    let segment = memfd::create(len)?;
    let [near, far] = [
        Mapping::map(segment.as_fd(), len)?,
        Mapping::map(segment.as_fd(), len)?,
    ];
    keep_over_fork(&near);
    keep_over_fork(&far);
    // As a pair's connection: one socket rings both ways.
    let (near_end, far_end) = UnixStream::pair().unwrap_or_else(|error| fail(error));
    let initiator = Initiator::new(
        Arc::new(near),
        geometry,
        0,
        EPOCH,
        Bell::new(near_end.as_fd())?,
    );
    let bell = Bell::new(far_end.as_fd())?;
    let Some(target) = Target::attach(Arc::new(far), geometry, 0, EPOCH, bell) else {
        fail("the header says what was written");
    };
    let client = PairClient {
        pair: initiator,
        geometry,
        bell: Watched::new(near_end.into(), setting.sleep),
        free: (0..geometry.slots() as u32).collect(),
        tags: vec![0; geometry.slots()],
        stride: stride(setting),
        listed: 0,
    };
    let server = PairServer {
        pair: target,
        bell: Watched::new(far_end.into(), setting.sleep),
        buffer: vec![0; setting.payload],
        taken: VecDeque::with_capacity(geometry.slots()),
        listed: 0,
    };
    Ok((client, server))
}

impl Client for PairClient {
    fn send(&mut self, tag: u64, payload: &[u8]) {
        let Some(slot) = self.free.pop() else {
            fail("more requests than slots");
        };
        self.tags[slot as usize] = tag;
        let at = slot as usize * self.stride;
        let (len, segments) = (payload.len() as u64, u64::from(!payload.is_empty()));
        // The slot's first line (`sgring_task::Slot`): LUN, tag, lengths of the CDB and of data-out, how many segments it has, the CDB.
        let (lengths, opcode) = (CDB_LEN | len << 32, u64::from(WRITE_10));
        let line = [0, tag, lengths, segments << 32, opcode, 0, 0, 0];
        let base = self.geometry.slots_offset() + slot as usize * SLOT_BYTES;
        for (index, value) in line.into_iter().enumerate() {
            word(self.pair.memory(), base + 8 * index).store(value, Relaxed);
        }
        if !payload.is_empty() {
            let segment = word(self.pair.memory(), base + offset_of!(Slot, out));
            segment.store(at as u64 | len << 32, Relaxed);
            let place = self.geometry.arena_offset() + at;
            copy(payload, self.pair.memory(), place);
        }
        self.pair.desk().store(0, self.listed, slot);
        self.listed += 1;
    }

    fn flush(&mut self) {
        right(self.pair.submit(self.listed));
        self.listed = 0;
    }

    fn take(&mut self, mut response: impl FnMut(u64)) {
        let count = right(self.pair.reap(self.bell.sleep));
        if count == 0 {
            return self.bell.wait();
        }
        let slots = self.tags.len();
        for index in 0..count {
            let completion = self.pair.desk().load(4 * slots, index);
            // Slot, status and flags in one word: GOOD, and nothing to say.
            let Some(tag) = self.tags.get(completion as usize) else {
                fail(format_args!("completion {completion:#x}"));
            };
            self.free.push(completion);
            response(*tag);
        }
    }

    fn calls(&self) -> u64 {
        self.bell.calls
    }
}

impl Server for PairServer {
    fn take(&mut self, mut request: impl FnMut(u64, &[u8])) {
        let count = right(self.pair.fetch(self.bell.sleep));
        if count == 0 {
            return self.bell.wait();
        }
        for index in 0..count {
            let slot = self.pair.fetched(index);
            let line = self.pair.line(slot);
            if line.cdb[0] != WRITE_10 {
                fail(format_args!("CDB {:?}", line.cdb));
            }
            let segments = self.pair.segments(slot, Direction::Out).unwrap_or_default();
            let mut filled = 0;
            for &segment in segments {
                let len = segment.len as usize;
                let from = self.pair.place(segment);
                let into = &mut self.buffer[filled..filled + len];
                // SAFETY: 1. The segment was checked, and is mapped. 2. `into` is as long. 3. The slot's bytes are left alone until it is completed.
                unsafe { into.as_mut_ptr().copy_from_nonoverlapping(from, len) };
                filled += len;
            }
            self.taken.push_back(slot);
            request(line.tag, &self.buffer[..filled]);
        }
    }

    fn answer(&mut self, _tag: u64) {
        let Some(slot) = self.taken.pop_front() else {
            fail("more responses than requests");
        };
        self.pair.answer(self.listed, slot, &Answer::default());
        self.listed += 1;
    }

    fn flush(&mut self) {
        right(self.pair.complete(self.listed));
        self.listed = 0;
    }

    fn calls(&self) -> u64 {
        self.bell.calls
    }
}

fn right<T>(result: Result<T, Violation>) -> T {
    result.unwrap_or_else(|violation| fail(format_args!("{violation:?}")))
}

impl Watched {
    /// One that sleeps has nothing else to wait for: it waits in `recv()` itself, for which its socket blocks. Its bell sends without waiting.
    fn new(socket: OwnedFd, sleep: bool) -> Self {
        Self {
            socket,
            sleep,
            calls: 0,
        }
    }

    /// Sleeps until this side is rung, if it sleeps at all. Each byte was a call of the other side's.
    fn wait(&mut self) {
        if !self.sleep {
            return;
        }
        let mut bytes = [0u8; 64];
        let (fd, into) = (self.socket.as_raw_fd(), bytes.as_mut_ptr());
        // SAFETY: `bytes` is writable with its whole length.
        let rings = unsafe { libc::recv(fd, into.cast(), bytes.len(), 0) };
        match rings {
            0 => fail("the other side has hung up"),
            1.. => self.calls += 1 + rings as u64,
            _ => {
                let error = io::Error::last_os_error();
                if error.kind() != io::ErrorKind::Interrupted {
                    fail(error);
                }
            }
        }
    }
}

fn copy(bytes: &[u8], memory: &Mapping, at: usize) {
    assert!(at + bytes.len() <= memory.len(), "in the arena");
    // SAFETY: in bounds, checked above.
    let to = unsafe { memory.as_ptr().add(at) };
    // SAFETY: the slot that owns these bytes is ours until it is submitted.
    unsafe { to.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
}

fn word(memory: &Mapping, at: usize) -> &AtomicU64 {
    assert!(
        at.is_multiple_of(8) && at + 8 <= memory.len(),
        "a word of the mapping"
    );
    // SAFETY: in bounds, checked above.
    let word = unsafe { memory.as_ptr().add(at) };
    // SAFETY: aligned, for a mapping starts on a page; mapped while it is borrowed; accessed through atomics only.
    unsafe { AtomicU64::from_ptr(word.cast()) }
}
