//! An initiator that writes its slots by the documented layout.

use super::scripted::{Limits, Script, scripted};
use sgring_sg::{Engine, EngineOptions, Errno};
use sgring_shm::{Bell, Mapping, bell_pair};
use sgring_task::{Geometry, Initiator, Slot};
use std::mem::offset_of;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

const SLOTS: u32 = 64;
const EPOCH: u32 = 1;
const DEADLINE_MS: i32 = 60_000;
/// Bytes that the device's queue takes of one command.
pub(crate) const MAX_TRANSFER: u32 = 1 << 16;
const QUEUE: EngineOptions = EngineOptions {
    spin: Duration::ZERO,
    limits: sgring_scatterlist::Limits {
        max_total: MAX_TRANSFER as u64,
        ..sgring_scatterlist::Limits::NONE
    },
};

pub(crate) struct Rig {
    pub(crate) script: Script,
    pub(crate) engine: Engine,
    pub(crate) initiator: Initiator,
    geometry: Geometry,
    socket: OwnedFd,
}

/// What stands in a slot.
#[derive(Clone, Debug, Default)]
pub(crate) struct Command {
    pub(crate) tag: u64,
    pub(crate) cdb: Vec<u8>,
    pub(crate) timeout_ms: u32,
    pub(crate) function: u8,
    /// At most two segments of the arena.
    pub(crate) out: Vec<(u32, u32)>,
    pub(crate) into: Vec<(u32, u32)>,
}

/// What came home.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Completion {
    pub(crate) slot: u16,
    pub(crate) status: u8,
    pub(crate) flags: u8,
}

impl Command {
    pub(crate) fn new(tag: u64) -> Self {
        Self {
            tag,
            cdb: vec![0; 6],
            ..Self::default()
        }
    }

    /// A task management function about a tag.
    pub(crate) fn function(function: u8, about: u64) -> Self {
        Self {
            function,
            cdb: about.to_le_bytes().to_vec(),
            ..Self::default()
        }
    }
}

impl Rig {
    pub(crate) fn new(limits: Limits) -> Self {
        let geometry = Geometry::new(SLOTS, 1 << 20).unwrap();
        let memory = Arc::new(Mapping::private(geometry.segment_bytes()).unwrap());
        let (ours, theirs) = bell_pair().unwrap();
        let socket = ours.as_fd().try_clone_to_owned().unwrap();
        let bell = Bell::new(socket.as_fd()).unwrap();
        let initiator = Initiator::new(Arc::clone(&memory), geometry, 0, EPOCH, bell);
        let (script, transport) = scripted(limits);
        let engine = Engine::start(memory, geometry, EPOCH, theirs, ours, QUEUE, move || {
            Ok::<_, Errno>(transport)
        });
        Self {
            script,
            engine: engine.unwrap(),
            initiator,
            geometry,
            socket,
        }
    }

    /// The segment, as long as the engine or this side has it.
    pub(crate) fn memory(&self) -> Weak<Mapping> {
        Arc::downgrade(self.initiator.memory())
    }

    /// Writes a slot and submits it.
    pub(crate) fn submit(&mut self, slot: u16, command: &Command) {
        let segments = |list: &[(u32, u32)]| {
            let words = list.iter().flat_map(|&(offset, len)| [offset, len]);
            let mut bytes: Vec<u8> = words.flat_map(u32::to_le_bytes).collect();
            bytes.resize(16, 0);
            bytes
        };
        let sum = |list: &[(u32, u32)]| list.iter().map(|(_, len)| len).sum::<u32>();
        let mut line = Vec::new();
        line.extend(u64::from(command.timeout_ms).to_le_bytes());
        line.extend(command.tag.to_le_bytes());
        line.extend((command.cdb.len() as u16).to_le_bytes());
        line.extend([0, command.function]);
        line.extend(sum(&command.out).to_le_bytes());
        line.extend(sum(&command.into).to_le_bytes());
        line.extend((command.out.len() as u16).to_le_bytes());
        line.extend((command.into.len() as u16).to_le_bytes());
        let mut cdb = command.cdb.clone();
        cdb.resize(32, 0);
        line.extend(cdb);
        line.extend(segments(&command.out));
        line.extend(segments(&command.into));
        let at = self.slot(slot, 0);
        for (index, word) in line.chunks_exact(8).enumerate() {
            let value = u64::from_le_bytes(word.try_into().unwrap());
            self.word(at + 8 * index).store(value, Ordering::Relaxed);
        }
        self.initiator.desk().store(0, 0, slot.into());
        self.initiator.submit(1).unwrap();
    }

    /// The next completions: at least one.
    pub(crate) fn completions(&mut self) -> Vec<Completion> {
        loop {
            let count = self.initiator.reap(true).unwrap();
            if count > 0 {
                let list = 4 * SLOTS as usize;
                let words = (0..count).map(|index| self.initiator.desk().load(list, index));
                return words
                    .map(|word| Completion {
                        slot: word as u16,
                        status: (word >> 16) as u8,
                        flags: (word >> 24) as u8,
                    })
                    .collect();
            }
            assert!(!self.wait(), "the engine has hung up");
        }
    }

    /// Takes completions until this one came, and gives it with those before it.
    pub(crate) fn completed(&mut self, count: usize) -> Vec<Completion> {
        let mut all = Vec::new();
        while all.len() < count {
            all.extend(self.completions());
        }
        assert_eq!(all.len(), count, "no more than that");
        all
    }

    /// Waits until the engine rings; whether it has hung up.
    pub(crate) fn wait(&self) -> bool {
        let mut poll = libc::pollfd {
            fd: self.socket.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: one entry, writable.
        let ready = unsafe { libc::poll(&raw mut poll, 1, DEADLINE_MS) };
        assert_eq!(ready, 1, "nothing in time");
        let mut bytes = [0u8; 64];
        let to = bytes.as_mut_ptr();
        // SAFETY: the buffer is writable and as long as said.
        let read = unsafe { libc::recv(poll.fd, to.cast(), bytes.len(), libc::MSG_DONTWAIT) };
        read == 0
    }

    /// Waits until the engine has hung up.
    pub(crate) fn hung_up(&self) {
        while !self.wait() {}
    }

    /// As when its process is gone.
    pub(crate) fn hang_up(&self) {
        Bell::new(self.socket.as_fd()).unwrap().hang_up();
    }

    /// Of a completed slot: host status, driver status, errno.
    pub(crate) fn transport_status(&self, slot: u16) -> [u16; 3] {
        let word = self.word(self.slot(slot, offset_of!(Slot, sense_len)));
        let word = word.load(Ordering::Relaxed);
        [
            (word >> 16) as u16,
            (word >> 32) as u16,
            (word >> 48) as u16,
        ]
    }

    /// Of a completed slot: sense length, data-out and data-in residuals.
    pub(crate) fn response(&self, slot: u16) -> (usize, i32, i32) {
        let residuals = self.word(self.slot(slot, offset_of!(Slot, out_residual)));
        let residuals = residuals.load(Ordering::Relaxed);
        let sense_len = self.word(self.slot(slot, offset_of!(Slot, sense_len)));
        let sense_len = sense_len.load(Ordering::Relaxed) as u16;
        (sense_len.into(), residuals as i32, (residuals >> 32) as i32)
    }

    /// Bytes of the arena.
    pub(crate) fn bytes(&self, offset: u32, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        let from = self.at(self.geometry.arena_offset() + offset as usize);
        // SAFETY: within the arena; the test asks when no command moves them.
        unsafe { from.copy_to_nonoverlapping(bytes.as_mut_ptr(), len) };
        bytes
    }

    pub(crate) fn fill(&self, offset: u32, bytes: &[u8]) {
        let to = self.at(self.geometry.arena_offset() + offset as usize);
        // SAFETY: as for `bytes`.
        unsafe { to.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    }

    fn slot(&self, slot: u16, offset: usize) -> usize {
        self.geometry.slots_offset() + usize::from(slot) * sgring_task::SLOT_BYTES + offset
    }

    fn at(&self, offset: usize) -> *mut u8 {
        assert!(offset < self.geometry.segment_bytes());
        // SAFETY: within the mapping.
        unsafe { self.initiator.memory().as_ptr().add(offset) }
    }

    fn word(&self, offset: usize) -> &AtomicU64 {
        // SAFETY: mapped as long as `self`, and a multiple of 8.
        unsafe { AtomicU64::from_ptr(self.at(offset).cast()) }
    }
}
