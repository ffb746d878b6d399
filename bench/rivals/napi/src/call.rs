//! A plain call: native code has answered when it returns.

use crate::answer::status;
use napi::bindgen_prelude::Uint8ArraySlice;
use napi_derive::napi;

/// Answers a command on the caller's thread: its status.
#[napi]
pub fn call(cdb: Uint8ArraySlice<'_>) -> u32 {
    u32::from(status(&cdb))
}
