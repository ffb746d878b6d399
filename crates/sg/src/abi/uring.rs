//! `struct bsg_uring_cmd`: 80 bytes, which fill a large submission entry from its byte 48 on; and the words of the completion.
//!
//! ```text
//! byte   0 request | 8 request_len  protocol  subprotocol  max_response_len | 24 response
//!       32 dout_xferp | 40 dout_xfer_len  dout_iovec_count | 48 din_xferp | 56 din_xfer_len  din_iovec_count | 64 timeout_ms  (12)
//!
//! completion: res = 0 or -errno;   big_cqe[0], where res is 0:
//! bit   0 device_status | 8 driver_status | 16 host_status | 24 sense_len_wr | 32 resid_len          bit 63
//! ```

use super::layout;

/// Where the command stands in a submission entry of 128 bytes: `cmd` of `struct io_uring_sqe` (include/uapi/linux/io_uring.h).
pub const BSG_URING_CMD_OFFSET: usize = 48;

/// `struct bsg_uring_cmd` (include/uapi/linux/bsg.h, since Linux 7.1): what `IORING_OP_URING_CMD` takes on a bsg node.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BsgUringCmd {
    /// The CDB's address.
    pub request: u64,
    /// Its bytes: 1 to 32.
    pub request_len: u32,
    /// `BSG_PROTOCOL_SCSI`
    pub protocol: u32,
    /// `BSG_SUB_PROTOCOL_SCSI_CMD`
    pub subprotocol: u32,
    /// Bytes that may be written to `response`. Linux 7.1 and the first 7.2 write up to 96 whatever stands here: so always at least 96.
    pub max_response_len: u32,
    /// Where sense data goes.
    pub response: u64,
    /// Where bytes to the device are.
    pub dout_xferp: u64,
    /// How many; only one of the two directions may have any.
    pub dout_xfer_len: u32,
    /// 0, else `EOPNOTSUPP`.
    pub dout_iovec_count: u32,
    /// Where bytes from the device go.
    pub din_xferp: u64,
    /// How many.
    pub din_xfer_len: u32,
    /// 0, else `EOPNOTSUPP`.
    pub din_iovec_count: u32,
    /// Milliseconds, without a floor; 0 is a minute.
    pub timeout_ms: u32,
    /// Zeros.
    pub reserved: [u8; 12],
}

layout!(BsgUringCmd, 80, align 8, {
    request: u64 = 0, request_len: u32 = 8, protocol: u32 = 12, subprotocol: u32 = 16, max_response_len: u32 = 20, response: u64 = 24,
    dout_xferp: u64 = 32, dout_xfer_len: u32 = 40, dout_iovec_count: u32 = 44, din_xferp: u64 = 48, din_xfer_len: u32 = 56,
    din_iovec_count: u32 = 60, timeout_ms: u32 = 64, reserved: [u8; 12] = 68,
});

/// `res2`, the first extra word of a large completion entry (include/uapi/linux/bsg.h, `bsg_scsi_res2_…`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Res2(pub u64);

impl Res2 {
    /// The SAM status.
    #[must_use]
    pub const fn device_status(self) -> u8 {
        self.0 as u8
    }

    /// `DRIVER_…`: 8 where there is sense data.
    #[must_use]
    pub const fn driver_status(self) -> u8 {
        (self.0 >> 8) as u8
    }

    /// `DID_…`
    #[must_use]
    pub const fn host_status(self) -> u8 {
        (self.0 >> 16) as u8
    }

    /// Bytes of sense data written.
    #[must_use]
    pub const fn sense_len(self) -> u8 {
        (self.0 >> 24) as u8
    }

    /// Bytes that did not move: the kernel's `resid_len` is unsigned, but drivers report more than was asked for as a negative number.
    #[must_use]
    pub const fn residual(self) -> i32 {
        (self.0 >> 32) as i32
    }
}
