//! The Node-API face of the crates below: each function converts, calls one of theirs, and converts back.
//!
//! ```text
//! calls.rs      functions that are called for each batch
//! confine.rs    give up what is not needed
//! error.rs      codes that TypeScript turns into its errors
//! number.rs     numbers of JavaScript's that have to be checked
//! memory.rs     memory that JavaScript sees in place
//! initiator.rs  connect; submit and reap
//! line.rs       a connection, which ends with whoever has it
//! listener.rs   let connections in
//! target.rs     fetch, data, complete
//! kernel.rs     kernel nodes: open one, and its engine
//! kill.rs       kill points, where they are built in
//! messages.rs   messages to transport nodes
//! store.rs      backings, and the threads that move their bytes
//! ```
//!
//! On the path of a command there are only numbers, and one call a batch: lists and records stand on desks ([`sgring_task::Desk`])
//! that both languages see. Nothing here is called by two threads, and no native thread calls JavaScript: it rings a socket.

#![cfg_attr(
    test,
    allow(dead_code, reason = "napi-rs registers nothing where cfg(test) is set")
)]
#![expect(
    unreachable_pub,
    reason = "what napi-rs exports is reached through its registry"
)]

mod calls;
mod confine;
mod error;
mod initiator;
mod kernel;
mod kernel_copy;
#[cfg(feature = "kill-points")]
mod kill;
mod line;
mod listener;
mod memory;
mod messages;
mod number;
mod store;
mod target;

/// Features that a peer may require of this build, as bits of the handshake's `features`: none.
const FEATURES: u64 = 0;
