//! What carries a command to the kernel and brings its outcome back.
//!
//! A transport never waits for a device. It belongs to one thread, the engine's, which made it and calls it in turns:
//!
//! ```text
//! start, start, …   until Start::Full
//! flush             what was started goes to the kernel now, if it has not gone already
//! reap              outcomes, in any order
//! poll              on the descriptors of poll_fds, when there is nothing to do
//! ```
//!
//! **Whose memory.** The engine keeps what a request points at mapped, and changes none of it, until the request's outcome was reaped.
//! The transport owns what else the kernel may touch (headers, CDBs, sense buffers) for as long, and a transport that is dropped before all
//! of its requests have ended leaves that behind. Whoever drops it so leaves the spans mapped for ever.

use crate::Errno;

/// The longest CDB that Linux carries: `MAX_COMMAND_SIZE` was 16, and `struct scsi_cmnd` holds 32 (include/scsi/scsi_cmnd.h).
pub const MAX_CDB_LEN: usize = 32;

/// How much sense data the kernel may write, `SCSI_SENSE_BUFFERSIZE` (include/scsi/scsi_cmnd.h). Sense buffers have at least as many
/// bytes: some kernels write this many whatever the header says.
pub const SENSE_BUFFER_LEN: usize = 96;

/// Bytes that the engine keeps mapped while the kernel may touch them. Never turned into a reference.
///
/// Its layout is that of `struct sg_iovec` in a 64-bit process, and of `struct iovec`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Span {
    /// The first byte.
    pub ptr: *mut u8,
    /// How many, never 0.
    pub len: usize,
}

// SAFETY: a span is two numbers. Whoever dereferences one does so under the contract of `Transport::start`, on any thread.
unsafe impl Send for Span {}
// SAFETY: as for `Send`.
unsafe impl Sync for Span {}

/// The one data buffer of a command: the kernel knows no command with two (`EOPNOTSUPP` since Linux 5.1), and the engine lets none through.
#[derive(Clone, Copy, Debug)]
pub enum Data<'a> {
    /// No bytes move.
    None,
    /// To us, into these spans: at least one, at most [`Transport::max_spans`].
    In(&'a [Span]),
    /// To the device, from these spans: likewise.
    Out(&'a [Span]),
}

impl Data<'_> {
    /// How many bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::In(spans) | Self::Out(spans) => spans.iter().map(|span| span.len).sum(),
        }
    }

    /// Whether no bytes move.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A command to be started. Only [`Span`]s' bytes outlive the call; the rest is copied.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Which slot, below the number that the transport was made for. No two outstanding requests have the same.
    pub slot: u16,
    /// How often the slot was used, modulo 2^16.
    pub generation: u16,
    /// 6 to [`MAX_CDB_LEN`] bytes.
    pub cdb: &'a [u8],
    /// Its data.
    pub data: Data<'a>,
    /// When the kernel gives it up, in milliseconds: 1 to `i32::MAX`. A node may have a floor.
    pub timeout_ms: u32,
}

impl Request<'_> {
    /// The task's identity for `usr_ptr`, `pack_id` and `user_data`: it fits them all, and is never negative.
    #[must_use]
    pub fn key(&self) -> u32 {
        // Slots are 4096 at most, and pack_id has a sign.
        u32::from(self.slot) | u32::from(self.generation & 0x7fff) << 16
    }

    /// The slot of a key.
    #[must_use]
    pub fn slot_of(key: u32) -> u16 {
        key as u16
    }
}

/// Whether the transport took a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Start {
    /// Its outcome will be reaped, once.
    Started,
    /// It takes no more until an outcome was reaped; the request was not touched. Never said when none is outstanding.
    Full,
}

/// How a request ended. The three layers stand apart: `errno` (the kernel took no command), host and driver (no answer from the device, or
/// what a driver adds), status and sense (the device's answer).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Which.
    pub slot: u16,
    /// The SAM status byte; 0 also where `host_status` says that there is none.
    pub status: u8,
    /// `DID_…` (include/scsi/scsi_status.h).
    pub host_status: u16,
    /// `DRIVER_…`, without `DRIVER_SENSE`: that there is sense data is plain from its length.
    pub driver_status: u16,
    /// 0, or why the kernel took no command; the rest is 0 then.
    pub errno: i32,
    /// Data-out bytes that were not taken.
    pub out_residual: i32,
    /// Data-in bytes that did not come.
    pub in_residual: i32,
}

/// A way into the kernel. See the module for the order of calls.
pub trait Transport {
    /// How many spans a request may have: 1 where the kernel takes one buffer. What has more comes through a bounce buffer of the engine's.
    fn max_spans(&self) -> usize;

    /// Takes a request. It may stay in a batch until [`Transport::flush`].
    ///
    /// # Errors
    ///
    /// Why the kernel takes no such command: it is over then, and no outcome comes.
    ///
    /// # Safety
    ///
    /// The bytes of its spans stay mapped, and nobody in this process has a reference to them, until its outcome was reaped.
    unsafe fn start(&mut self, request: &Request<'_>) -> Result<Start, Errno>;

    /// Everything that was started goes to the kernel.
    ///
    /// # Errors
    ///
    /// The transport is broken, and nothing more will go. What is outstanding is reaped on, as far as it comes.
    fn flush(&mut self) -> Result<(), Errno>;

    /// Calls `done` with each outcome that is there and its sense data, which are valid during the call: at most 252 bytes. Never waits.
    ///
    /// # Errors
    ///
    /// As [`Transport::flush`].
    fn reap(&mut self, done: &mut dyn FnMut(Outcome, &[u8])) -> Result<(), Errno>;

    /// The engine is about to sleep: appends what it shall poll(2), ready as soon as [`Transport::reap`] finds an outcome, or now if one is
    /// there already. Called before each sleep while requests are outstanding.
    fn poll_fds(&mut self, into: &mut Vec<libc::pollfd>);
}
