//! Memory that JavaScript sees in place.

use crate::error::{self, Coded};
use core::ffi::c_void;
use core::ptr;
use napi::bindgen_prelude::{FromNapiValue, JsValue, Unknown};
use napi::{Env, sys};
use napi_derive::napi;
use sgring_shm::{FileLock, KeptFile, Mapping};
use sgring_task::Desk;
use std::path::Path;
use std::sync::Arc;

/// The whole desk as an ArrayBuffer that keeps it.
pub(crate) fn desk<'env>(env: &'env Env, desk: &Arc<Desk>) -> Result<Unknown<'env>, Coded> {
    // SAFETY: the desk's bytes live as long as the desk, which the buffer keeps.
    unsafe { external(env, desk.as_ptr(), desk.len(), Arc::clone(desk)) }
}

/// A whole private file as an ArrayBuffer that keeps it mapped.
pub(crate) fn kept<'env>(env: &'env Env, file: &Arc<KeptFile>) -> Result<Unknown<'env>, Coded> {
    // SAFETY: the bytes stay mapped as long as the file is held, which the buffer does.
    unsafe { external(env, file.as_ptr(), file.len(), Arc::clone(file)) }
}

/// The file at `path`, of `len` bytes, as an ArrayBuffer that keeps it mapped: what is stored there outlives the process. Made, all zero, if it
/// is not there, or only a part of it. Whoever calls this holds a lock for the path that nobody else has.
#[napi(catch_unwind)]
pub fn kept_file(env: &Env, path: String, len: u32) -> Result<Unknown<'_>, Coded> {
    let file = KeptFile::obtain(Path::new(&path), len as usize).map_err(error::shm)?;
    kept(env, &Arc::new(file))
}

/// A file that is locked until `release`, or the end of the process.
#[napi]
pub struct KeptLock(Option<FileLock>);

/// Takes the lock of a file, and makes that if it is not there; `ADDRESS_IN_USE` while somebody has it.
#[napi(catch_unwind)]
pub fn kept_lock(path: String) -> Result<KeptLock, Coded> {
    let lock = FileLock::take(Path::new(&path)).map_err(error::shm)?;
    Ok(KeptLock(Some(lock)))
}

#[napi]
impl KeptLock {
    /// Anybody may have it.
    #[napi(catch_unwind)]
    pub fn release(&mut self) {
        self.0 = None;
    }
}

/// `len` bytes of a mapping as an ArrayBuffer that keeps it mapped.
pub(crate) fn part<'env>(
    env: &'env Env,
    memory: &Arc<Mapping>,
    offset: usize,
    len: usize,
) -> Result<Unknown<'env>, Coded> {
    if offset.checked_add(len).is_none_or(|end| end > memory.len()) {
        return Err(error::argument("beyond the segment"));
    }
    // SAFETY: within the mapping, checked above.
    let start = unsafe { memory.as_ptr().add(offset) };
    // SAFETY: the bytes stay mapped as long as the mapping lives, which the buffer keeps.
    unsafe { external(env, start, len, Arc::clone(memory)) }
}

/// An ArrayBuffer over `len` bytes at `start`. Made without napi-rs, whose type for it holds a slice: these bytes are shared.
///
/// # Safety
///
/// The bytes are valid as long as `keep` lives.
unsafe fn external<'env, T: 'static>(
    env: &'env Env,
    start: *mut u8,
    len: usize,
    keep: T,
) -> Result<Unknown<'env>, Coded> {
    let keep = Box::into_raw(Box::new(keep));
    let mut buffer = ptr::null_mut();
    // SAFETY: 1. The bytes are valid as long as `keep`, which the finalizer drops, and nobody else. 2. `buffer` is writable.
    let status = unsafe {
        sys::napi_create_external_arraybuffer(
            env.raw(),
            start.cast(),
            len,
            Some(finalize::<T>),
            keep.cast(),
            &raw mut buffer,
        )
    };
    if status != sys::Status::napi_ok {
        // SAFETY: made above, and no finalizer was taken.
        drop(unsafe { Box::from_raw(keep) });
        // Where V8 keeps its memory in a cage (Electron) there are no such buffers, and a copied ring would be dead.
        let (code, what) = match status {
            sys::Status::napi_no_external_buffers_allowed => (
                "UNSUPPORTED_PLATFORM",
                "this runtime allows no memory outside its heap (Electron's memory cage)"
                    .to_owned(),
            ),
            _ => (
                "SYSTEM",
                format!("napi_create_external_arraybuffer: status {status}"),
            ),
        };
        return Err(Coded::new(code, what));
    }
    // SAFETY: a value of this environment and scope, made above.
    unsafe { Unknown::from_napi_value(env.raw(), buffer) }.map_err(error::napi)
}

/// Called once, when the buffer was detached or collected.
extern "C" fn finalize<T>(_env: sys::napi_env, _data: *mut c_void, keep: *mut c_void) {
    // SAFETY: `external` handed this box over, and Node calls once.
    drop(unsafe { Box::from_raw(keep.cast::<T>()) });
}

/// Detaches a buffer that `external` made.
pub(crate) fn detach(env: &Env, buffer: Unknown<'_>) -> Result<(), Coded> {
    // SAFETY: a value of this environment; one that is no ArrayBuffer is an error status.
    match unsafe { sys::napi_detach_arraybuffer(env.raw(), buffer.raw()) } {
        sys::Status::napi_ok => Ok(()),
        status => Err(Coded::new(
            "SYSTEM",
            format!("napi_detach_arraybuffer: status {status}"),
        )),
    }
}
