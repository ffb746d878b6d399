//! From the words that the kernel writes to an [`Outcome`].
//!
//! Any words make one: what a driver reports out of range is cut to what was asked for, so that nobody behind this has to wonder.

use crate::abi::{
    DID_OK, DRIVER_SENSE, Res2, SG_INFO_DIRECT_IO, SG_INFO_DIRECT_IO_MASK, SgIoHdr, SgIoV4,
};
use crate::transport::{Data, Outcome, Request, SENSE_BUFFER_LEN};

/// CHECK CONDITION (SAM-5 5.3.1).
const CHECK_CONDITION: u8 = 0x02;

/// What a request asked for, remembered until it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The request's slot.
    pub slot: u16,
    /// Bytes to the device.
    pub out_len: u32,
    /// Bytes from it.
    pub in_len: u32,
}

impl Asked {
    /// That of a request; the kernel takes no length of more than 32 bits.
    #[must_use]
    pub fn of(request: &Request<'_>) -> Option<Self> {
        let len = u32::try_from(request.data.len()).ok()?;
        let (out_len, in_len) = match request.data {
            Data::None => (0, 0),
            Data::In(_) => (0, len),
            Data::Out(_) => (len, 0),
        };
        Some(Self {
            slot: request.slot,
            out_len,
            in_len,
        })
    }

    /// That the kernel took no command.
    #[must_use]
    pub fn refused(self, errno: i32) -> Outcome {
        Outcome {
            slot: self.slot,
            errno,
            ..Outcome::default()
        }
    }

    /// The end that a v3 header tells, and how many bytes of sense data there are.
    #[must_use]
    pub fn v3(self, header: &SgIoHdr) -> (Outcome, usize) {
        // One residual: that of the direction in which data moved.
        self.outcome(
            header.status,
            header.host_status,
            header.driver_status,
            [header.resid, header.resid],
            header.sb_len_wr.into(),
        )
    }

    /// The end that a v4 header tells, and how many bytes of sense data there are.
    #[must_use]
    pub fn v4(self, header: &SgIoV4) -> (Outcome, usize) {
        self.outcome(
            header.device_status as u8,
            header.transport_status as u16,
            header.driver_status as u16,
            [header.dout_resid, header.din_resid],
            header.response_len,
        )
    }

    /// The end that a completion of io_uring tells, and how many bytes of sense data there are.
    ///
    /// `res` is 0, or an errno negated: then `res2` says nothing.
    #[must_use]
    pub fn uring(self, res: i32, res2: Res2) -> (Outcome, usize) {
        if res < 0 {
            return (self.refused(res.saturating_neg()), 0);
        }
        self.outcome(
            res2.device_status(),
            res2.host_status().into(),
            res2.driver_status().into(),
            [res2.residual(), res2.residual()],
            res2.sense_len().into(),
        )
    }

    fn outcome(
        self,
        status: u8,
        host_status: u16,
        driver_status: u16,
        [out_residual, in_residual]: [i32; 2],
        sense_len: u32,
    ) -> (Outcome, usize) {
        let has_sense = driver_status & 0x0f == DRIVER_SENSE;
        // Where no answer came, what lies in the kernel's buffer is another command's; sg says `DRIVER_SENSE` of that, too (a command that
        // timed out after one that had a unit attention, Linux 6.1 to 7.2). With GOOD, sense data is the device's own (SPC-4 4.5.1).
        let believed = status == CHECK_CONDITION || (has_sense && host_status == DID_OK);
        let sense_len = if believed {
            (sense_len as usize).min(SENSE_BUFFER_LEN)
        } else {
            0
        };
        let outcome = Outcome {
            slot: self.slot,
            status,
            host_status,
            driver_status: if has_sense { 0 } else { driver_status },
            errno: 0,
            out_residual: residual(out_residual, self.out_len),
            in_residual: residual(in_residual, self.in_len),
        };
        (outcome, sense_len)
    }
}

/// Sense data, if it begins as such (SPC-4 4.5.1): a device may say CHECK CONDITION and send none, and Linux then tells the length that the
/// command before had.
#[must_use]
pub fn sense_data(bytes: &[u8]) -> &[u8] {
    match bytes {
        [first, ..] if first & 0x70 == 0x70 => bytes,
        _ => &[],
    }
}

/// A residual of `len` bytes: at most that many. A negative one, of a device that had more to send than there was room, stays.
fn residual(reported: i32, len: u32) -> i32 {
    match len {
        0 => 0,
        _ => reported.min(i32::try_from(len).unwrap_or(i32::MAX)),
    }
}

/// Whether data moved without a copy.
#[must_use]
pub fn was_direct(header: &SgIoHdr) -> bool {
    header.info & SG_INFO_DIRECT_IO_MASK == SG_INFO_DIRECT_IO
}
