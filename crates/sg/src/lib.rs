//! SCSI commands through Linux' pass-through nodes: `/dev/bsg/…`, `/dev/sg…` and block devices.
//!
//! | file | holds |
//! |---|---|
//! | `transport` | [`Transport`]: a command to the kernel, its outcome back, never a wait |
//! | `abi` | the kernel's structures and numbers, every offset asserted |
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
mod error;
pub mod transport;

pub use error::Errno;
pub use transport::{Data, Outcome, Request, Span, Start, Transport};
