//! A task as a slot spells it.

use super::Shared;
use sgring_task::{INLINE_CDB, Slot};
use std::mem::offset_of;
use std::sync::atomic::Ordering;

/// A task as its initiator spells it; the counts and lengths may lie.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    pub(crate) lun: [u8; 8],
    pub(crate) tag: u64,
    pub(crate) cdb: Vec<u8>,
    pub(crate) cdb_len: u16,
    /// The task attribute, and in the high four bits the priority.
    pub(crate) attribute: u8,
    /// 0, or a task management function's number.
    pub(crate) function: u8,
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
            function: 0,
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
        head.extend([self.attribute, self.function]);
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
