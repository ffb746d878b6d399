//! A pair over a real segment, and raw access to its bytes by the documented layout, as a peer has it.
//!
//! ```text
//! shared.rs   a mapping's bytes, and one side of a queue
//! command.rs  a task as a slot spells it
//! heirs.rs    targets that follow one another
//! sides.rs    the initiator's and the target's end, with what JavaScript does around them
//! ```

#![allow(dead_code, unused_imports, reason = "each test program uses its part")]

mod command;
mod heirs;
mod shared;
mod sides;

pub(crate) use command::Command;
pub(crate) use heirs::{Memory, USER, succeed};
pub(crate) use shared::{RawQueue, Shared, segment};
pub(crate) use sides::{Client, Server, pair, pair_over, server};

pub(crate) const FEATURES: u64 = 0;
pub(crate) const EPOCH: u32 = 0x0007_0001;
