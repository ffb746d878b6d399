//! Bytes that come from outside, and what must hold whatever they are.
//!
//! | target | reads | beyond "no crash" |
//! |---|---|---|
//! | [`submissions`] | queue entries and slots, as a target does | a task is accepted just when it is well spelt, and once; nothing is written but an answer |
//! | [`ledger`] | a ledger's file, and what a dead target has left in one | the answer that is there is given, and no other; each command comes home once, and is begun once unless it is asked for again |
//! | [`completions`] | queue entries, as an initiator does | exactly what is outstanding comes home, as a model says; nothing is written |
//! | [`handshake`] | the two records, and the segment's file | what is read is written back as it was; a file is taken just when it is sealed and of the size |
//! | [`arrivals`] | a connection: pieces of a hello, and descriptors | who is let in is who a model lets in, and everybody else is told why |
//! | [`scatterlists`] | iovecs, segments and limits | a list holds what was pushed; its commands obey every limit and lose no byte |
//! | [`kernel`] | `sg_io_hdr`, `sg_io_v4`, completions of io_uring, what nodes answer | an outcome is in range of what was asked for |
//!
//! Each target is a function of bytes, so that its corpus is also run without a fuzzer (`tests/corpus.rs`). `targets/` binds them to
//! libFuzzer; `npm run fuzz` builds these with its instrumentation, on stable Rust.

pub mod arrivals;
pub mod completions;
pub mod handshake;
pub mod kernel;
pub mod ledger;
pub mod scatterlists;
pub mod submissions;

mod forgery;
mod rules;

/// A pair over a real segment, and its bytes as a peer has them: what the tests of the tasks go by.
#[path = "../../task/tests/common/mod.rs"]
mod pair;

/// Descriptors of every kind, and messages with any of them: what the tests of the shared memory go by.
#[path = "../../shm/tests/common/descriptors.rs"]
mod descriptors;
