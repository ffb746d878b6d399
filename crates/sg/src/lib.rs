//! SCSI commands through Linux' pass-through nodes: `/dev/bsg/…`, `/dev/sg…` and block devices.
//!
//! | file | holds |
//! |---|---|
//! | `transport` | [`Transport`]: a command to the kernel, its outcome back, never a wait |
//! | `engine` | [`Engine`]: the thread between a queue pair and a transport |
//! | `bounce` | a buffer in one piece, where the kernel takes no other |
//! | `ioctl` | [`Ioctl`]: `SG_IO` by threads, on every kind of node |
//! | `abi` | the kernel's structures and numbers, every offset asserted |
//! | `signals` | none for these threads |
//! | `error` | [`Errno`] |
//!
//! A kernel node is served like a ring: JavaScript has the initiator's end of a queue pair in memory of its own process, and the target's
//! end belongs to one native thread, the engine, which hands each task to a [`Transport`] and publishes its outcome:
//!
//! ```text
//! JavaScript  --submit-->  queue pair  --fetch-->  engine's thread  --start, flush-->  Transport  -->  kernel
//!             <--reap----              <-complete-                  <--reap----------             <--
//! ```

pub mod abi;
mod bounce;
mod engine;
mod error;
mod ioctl;
mod signals;
pub mod transport;

pub use engine::{Engine, StartError};
pub use error::Errno;
pub use ioctl::{Header, Ioctl};
pub use transport::{Data, Outcome, Request, Span, Start, Transport};
