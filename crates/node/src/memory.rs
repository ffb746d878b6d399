//! Memory that JavaScript sees in place.

use crate::error::{self, Coded};
use napi::Env;
use napi::bindgen_prelude::ArrayBuffer;
use sgring_shm::Mapping;
use sgring_task::Desk;
use std::sync::Arc;

/// The whole desk as an ArrayBuffer that keeps it.
pub(crate) fn desk<'env>(env: &'env Env, desk: &Arc<Desk>) -> Result<ArrayBuffer<'env>, Coded> {
    // SAFETY: the desk's bytes live as long as the desk, which the buffer keeps.
    unsafe { external(env, desk.as_ptr(), desk.len(), Arc::clone(desk)) }
}

/// `len` bytes of a mapping as an ArrayBuffer that keeps it mapped.
pub(crate) fn part<'env>(
    env: &'env Env,
    memory: &Arc<Mapping>,
    offset: usize,
    len: usize,
) -> Result<ArrayBuffer<'env>, Coded> {
    if offset.checked_add(len).is_none_or(|end| end > memory.len()) {
        return Err(error::argument("beyond the segment"));
    }
    // SAFETY: within the mapping, checked above.
    let start = unsafe { memory.as_ptr().add(offset) };
    // SAFETY: the bytes stay mapped as long as the mapping lives, which the buffer keeps.
    unsafe { external(env, start, len, Arc::clone(memory)) }
}

/// An ArrayBuffer over `len` bytes at `start`.
///
/// # Safety
///
/// The bytes are valid as long as `keep` lives.
unsafe fn external<'env, T: 'static>(
    env: &'env Env,
    start: *mut u8,
    len: usize,
    keep: T,
) -> Result<ArrayBuffer<'env>, Coded> {
    // SAFETY: 1. valid as long as `keep`, which the finalizer drops. 2. No slice is made of it here.
    let buffer = unsafe { ArrayBuffer::from_external(env, start, len, keep, |_, keep| drop(keep)) };
    let buffer = buffer.map_err(error::napi)?;
    // Where V8 keeps its memory in a cage (Electron), napi-rs copies silently, and a copied ring is dead.
    if len > 0 && buffer.as_ptr() != start.cast_const() {
        let message =
            "this runtime allows no memory of its own outside its heap (Electron's memory cage)";
        return Err(Coded::new("UNSUPPORTED_PLATFORM", message.to_owned()));
    }
    Ok(buffer)
}
