//! `SG_IO` by threads: v4 on a bsg node, v3 on sg and block nodes.
//!
//! The ioctl comes back with the outcome, so each command under way has a thread; none may be interrupted, and on bsg and block nodes none can
//! be (they wait uninterruptibly). Threads are started as they are wanted, and the one that was busy last is used first.
//!
//! **A thread's cell belongs to one side at a time**, by its state:
//!
//! ```text
//!            start: the work is written              the thread has the outcome there
//! IDLE (owner) ----------[work]---------> TAKEN (thread) ----------[outcome]---------> DONE (owner)
//!   ^                                                                                    |
//!   +------------------------------------- reap ----------------------------------------+
//! ```
//!
//! Each edge is a release store that the other side's acquire load sees, by its label below. **No wake-up is lost**: before the owner sleeps it
//! sets `armed`, fences, and looks at the states; a thread stores DONE, fences, and looks at `armed`. One of the two comes first, and the
//! other sees it. A thread that finds nothing taken parks, and is unparked after the store.

use crate::Errno;
use crate::abi::{
    BSG_FLAG_Q_AT_TAIL, BSG_PROTOCOL_SCSI, BSG_SUB_PROTOCOL_SCSI_CMD, DRIVER_SENSE, Plain,
    SG_DXFER_FROM_DEV, SG_DXFER_NONE, SG_DXFER_TO_DEV, SG_FLAG_Q_AT_TAIL, SG_INTERFACE_ID, SG_IO,
    SG_V4_GUARD, SgIoHdr, SgIoV4,
};
use crate::signals::block_signals;
use crate::transport::{
    Data, MAX_CDB_LEN, Outcome, Request, SENSE_BUFFER_LEN, Span, Start, Transport,
};
use std::cell::UnsafeCell;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering, fence};
use std::thread::{self, Thread};

/// Which header a node takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    /// `sg_io_hdr`: sg and block nodes.
    V3,
    /// `sg_io_v4`: bsg nodes.
    V4,
}

/// Entries of an iovec that the kernel takes (include/uapi/linux/uio.h, `UIO_MAXIOV`); a task has no more than 256 segments.
const MAX_IOVEC: usize = 1024;
/// It has a header, a sense buffer and a few calls on it.
const STACK_BYTES: usize = 128 << 10;

const IDLE: u32 = 0;
const TAKEN: u32 = 1;
const DONE: u32 = 2;
const STOP: u32 = 3;

/// The transport.
#[derive(Debug)]
pub struct Ioctl {
    node: Arc<Node>,
    most: usize,
    workers: Vec<Worker>,
    /// Numbers of workers.
    idle: Vec<usize>,
    /// Likewise.
    busy: Vec<usize>,
    /// `armed` was set, and the event not read since.
    slept: bool,
}

/// What all threads use.
#[derive(Debug)]
struct Node {
    node: OwnedFd,
    header: Header,
    armed: AtomicBool,
    event: OwnedFd,
}

#[derive(Debug)]
struct Worker {
    desk: Arc<Desk>,
    thread: Thread,
}

#[derive(Debug)]
struct Desk {
    state: AtomicU32,
    cell: UnsafeCell<Cell>,
}

// SAFETY: the cell is touched by one side at a time, and the state's edges order their accesses: see the module.
unsafe impl Sync for Desk {}

#[derive(Debug)]
struct Cell {
    slot: u16,
    key: u32,
    cdb: [u8; MAX_CDB_LEN],
    cdb_len: usize,
    /// To the device.
    out: bool,
    spans: Vec<Span>,
    timeout_ms: u32,
    outcome: Outcome,
    sense: [u8; SENSE_BUFFER_LEN],
    sense_len: usize,
}

impl Ioctl {
    /// For commands to `node`, at most `threads` at a time.
    ///
    /// # Errors
    ///
    /// No descriptors are left.
    pub fn new(node: OwnedFd, header: Header, threads: usize) -> Result<Self, Errno> {
        // SAFETY: no preconditions.
        let event = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if event < 0 {
            return Err(Errno::last());
        }
        // SAFETY: eventfd has just made this descriptor, and nobody else knows it.
        let event = unsafe { OwnedFd::from_raw_fd(event) };
        Ok(Self {
            node: Arc::new(Node {
                node,
                header,
                armed: AtomicBool::new(false),
                event,
            }),
            most: threads.max(1),
            workers: Vec::new(),
            idle: Vec::new(),
            busy: Vec::new(),
            slept: false,
        })
    }

    /// A worker that has nothing to do; `None` if there are to be no more, or can be none and others will be free.
    fn worker(&mut self) -> Result<Option<usize>, Errno> {
        if let Some(number) = self.idle.pop() {
            return Ok(Some(number));
        }
        if self.workers.len() >= self.most {
            return Ok(None);
        }
        match Worker::start(&self.node) {
            Ok(worker) => self.workers.push(worker),
            Err(_) if !self.busy.is_empty() => return Ok(None),
            Err(errno) => return Err(errno),
        }
        Ok(Some(self.workers.len() - 1))
    }
}

impl Transport for Ioctl {
    fn max_spans(&self) -> usize {
        match self.node.header {
            Header::V3 => MAX_IOVEC,
            // Its iovec counts are ignored.
            Header::V4 => 1,
        }
    }

    unsafe fn start(&mut self, request: &Request<'_>) -> Result<Start, Errno> {
        if request.cdb.len() > MAX_CDB_LEN {
            return Err(Errno(libc::EINVAL));
        }
        let Some(number) = self.worker()? else {
            return Ok(Start::Full);
        };
        let Worker { desk, thread } = &self.workers[number];
        // SAFETY: the worker was idle: its cell is ours, by [reaped] or since it was made.
        let cell = unsafe { &mut *desk.cell.get() };
        cell.slot = request.slot;
        cell.key = request.key();
        cell.cdb[..request.cdb.len()].copy_from_slice(request.cdb);
        cell.cdb_len = request.cdb.len();
        cell.spans.clear();
        match request.data {
            Data::None => {}
            Data::In(spans) | Data::Out(spans) => cell.spans.extend_from_slice(spans),
        }
        cell.out = matches!(request.data, Data::Out(_));
        cell.timeout_ms = request.timeout_ms;
        // [taken]
        desk.state.store(TAKEN, Ordering::Release);
        thread.unpark();
        self.busy.push(number);
        Ok(Start::Started)
    }

    fn flush(&mut self) -> Result<(), Errno> {
        Ok(())
    }

    fn reap(&mut self, done: &mut dyn FnMut(Outcome, &[u8])) -> Result<(), Errno> {
        if std::mem::take(&mut self.slept) {
            self.node.silence();
        }
        let Self {
            workers,
            idle,
            busy,
            ..
        } = self;
        busy.retain(|&number| {
            let desk = &workers[number].desk;
            // Acquires [done].
            if desk.state.load(Ordering::Acquire) != DONE {
                return true;
            }
            // SAFETY: the thread is done with the cell, and looks at it again only when it is taken.
            let cell = unsafe { &*desk.cell.get() };
            done(cell.outcome, &cell.sense[..cell.sense_len]);
            // [reaped]: for this thread, which alone takes it again.
            desk.state.store(IDLE, Ordering::Relaxed);
            idle.push(number);
            false
        });
        Ok(())
    }

    fn poll_fds(&mut self, into: &mut Vec<libc::pollfd>) {
        self.slept = true;
        self.node.armed.store(true, Ordering::Relaxed);
        // Either a thread that is done after this look finds `armed` set, or this look finds what it did.
        fence(Ordering::SeqCst);
        let is_done = |&number: &usize| {
            let state = &self.workers[number].desk.state;
            state.load(Ordering::Relaxed) == DONE
        };
        if self.busy.iter().any(is_done) {
            self.node.ring();
        }
        into.push(libc::pollfd {
            fd: self.node.event.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        });
    }
}

impl Drop for Ioctl {
    /// Its threads end: nothing is outstanding, by the contract of [`Transport`].
    fn drop(&mut self) {
        for Worker { desk, thread } in &self.workers {
            desk.state.store(STOP, Ordering::Release);
            thread.unpark();
        }
    }
}

impl Worker {
    fn start(node: &Arc<Node>) -> Result<Self, Errno> {
        let desk = Arc::new(Desk {
            state: AtomicU32::new(IDLE),
            cell: UnsafeCell::new(Cell {
                slot: 0,
                key: 0,
                cdb: [0; MAX_CDB_LEN],
                cdb_len: 0,
                out: false,
                spans: Vec::new(),
                timeout_ms: 0,
                outcome: Outcome::default(),
                sense: [0; SENSE_BUFFER_LEN],
                sense_len: 0,
            }),
        });
        let (node, own) = (Arc::clone(node), Arc::clone(&desk));
        let handle = thread::Builder::new()
            .name("sgring-ioctl".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || own.work(&node))?;
        Ok(Self {
            desk,
            thread: handle.thread().clone(),
        })
    }
}

impl Desk {
    /// What a thread does until it is stopped.
    fn work(&self, node: &Node) {
        block_signals();
        loop {
            // Acquires [taken].
            match self.state.load(Ordering::Acquire) {
                TAKEN => {
                    // SAFETY: taken for this thread, and nobody else touches the cell before it is done.
                    let cell = unsafe { &mut *self.cell.get() };
                    cell.carry_out(node);
                    // [done]
                    self.state.store(DONE, Ordering::Release);
                    fence(Ordering::SeqCst);
                    if node.armed.load(Ordering::Relaxed) {
                        node.ring();
                    }
                }
                STOP => return,
                _ => thread::park(),
            }
        }
    }
}

impl Node {
    /// Wakes the owner, once for each time that it sleeps.
    fn ring(&self) {
        if self.armed.swap(false, Ordering::Relaxed) {
            // It fails only where it would count beyond 2^64.
            let one = 1u64;
            let (fd, from) = (self.event.as_raw_fd(), &raw const one);
            // SAFETY: eight readable bytes.
            let _written = unsafe { libc::write(fd, from.cast(), size_of::<u64>()) };
        }
    }

    fn silence(&self) {
        self.armed.store(false, Ordering::Relaxed);
        let mut count = 0u64;
        let (fd, to) = (self.event.as_raw_fd(), &raw mut count);
        // SAFETY: eight writable bytes.
        let _read = unsafe { libc::read(fd, to.cast(), size_of::<u64>()) };
    }

    fn sg_io<H: Plain>(&self, header: &mut H) -> Result<(), Errno> {
        let fd = self.node.as_raw_fd();
        // SAFETY: 1. a header of the node's kind; the kernel writes nothing beyond it and what it names; 2. the data stays mapped by the contract
        // of `Transport::start`, CDB and sense buffer by the cell.
        let done = unsafe { libc::ioctl(fd, SG_IO as _, std::ptr::from_mut(header)) };
        if done < 0 { Err(Errno::last()) } else { Ok(()) }
    }
}

impl Cell {
    fn carry_out(&mut self, node: &Node) {
        self.sense_len = 0;
        let done = match node.header {
            Header::V3 => self.v3(node),
            Header::V4 => self.v4(node),
        };
        self.outcome = done.unwrap_or_else(|Errno(errno)| Outcome {
            errno,
            ..Outcome::default()
        });
        self.outcome.slot = self.slot;
        if self.outcome.driver_status == DRIVER_SENSE {
            self.outcome.driver_status = 0;
        }
    }

    fn v4(&mut self, node: &Node) -> Result<Outcome, Errno> {
        let mut header = SgIoV4 {
            guard: SG_V4_GUARD,
            protocol: BSG_PROTOCOL_SCSI,
            subprotocol: BSG_SUB_PROTOCOL_SCSI_CMD,
            request_len: self.cdb_len as u32,
            request: self.cdb.as_ptr().expose_provenance() as u64,
            max_response_len: self.sense.len() as u32,
            response: self.sense.as_mut_ptr().expose_provenance() as u64,
            timeout: self.timeout_ms,
            // Without it a command overtakes those that came before it.
            flags: BSG_FLAG_Q_AT_TAIL,
            usr_ptr: u64::from(self.key),
            ..SgIoV4::zeroed()
        };
        if let [span] = self.spans[..] {
            let (at, len) = (span.ptr.expose_provenance() as u64, length(span.len)?);
            if self.out {
                (header.dout_xferp, header.dout_xfer_len) = (at, len);
            } else {
                (header.din_xferp, header.din_xfer_len) = (at, len);
            }
        }
        node.sg_io(&mut header)?;
        self.sense_len = self.sense.len().min(header.response_len as usize);
        Ok(Outcome {
            status: header.device_status as u8,
            host_status: header.transport_status as u16,
            driver_status: header.driver_status as u16,
            out_residual: header.dout_resid,
            in_residual: header.din_resid,
            ..Outcome::default()
        })
    }

    fn v3(&mut self, node: &Node) -> Result<Outcome, Errno> {
        let mut header = SgIoHdr {
            interface_id: SG_INTERFACE_ID,
            cmd_len: self.cdb_len as u8,
            mx_sb_len: self.sense.len() as u8,
            cmdp: self.cdb.as_ptr().expose_provenance() as _,
            sbp: self.sense.as_mut_ptr().expose_provenance() as _,
            timeout: self.timeout_ms,
            flags: SG_FLAG_Q_AT_TAIL,
            pack_id: self.key as i32,
            dxfer_direction: match (self.spans.is_empty(), self.out) {
                (true, _) => SG_DXFER_NONE,
                (_, true) => SG_DXFER_TO_DEV,
                (_, false) => SG_DXFER_FROM_DEV,
            },
            dxfer_len: length(self.spans.iter().map(|span| span.len).sum())?,
            ..SgIoHdr::zeroed()
        };
        match self.spans[..] {
            [] => {}
            [span] => header.dxferp = span.ptr.expose_provenance() as _,
            // A span is an `sg_iovec`.
            ref spans => {
                header.iovec_count = spans.len() as u16;
                header.dxferp = spans.as_ptr().expose_provenance() as _;
            }
        }
        node.sg_io(&mut header)?;
        self.sense_len = self.sense.len().min(usize::from(header.sb_len_wr));
        let (out_residual, in_residual) = match self.out {
            true => (header.resid, 0),
            false => (0, header.resid),
        };
        Ok(Outcome {
            status: header.status,
            host_status: header.host_status,
            driver_status: header.driver_status,
            out_residual,
            in_residual,
            ..Outcome::default()
        })
    }
}

/// Bytes of a transfer as headers have them.
fn length(len: usize) -> Result<u32, Errno> {
    u32::try_from(len).map_err(|_| Errno(libc::EINVAL))
}
