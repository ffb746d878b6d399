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
    BSG_FLAG_Q_AT_TAIL, BSG_PROTOCOL_SCSI, BSG_SUB_PROTOCOL_SCSI_CMD, Plain, SG_IO, SG_V4_GUARD,
    SgIoV4,
};
use crate::decode::Asked;
use crate::sg_io::sg_io;
use crate::signals::block_signals;
use crate::transport::{
    Data, MAX_CDB_LEN, Outcome, Request, SENSE_BUFFER_LEN, Span, Start, Transport,
};
use std::cell::UnsafeCell;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
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

impl Header {
    /// Sends a command to a node of this kind and waits for its end; returns that and how many bytes of sense data were written.
    ///
    /// # Errors
    ///
    /// Why the kernel took no command.
    ///
    /// # Safety
    ///
    /// As for [`sg_io`]. V4 takes one span at most.
    pub(crate) unsafe fn send(
        self,
        node: BorrowedFd<'_>,
        request: &Request<'_>,
        sense: &mut [u8; SENSE_BUFFER_LEN],
    ) -> Result<(Outcome, usize), Errno> {
        match self {
            // SAFETY: by contract.
            Self::V3 => unsafe { sg_io(node, request, sense) },
            // SAFETY: by contract.
            Self::V4 => unsafe { sg_io_v4(node, request, sense) },
        }
    }
}

/// It has a header, a sense buffer and a few calls on it.
pub(crate) const STACK_BYTES: usize = 128 << 10;

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
    /// Slot, generation and timeout; the rest of it stands below.
    request: Request<'static>,
    cdb: [u8; MAX_CDB_LEN],
    cdb_len: usize,
    /// To the device.
    out: bool,
    spans: Vec<Span>,
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
            Header::V3 => sgring_scatterlist::iovec::MAX_ENTRIES,
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
        cell.request = Request {
            cdb: &[],
            data: Data::None,
            ..*request
        };
        cell.cdb[..request.cdb.len()].copy_from_slice(request.cdb);
        cell.cdb_len = request.cdb.len();
        cell.spans.clear();
        match request.data {
            Data::None => {}
            Data::In(spans) | Data::Out(spans) => cell.spans.extend_from_slice(spans),
        }
        cell.out = matches!(request.data, Data::Out(_));
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
    /// Its threads end: one that is inside the kernel has its own part of everything, and ends when it comes back.
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
                request: Request {
                    slot: 0,
                    generation: 0,
                    cdb: &[],
                    data: Data::None,
                    timeout_ms: 0,
                },
                cdb: [0; MAX_CDB_LEN],
                cdb_len: 0,
                out: false,
                spans: Vec::new(),
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
                    // [done], unless it was stopped meanwhile.
                    let done = (Ordering::Release, Ordering::Relaxed);
                    let told = self.state.compare_exchange(TAKEN, DONE, done.0, done.1);
                    if told.is_err() {
                        return;
                    }
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
}

impl Cell {
    fn carry_out(&mut self, node: &Node) {
        let Self {
            request,
            cdb,
            cdb_len,
            spans,
            out,
            sense,
            ..
        } = self;
        let request = Request {
            cdb: &cdb[..*cdb_len],
            data: match (&spans[..], *out) {
                ([], _) => Data::None,
                (spans, true) => Data::Out(spans),
                (spans, false) => Data::In(spans),
            },
            ..*request
        };
        let fd = node.node.as_fd();
        // SAFETY: the spans stay mapped by the contract of `Transport::start`: this is before the outcome.
        let done = unsafe { node.header.send(fd, &request, sense) };
        (self.outcome, self.sense_len) = done.unwrap_or_else(|Errno(errno)| {
            let outcome = Outcome {
                slot: request.slot,
                errno,
                ..Outcome::default()
            };
            (outcome, 0)
        });
    }
}

/// Sends a command to a bsg node and waits, uninterruptibly, for its end; returns that and how many bytes of sense data were written. The node
/// makes 7 s of a shorter timeout.
///
/// # Safety
///
/// As for [`sg_io`].
unsafe fn sg_io_v4(
    node: BorrowedFd<'_>,
    request: &Request<'_>,
    sense: &mut [u8; SENSE_BUFFER_LEN],
) -> Result<(Outcome, usize), Errno> {
    let asked = Asked::of(request).ok_or(Errno(libc::EINVAL))?;
    let mut header = SgIoV4 {
        guard: SG_V4_GUARD,
        protocol: BSG_PROTOCOL_SCSI,
        subprotocol: BSG_SUB_PROTOCOL_SCSI_CMD,
        request_len: request.cdb.len() as u32,
        request: request.cdb.as_ptr().expose_provenance() as u64,
        max_response_len: sense.len() as u32,
        response: sense.as_mut_ptr().expose_provenance() as u64,
        timeout: request.timeout_ms,
        // Without it a command overtakes those that came before it.
        flags: BSG_FLAG_Q_AT_TAIL,
        usr_ptr: request.key().into(),
        ..SgIoV4::zeroed()
    };
    // One span, by `max_spans`; the length fits, by `Asked`.
    let place = |spans: &[Span]| spans[0].ptr.expose_provenance() as u64;
    match request.data {
        Data::None => {}
        Data::In(spans) => (header.din_xferp, header.din_xfer_len) = (place(spans), asked.in_len),
        Data::Out(spans) => {
            (header.dout_xferp, header.dout_xfer_len) = (place(spans), asked.out_len);
        }
    }
    let (fd, header_at) = (node.as_raw_fd(), &raw mut header);
    // SAFETY: 1. a v4 header; 2. CDB and sense buffer are borrowed until this returns, the spans mapped as long, by contract; 3. a node that
    // does not know v4 answers with an error and touches nothing.
    let done = unsafe { libc::ioctl(fd, SG_IO as libc::Ioctl, header_at) };
    if done < 0 {
        return Err(Errno::last());
    }
    Ok(asked.v4(&header))
}
