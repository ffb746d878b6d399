//! What the kernel's headers say: structures, numbers and names, as they stand there.
//!
//! | file | holds | header |
//! |---|---|---|
//! | `v4` | [`SgIoV4`], for bsg's ioctl | include/uapi/linux/bsg.h |
//! | `v3` | [`SgIoHdr64`] and [`SgIoHdr32`], for sg and block nodes | include/scsi/sg.h |
//! | `uring` | [`BsgUringCmd`] and what comes back of it, [`Res2`] | include/uapi/linux/bsg.h of Linux 7.1 |
//! | `node` | [`SgScsiId`], [`SgReqInfo64`], ioctl numbers, what a reset resets | include/scsi/sg.h |
//! | `status` | `DID_…` and `DRIVER_…` | include/scsi/scsi_status.h |
//!
//! Numbers are in the byte order of the machine. Padding that a compiler would add is a field here, so that each byte of a structure has a
//! value ([`Plain`]). iovecs are `sgring_scatterlist::iovec`'s.

mod node;
mod status;
mod uring;
mod v3;
mod v4;

pub use node::{
    BLKSECTGET, RESET_NO_ESCALATE, Reset, SG_DEF_RESERVED_SIZE, SG_GET_COMMAND_Q,
    SG_GET_NUM_WAITING, SG_GET_PACK_ID, SG_GET_REQUEST_TABLE, SG_GET_RESERVED_SIZE, SG_GET_SCSI_ID,
    SG_GET_SG_TABLESIZE, SG_GET_VERSION_NUM, SG_IO, SG_MAX_QUEUE, SG_SCSI_RESET, SG_SET_COMMAND_Q,
    SG_SET_FORCE_PACK_ID, SG_SET_RESERVED_SIZE, SgReqInfo32, SgReqInfo64, SgScsiId,
};
pub use status::{
    DID_OK, DID_TIME_OUT, DRIVER_SENSE, DRIVER_TIMEOUT, driver_status_name, host_status_name,
};
pub use uring::{BSG_URING_CMD_OFFSET, BsgUringCmd, Res2};
pub use v3::{
    SG_DXFER_FROM_DEV, SG_DXFER_NONE, SG_DXFER_TO_DEV, SG_FLAG_DIRECT_IO, SG_FLAG_MMAP_IO,
    SG_FLAG_Q_AT_HEAD, SG_FLAG_Q_AT_TAIL, SG_INFO_CHECK, SG_INFO_DIRECT_IO, SG_INFO_DIRECT_IO_MASK,
    SG_INFO_MIXED_IO, SG_INTERFACE_ID, SgIoHdr, SgIoHdr32, SgIoHdr64,
};
pub use v4::{
    BSG_FLAG_Q_AT_TAIL, BSG_PROTOCOL_SCSI, BSG_SUB_PROTOCOL_SCSI_CMD,
    BSG_SUB_PROTOCOL_SCSI_TRANSPORT, SG_V4_GUARD, SgIoV4,
};

/// A structure of numbers: any bytes are one, and all its bytes are bytes of its numbers.
///
/// # Safety
///
/// `repr(C)` or `repr(transparent)`, every bit pattern is a value, and there is no padding.
pub unsafe trait Plain: Copy {
    /// Its bytes, as the kernel sees them.
    fn as_bytes(&self) -> &[u8] {
        // SAFETY: 1. the bytes are those of `self`, borrowed as long; 2. none is padding, by the trait's contract.
        unsafe { std::slice::from_raw_parts(std::ptr::from_ref(self).cast(), size_of::<Self>()) }
    }

    /// Its bytes, for the kernel to write.
    fn as_bytes_mut(&mut self) -> &mut [u8] {
        let len = size_of::<Self>();
        // SAFETY: 1. as for `as_bytes`, borrowed mutably; 2. whatever is written is a value, by the trait's contract.
        unsafe { std::slice::from_raw_parts_mut(std::ptr::from_mut(self).cast(), len) }
    }

    /// The structure with these bytes; `None` if there are too many or too few.
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != size_of::<Self>() {
            return None;
        }
        // SAFETY: 1. there are enough bytes, which need not be aligned; 2. any bytes are a value, by the trait's contract.
        Some(unsafe { bytes.as_ptr().cast::<Self>().read_unaligned() })
    }

    /// All zeros: what the kernel takes as "not given".
    #[must_use]
    fn zeroed() -> Self {
        // SAFETY: zeros are a value, by the trait's contract.
        unsafe { std::mem::zeroed() }
    }
}

/// Asserts the layout of a structure while it is compiled, field by field, and that nothing is left between: it is [`Plain`] then.
macro_rules! layout {
    ($type:ty, $size:literal, align $align:literal, { $($field:ident: $kind:ty = $at:literal),+ $(,)? }) => {
        const _: () = {
            assert!(size_of::<$type>() == $size && align_of::<$type>() == $align);
            $(assert!(std::mem::offset_of!($type, $field) == $at);)+
            // As many bytes as the fields have: so there is no padding.
            assert!(0 $(+ size_of::<$kind>())+ == $size);
            // The kinds above are the fields' own.
            let _kinds = |value: &$type| { $(let _: $kind = value.$field;)+ };
        };
        // SAFETY: `repr(C)`, integers and arrays of them alone, and no padding: the assertions above.
        unsafe impl $crate::abi::Plain for $type {}
    };
}
use layout;
