//! Tasks in a segment of shared memory: where their bytes stand, and what each side may believe of them.
//!
//! ```text
//! geometry.rs    where header, queues, slots and arena begin
//! slot.rs        the bytes of a slot, and of the two kinds of queue entry
//! segments.rs    which bytes of the arena a task owns
//! shared.rs      copies to and from words that a peer may be writing
//! memory.rs    what segments and ledgers stand in
//! desk.rs        memory that one side shares with its own JavaScript, and with nobody else
//! queues.rs      the ends of the queues that a side holds: publish and ring, look and sleep
//! initiator.rs   submit and reap
//! target.rs      fetch, the task's bytes, complete
//! native.rs      a task, and its answer, for a target in Rust
//! tasks.rs       what a target believes of each slot
//! ledger.rs      what a target remembers of tasks beyond its death
//! transfer.rs    the list by which data moves between tasks and backings
//! violation.rs   what a peer can do wrong
//! ```
//!
//! One segment is one queue pair. Its initiator makes it, and owns every slot that is not submitted; a submitted slot is the target's
//! to answer, once. Everything that a peer can write is copied, checked, and used from the copy; what was wrong with it is a
//! [`Violation`], which ends the nexus and hurts nobody else.

// Both sides and both languages take the segment's words as they stand in memory, in this order, and a segment's offsets go beyond 32
// bits.
#[cfg(not(all(target_endian = "little", target_pointer_width = "64")))]
compile_error!("sgring's segments need a little-endian target with 64-bit pointers");

mod desk;
mod geometry;
mod initiator;
mod ledger;
mod memory;
#[cfg(loom)]
pub mod model;
mod native;
mod queues;
mod segments;
mod shared;
mod slot;
mod target;
mod tasks;
pub mod transfer;
mod violation;

pub use desk::Desk;
pub use geometry::{Geometry, HEADER_MAGIC, SEGMENT_VERSION, write_header};
pub use initiator::{Initiator, MOST_DEATHS};
pub use ledger::{
    LEDGER_ANSWERED, LEDGER_MAGIC, LEDGER_PAIRS, LEDGER_RECORD_BYTES, LEDGER_RECORDS, LEDGER_SLOTS,
    LEDGER_STARTED, LEDGER_UNITS, LEDGER_USER, Ledger,
};
pub use native::{Answer, Line};
pub use segments::Segment;
pub use slot::{
    CompletionWord, INLINE_CDB, MAX_CDB_LEN, MAX_SEGMENTS, MAX_SENSE_LEN, MIN_CDB_LEN, Record,
    SLOT_BYTES, Slot, SubmissionWord, WireSegment, flags, resubmitted,
};
pub use target::{Direction, Target};
pub use violation::Violation;
