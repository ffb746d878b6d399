//! `struct sg_io_hdr`: 88 bytes in a 64-bit process, 64 in one of 32 bits, since its pointers are pointers.
//!
//! ```text
//! byte (64)   0 interface_id  dxfer_direction  cmd_len.  mx_sb_len.  iovec_count..  dxfer_len | 16 dxferp | 24 cmdp | 32 sbp
//!            40 timeout  flags  pack_id  (4) | 56 usr_ptr | 64 status.  masked.  msg.  sb_len_wr.  host..  driver..
//!            72 resid  duration  info  (4)                                         . one byte   .. two   (4) padding
//! byte (32)   0 as above to 16 | 16 dxferp  cmdp  sbp  timeout  flags  pack_id  usr_ptr | 44 as above from 64
//! ```
//!
//! The kernel tells the two apart by who calls, and takes either.

use super::layout;

/// `interface_id`: v3.
pub const SG_INTERFACE_ID: i32 = b'S' as i32;
/// `dxfer_direction`: no data.
pub const SG_DXFER_NONE: i32 = -1;
/// `dxfer_direction`: to the device.
pub const SG_DXFER_TO_DEV: i32 = -2;
/// `dxfer_direction`: from the device.
pub const SG_DXFER_FROM_DEV: i32 = -3;
/// `flags`: without a copy, if the module's `allow_dio`, the alignment and the lack of iovecs allow it; [`SG_INFO_DIRECT_IO`] tells.
pub const SG_FLAG_DIRECT_IO: u32 = 1;
/// `flags`: data lie in the reserved buffer that the caller has mapped.
pub const SG_FLAG_MMAP_IO: u32 = 4;
/// `flags`: behind what waits already: the default of block nodes.
pub const SG_FLAG_Q_AT_TAIL: u32 = 0x10;
/// `flags`: before what waits: the default of sg nodes.
pub const SG_FLAG_Q_AT_HEAD: u32 = 0x20;
/// `info`: some status is not 0.
pub const SG_INFO_CHECK: u32 = 1;
/// `info`: how data moved.
pub const SG_INFO_DIRECT_IO_MASK: u32 = 6;
/// `info` under the mask: without a copy; 0 is with one.
pub const SG_INFO_DIRECT_IO: u32 = 2;
/// `info` under the mask: some of it.
pub const SG_INFO_MIXED_IO: u32 = 4;

/// That of this process.
#[cfg(target_pointer_width = "64")]
pub type SgIoHdr = SgIoHdr64;
/// That of this process.
#[cfg(target_pointer_width = "32")]
pub type SgIoHdr = SgIoHdr32;

/// `struct sg_io_hdr` of a 64-bit process (include/scsi/sg.h): what sg's write(2) and read(2) and `SG_IO` on sg and block nodes take.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SgIoHdr64 {
    /// [`SG_INTERFACE_ID`]
    pub interface_id: i32,
    /// `SG_DXFER_…`
    pub dxfer_direction: i32,
    /// Bytes of the CDB: 6 to 32.
    pub cmd_len: u8,
    /// Bytes that may be written to `sbp`.
    pub mx_sb_len: u8,
    /// 0, or how many iovecs `dxferp` points at: at most 1024.
    pub iovec_count: u16,
    /// Bytes of data.
    pub dxfer_len: u32,
    /// Where they are.
    pub dxferp: u64,
    /// The CDB.
    pub cmdp: u64,
    /// Where sense data goes.
    pub sbp: u64,
    /// Milliseconds; 0 is the queue's default. A block node makes 7 s of less.
    pub timeout: u32,
    /// `SG_FLAG_…`
    pub flags: u32,
    /// The caller's own; never negative, since -1 reads any.
    pub pack_id: i32,
    /// None.
    pub pad1: u32,
    /// The caller's own.
    pub usr_ptr: u64,
    /// Out: the SAM status.
    pub status: u8,
    /// Out: the same, halved.
    pub masked_status: u8,
    /// Out: 0.
    pub msg_status: u8,
    /// Out: bytes written to `sbp`.
    pub sb_len_wr: u8,
    /// Out: `DID_…`
    pub host_status: u16,
    /// Out: `DRIVER_…`
    pub driver_status: u16,
    /// Out: bytes that did not move.
    pub resid: i32,
    /// Out: milliseconds.
    pub duration: u32,
    /// Out: `SG_INFO_…`
    pub info: u32,
    /// None.
    pub pad2: u32,
}

layout!(SgIoHdr64, 88, align 8, {
    interface_id: i32 = 0, dxfer_direction: i32 = 4, cmd_len: u8 = 8, mx_sb_len: u8 = 9, iovec_count: u16 = 10, dxfer_len: u32 = 12,
    dxferp: u64 = 16, cmdp: u64 = 24, sbp: u64 = 32, timeout: u32 = 40, flags: u32 = 44, pack_id: i32 = 48, pad1: u32 = 52,
    usr_ptr: u64 = 56, status: u8 = 64, masked_status: u8 = 65, msg_status: u8 = 66, sb_len_wr: u8 = 67, host_status: u16 = 68,
    driver_status: u16 = 70, resid: i32 = 72, duration: u32 = 76, info: u32 = 80, pad2: u32 = 84,
});

/// `struct sg_io_hdr` of a 32-bit process, `compat_sg_io_hdr` to a 64-bit kernel. The fields are those of [`SgIoHdr64`].
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "as in SgIoHdr64")]
pub struct SgIoHdr32 {
    pub interface_id: i32,
    pub dxfer_direction: i32,
    pub cmd_len: u8,
    pub mx_sb_len: u8,
    pub iovec_count: u16,
    pub dxfer_len: u32,
    pub dxferp: u32,
    pub cmdp: u32,
    pub sbp: u32,
    pub timeout: u32,
    pub flags: u32,
    pub pack_id: i32,
    pub usr_ptr: u32,
    pub status: u8,
    pub masked_status: u8,
    pub msg_status: u8,
    pub sb_len_wr: u8,
    pub host_status: u16,
    pub driver_status: u16,
    pub resid: i32,
    pub duration: u32,
    pub info: u32,
}

layout!(SgIoHdr32, 64, align 4, {
    interface_id: i32 = 0, dxfer_direction: i32 = 4, cmd_len: u8 = 8, mx_sb_len: u8 = 9, iovec_count: u16 = 10, dxfer_len: u32 = 12,
    dxferp: u32 = 16, cmdp: u32 = 20, sbp: u32 = 24, timeout: u32 = 28, flags: u32 = 32, pack_id: i32 = 36, usr_ptr: u32 = 40,
    status: u8 = 44, masked_status: u8 = 45, msg_status: u8 = 46, sb_len_wr: u8 = 47, host_status: u16 = 48, driver_status: u16 = 50,
    resid: i32 = 52, duration: u32 = 56, info: u32 = 60,
});
