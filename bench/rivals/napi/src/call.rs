//! A plain call: native code has answered when it returns.

use crate::answer::status;
use napi::bindgen_prelude::{Function, Uint8ArraySlice};
use napi::{Env, Result};
use napi_derive::napi;

/// What answers a command on the caller's thread, with its status.
#[napi]
pub fn caller(env: &Env) -> Result<Function<'_, Uint8ArraySlice<'_>, u32>> {
    env.create_function_from_closure("call", |context| {
        let cdb: Uint8ArraySlice<'_> = context.first_arg()?;
        Ok(u32::from(status(&cdb)))
    })
}
