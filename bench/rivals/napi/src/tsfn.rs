//! A queue to a thread that answers, and one call of a thread-safe function for each completion.
//!
//! What one would do for speed is done: commands go through a lock-free queue (`rtrb`) to a thread that looks for a while before it
//! sleeps, and is woken only when it sleeps; a completion is one word, carried where a pointer would be, so nothing is allocated for it;
//! the function is made without napi-rs, whose own allocates for each call.

use crate::answer::{CDB_BYTES, status};
use core::cell::RefCell;
use core::ffi::c_void;
use core::ptr;
use napi::bindgen_prelude::{Function, JsValue, Uint8ArraySlice};
use napi::{Env, Error, Result, sys};
use napi_derive::napi;
use rtrb::{Consumer, Producer, RingBuffer};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// As long as the ring's sides do it.
const SPIN: Duration = Duration::from_micros(100);
const QUEUE: usize = 1024;

struct Request {
    tag: u32,
    cdb: [u8; CDB_BYTES],
}

/// Whether the thread sleeps, or must end.
#[derive(Default)]
struct Flags {
    asleep: AtomicBool,
    ended: AtomicBool,
}

/// A thread that answers commands.
#[napi]
pub struct Answering {
    requests: Option<Producer<Request>>,
    flags: Arc<Flags>,
    thread: Option<JoinHandle<()>>,
}

#[napi]
impl Answering {
    /// Starts the thread. `completed` is called with `tag | status << 24` for each command.
    #[napi(constructor)]
    pub fn new(env: Env, completed: Function<'_, u32, ()>) -> Result<Self> {
        let (requests, queue) = RingBuffer::new(QUEUE);
        let completions = Completions::new(env, &completed)?;
        let flags = Arc::<Flags>::default();
        let theirs = Arc::clone(&flags);
        let thread = thread::Builder::new()
            .name("rival-tsfn".into())
            .spawn(move || answer_all(queue, &theirs, &completions))
            .map_err(|error| Error::from_reason(error.to_string()))?;
        Ok(Self {
            requests: Some(requests),
            flags,
            thread: Some(thread),
        })
    }

    /// What sends a command, whose tag is below 2^24: a function of its own, as the package's, for a method's call takes several times as
    /// long. To be had once.
    #[napi]
    pub fn submitter<'env>(
        &mut self,
        env: &'env Env,
    ) -> Result<Function<'env, (u32, Uint8ArraySlice<'env>), ()>> {
        let requests = self.requests.take();
        let requests = RefCell::new(requests.ok_or_else(|| Error::from_reason("taken"))?);
        let flags = Arc::clone(&self.flags);
        let thread = self.thread.as_ref().map(|thread| thread.thread().clone());
        env.create_function_from_closure("submit", move |context| {
            let (tag, cdb): (u32, Uint8ArraySlice<'_>) = context.args()?;
            let mut request = Request {
                tag,
                cdb: [0; CDB_BYTES],
            };
            let len = cdb.len().min(CDB_BYTES);
            request.cdb[..len].copy_from_slice(&cdb[..len]);
            let sent = requests.borrow_mut().push(request);
            sent.map_err(|_| Error::from_reason("the queue is full"))?;
            // Behind what was pushed, as the other side looks again behind saying that it sleeps.
            std::sync::atomic::fence(SeqCst);
            if flags.asleep.load(SeqCst)
                && let Some(thread) = &thread
            {
                thread.unpark();
            }
            Ok(())
        })
    }

    /// Ends the thread, and waits for it.
    #[napi]
    pub fn close(&mut self) {
        self.flags.ended.store(true, SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _panicked = thread.join();
        }
    }
}

fn answer_all(mut queue: Consumer<Request>, flags: &Flags, completions: &Completions) {
    let mut found_last = Instant::now();
    while !flags.ended.load(SeqCst) {
        while let Ok(Request { tag, cdb }) = queue.pop() {
            completions.call(tag | u32::from(status(&cdb)) << 24);
            found_last = Instant::now();
        }
        if found_last.elapsed() < SPIN {
            continue;
        }
        flags.asleep.store(true, SeqCst);
        std::sync::atomic::fence(SeqCst);
        if queue.is_empty() && !flags.ended.load(SeqCst) {
            thread::park();
        }
        flags.asleep.store(false, SeqCst);
    }
}

/// The thread-safe function. Its thread ends before it, for it owns it.
struct Completions(sys::napi_threadsafe_function);

// SAFETY: a thread-safe function is made to be called by other threads (Node-API), and its last user releases it.
unsafe impl Send for Completions {}

impl Completions {
    fn new(env: Env, completed: &Function<'_, u32, ()>) -> Result<Self> {
        let mut name = ptr::null_mut();
        // SAFETY: the text is readable for its length, and `name` is writable.
        let made = unsafe {
            sys::napi_create_string_utf8(env.raw(), c"completed".as_ptr(), 9, &raw mut name)
        };
        napi::check_status!(made)?;
        let mut function = ptr::null_mut();
        // SAFETY: 1. The function and the name are values of this environment and scope. 2. There is no context, and no finalizer.
        // 3. `function` is writable.
        let made = unsafe {
            sys::napi_create_threadsafe_function(
                env.raw(),
                completed.raw(),
                ptr::null_mut(),
                name,
                0,
                1,
                ptr::null_mut(),
                None,
                ptr::null_mut(),
                Some(call_js),
                &raw mut function,
            )
        };
        napi::check_status!(made)?;
        Ok(Self(function))
    }

    fn call(&self, word: u32) {
        let data = ptr::without_provenance_mut::<c_void>(word as usize);
        // SAFETY: the function lives until it is released, below. The word travels where a pointer would: `call_js` makes none of it.
        // A queue that is closing has nobody left who would hear of it.
        let _closing = unsafe {
            sys::napi_call_threadsafe_function(
                self.0,
                data,
                sys::ThreadsafeFunctionCallMode::nonblocking,
            )
        };
    }
}

impl Drop for Completions {
    fn drop(&mut self) {
        // SAFETY: released once, by the one thread that has it.
        unsafe {
            sys::napi_release_threadsafe_function(
                self.0,
                sys::ThreadsafeFunctionReleaseMode::release,
            )
        };
    }
}

/// On JavaScript's thread, for each completion.
unsafe extern "C" fn call_js(
    env: sys::napi_env,
    completed: sys::napi_value,
    _context: *mut c_void,
    data: *mut c_void,
) {
    if env.is_null() || completed.is_null() {
        return;
    }
    let (mut word, mut this) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: Node calls this with an environment and a scope; `word` is writable.
    unsafe { sys::napi_create_uint32(env, data.addr() as u32, &raw mut word) };
    // SAFETY: as above.
    unsafe { sys::napi_get_undefined(env, &raw mut this) };
    // SAFETY: three values of this scope, one argument, and no result wanted.
    unsafe { sys::napi_call_function(env, this, completed, 1, &raw const word, ptr::null_mut()) };
}
