//! An engine with an initiator at one end and, at the other, a transport that does what the test says.

#![allow(
    clippy::unwrap_used,
    dead_code,
    unused_imports,
    reason = "not every test file uses all of it"
)]

pub(crate) mod rig;
pub(crate) mod scripted;

pub(crate) use rig::{Command, Completion, MAX_TRANSFER, Rig};
pub(crate) use scripted::{End, Started};
