//! `SG_IO` with a v3 header, and what else an sg or block node answers by ioctl(2). All of it may wait: never call it on an event loop.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::thread;

use crate::Errno;
use crate::abi::{
    Plain, RESET_NO_ESCALATE, Reset, SG_DXFER_FROM_DEV, SG_DXFER_NONE, SG_DXFER_TO_DEV,
    SG_FLAG_Q_AT_TAIL, SG_GET_SCSI_ID, SG_INTERFACE_ID, SG_IO, SG_SCSI_RESET, SgIoHdr, SgScsiId,
};
use crate::decode::Asked;
use crate::signals::block_signals;
use crate::transport::{Data, Outcome, Request, SENSE_BUFFER_LEN, Span};

/// Sends a command to an sg or block node and waits for its end; returns that and how many bytes of sense data were written.
///
/// A block node waits uninterruptibly and makes 7 s of a shorter timeout; an sg node has no such floor.
///
/// # Errors
///
/// Why the kernel took no command, such as `EPERM` for an opcode that it filters. `EINTR`, on an sg node: a signal came, and the command goes
/// on without us; the kernel will write nothing of its end, but with direct I/O, which is not asked for here.
///
/// # Safety
///
/// The bytes of the request's spans are mapped until this returns, and nobody in this process has a reference to them.
pub unsafe fn sg_io(
    node: BorrowedFd<'_>,
    request: &Request<'_>,
    sense: &mut [u8; SENSE_BUFFER_LEN],
) -> Result<(Outcome, usize), Errno> {
    let asked = Asked::of(request).ok_or(Errno(libc::EINVAL))?;
    let mut header = header(request, sense.as_mut_ptr())?;
    // An sg node would put it before those that came before it.
    header.flags = SG_FLAG_Q_AT_TAIL;
    // SAFETY: 1. the header is a v3 header of this process's layout; 2. the CDB and the sense buffer are borrowed until this returns, and
    // the spans are mapped as long, by contract; 3. a node that does not know v3 answers with an error and touches nothing.
    unsafe { ioctl(node, SG_IO, std::ptr::from_mut(&mut header).cast()) }?;
    Ok(asked.v3(&header))
}

/// Resets a unit, or what is above it. The kernel waits until its error handler is through, and goes on to the next greater reset where one
/// fails, unless `no_escalate`.
///
/// # Errors
///
/// `EACCES` without `CAP_SYS_ADMIN` and `CAP_SYS_RAWIO`, `EIO` if it fails, `EAGAIN` while the host recovers already (of a node opened
/// non-blocking), `ENOTTY` from a bsg node, which has none.
pub fn reset(node: BorrowedFd<'_>, what: Reset, no_escalate: bool) -> Result<(), Errno> {
    let mut argument = what as i32 | if no_escalate { RESET_NO_ESCALATE } else { 0 };
    // SAFETY: the argument is an int, which the kernel reads.
    unsafe { ioctl(node, SG_SCSI_RESET, (&raw mut argument).cast()) }
}

/// [`reset`] by a thread of its own, which nobody waits for: it calls `done`, and lets go of the node before.
///
/// # Errors
///
/// There is no thread to be had: nothing was reset.
pub fn start_reset(
    node: Arc<OwnedFd>,
    what: Reset,
    no_escalate: bool,
    done: impl FnOnce(Result<(), Errno>) + Send + 'static,
) -> Result<(), Errno> {
    thread::Builder::new()
        .name("sgring-reset".to_owned())
        .spawn(move || {
            block_signals();
            let result = reset(node.as_fd(), what, no_escalate);
            drop(node);
            done(result);
        })?;
    Ok(())
}

/// Which unit an sg node is.
///
/// # Errors
///
/// `ENODEV` of a node whose device is gone, `ENOTTY` of what is no sg node.
pub fn scsi_id(node: BorrowedFd<'_>) -> Result<SgScsiId, Errno> {
    let mut id = SgScsiId::zeroed();
    // SAFETY: the argument is the structure that the kernel writes.
    unsafe { ioctl(node, SG_GET_SCSI_ID, (&raw mut id).cast()) }?;
    Ok(id)
}

/// An ioctl with an int that the kernel reads or writes.
pub(crate) fn ioctl_int(node: BorrowedFd<'_>, number: u32, value: i32) -> Result<i32, Errno> {
    let mut value = value;
    // SAFETY: the callers' numbers take the address of an int.
    unsafe { ioctl(node, number, (&raw mut value).cast()) }?;
    Ok(value)
}

/// # Safety
///
/// `argument` is what the number asks for.
unsafe fn ioctl(
    node: BorrowedFd<'_>,
    number: u32,
    argument: *mut libc::c_void,
) -> Result<(), Errno> {
    // SAFETY: 1. the descriptor is open, as it is borrowed; 2. the argument is right, by contract.
    match unsafe { libc::ioctl(node.as_raw_fd(), number as libc::Ioctl, argument) } {
        -1 => Err(Errno::last()),
        _ => Ok(()),
    }
}

/// The v3 header of a request. One span is a plain buffer, since direct I/O takes no iovecs.
pub(crate) fn header(request: &Request<'_>, sense: *mut u8) -> Result<SgIoHdr, Errno> {
    let mut header = SgIoHdr::zeroed();
    header.interface_id = SG_INTERFACE_ID;
    header.cmd_len = u8::try_from(request.cdb.len()).map_err(|_| Errno(libc::EMSGSIZE))?;
    header.cmdp = request.cdb.as_ptr().expose_provenance() as _;
    header.mx_sb_len = SENSE_BUFFER_LEN as u8;
    header.sbp = sense.expose_provenance() as _;
    header.timeout = request.timeout_ms;
    header.pack_id = request.key() as i32;
    header.usr_ptr = request.key().into();
    header.dxfer_direction = match request.data {
        Data::None => SG_DXFER_NONE,
        Data::In(_) => SG_DXFER_FROM_DEV,
        Data::Out(_) => SG_DXFER_TO_DEV,
    };
    if let Data::In(spans) | Data::Out(spans) = request.data {
        header.dxfer_len = u32::try_from(request.data.len()).map_err(|_| Errno(libc::EINVAL))?;
        match spans {
            [Span { ptr, .. }] => header.dxferp = ptr.expose_provenance() as _,
            _ => {
                header.iovec_count = u16::try_from(spans.len()).map_err(|_| Errno(libc::EINVAL))?;
                header.dxferp = spans.as_ptr().expose_provenance() as _;
            }
        }
    }
    Ok(header)
}
