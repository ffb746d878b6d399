//! One `napi_async_work` a command, as napi-rs's `AsyncTask` makes it: a promise from native code, settled when a thread of libuv's
//! pool has answered.

use crate::answer::{CDB_BYTES, status};
use napi::bindgen_prelude::{AsyncTask, Uint8ArraySlice};
use napi::{Env, Result, Task};
use napi_derive::napi;

/// A command on its way to the pool.
pub struct Work {
    cdb: [u8; CDB_BYTES],
}

impl Task for Work {
    type Output = u32;
    type JsValue = u32;

    fn compute(&mut self) -> Result<u32> {
        Ok(u32::from(status(&self.cdb)))
    }

    fn resolve(&mut self, _env: Env, status: u32) -> Result<u32> {
        Ok(status)
    }
}

/// Answers a command on a thread of the pool: a promise of its status.
#[napi]
pub fn work(cdb: Uint8ArraySlice<'_>) -> AsyncTask<Work> {
    let mut copy = [0; CDB_BYTES];
    let len = cdb.len().min(CDB_BYTES);
    copy[..len].copy_from_slice(&cdb[..len]);
    AsyncTask::new(Work { cdb: copy })
}

/// Asks which thread of the pool it is.
pub struct Thread;

impl Task for Thread {
    type Output = u32;
    type JsValue = u32;

    fn compute(&mut self) -> Result<u32> {
        // SAFETY: gettid has no preconditions.
        Ok(unsafe { libc::gettid() } as u32)
    }

    fn resolve(&mut self, _env: Env, thread: u32) -> Result<u32> {
        Ok(thread)
    }
}

/// A promise of the number of the pool's thread that did it.
#[napi]
pub fn work_thread() -> AsyncTask<Thread> {
    AsyncTask::new(Thread)
}
