//! A queue of 64-bit words between one producer and one consumer that need not trust each other.
//!
//! ```text
//! words.rs     what is shared: the entries and the sleep flag, and who may own them
//! entry.rs     the bits of an entry: a payload of 48, and the lap that publishes it
//! producer.rs  publish, and whether to ring
//! consumer.rs  consume, and whether one may sleep
//! order.rs     every memory ordering of the algorithm, in one place
//! ```
//!
//! # An entry is its own publication
//!
//! There are no shared counters. The producer's position and the consumer's are private; an entry is there when it carries the lap
//! that the consumer's position expects, and storing it is publishing it:
//!
//! ```text
//!             lap 1                     lap 2, two entries on        lap 2, and nothing read of it
//!           +-----+-----+-----+-----+   +-----+-----+-----+-----+   +-----+-----+-----+-----+
//! entries   | 1:a | 1:b |  0  |  0  |   | 2:e | 2:f | 1:c | 1:d |   | 2:e | 2:f | 2:g | 2:h |
//!           +-----+-----+-----+-----+   +-----+-----+-----+-----+   +-----+-----+-----+-----+
//!             ^ consumer  ^ producer      ^ consumer  ^ producer      ^ consumer = ^ producer
//! ```
//!
//! A producer that dies between two stores leaves nothing half-published, and a forged word can at worst be a wrong payload or a
//! wrong lap; the second is found here ([`Corrupt`]), the first is for the caller to check.
//!
//! # Who keeps it from overrunning
//!
//! The producer never looks whether there is room. Its caller owes it that no more entries than the queue is long are published and
//! not yet consumed. Rings of commands get that for free: an entry names a slot, there are as many entries as slots, and a slot is
//! in the queue at most once.
//!
//! # A death
//!
//! An entry is one aligned word: of a producer that was killed, each of its entries is there as a whole or not at all, with all that was
//! written before. It is for who learns of the death to make the queue new ([`Words::clear`]) before another peer has it, and not
//! earlier: these are plain stores, which whatever told of the death puts behind the dead one's, and whatever hands the memory over
//! puts before the next one's looks. `crates/task/src/ledger.rs` has the whole argument, and `crates/task/tests/loom.rs` its models.
//!
//! # Edges
//!
//! | label | release | acquire |
//! |---|---|---|
//! | `[entry]` | [`Producer::publish`] | [`Consumer::consume`] |
//! | `[sleep]` | a SeqCst fence in [`Producer::must_ring`] | a SeqCst fence in [`Consumer::arm`] |

mod consumer;
mod entry;
mod order;
mod producer;
mod words;

pub use consumer::{Consumer, Corrupt};
pub use entry::{PAYLOAD_BITS, PAYLOAD_MASK};
pub use producer::Producer;
pub use words::{Heap, Word, Words};

#[cfg(not(loom))]
pub use words::Mapped;
