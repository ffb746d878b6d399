//! SCSI commands through Linux' pass-through nodes: `/dev/bsg/…`, `/dev/sg…` and block devices.
//!
//! | file | holds |
//! |---|---|
//! | `transport` | [`Transport`]: a command to the kernel, its outcome back, never a wait |
//! | `engine` | [`Engine`]: the thread between a queue pair and a transport |
//! | `bounce` | a buffer in one piece, where the kernel takes no other |
//! | `ioctl` | [`Ioctl`]: `SG_IO` by threads, on every kind of node |
//! | `sg` | [`Sg`]: v3 headers by write(2) and read(2), on sg nodes |
//! | `uring` | [`Uring`]: io_uring, on bsg nodes since Linux 7.1 |
//! | `sg_io` | `SG_IO` with a v3 header, resets, and what else a node answers by ioctl(2) |
//! | `copy` | [`Copier`]: parts of a copy, moved by threads |
//! | `mover` | [`NodeMover`]: what moves them from one node to another |
//! | `message` | messages to nodes that are no devices: hosts, ports, expanders |
//! | `abi` | the kernel's structures and numbers, every offset asserted |
//! | `decode` | from the kernel's words to an [`Outcome`] |
//! | `cells` | where the kernel finds a CDB and puts sense data |
//! | `reserved` | the mapped buffer of an sg node |
//! | `signals` | none for these threads |
//! | `unusable` | [`Unusable`]: why a transport is not there |
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
mod cells;
pub mod copy;
pub mod decode;
mod engine;
mod error;
mod ioctl;
pub mod message;
pub mod mover;
mod reserved;
pub mod sg;
pub mod sg_io;
mod signals;
pub mod transport;
mod unusable;
pub mod uring;

pub use copy::Copier;
pub use engine::{Engine, EngineOptions, StartError};
pub use error::Errno;
pub use ioctl::{Header, Ioctl};
pub use mover::NodeMover;
pub use sg::Sg;
pub use transport::{Data, Outcome, Request, Span, Start, Transport};
pub use unusable::Unusable;
pub use uring::Uring;
