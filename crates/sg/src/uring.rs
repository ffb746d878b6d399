//! bsg nodes over io_uring, since Linux 7.1 (drivers/scsi/scsi_bsg.c).
//!
//! A command is one large submission entry (`IORING_OP_URING_CMD`, [`BsgUringCmd`]); its end is one large completion entry ([`Res2`]). A batch
//! costs one io_uring_enter(2), and completions are brought home by the next one ("deferred task work"): nothing interrupts the thread.
//!
//! | who | does |
//! |---|---|
//! | the ring's `TASKRUN` flag | tells without a system call that an enter would bring completions |
//! | an eventfd | wakes poll(2): polling the ring itself is not enough, where task work is deferred |
//! | a probe | a command without a CDB, which the kernel refuses before it does anything: by `EINVAL` where it knows such commands |
//!
//! **Who writes when.** From the enter on until the completion entry, the kernel reads the CDB (perhaps later, in a worker of its own), writes
//! sense data and moves data in pages that it has pinned. CDBs and sense buffers are this transport's own (`Cells`); Linux 7.1 and the first 7.2
//! write up to 96 bytes of sense data whatever was asked, so there are as many. Nothing that was issued can be cancelled
//! (`io_uring_cmd_mark_cancelable` is not called): closing the ring does not wait for it, nor does the end of the thread, and it goes on. A transport
//! that is dropped with commands outstanding therefore leaks its cells. Until its completion was brought home, a command keeps its host's tag
//! and its device's queue, so that whoever changes the queue's limits or removes the device waits for it: a ring that is open is reaped, or
//! closed.
//!
//! **Pinned memory.** The arena may be [registered](Options::pin), which saves pinning pages for each command. The ring then keeps *these* pages: whoever
//! gives memory back to the system in between (`MADV_REMOVE`, a hole in the file) would read other pages than the device writes. So pin only
//! what keeps its pages.

use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use io_uring::{IoUring, cqueue, opcode, squeue, types};

use crate::abi::{BSG_PROTOCOL_SCSI, BSG_SUB_PROTOCOL_SCSI_CMD, BsgUringCmd, Plain, Res2};
use crate::cells::Cells;
use crate::decode::Asked;
use crate::transport::{Data, Outcome, Request, SENSE_BUFFER_LEN, Span, Start, Transport};
use crate::{Errno, Unusable};

/// Entries of the submission queue: a batch that is larger goes in several enters.
const BATCH: u32 = 128;

/// The first kernel whose bsg nodes know io_uring.
const SINCE: (u32, u32) = (7, 1);

/// How a [`Uring`] works.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Memory to register, in which most spans lie.
    pub pin: Option<Span>,
}

/// Commands through a bsg node, over io_uring.
pub struct Uring {
    ring: IoUring<squeue::Entry128, cqueue::Entry32>,
    cells: Cells,
    /// By slot: what is outstanding.
    sent: Vec<Option<Sent>>,
    outstanding: usize,
    pinned: Result<Option<Span>, Errno>,
    event: OwnedFd,
    /// The first of the ring's registered files; it stays open for them.
    _node: OwnedFd,
}

#[derive(Clone, Copy)]
struct Sent {
    key: u32,
    asked: Asked,
}

impl Uring {
    /// Commands through the open bsg node, in slots below `slots`, by the calling thread alone.
    ///
    /// # Errors
    ///
    /// Why this kernel or this node does not offer it.
    ///
    /// # Safety
    ///
    /// What is pinned stays mapped until this is dropped, and nobody in this process has a reference to it.
    pub unsafe fn new(node: OwnedFd, slots: usize, options: Options) -> Result<Self, Unusable> {
        let completions = u32::try_from(slots.max(BATCH as usize)).unwrap_or(u32::MAX);
        let ring = IoUring::builder()
            .dontfork()
            .setup_cqsize(completions)
            .setup_clamp()
            .setup_submit_all()
            .setup_single_issuer()
            .setup_defer_taskrun()
            .setup_taskrun_flag()
            .build(BATCH)
            .map_err(|error| refused(error.into()))?;
        // SAFETY: no precondition.
        let event = match unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) } {
            -1 => return Err(Unusable::system("eventfd", Errno::last())),
            // SAFETY: the kernel has just made it for us.
            fd => unsafe { OwnedFd::from_raw_fd(fd) },
        };
        let submitter = ring.submitter();
        let register = |call, done: std::io::Result<()>| {
            done.map_err(|error| Unusable::system(call, error.into()))
        };
        register(
            "register_files",
            submitter.register_files(&[node.as_raw_fd()]),
        )?;
        register(
            "register_eventfd",
            submitter.register_eventfd(event.as_raw_fd()),
        )?;
        let mut uring = Self {
            ring,
            cells: Cells::new(slots),
            sent: vec![None; slots],
            outstanding: 0,
            pinned: Ok(None),
            event,
            _node: node,
        };
        uring.probe()?;
        if let Some(span) = options.pin {
            // SAFETY: by contract.
            uring.pinned = unsafe { uring.register(span) }.map(|()| Some(span));
        }
        Ok(uring)
    }

    /// Whether the memory to be pinned was; if not, why: `ENOMEM` where `RLIMIT_MEMLOCK` is too low. Commands are then pinned one by one.
    ///
    /// # Errors
    ///
    /// As said.
    pub fn pinned(&self) -> Result<bool, Errno> {
        self.pinned.map(|span| span.is_some())
    }

    /// # Safety
    ///
    /// The span stays mapped until the ring is closed.
    unsafe fn register(&self, span: Span) -> Result<(), Errno> {
        let iovec = libc::iovec {
            iov_base: span.ptr.cast(),
            iov_len: span.len,
        };
        // SAFETY: by contract.
        unsafe { self.ring.submitter().register_buffers(&[iovec]) }?;
        Ok(())
    }

    /// Asks the node whether it takes commands at all, by one that never reaches a device.
    fn probe(&mut self) -> Result<(), Unusable> {
        let trouble = |errno| Unusable::system("io_uring_enter", errno);
        self.push(&BsgUringCmd::zeroed(), None, 0)
            .map_err(trouble)?;
        self.ring
            .submit_and_wait(1)
            .map_err(|error| trouble(error.into()))?;
        let end = self
            .ring
            .completion()
            .next()
            .ok_or(trouble(Errno(libc::EIO)))?;
        match -end.result() {
            libc::EINVAL => Ok(()),
            // 0 is an answer to some other command: /dev/null gives it.
            libc::EOPNOTSUPP | libc::ENOTTY | 0 => Err(not_supported()),
            errno => Err(Unusable::system("IORING_OP_URING_CMD", Errno(errno))),
        }
    }

    /// Puts a command in the submission queue; submits what is there if that is full.
    fn push(&mut self, command: &BsgUringCmd, buffer: Option<u16>, key: u32) -> Result<(), Errno> {
        let mut bytes = [0; size_of::<BsgUringCmd>()];
        bytes.copy_from_slice(command.as_bytes());
        let entry = opcode::UringCmd80::new(types::Fixed(0), 0)
            .cmd(bytes)
            .buf_index(buffer)
            .build()
            .user_data(key.into());
        if self.ring.submission().is_full() {
            self.ring.submit()?;
        }
        // SAFETY: what the command points at lives until its completion: the cells are leaked rather than dropped, and the spans are mapped by
        // the contract of `start`.
        unsafe { self.ring.submission().push(&entry) }.map_err(|_| Errno(libc::EAGAIN))
    }

    /// Brings home what has completed; returns how much that was.
    fn drain(&mut self, done: &mut dyn FnMut(Outcome, &[u8])) -> usize {
        let mut count = 0;
        for end in self.ring.completion() {
            count += 1;
            let key = u32::try_from(end.user_data()).ok();
            let slot = key.map_or(usize::MAX, |key| usize::from(Request::slot_of(key)));
            // A completion that nobody waits for is not believed.
            let sent = self.sent.get_mut(slot);
            let Some(sent) = sent.and_then(|sent| sent.take_if(|sent| Some(sent.key) == key))
            else {
                continue;
            };
            self.outstanding -= 1;
            let (outcome, sense_len) = sent.asked.uring(end.result(), Res2(end.big_cqe()[0]));
            let mut copy = MaybeUninit::uninit();
            done(
                outcome,
                self.cells.sense(outcome.slot, sense_len, &mut copy),
            );
        }
        count
    }

    /// Whether an enter has something to do.
    fn wants_enter(&mut self) -> bool {
        let submission = self.ring.submission();
        submission.taskrun() || submission.cq_overflow() || !submission.is_empty()
    }

    /// Submits what is left, and lets the kernel complete what has ended.
    fn enter(&mut self) -> Result<(), Errno> {
        match self.ring.submit().map_err(Errno::from) {
            // Memory is short, or completions must be brought home first: once more, soon (`poll_fds` sees to that).
            Ok(_) | Err(Errno(libc::EINTR | libc::EAGAIN | libc::EBUSY)) => Ok(()),
            Err(errno) => Err(errno),
        }
    }

    /// Makes poll(2) return.
    fn ring_event(&self) {
        let one = 1u64.to_ne_bytes();
        // SAFETY: eight bytes, borrowed during the call. It fails only where the event is there already.
        let _written =
            unsafe { libc::write(self.event.as_raw_fd(), one.as_ptr().cast(), one.len()) };
    }

    /// Takes the event back, if there is one.
    fn clear_event(&self) {
        let mut count = [0u8; 8];
        // SAFETY: eight bytes, borrowed during the call.
        let _read = unsafe {
            libc::read(
                self.event.as_raw_fd(),
                count.as_mut_ptr().cast(),
                count.len(),
            )
        };
    }

    /// The index of the registered buffer in which a span lies.
    fn buffer_of(&self, span: &Span) -> Option<u16> {
        let pinned = self.pinned.ok().flatten()?;
        let at = span.ptr.addr().checked_sub(pinned.ptr.addr())?;
        (at.checked_add(span.len)? <= pinned.len).then_some(0)
    }
}

impl Transport for Uring {
    fn max_spans(&self) -> usize {
        1
    }

    unsafe fn start(&mut self, request: &Request<'_>) -> Result<Start, Errno> {
        let asked = Asked::of(request).ok_or(Errno(libc::EINVAL))?;
        let slot = usize::from(request.slot);
        if self.sent.get(slot).is_none_or(Option::is_some) {
            return Err(Errno(libc::EINVAL));
        }
        let mut command = BsgUringCmd {
            request: self.cells.put_cdb(request.slot, request.cdb)?,
            request_len: request.cdb.len() as u32,
            protocol: BSG_PROTOCOL_SCSI,
            subprotocol: BSG_SUB_PROTOCOL_SCSI_CMD,
            max_response_len: SENSE_BUFFER_LEN as u32,
            response: self.cells.sense_at(request.slot)?.expose_provenance() as u64,
            timeout_ms: request.timeout_ms,
            ..BsgUringCmd::zeroed()
        };
        let mut buffer = None;
        match request.data {
            Data::None => {}
            Data::In([span]) => {
                command.din_xferp = span.ptr.expose_provenance() as u64;
                command.din_xfer_len = asked.in_len;
                buffer = self.buffer_of(span);
            }
            Data::Out([span]) => {
                command.dout_xferp = span.ptr.expose_provenance() as u64;
                command.dout_xfer_len = asked.out_len;
                buffer = self.buffer_of(span);
            }
            Data::In(_) | Data::Out(_) => return Err(Errno(libc::EOPNOTSUPP)),
        }
        let key = request.key();
        match self.push(&command, buffer, key) {
            Ok(()) => {}
            Err(Errno(libc::EAGAIN | libc::EBUSY)) if self.outstanding > 0 => {
                return Ok(Start::Full);
            }
            Err(errno) => return Err(errno),
        }
        self.sent[slot] = Some(Sent { key, asked });
        self.outstanding += 1;
        Ok(Start::Started)
    }

    fn flush(&mut self) -> Result<(), Errno> {
        let idle = self.ring.submission().is_empty();
        if idle { Ok(()) } else { self.enter() }
    }

    fn reap(&mut self, done: &mut dyn FnMut(Outcome, &[u8])) -> Result<(), Errno> {
        if self.outstanding == 0 {
            return Ok(());
        }
        self.drain(done);
        // The kernel does some of the deferred work an enter, and leaves the flag up while there is more; an enter that brought nothing is
        // not repeated.
        while self.wants_enter() {
            self.enter()?;
            if self.drain(done) == 0 {
                break;
            }
        }
        Ok(())
    }

    fn poll_fds(&mut self, into: &mut Vec<libc::pollfd>) {
        // The event first, then the look: what ends in between rings again.
        self.clear_event();
        if self.wants_enter() || !self.ring.completion().is_empty() {
            self.ring_event();
        }
        into.push(libc::pollfd {
            fd: self.event.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        });
    }
}

impl Drop for Uring {
    fn drop(&mut self) {
        if self.outstanding > 0 {
            self.cells.leak();
        }
    }
}

/// Why io_uring_setup(2) refused.
fn refused(errno: Errno) -> Unusable {
    match errno.0 {
        libc::EPERM | libc::EACCES => Unusable::IoUringDisabled {
            sysctl: std::fs::read_to_string("/proc/sys/kernel/io_uring_disabled")
                .ok()
                .and_then(|value| value.trim().parse().ok()),
        },
        libc::ENOSYS => Unusable::IoUringMissing,
        // A flag that it does not know: large entries are of Linux 5.19, deferred task work of 6.1.
        libc::EINVAL => not_supported(),
        _ => Unusable::system("io_uring_setup", errno),
    }
}

fn not_supported() -> Unusable {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let release = release.trim().to_owned();
    match version(&release).is_none_or(|version| version >= SINCE) {
        true => Unusable::NodeWithoutIoUring,
        false => Unusable::KernelTooOld { release },
    }
}

/// Major and minor of a release such as `6.1.0-25-amd64`.
fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn a_release_is_compared_by_its_first_two_numbers() {
        assert_eq!(version("6.1.0-25-amd64"), Some((6, 1)));
        assert_eq!(version("7.1-rc2"), Some((7, 1)));
        assert_eq!(version("7.10.3"), Some((7, 10)));
        assert_eq!(version("unknown"), None);
    }
}
