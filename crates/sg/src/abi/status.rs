//! The layers below SCSI's own status: what a host adapter and what the middle layer has to say.

/// The host brought an answer, or had nothing to say.
pub const DID_OK: u16 = 0x00;
/// The command took longer than it was given.
pub const DID_TIME_OUT: u16 = 0x03;
/// There is sense data; sg and bsg set it themselves, for the middle layer has given it up.
pub const DRIVER_SENSE: u16 = 0x08;
/// The command timed out; sg and block nodes set it with [`DID_TIME_OUT`].
pub const DRIVER_TIMEOUT: u16 = 0x06;

/// The name of a host status (`enum scsi_host_status`, include/scsi/scsi_status.h). 0x10 to 0x13 left the header in Linux 6.1; drivers of
/// older kernels still send them.
#[must_use]
pub const fn host_status_name(host_status: u16) -> Option<&'static str> {
    Some(match host_status {
        0x00 => "DID_OK",
        0x01 => "DID_NO_CONNECT",
        0x02 => "DID_BUS_BUSY",
        0x03 => "DID_TIME_OUT",
        0x04 => "DID_BAD_TARGET",
        0x05 => "DID_ABORT",
        0x06 => "DID_PARITY",
        0x07 => "DID_ERROR",
        0x08 => "DID_RESET",
        0x09 => "DID_BAD_INTR",
        0x0a => "DID_PASSTHROUGH",
        0x0b => "DID_SOFT_ERROR",
        0x0c => "DID_IMM_RETRY",
        0x0d => "DID_REQUEUE",
        0x0e => "DID_TRANSPORT_DISRUPTED",
        0x0f => "DID_TRANSPORT_FAILFAST",
        0x10 => "DID_TARGET_FAILURE",
        0x11 => "DID_NEXUS_FAILURE",
        0x12 => "DID_ALLOC_FAILURE",
        0x13 => "DID_MEDIUM_ERROR",
        0x14 => "DID_TRANSPORT_MARGINAL",
        _ => return None,
    })
}

/// The name of a driver status, of which only `DRIVER_SENSE` and `DRIVER_TIMEOUT` are set since Linux 5.14 (include/scsi/sg.h; before
/// that include/scsi/scsi.h). Older ones add a suggestion in the upper half of the byte, which has no name here.
#[must_use]
pub const fn driver_status_name(driver_status: u16) -> Option<&'static str> {
    Some(match driver_status & 0x0f {
        0x00 => "DRIVER_OK",
        0x01 => "DRIVER_BUSY",
        0x02 => "DRIVER_SOFT",
        0x03 => "DRIVER_MEDIA",
        0x04 => "DRIVER_ERROR",
        0x05 => "DRIVER_INVALID",
        0x06 => "DRIVER_TIMEOUT",
        0x07 => "DRIVER_HARD",
        0x08 => "DRIVER_SENSE",
        _ => return None,
    })
}
