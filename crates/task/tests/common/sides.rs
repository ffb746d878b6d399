//! The initiator's and the target's end, with what JavaScript does around them.

use super::{EPOCH, FEATURES, Shared, segment};
use sgring_shm::{Bell, bell_pair};
use sgring_task::{Direction, Initiator, Record, Target, Violation, write_header};
use std::io::Read;
use std::mem::size_of;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// A bell that others ring, and where it is heard.
pub(crate) struct Heard(UnixStream);

impl Heard {
    pub(crate) fn new(watched: OwnedFd) -> Self {
        Self(UnixStream::from(watched))
    }

    /// How many rings wait here.
    pub(crate) fn rings(&mut self) -> usize {
        self.0.set_nonblocking(true).expect("a socket");
        self.0.read(&mut [0; 64]).unwrap_or(0)
    }

    /// Sleeps until the bell was rung.
    pub(crate) fn wait(&mut self, deadline: Duration) {
        self.0.set_nonblocking(false).expect("a socket");
        self.0.set_read_timeout(Some(deadline)).expect("a socket");
        let rung = self.0.read(&mut [0; 64]);
        assert!(rung.expect("a sleeper is rung before its deadline") > 0);
    }
}

/// The initiator's end and what its JavaScript would do around it.
pub(crate) struct Client {
    pub(crate) pair: Initiator,
    pub(crate) shared: Shared,
    pub(crate) bell: Heard,
}

/// The target's end and what its JavaScript would do around it.
pub(crate) struct Server {
    pub(crate) pair: Target,
    pub(crate) shared: Shared,
    pub(crate) bell: Heard,
}

/// A reaped completion: slot, status, flags.
pub(crate) type Completion = (u16, u8, u8);

/// Both ends over a fresh segment that each has mapped for itself.
pub(crate) fn pair(slots: u32, arena_bytes: u32) -> (Client, Server) {
    pair_over(segment(slots, arena_bytes))
}

pub(crate) fn pair_over([here, there]: [Shared; 2]) -> (Client, Server) {
    let (rings_server, server_hears) = bell_pair().expect("a socket pair");
    let (rings_client, client_hears) = bell_pair().expect("a socket pair");
    let client = Client::new(here, rings_server, client_hears);
    let server = Server::new(there, rings_client, server_hears).expect("a header that matches");
    (client, server)
}

/// The target's end over a segment whose other end is the test's.
pub(crate) fn server(slots: u32, arena_bytes: u32) -> (Shared, Server) {
    let (client, server) = pair(slots, arena_bytes);
    (client.shared, server)
}

impl Client {
    fn new(shared: Shared, bell: Bell, hears: OwnedFd) -> Self {
        let memory = Arc::clone(&shared.mapping);
        let pair = Initiator::new(memory, shared.geometry, FEATURES, EPOCH, bell);
        Self {
            pair,
            shared,
            bell: Heard::new(hears),
        }
    }

    pub(crate) fn submit(&mut self, slots: &[u16]) {
        for (index, &slot) in slots.iter().enumerate() {
            self.pair.desk().store(0, index, u32::from(slot));
        }
        self.pair.submit(slots.len()).expect("free slots");
    }

    pub(crate) fn reap(&mut self, arm: bool) -> Result<Vec<Completion>, Violation> {
        let count = self.pair.reap(arm)?;
        let list = 4 * self.shared.geometry.slots();
        let words = (0..count).map(|index| self.pair.desk().load(list, index));
        Ok(words
            .map(|word| (word as u16, (word >> 16) as u8, (word >> 24) as u8))
            .collect())
    }
}

impl Server {
    pub(crate) fn new(shared: Shared, bell: Bell, hears: OwnedFd) -> Option<Self> {
        let memory = Arc::clone(&shared.mapping);
        Some(Self {
            pair: Target::attach(memory, shared.geometry, FEATURES, EPOCH, bell)?,
            shared,
            bell: Heard::new(hears),
        })
    }

    /// A target that is attached anew, as to a client that came back: the queues are zeroed and the header is written again.
    pub(crate) fn anew(shared: &Shared) -> Self {
        let geometry = shared.geometry;
        for word in (4096..geometry.slots_offset()).step_by(8) {
            shared.word(word).store(0, Ordering::Relaxed);
        }
        // SAFETY: the mapping is page-aligned and larger than a page.
        unsafe { write_header(shared.mapping.as_ptr(), geometry, FEATURES, EPOCH) };
        let (bell, hears) = bell_pair().expect("a socket pair");
        Self::new(shared.clone(), bell, hears).expect("a header that matches")
    }

    pub(crate) fn fetch(&mut self, arm: bool) -> Result<Vec<u16>, Violation> {
        let count = self.pair.fetch(arm)?;
        assert!(count <= self.shared.geometry.slots());
        let list = self.shared.geometry.slots() * size_of::<Record>();
        let words = (0..count).map(|index| self.pair.desk().load(list, index));
        Ok(words.map(|word| word as u16).collect())
    }

    fn place(&self, slot: u16) -> *mut Record {
        assert!(usize::from(slot) < self.shared.geometry.slots());
        let records = self.pair.desk().as_ptr().cast::<Record>();
        // SAFETY: the desk begins with a record for each slot.
        unsafe { records.add(usize::from(slot)) }
    }

    pub(crate) fn record(&self, slot: u16) -> Record {
        // SAFETY: a record of the desk, which only this thread uses; any bytes are a record.
        unsafe { self.place(slot).read() }
    }

    /// Writes an answer to the record, as JavaScript does.
    pub(crate) fn answer(&self, slot: u16, residuals: [i32; 2], sense: &[u8]) {
        let mut record = self.record(slot);
        [record.out_residual, record.in_residual] = residuals;
        record.sense_len = sense.len() as u16;
        record.sense[..sense.len()].copy_from_slice(sense);
        // SAFETY: as in `record`.
        unsafe { self.place(slot).write(record) };
    }

    pub(crate) fn try_complete(&mut self, list: &[Completion]) -> Result<(), Violation> {
        let at = self.shared.geometry.slots() * (size_of::<Record>() + 4);
        for (index, &(slot, status, flags)) in list.iter().enumerate() {
            let word = u32::from(slot) | u32::from(status) << 16 | u32::from(flags) << 24;
            self.pair.desk().store(at, index, word);
        }
        self.pair.complete(list.len())
    }

    pub(crate) fn complete(&mut self, list: &[Completion]) {
        self.try_complete(list).expect("accepted tasks");
    }

    /// The task's segments in a direction, as (offset in the arena, bytes).
    pub(crate) fn segments(&self, slot: u16, direction: Direction) -> Option<Vec<(u32, u32)>> {
        let segments = self.pair.segments(slot, direction)?;
        Some(segments.iter().map(|s| (s.offset, s.len)).collect())
    }

    pub(crate) fn data(&self, slot: u16, direction: Direction) -> Vec<u8> {
        let segments = self.segments(slot, direction).expect("an accepted task");
        let bytes = segments
            .iter()
            .map(|&(offset, len)| self.shared.read(self.shared.arena(offset), len as usize));
        bytes.flatten().collect()
    }

    /// Writes `bytes`, as many as data-in has.
    pub(crate) fn write_in(&self, slot: u16, mut bytes: &[u8]) {
        for &segment in self
            .pair
            .segments(slot, Direction::In)
            .expect("an accepted task")
        {
            let (part, rest) = bytes.split_at(segment.len as usize);
            // SAFETY: the segment's bytes are mapped, and `part` is as long and private.
            unsafe {
                self.pair
                    .place(segment)
                    .copy_from_nonoverlapping(part.as_ptr(), part.len())
            };
            bytes = rest;
        }
    }

    /// What every accepted task owes its target, whatever the slot says now.
    pub(crate) fn check_accepted(&self, slot: u16) {
        let record = self.record(slot);
        assert!((6..=260).contains(&record.cdb_len));
        assert!(matches!(record.attribute & 0x0f, 0 | 1 | 2 | 4));
        let data = (record.out_len, record.in_len);
        assert!(record.function == 0 || data == (0, 0));
        assert_eq!(record.reserved_3, [0; 4]);
        let out = self
            .segments(slot, Direction::Out)
            .expect("an accepted task");
        let r#in = self
            .segments(slot, Direction::In)
            .expect("an accepted task");
        for (list, total) in [(&out, record.out_len), (&r#in, record.in_len)] {
            assert!(list.len() <= 256);
            let sum: u64 = list.iter().map(|&(_, len)| u64::from(len)).sum();
            assert_eq!(sum, u64::from(total));
        }
        let mut all: Vec<(u64, u64)> = out
            .iter()
            .chain(&r#in)
            .map(|&(offset, len)| (u64::from(offset), u64::from(offset) + u64::from(len)))
            .collect();
        all.sort_unstable();
        let arena = self.shared.geometry.arena_bytes() as u64;
        assert!(all.iter().all(|&(start, end)| start < end && end <= arena));
        assert!(all.windows(2).all(|two| two[0].1 <= two[1].0));
    }
}
