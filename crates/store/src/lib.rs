//! Backings: what a logical unit's blocks are kept in, and the threads that move them.
//!
//! A [`Store`] is a number of bytes in memory, in a regular file or on a block device. It reads into and writes
//! from [`Span`]s: raw memory that somebody else keeps mapped, such as a segment of a peer's arena. It knows neither
//! rings nor SCSI: a failure is an [`Errno`], and what sense that makes is the device server's matter.
//!
//! A [`Pool`] runs such transfers on native threads, so that an event loop never waits for a disk. It reports by a
//! list of [`Done`] and one call of a `wake` function when that list stops being empty.
//!
//! | file | holds |
//! |---|---|
//! | `store` | [`Store`]: ranges, the locks that keep a block whole, and the choice of image |
//! | `operations` | what it does besides reading and writing: compare, fill, mix, release |
//! | `memory` | the image in memory |
//! | `mapped` | an image in a file on tmpfs, as memory |
//! | `intent` | what is being copied there, for who comes after a kill |
//! | `mapping` | the one owner of mapped bytes |
//! | `notes` | what is known of the parts of an image |
//! | `open` | finding and creating a file or device |
//! | `lock` | keeping others out of it |
//! | `file` | the image in a file: transfers, FUA and flush, and what is remembered of a failed one |
//! | `span` | [`Span`], and a position in a list of them |
//! | `stripe` | the locks, and how a range is cut along them |
//! | `pool` | [`Pool`], [`Job`], [`Done`] |
//! | `error` | [`Errno`], [`StoreError`] |
//!
//! A file is mapped only on tmpfs, and where whoever opens it asks for that ([`Store::open_mapped`]): of any other, one that shrinks or a disk
//! that fails is an errno and never a `SIGBUS`, and a disk that hangs stops a thread of the pool and never an event loop.

mod error;
mod file;
mod intent;
mod lock;
mod mapped;
mod mapping;
mod memory;
mod notes;
mod open;
mod operations;
mod pool;
mod span;
mod store;
mod stripe;

pub use error::{Errno, StoreError};
pub use open::Access;
pub use operations::{Extent, Zeros};
pub use pool::{Done, Job, Op, Pool};
pub use span::Span;
pub use store::{Durability, Kind, Store};
