//! The bytes of a slot, of the target's private copy of it, and of the two kinds of queue entry.
//!
//! ```text
//! slot, 640 bytes                                                                            written by
//!   0  lun[8] | tag u64 | cdb_len u16 | attribute u8 | function u8 | out_len u32 |           initiator
//!      in_len u32 | out_segments u16 | in_segments u16 | cdb[32]
//!  64  out[2] | in[2], each { offset u32, len u32 } in the arena                             initiator
//! 128  out_residual i32 | in_residual i32 | sense_len u16 | host_status u16 |                target
//!      driver_status u16 | errno u16
//! 144  sense[252]                                                                            target
//! 400  cdb_tail[228]: bytes 32 to 259 of a longer CDB                                        initiator
//!
//! submission entry, 48 bits:  slot 14 | resubmitted 1 | rerun 1 | generation 16 | epoch 16
//! completion entry, 48 bits:  slot 16 | generation 16 | status 8 | flags 8
//! ```
//!
//! A command without data touches one cache line of its slot and one word of each queue. With more than two segments in a direction,
//! the first inline segment names a table of them in the arena, aligned to 8 bytes.

use core::mem::{align_of, offset_of, size_of};

/// How many bytes a slot has.
pub const SLOT_BYTES: usize = size_of::<Slot>();

/// The longest CDB: variable length CDBs have up to 260 bytes (SPC-5 4.2.3).
pub const MAX_CDB_LEN: usize = 260;
/// The shortest CDB (SPC-5 4.2.2).
pub const MIN_CDB_LEN: usize = 6;
/// The most sense data: 252 bytes (SPC-5 4.4.1).
pub const MAX_SENSE_LEN: usize = 252;
/// The most segments in one direction.
pub const MAX_SEGMENTS: usize = 256;
/// How many segments in one direction fit in the slot.
pub(crate) const INLINE_SEGMENTS: usize = 2;
/// How many bytes of the CDB fit in the slot's first line.
pub const INLINE_CDB: usize = 32;

/// What a completion entry says beside the status.
pub mod flags {
    /// The low four bits: the service response (SAM-5 5.1, 7.1). 0 is COMMAND COMPLETE, 1 SERVICE DELIVERY OR TARGET FAILURE, 3 FUNCTION
    /// COMPLETE, 4 FUNCTION SUCCEEDED, 5 FUNCTION REJECTED, 6 INCORRECT LOGICAL UNIT NUMBER. Three are none of SAM-5's: 2, the command ended
    /// without one; 7, an earlier target had begun it, and its outcome is not known; 8, likewise, and it must not be carried out again.
    pub const SERVICE_RESPONSE: u8 = 0x0f;
    /// The slot has sense data.
    pub const SENSE: u8 = 0x10;
    /// The slot has residuals; without this flag both are 0.
    pub const RESIDUAL: u8 = 0x20;
    /// The slot says what a kernel's layers said of the command. Only a kernel node's engine sets it; from a ring it counts as not set.
    pub const TRANSPORT: u8 = 0x40;
    /// Between a target's JavaScript and its ledger, and never in an entry: the task was marked as started.
    pub const STARTED: u8 = 0x80;
}

/// What a [`Record`] says of a task that an earlier target has had.
pub mod resubmitted {
    /// It is an earlier target's; 0 is a new task.
    pub const RESUBMITTED: u16 = 1;
    /// That target may have carried it out, or some of it.
    pub const STARTED: u16 = 2;
    /// Its initiator wants it carried out again even so.
    pub const RERUN: u16 = 4;
}

/// A segment as the slot and its table spell it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct WireSegment {
    /// Bytes from the arena's start.
    pub offset: u32,
    /// Bytes.
    pub len: u32,
}

/// A slot. Never borrowed: it is shared memory. The type is here for its offsets.
#[repr(C, align(64))]
pub struct Slot {
    /// The logical unit number as it stands in SAM-5 4.7. A pair of a kernel node has one unit, and the first four bytes are instead how
    /// long the kernel may take, in milliseconds (u32, 0 is without an end).
    pub lun: [u8; 8],
    /// The task tag.
    pub tag: u64,
    /// 6 to 260.
    pub cdb_len: u16,
    /// The low four bits: SAM-5 8.7: 0 SIMPLE, 1 ORDERED, 2 HEAD OF QUEUE, 4 ACA. The high four: the priority (SAM-5 8.8).
    pub attribute: u8,
    /// 0 is a command. Else the slot asks for a task management function, by RFC 7143's number: it has no data, and in the CDB's place stand
    /// the tag of the command that it is about (eight bytes), and when it was sent by CLOCK_MONOTONIC: nanoseconds, then seconds (four each).
    pub function: u8,
    /// Data-out bytes: the sum of its segments.
    pub out_len: u32,
    /// Data-in bytes: the sum of its segments.
    pub in_len: u32,
    /// How many data-out segments.
    pub out_segments: u16,
    /// How many data-in segments.
    pub in_segments: u16,
    /// The first 32 bytes of the CDB.
    pub cdb: [u8; INLINE_CDB],
    /// Data-out: its segments, or the place of the table of them.
    pub out: [WireSegment; INLINE_SEGMENTS],
    /// Data-in: likewise.
    pub r#in: [WireSegment; INLINE_SEGMENTS],
    /// Ignored.
    pub reserved_line: [u8; 32],
    /// Data-out bytes not taken, as `sg_io_v4.dout_resid`.
    pub out_residual: i32,
    /// Data-in bytes not sent, as `sg_io_v4.din_resid`.
    pub in_residual: i32,
    /// Bytes of sense, at most 252.
    pub sense_len: u16,
    /// With [`flags::TRANSPORT`], as the two after it: `DID_…` of the host adapter or the kernel, 0 for a device's own answer.
    pub host_status: u16,
    /// `DRIVER_…`.
    pub driver_status: u16,
    /// 0, or why the kernel took no such command: no command was sent then.
    pub errno: u16,
    /// Sense data.
    pub sense: [u8; MAX_SENSE_LEN],
    /// Ignored.
    pub reserved_sense: [u8; 4],
    /// Bytes 32 to 259 of the CDB.
    pub cdb_tail: [u8; MAX_CDB_LEN - INLINE_CDB],
}

const _: () = {
    assert!(size_of::<WireSegment>() == 8);
    assert!(size_of::<Slot>() == 640 && align_of::<Slot>() == 64);
    assert!(offset_of!(Slot, lun) == 0);
    assert!(offset_of!(Slot, tag) == 8);
    assert!(offset_of!(Slot, cdb_len) == 16);
    assert!(offset_of!(Slot, attribute) == 18);
    assert!(offset_of!(Slot, function) == 19);
    assert!(offset_of!(Slot, out_len) == 20);
    assert!(offset_of!(Slot, in_len) == 24);
    assert!(offset_of!(Slot, out_segments) == 28);
    assert!(offset_of!(Slot, in_segments) == 30);
    assert!(offset_of!(Slot, cdb) == 32);
    assert!(offset_of!(Slot, out) == 64);
    assert!(offset_of!(Slot, r#in) == 80);
    assert!(offset_of!(Slot, out_residual) == 128);
    assert!(offset_of!(Slot, in_residual) == 132);
    assert!(offset_of!(Slot, sense_len) == 136);
    assert!(offset_of!(Slot, host_status) == 138);
    assert!(offset_of!(Slot, driver_status) == 140);
    assert!(offset_of!(Slot, errno) == 142);
    assert!(offset_of!(Slot, sense) == 144);
    assert!(offset_of!(Slot, cdb_tail) == 400);
};

/// A task as the target's JavaScript sees it: a checked, private copy, and the place where the answer is written. It stands in the
/// target's [`crate::Desk`], one for each slot.
#[repr(C, align(64))]
pub struct Record {
    /// As in the slot.
    pub lun: [u8; 8],
    /// As in the slot.
    pub tag: u64,
    /// As in the slot, checked.
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
    /// [`resubmitted`]: whether an earlier target has had the same submission.
    pub resubmitted: u16,
    /// The whole CDB; what lies beyond `cdb_len` is stale.
    pub cdb: [u8; MAX_CDB_LEN],
    /// Zero.
    pub reserved_3: [u8; 4],
    /// The answer, written by JavaScript before it completes the task; from here on the bytes are those of the slot from
    /// `out_residual` on.
    pub out_residual: i32,
    /// As in the slot.
    pub in_residual: i32,
    /// As in the slot.
    pub sense_len: u16,
    /// As in the slot.
    pub host_status: u16,
    /// As in the slot.
    pub driver_status: u16,
    /// As in the slot.
    pub errno: u16,
    /// As in the slot.
    pub sense: [u8; MAX_SENSE_LEN],
    /// Goes to the slot as it stands, and is ignored there.
    pub reserved_4: [u8; 4],
}

/// How many bytes of a slot the target writes: from `out_residual` to behind the sense.
pub(crate) const RESPONSE_BYTES: usize =
    offset_of!(Slot, cdb_tail) - offset_of!(Slot, out_residual);

const _: () = {
    assert!(size_of::<Record>() == 576 && align_of::<Record>() == 64);
    assert!(offset_of!(Record, cdb) == offset_of!(Slot, cdb));
    assert!(offset_of!(Record, out_residual).is_multiple_of(8));
    assert!(offset_of!(Slot, out_residual).is_multiple_of(8));
    assert!(
        offset_of!(Record, sense) - offset_of!(Record, out_residual)
            == offset_of!(Slot, sense) - offset_of!(Slot, out_residual)
    );
    assert!(offset_of!(Record, out_residual) + RESPONSE_BYTES <= size_of::<Record>());
};

/// The payload of a submission entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SubmissionWord {
    /// Which slot.
    pub slot: u16,
    /// How often the slot was submitted, modulo 2^16.
    pub generation: u16,
    /// Which attachment of the segment, modulo 2^16.
    pub epoch: u16,
    /// The same submission was published to an earlier target, which died before its completion came.
    pub resubmitted: bool,
    /// If that target had begun it and not answered, it is to be carried out again.
    pub rerun: bool,
}

const RESUBMITTED: u16 = 1 << 14;
const RERUN: u16 = 1 << 15;

impl SubmissionWord {
    /// The bits of the entry.
    #[must_use]
    pub fn pack(self) -> u64 {
        let marks = [(self.resubmitted, RESUBMITTED), (self.rerun, RERUN)];
        let slot = marks
            .into_iter()
            .filter(|&(set, _)| set)
            .fold(self.slot, |slot, (_, mark)| slot | mark);
        u64::from(slot) | u64::from(self.generation) << 16 | u64::from(self.epoch) << 32
    }

    /// The entry of some bits.
    #[must_use]
    pub fn unpack(payload: u64) -> Self {
        let slot = payload as u16;
        Self {
            slot: slot & !(RESUBMITTED | RERUN),
            generation: (payload >> 16) as u16,
            epoch: (payload >> 32) as u16,
            resubmitted: slot & RESUBMITTED != 0,
            rerun: slot & RERUN != 0,
        }
    }
}

/// The payload of a completion entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompletionWord {
    /// Which slot.
    pub slot: u16,
    /// The generation that was submitted.
    pub generation: u16,
    /// The SCSI status.
    pub status: u8,
    /// [`flags`].
    pub flags: u8,
}

impl CompletionWord {
    /// The bits of the entry.
    #[must_use]
    pub fn pack(self) -> u64 {
        u64::from(self.slot)
            | u64::from(self.generation) << 16
            | u64::from(self.status) << 32
            | u64::from(self.flags) << 40
    }

    /// The entry of some bits.
    #[must_use]
    pub fn unpack(payload: u64) -> Self {
        Self {
            slot: payload as u16,
            generation: (payload >> 16) as u16,
            status: (payload >> 32) as u8,
            flags: (payload >> 40) as u8,
        }
    }
}
