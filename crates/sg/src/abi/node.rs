//! What sg nodes tell about themselves, and the numbers of ioctls: plain ones, not made by `_IOR`.

use super::layout;

/// A command at once, v3 or v4 by the kind of node.
pub const SG_IO: u32 = 0x2285;
/// Resets what [`Reset`] says.
pub const SG_SCSI_RESET: u32 = 0x2284;
/// A [`SgScsiId`].
pub const SG_GET_SCSI_ID: u32 = 0x2276;
/// The driver's version: 30536 is 3.5.36; bsg says 30527.
pub const SG_GET_VERSION_NUM: u32 = 0x2282;
/// Bytes of the reserved buffer.
pub const SG_GET_RESERVED_SIZE: u32 = 0x2272;
/// Asks for another size of it; at most `max_sectors`.
pub const SG_SET_RESERVED_SIZE: u32 = 0x2275;
/// Whether more than one command may be outstanding.
pub const SG_GET_COMMAND_Q: u32 = 0x2270;
/// Sets that; a v3 header does as well.
pub const SG_SET_COMMAND_Q: u32 = 0x2271;
/// Whether read(2) looks at `pack_id`.
pub const SG_SET_FORCE_PACK_ID: u32 = 0x227b;
/// The `pack_id` of the oldest command that may be read, or -1.
pub const SG_GET_PACK_ID: u32 = 0x227c;
/// How many may be read.
pub const SG_GET_NUM_WAITING: u32 = 0x227d;
/// How many pieces the host's scatter-gather list has.
pub const SG_GET_SG_TABLESIZE: u32 = 0x227f;
/// [`SG_MAX_QUEUE`] of [`SgReqInfo64`] or [`SgReqInfo32`].
pub const SG_GET_REQUEST_TABLE: u32 = 0x2286;
/// Bytes that one command may move (sg nodes; a block node answers in sectors; include/uapi/linux/fs.h).
pub const BLKSECTGET: u32 = 0x1267;
/// Commands outstanding on one open file; write(2) says `EDOM` to more.
pub const SG_MAX_QUEUE: usize = 16;
/// Bytes of a reserved buffer that nobody has asked to be larger.
pub const SG_DEF_RESERVED_SIZE: usize = 32 * 1024;

/// Or'ed to a [`Reset`]: that reset and no greater one.
pub const RESET_NO_ESCALATE: i32 = 0x100;

/// What `SG_SCSI_RESET` resets. It needs `CAP_SYS_ADMIN` and `CAP_SYS_RAWIO`; where a reset fails, the kernel goes on to the next greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Reset {
    /// `SG_SCSI_RESET_DEVICE`: the logical unit.
    Device = 1,
    /// `SG_SCSI_RESET_BUS`
    Bus = 2,
    /// `SG_SCSI_RESET_HOST`: the adapter, with all that it serves.
    Host = 3,
    /// `SG_SCSI_RESET_TARGET`
    Target = 4,
}

/// `struct sg_scsi_id` (include/scsi/sg.h): the answer of [`SG_GET_SCSI_ID`].
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SgScsiId {
    /// H of H:C:T:L.
    pub host_no: i32,
    /// C
    pub channel: i32,
    /// T
    pub scsi_id: i32,
    /// L, cut to 32 bits.
    pub lun: i32,
    /// The peripheral device type.
    pub scsi_type: i32,
    /// How many commands the host takes for each unit.
    pub h_cmd_per_lun: i16,
    /// How many the unit takes.
    pub d_queue_depth: i16,
    /// Zeros.
    pub unused: [i32; 2],
}

layout!(SgScsiId, 32, align 4, {
    host_no: i32 = 0, channel: i32 = 4, scsi_id: i32 = 8, lun: i32 = 12, scsi_type: i32 = 16, h_cmd_per_lun: i16 = 20,
    d_queue_depth: i16 = 22, unused: [i32; 2] = 24,
});

/// `struct sg_req_info` of a 64-bit process (include/scsi/sg.h): an entry of [`SG_GET_REQUEST_TABLE`].
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SgReqInfo64 {
    /// 0 unused, 1 sent, 2 may be read.
    pub req_state: u8,
    /// 1: of an interrupted `SG_IO`.
    pub orphan: u8,
    /// 1: of an `SG_IO`.
    pub sg_io_owned: u8,
    /// 1: it has failed.
    pub problem: u8,
    /// Its `pack_id`.
    pub pack_id: i32,
    /// Its `usr_ptr`.
    pub usr_ptr: u64,
    /// Milliseconds that it took, or has taken so far.
    pub duration: u32,
    /// Zero.
    pub unused: i32,
}

layout!(SgReqInfo64, 24, align 8, {
    req_state: u8 = 0, orphan: u8 = 1, sg_io_owned: u8 = 2, problem: u8 = 3, pack_id: i32 = 4, usr_ptr: u64 = 8, duration: u32 = 16,
    unused: i32 = 20,
});

/// `struct sg_req_info` of a 32-bit process. The fields are those of [`SgReqInfo64`].
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "as in SgReqInfo64")]
pub struct SgReqInfo32 {
    pub req_state: u8,
    pub orphan: u8,
    pub sg_io_owned: u8,
    pub problem: u8,
    pub pack_id: i32,
    pub usr_ptr: u32,
    pub duration: u32,
    pub unused: i32,
}

layout!(SgReqInfo32, 20, align 4, {
    req_state: u8 = 0, orphan: u8 = 1, sg_io_owned: u8 = 2, problem: u8 = 3, pack_id: i32 = 4, usr_ptr: u32 = 8, duration: u32 = 12,
    unused: i32 = 16,
});
