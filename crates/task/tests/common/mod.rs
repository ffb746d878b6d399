//! A pair over a real segment, and raw access to its bytes by the documented layout, as a peer has it.

#![allow(dead_code, reason = "each test program uses its part")]

use sgring_shm::{Bell, Mapping, bell_pair, memfd};
use sgring_task::{
    CompletionWord, Direction, Geometry, INLINE_CDB, Initiator, Record, SLOT_BYTES, Slot,
    SubmissionWord, Target, Violation,
};
use std::mem::{offset_of, size_of};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) const FEATURES: u64 = 0;
pub(crate) const EPOCH: u32 = 0x0007_0001;

/// One side's mapping of a segment.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) mapping: Arc<Mapping>,
    pub(crate) geometry: Geometry,
}

/// Two mappings of one fresh segment.
pub(crate) fn segment(slots: u32, arena_bytes: u32) -> [Shared; 2] {
    let geometry = Geometry::new(slots, arena_bytes).expect("sizes within the limits");
    let len = geometry.segment_bytes() as u64;
    let file = memfd::create(len).expect("a memory file");
    [(), ()].map(|()| Shared {
        mapping: Arc::new(Mapping::map(file.as_fd(), len).expect("a mapping")),
        geometry,
    })
}

impl Shared {
    /// Where `len` bytes of the segment from `at` stand.
    pub(crate) fn at(&self, at: usize, len: usize) -> *mut u8 {
        assert!(at + len <= self.mapping.len());
        // SAFETY: in bounds, checked above.
        unsafe { self.mapping.as_ptr().add(at) }
    }

    pub(crate) fn word(&self, at: usize) -> &AtomicU64 {
        let word = self.at(at, 8).cast::<u64>();
        assert!(word.is_aligned());
        // SAFETY: mapped as long as `self`, aligned, and every bit pattern is a value.
        unsafe { AtomicU64::from_ptr(word) }
    }

    /// Plain writes: what orders them against the other side is for the queues to see to.
    pub(crate) fn write(&self, at: usize, bytes: &[u8]) {
        let to = self.at(at, bytes.len());
        // SAFETY: in bounds; the source is private memory.
        unsafe { to.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    }

    /// Plain reads.
    pub(crate) fn read(&self, at: usize, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        let from = self.at(at, len);
        // SAFETY: in bounds; the destination is private memory.
        unsafe { bytes.as_mut_ptr().copy_from_nonoverlapping(from, len) };
        bytes
    }

    pub(crate) fn slot(&self, slot: u16, offset: usize) -> usize {
        self.geometry.slots_offset() + usize::from(slot) * SLOT_BYTES + offset
    }

    pub(crate) fn arena(&self, offset: u32) -> usize {
        self.geometry.arena_offset() + offset as usize
    }

    /// Everything before the arena, and the arena.
    pub(crate) fn snapshot(&self) -> Vec<u8> {
        let slots_end = self.slot(0, self.geometry.slots() * SLOT_BYTES);
        let mut bytes = self.read(0, slots_end);
        bytes.extend(self.read(self.arena(0), self.geometry.arena_bytes()));
        bytes
    }

    pub(crate) fn submissions(&self) -> RawQueue {
        RawQueue::new(self, 4096)
    }

    pub(crate) fn completions(&self) -> RawQueue {
        RawQueue::new(self, 4096 + 8 * self.geometry.entries())
    }
}

/// A task as its initiator spells it; the counts and lengths may lie.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    pub(crate) lun: [u8; 8],
    pub(crate) tag: u64,
    pub(crate) cdb: Vec<u8>,
    pub(crate) cdb_len: u16,
    pub(crate) attribute: u8,
    pub(crate) out: Vec<(u32, u32)>,
    pub(crate) r#in: Vec<(u32, u32)>,
    pub(crate) lens: [u32; 2],
    pub(crate) counts: [u16; 2],
    /// Where in the arena the two tables stand, if they are needed.
    pub(crate) tables: [u32; 2],
}

impl Command {
    pub(crate) fn new(cdb: &[u8]) -> Self {
        Self {
            lun: *b"\0\x01\x02\x03\x04\x05\x06\x07",
            tag: 0x0102_0304_0506_0708,
            cdb: cdb.to_vec(),
            cdb_len: cdb.len() as u16,
            attribute: 0,
            out: Vec::new(),
            r#in: Vec::new(),
            lens: [0; 2],
            counts: [0; 2],
            tables: [0; 2],
        }
    }

    /// With data segments, their true counts, and their true sums.
    pub(crate) fn with_data(mut self, out: &[(u32, u32)], r#in: &[(u32, u32)]) -> Self {
        let sum = |list: &[(u32, u32)]| list.iter().fold(0, |sum: u32, s| sum.wrapping_add(s.1));
        self.lens = [sum(out), sum(r#in)];
        self.counts = [out.len() as u16, r#in.len() as u16];
        self.out = out.to_vec();
        self.r#in = r#in.to_vec();
        self
    }

    /// Writes it to a slot, and its tables, where the counts ask for them, as far as they lie in the arena.
    pub(crate) fn put(&self, shared: &Shared, slot: u16) {
        for (at, bytes) in self.parts(shared, slot) {
            shared.write(at, &bytes);
        }
    }

    /// Likewise, by relaxed atomics: others may be at the same words.
    pub(crate) fn store(&self, shared: &Shared, slot: u16) {
        for (at, bytes) in self.parts(shared, slot) {
            for (index, word) in bytes.chunks(8).enumerate() {
                let mut padded = [0; 8];
                padded[..word.len()].copy_from_slice(word);
                let value = u64::from_le_bytes(padded);
                shared.word(at + 8 * index).store(value, Ordering::Relaxed);
            }
        }
    }

    fn parts(&self, shared: &Shared, slot: u16) -> Vec<(usize, Vec<u8>)> {
        let mut head = Vec::new();
        head.extend(self.lun);
        head.extend(self.tag.to_le_bytes());
        head.extend(self.cdb_len.to_le_bytes());
        head.extend([self.attribute, 0]);
        head.extend(self.lens[0].to_le_bytes());
        head.extend(self.lens[1].to_le_bytes());
        head.extend(self.counts[0].to_le_bytes());
        head.extend(self.counts[1].to_le_bytes());
        let mut cdb = self.cdb.clone();
        cdb.resize(INLINE_CDB.max(cdb.len()), 0);
        head.extend(&cdb[..INLINE_CDB]);
        let mut parts = Vec::new();
        for (list, (&count, &table)) in [&self.out, &self.r#in]
            .into_iter()
            .zip(self.counts.iter().zip(&self.tables))
        {
            let words = list
                .iter()
                .flat_map(|(offset, len)| [*offset, *len])
                .flat_map(u32::to_le_bytes);
            let mut words: Vec<u8> = words.collect();
            if count > 2 {
                let room = shared.geometry.arena_bytes().saturating_sub(table as usize) & !7;
                words.truncate(room);
                parts.push((
                    shared.arena(table.min(shared.geometry.arena_bytes() as u32)),
                    words,
                ));
                words = [table, 0]
                    .iter()
                    .flat_map(|word| word.to_le_bytes())
                    .collect();
            }
            words.resize(16, 0);
            head.extend(words);
        }
        parts.push((shared.slot(slot, 0), head));
        parts.push((
            shared.slot(slot, offset_of!(Slot, cdb_tail)),
            cdb[INLINE_CDB..].to_vec(),
        ));
        parts
    }
}

/// One side of a queue, by the documented bits.
pub(crate) struct RawQueue {
    shared: Shared,
    entries: usize,
    position: u64,
}

impl RawQueue {
    fn new(shared: &Shared, entries: usize) -> Self {
        Self {
            shared: shared.clone(),
            entries,
            position: 0,
        }
    }

    /// Stores the next entry's word as it is, with its lap.
    pub(crate) fn store(&mut self, lap: u16, payload: u64) {
        let word = self.here();
        let value = u64::from(lap) << 48 | payload;
        self.shared.word(word).store(value, Ordering::Release);
        self.position += 1;
    }

    pub(crate) fn publish(&mut self, payload: u64) {
        self.store(self.lap(), payload);
    }

    pub(crate) fn submit(&mut self, slot: u16, generation: u16) {
        let word = SubmissionWord {
            slot,
            generation,
            epoch: EPOCH as u16,
        };
        self.publish(word.pack());
    }

    pub(crate) fn complete(&mut self, slot: u16, generation: u16) {
        let word = CompletionWord {
            slot,
            generation,
            status: 0,
            flags: 0,
        };
        self.publish(word.pack());
    }

    /// The next payload, if it is there.
    pub(crate) fn consume(&mut self) -> Option<u64> {
        let word = self.shared.word(self.here()).load(Ordering::Acquire);
        let there = (word >> 48) as u16 == self.lap();
        self.position += u64::from(there);
        there.then_some(word & ((1 << 48) - 1))
    }

    pub(crate) fn lap(&self) -> u16 {
        (self.position / self.shared.geometry.entries() as u64 + 1) as u16
    }

    fn here(&self) -> usize {
        self.entries + 8 * (self.position as usize % self.shared.geometry.entries())
    }
}

/// A bell that others ring, and where it is heard.
pub(crate) struct Heard(UnixStream);

impl Heard {
    fn new(watched: OwnedFd) -> Self {
        Self(UnixStream::from(watched))
    }

    /// How many rings wait here.
    pub(crate) fn rings(&mut self) -> usize {
        use std::io::Read;
        self.0.set_nonblocking(true).expect("a socket");
        self.0.read(&mut [0; 64]).unwrap_or(0)
    }

    /// Sleeps until the bell was rung.
    pub(crate) fn wait(&mut self, deadline: std::time::Duration) {
        use std::io::Read;
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
        assert!(matches!(record.attribute, 0 | 1 | 2 | 4));
        assert_eq!((record.reserved, record.reserved_2), (0, 0));
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
