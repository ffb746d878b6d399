//! Ways from JavaScript to native code and back, other than the ring's: each has TEST UNIT READY looked at, and answered at once.
//!
//! ```text
//! answer.rs    what all of them do with a command
//! call.rs      a call that returns the status
//! tsfn.rs      a queue to a thread, and a thread-safe function's call for each completion
//! work.rs      an `napi_async_work` for each command
//! per_call.rs  the package's own ring, with one call for each submission and one for each completion
//! ```
//!
//! `bench/rivals/napi/` has the JavaScript that puts `execute()` before them.

#![cfg_attr(
    test,
    allow(dead_code, reason = "napi-rs registers nothing where cfg(test) is set")
)]
#![expect(
    unreachable_pub,
    reason = "what napi-rs exports is reached through its registry"
)]

mod answer;
mod call;
mod per_call;
mod tsfn;
mod work;
