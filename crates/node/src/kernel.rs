//! Kernel nodes that are open, and their engines.

use crate::error::{self, Coded};
use crate::initiator::InitiatorPair;
use crate::kernel_copy::{KernelCopy, KernelCopyEnd, KernelCopyOptions};
use crate::number::whole;
use napi_derive::napi;
use sgring_scatterlist::Limits;
use sgring_sg::abi::Reset;
use sgring_sg::mover::End;
use sgring_sg::{
    Engine, EngineOptions, Errno, Header, Ioctl, Sg, StartError, Transport, Uring, sg, sg_io, uring,
};
use sgring_shm::{Bell, Mapping, bell_pair};
use sgring_task::{Geometry, Initiator};
use std::fmt::Display;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, IntoRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

/// The epoch of a segment that nobody attaches to again.
const EPOCH: u32 = 1;

/// Which node, and how it is used.
#[napi(object)]
pub struct KernelOptions {
    /// `/dev/…`, for messages.
    pub path: String,
    /// The node, open; the caller closes it.
    pub fd: i32,
    /// The device number that the caller has looked at: another device by then is refused.
    pub device: f64,
    /// `io_uring`, `sg`, `ioctl-v4` or `ioctl-v3`.
    pub transport: String,
    /// Threads of the ioctl transports: commands that they have under way.
    pub threads: u32,
    /// Requests that the device's queue has, at least 1: the sg transport starts no more commands than these, for it would sleep.
    pub requests: u32,
    /// Bytes that the device's queue takes of one command, at least 1.
    pub max_transfer_bytes: u32,
    /// 1 to 4096.
    pub slots: u32,
    /// Whole pages of 4096 bytes, below 2 GiB.
    pub arena_bytes: u32,
    /// How long the engine looks before it sleeps, in microseconds.
    pub spin_us: u32,
}

/// A node that is open: the thread that serves it, and the initiator's end of its pair.
#[napi]
pub struct KernelEngine {
    engine: Engine,
    /// For resets and copies; `None` once it is stopped.
    node: Option<Arc<OwnedFd>>,
    header: Header,
    pair: Option<InitiatorPair>,
}

/// Starts the engine of a node.
#[napi(catch_unwind)]
pub fn open_kernel(options: KernelOptions) -> Result<KernelEngine, Coded> {
    let geometry = Geometry::new(options.slots, options.arena_bytes)
        .ok_or_else(|| error::argument("slots or arenaBytes out of range"))?;
    let node = own_node(&options)?;
    // As on a ring, but this process's own.
    let mapping = Mapping::private(geometry.segment_bytes()).map_err(error::shm)?;
    mapping.advise_huge(geometry.arena_offset()..geometry.segment_bytes());
    let memory = Arc::new(mapping);
    let own = node
        .try_clone()
        .map_err(|error| error::node(&options.path, error.into()))?;
    let (ours, theirs) = bell_pair().map_err(error::shm)?;
    let ours = ours
        .as_fd()
        .try_clone_to_owned()
        .map_err(|error| error::node(&options.path, error.into()))?;
    let bell = Bell::new(ours.as_fd()).map_err(error::shm)?;
    let wake = Bell::new(ours.as_fd()).map_err(error::shm)?;
    // First, for it writes the header.
    let pair = Initiator::new(Arc::clone(&memory), geometry, 0, EPOCH, bell);
    let side = Side {
        memory,
        geometry,
        socket: theirs,
        wake,
        options: EngineOptions {
            spin: Duration::from_micros(options.spin_us.into()),
            limits: Limits {
                max_total: options.max_transfer_bytes.into(),
                ..Limits::NONE
            },
        },
    };
    let engine = start(&options, node, side)?;
    Ok(KernelEngine {
        engine,
        node: Some(Arc::new(own)),
        header: match options.transport.as_str() {
            "io_uring" | "ioctl-v4" => Header::V4,
            _ => Header::V3,
        },
        pair: Some(InitiatorPair::local(pair, geometry, ours)),
    })
}

/// The thread's side of a pair, from its making to its engine.
struct Side {
    memory: Arc<Mapping>,
    geometry: Geometry,
    socket: OwnedFd,
    wake: Bell,
    options: EngineOptions,
}

impl Side {
    fn start<T: Transport, E: Display + Send + 'static>(
        self,
        make: impl FnOnce() -> Result<T, E> + Send + 'static,
    ) -> Result<Engine, Coded> {
        let Self {
            memory,
            geometry,
            socket,
            wake,
            options,
        } = self;
        let started = Engine::start(memory, geometry, EPOCH, socket, wake, options, make);
        started.map_err(|error| match error {
            StartError::Bell(error) => error::shm(error),
            StartError::Thread(errno) => Coded::new("SYSTEM", format!("a thread: {errno}")),
            StartError::Transport(error) => Coded::new("TRANSPORT", error.to_string()),
            StartError::Segment => error::argument("a segment of its own that is none"),
        })
    }
}

fn start(options: &KernelOptions, node: OwnedFd, side: Side) -> Result<Engine, Coded> {
    let threads = options.threads as usize;
    let slots = side.geometry.slots();
    match options.transport.as_str() {
        "ioctl-v3" => side.start(move || Ioctl::new(node, Header::V3, threads)),
        "ioctl-v4" => side.start(move || Ioctl::new(node, Header::V4, threads)),
        "sg" => {
            let options = sg::Options {
                requests: options.requests as usize,
                ..sg::Options::default()
            };
            side.start(move || Sg::new(node, slots, options))
        }
        "io_uring" => side.start(move || {
            let options = uring::Options::default();
            // SAFETY: nothing is pinned.
            unsafe { Uring::new(node, slots, options) }
        }),
        _ => Err(error::argument("no such transport")),
    }
}

/// A duplicate of the caller's descriptor, if it is that of the device which the caller has looked at.
fn own_node(options: &KernelOptions) -> Result<OwnedFd, Coded> {
    let failed = |error: std::io::Error| error::node(&options.path, error.into());
    if options.fd < 0 {
        return Err(error::argument("no descriptor"));
    }
    // SAFETY: not -1, and the caller keeps it open during the call; one that is not open fails to be duplicated.
    let node = unsafe { BorrowedFd::borrow_raw(options.fd) };
    let file = File::from(node.try_clone_to_owned().map_err(failed)?);
    let found = file.metadata().map_err(failed)?;
    let kind = found.file_type();
    let is_device = kind.is_char_device() || kind.is_block_device();
    if !is_device || found.rdev() as f64 != options.device {
        return Err(error::node(&options.path, Errno(libc::ENODEV)));
    }
    Ok(file.into())
}

/// A reset that was begun. Nobody needs to wait for it.
#[napi]
pub struct KernelReset {
    errno: Arc<AtomicI32>,
    bell: Option<OwnedFd>,
}

/// Not over yet.
const UNDER_WAY: i32 = -1;

#[napi]
impl KernelReset {
    /// Hands the bell over, which is hung up when the reset is over: the caller watches and closes it. `-1` the second time.
    #[napi(catch_unwind)]
    pub fn take_bell(&mut self) -> i32 {
        self.bell.take().map_or(-1, IntoRawFd::into_raw_fd)
    }

    /// 0, the errno of a reset that failed, or -1 as long as it is under way.
    #[napi(getter, catch_unwind)]
    pub fn errno(&self) -> i32 {
        self.errno.load(Ordering::Acquire)
    }
}

#[napi]
impl KernelEngine {
    /// The initiator's end, once.
    #[napi(catch_unwind)]
    pub fn take_pair(&mut self) -> Result<InitiatorPair, Coded> {
        self.pair.take().ok_or_else(error::closed)
    }

    /// Has the engine end: the pair's socket is hung up when `left_behind` is known.
    #[napi(catch_unwind)]
    pub fn stop(&mut self) {
        // First: when the engine hangs up, the node is closed.
        self.node = None;
        self.engine.stop();
    }

    /// `SG_SCSI_RESET` by a thread of its own: 1 device, 2 bus, 3 host, 4 target.
    #[napi(catch_unwind)]
    pub fn reset(&self, what: u32, no_escalate: bool) -> Result<KernelReset, Coded> {
        let what = [Reset::Device, Reset::Bus, Reset::Host, Reset::Target]
            .into_iter()
            .find(|reset| *reset as u32 == what)
            .ok_or_else(|| error::argument("no such reset"))?;
        let node = Arc::clone(self.node.as_ref().ok_or_else(error::closed)?);
        let (bell, watched) = bell_pair().map_err(error::shm)?;
        let errno = Arc::new(AtomicI32::new(UNDER_WAY));
        let ended = Arc::clone(&errno);
        let started = sg_io::start_reset(node, what, no_escalate, move |result| {
            let errno = result.map_or_else(|Errno(errno)| errno, |()| 0);
            ended.store(errno, Ordering::Release);
            bell.hang_up();
        });
        started.map_err(|errno| Coded::new("SYSTEM", format!("a thread: {errno}")))?;
        Ok(KernelReset {
            errno,
            bell: Some(watched),
        })
    }

    /// Begins to copy from this node to another one, by threads of its own.
    #[napi(catch_unwind)]
    pub fn copy_to(
        &self,
        to: &KernelEngine,
        options: KernelCopyOptions,
    ) -> Result<KernelCopy, Coded> {
        let from = self.end(&options.from)?;
        let to = to.end(&options.to)?;
        KernelCopy::start([&from, &to], &options)
    }

    /// Commands in the kernel's hands when the engine hung up.
    #[napi(getter, catch_unwind)]
    pub fn left_behind(&self) -> u32 {
        self.engine.left_behind()
    }

    /// Why the engine has ended by itself; 0 if it has not.
    #[napi(getter, catch_unwind)]
    pub fn errno(&self) -> i32 {
        self.engine.errno().map_or(0, |Errno(errno)| errno)
    }
}

impl KernelEngine {
    fn end(&self, end: &KernelCopyEnd) -> Result<End, Coded> {
        let cdb = end.cdb[..].try_into();
        Ok(End {
            node: Arc::clone(self.node.as_ref().ok_or_else(error::closed)?),
            header: self.header,
            cdb: cdb.map_err(|_| error::argument("a CDB of another length"))?,
            lba: whole(end.lba)?,
            block_len: end.block_length,
        })
    }
}
