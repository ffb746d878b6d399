//! Tasks and answers for a target that is native code: what a target in JavaScript reads and writes on the desk.

use crate::slot::{INLINE_CDB, MAX_SENSE_LEN, Record, flags};
use crate::target::Target;
use core::mem::{offset_of, size_of};

/// The first line of an accepted task's record: all of a task whose CDB is not longer than [`INLINE_CDB`], but for its segments.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// As in the slot.
    pub lun: [u8; 8],
    /// As in the slot.
    pub tag: u64,
    /// As in the slot, checked; it may be more than this line holds.
    pub cdb_len: u16,
    /// As in the slot, checked.
    pub attribute: u8,
    /// As in the slot; the number may be that of no function.
    pub function: u8,
    /// As in the slot, checked.
    pub out_len: u32,
    /// As in the slot, checked.
    pub in_len: u32,
    /// The generation of the slot that this task is.
    pub generation: u16,
    /// The first 32 bytes of the CDB.
    pub cdb: [u8; INLINE_CDB],
}

/// How a task ends.
#[derive(Clone, Copy, Debug, Default)]
pub struct Answer<'a> {
    /// As in [`flags::SERVICE_RESPONSE`]; the other flags follow from the fields below.
    pub service_response: u8,
    /// The SCSI status.
    pub status: u8,
    /// As in the slot.
    pub out_residual: i32,
    /// As in the slot.
    pub in_residual: i32,
    /// As in the slot.
    pub host_status: u16,
    /// As in the slot.
    pub driver_status: u16,
    /// As in the slot.
    pub errno: u16,
    /// At most [`MAX_SENSE_LEN`] bytes; what is beyond is cut.
    pub sense: &'a [u8],
}

impl Answer<'_> {
    fn flags(&self) -> u8 {
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        self.service_response & flags::SERVICE_RESPONSE
            | flag(!self.sense.is_empty(), flags::SENSE)
            | flag(
                (self.out_residual, self.in_residual) != (0, 0),
                flags::RESIDUAL,
            )
            | flag(
                (self.host_status, self.driver_status, self.errno) != (0, 0, 0),
                flags::TRANSPORT,
            )
    }
}

impl Target {
    /// The `index`-th slot of those that the last [`Target::fetch`] took.
    #[must_use]
    pub fn fetched(&self, index: usize) -> u16 {
        self.desk().load(self.fetched_list(), index) as u16
    }

    /// What the task in a slot asks. Stale where there is none.
    ///
    /// # Panics
    ///
    /// If there is no such slot.
    #[must_use]
    pub fn line(&self, slot: u16) -> Line {
        let mut words = [0; 8];
        self.desk()
            .load_words(usize::from(slot) * size_of::<Record>(), &mut words);
        let mut cdb = [0; INLINE_CDB];
        for (bytes, word) in cdb.chunks_exact_mut(8).zip(&words[4..]) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        Line {
            lun: words[0].to_le_bytes(),
            tag: words[1],
            cdb_len: words[2] as u16,
            attribute: (words[2] >> 16) as u8,
            function: (words[2] >> 24) as u8,
            out_len: (words[2] >> 32) as u32,
            in_len: words[3] as u32,
            generation: (words[3] >> 32) as u16,
            cdb,
        }
    }

    /// Writes a task's answer, and its slot as the `index`-th to [complete](Target::complete).
    ///
    /// # Panics
    ///
    /// If there is no such slot, or `index` is as large as there are slots.
    pub fn answer(&mut self, index: usize, slot: u16, answer: &Answer<'_>) {
        assert!(index < self.slots(), "a slot is completed once");
        let flags = answer.flags();
        let at = usize::from(slot) * size_of::<Record>() + offset_of!(Record, out_residual);
        let residuals =
            u64::from(answer.out_residual as u32) | u64::from(answer.in_residual as u32) << 32;
        let sense = &answer.sense[..answer.sense.len().min(MAX_SENSE_LEN)];
        let rest = sense.len() as u64
            | u64::from(answer.host_status) << 16
            | u64::from(answer.driver_status) << 32
            | u64::from(answer.errno) << 48;
        self.desk().store_words(at, &[residuals, rest]);
        for (index, bytes) in sense.chunks(8).enumerate() {
            let mut word = [0; 8];
            word[..bytes.len()].copy_from_slice(bytes);
            let word = u64::from_le_bytes(word);
            self.desk().store_words(at + 16 + 8 * index, &[word]);
        }
        let completion = u32::from(slot) | u32::from(answer.status) << 16 | u32::from(flags) << 24;
        self.desk().store(self.completion_list(), index, completion);
    }
}

const _: () = {
    assert!(offset_of!(Record, cdb) == 32);
    assert!(offset_of!(Record, sense_len) == offset_of!(Record, out_residual) + 8);
    assert!(offset_of!(Record, sense) == offset_of!(Record, out_residual) + 16);
};
