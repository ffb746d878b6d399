//! `struct sg_io_v4`: 160 bytes, the same on 32 and 64 bits, since its pointers are numbers of 64.
//!
//! ```text
//! byte   0 guard  protocol  subprotocol  request_len | 16 request | 24 request_tag | 32 attr  priority  extra
//!       44 max_response_len | 48 response | 56 dout_iovec_count  dout_xfer_len  din_iovec_count  din_xfer_len
//!       72 dout_xferp | 80 din_xferp | 88 timeout  flags | 96 usr_ptr | 104 spare_in
//!      108 driver  transport  device_status  retry_delay  info  duration  response_len  din_resid  dout_resid
//!      144 generated_tag | 152 spare_out  padding
//! ```
//!
//! bsg ignores what it does not know (tag, attribute, priority, iovec counts) and leaves what it does not write (retry delay, duration,
//! generated tag) as it was: so a header starts as zeros.

use super::layout;

/// `guard`: tells v4 from v3.
pub const SG_V4_GUARD: i32 = b'Q' as i32;
/// `protocol`: SCSI.
pub const BSG_PROTOCOL_SCSI: u32 = 0;
/// `subprotocol`: a SCSI command, on the nodes of devices.
pub const BSG_SUB_PROTOCOL_SCSI_CMD: u32 = 0;
/// `subprotocol`: a request of a transport, on the nodes of hosts, ports and expanders.
pub const BSG_SUB_PROTOCOL_SCSI_TRANSPORT: u32 = 2;
/// `flags`: behind what waits already; without it the command goes before that.
pub const BSG_FLAG_Q_AT_TAIL: u32 = 0x10;

/// `struct sg_io_v4` (include/uapi/linux/bsg.h): what `SG_IO` takes on a bsg node.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SgIoV4 {
    /// [`SG_V4_GUARD`]
    pub guard: i32,
    /// [`BSG_PROTOCOL_SCSI`]
    pub protocol: u32,
    /// `BSG_SUB_PROTOCOL_…`
    pub subprotocol: u32,
    /// Bytes of the CDB, or of a transport's request.
    pub request_len: u32,
    /// Its address.
    pub request: u64,
    /// Ignored.
    pub request_tag: u64,
    /// Ignored.
    pub request_attr: u32,
    /// Ignored.
    pub request_priority: u32,
    /// Ignored.
    pub request_extra: u32,
    /// Bytes that may be written to `response`.
    pub max_response_len: u32,
    /// Where sense data goes, or a transport's reply.
    pub response: u64,
    /// Ignored.
    pub dout_iovec_count: u32,
    /// Bytes to the device.
    pub dout_xfer_len: u32,
    /// Ignored.
    pub din_iovec_count: u32,
    /// Bytes from the device.
    pub din_xfer_len: u32,
    /// Where they are.
    pub dout_xferp: u64,
    /// Where they go.
    pub din_xferp: u64,
    /// Milliseconds; 0 is the kernel's default, and less than 7 s is 7 s.
    pub timeout: u32,
    /// `BSG_FLAG_…`
    pub flags: u32,
    /// The caller's own.
    pub usr_ptr: u64,
    /// Ignored.
    pub spare_in: u32,
    /// Out: 8 where there is sense data, else 0.
    pub driver_status: u32,
    /// Out: the host status, `DID_…`.
    pub transport_status: u32,
    /// Out: the SAM status.
    pub device_status: u32,
    /// Never written.
    pub retry_delay: u32,
    /// Out: `SG_INFO_…`
    pub info: u32,
    /// Never written.
    pub duration: u32,
    /// Out: bytes written to `response`.
    pub response_len: u32,
    /// Out: bytes that did not come.
    pub din_resid: i32,
    /// Out: bytes that did not go.
    pub dout_resid: i32,
    /// Never written.
    pub generated_tag: u64,
    /// Never written.
    pub spare_out: u32,
    /// None.
    pub padding: u32,
}

layout!(SgIoV4, 160, align 8, {
    guard: i32 = 0, protocol: u32 = 4, subprotocol: u32 = 8, request_len: u32 = 12, request: u64 = 16, request_tag: u64 = 24,
    request_attr: u32 = 32, request_priority: u32 = 36, request_extra: u32 = 40, max_response_len: u32 = 44, response: u64 = 48,
    dout_iovec_count: u32 = 56, dout_xfer_len: u32 = 60, din_iovec_count: u32 = 64, din_xfer_len: u32 = 68,
    dout_xferp: u64 = 72, din_xferp: u64 = 80, timeout: u32 = 88, flags: u32 = 92, usr_ptr: u64 = 96, spare_in: u32 = 104,
    driver_status: u32 = 108, transport_status: u32 = 112, device_status: u32 = 116, retry_delay: u32 = 120, info: u32 = 124,
    duration: u32 = 128, response_len: u32 = 132, din_resid: i32 = 136, dout_resid: i32 = 140, generated_tag: u64 = 144,
    spare_out: u32 = 152, padding: u32 = 156,
});
