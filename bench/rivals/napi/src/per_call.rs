//! The package's own ring, of which JavaScript sees nothing: one call submits a command, and one call takes a completion.

use crate::answer::CDB_BYTES;
use core::cell::RefCell;
use core::mem::offset_of;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use napi::bindgen_prelude::{Function, Uint8ArraySlice};
use napi::{Env, Error, Result};
use napi_derive::napi;
use sgring_shm::handshake::{Hello, PROTOCOL_VERSION, RECORD_BYTES, Welcome};
use sgring_shm::socket::{connect, receive_with_descriptor, send_with_descriptor};
use sgring_shm::{Bell, Mapping, memfd};
use sgring_task::{Geometry, Initiator, SLOT_BYTES, Slot};
use std::fmt::Display;
use std::os::fd::{AsFd, AsRawFd, IntoRawFd, OwnedFd};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

const ARENA_BYTES: u32 = 4096;
const EPOCH: u32 = 1;
const WELCOME_MS: i32 = 5000;

/// The initiator's end of a pair, with a native target.
#[napi]
pub struct PerCall {
    pair: Rc<RefCell<Pair>>,
    socket: Option<OwnedFd>,
}

/// Functions of their own, as the package's: a method's call takes several times as long.
#[napi(object, object_from_js = false)]
pub struct PerCallFunctions<'env> {
    /// Writes a command without data to a slot, and publishes it.
    pub submit: Function<'env, (u32, u32, Uint8ArraySlice<'env>), ()>,
    /// The next completion, `slot | status << 16 | flags << 24`; -1 if there is none, and then the next one rings if the argument says so.
    pub reap: Function<'env, bool, i64>,
}

struct Pair {
    pair: Initiator,
    slots_offset: usize,
    slots: u32,
    /// Of the last reap's completions: how many there are, and how many of them were taken.
    reaped: usize,
    taken: usize,
}

#[napi]
impl PerCall {
    /// Connects, and waits for the welcome.
    #[napi(constructor)]
    pub fn new(path: String, slots: u32) -> Result<Self> {
        let geometry = Geometry::new(slots, ARENA_BYTES)
            .ok_or_else(|| failed("slots are beyond their limits"))?;
        let len = geometry.segment_bytes() as u64;
        let segment = memfd::create(len).map_err(failed)?;
        let memory = Mapping::map(segment.as_fd(), len).map_err(failed)?;
        let socket = connect(Path::new(&path)).map_err(failed)?;
        let bell = Bell::new(socket.as_fd()).map_err(failed)?;
        let pair = Initiator::new(Arc::new(memory), geometry, 0, EPOCH, bell);
        let hello = Hello {
            version: PROTOCOL_VERSION,
            slots,
            required_features: 0,
            arena_bytes: ARENA_BYTES,
            epoch: EPOCH,
            token: [0; 16],
            returning: None,
        };
        send_with_descriptor(socket.as_fd(), &hello.encode(), segment.as_fd()).map_err(failed)?;
        welcomed(&socket)?;
        let pair = Pair {
            pair,
            slots_offset: geometry.slots_offset(),
            slots,
            reaped: 0,
            taken: 0,
        };
        Ok(Self {
            pair: Rc::new(RefCell::new(pair)),
            socket: Some(socket),
        })
    }

    /// Hands the bell over, which the caller watches and closes. `-1` the second time.
    #[napi]
    pub fn take_socket(&mut self) -> i32 {
        self.socket.take().map_or(-1, IntoRawFd::into_raw_fd)
    }

    /// A call for each command, and one for each completion.
    #[napi]
    pub fn functions<'env>(&self, env: &'env Env) -> Result<PerCallFunctions<'env>> {
        let (submitting, reaping) = (Rc::clone(&self.pair), Rc::clone(&self.pair));
        Ok(PerCallFunctions {
            submit: env.create_function_from_closure("submit", move |context| {
                let (slot, tag, cdb): (u32, u32, Uint8ArraySlice<'_>) = context.args()?;
                submitting.borrow_mut().submit(slot, tag, &cdb)
            })?,
            reap: env.create_function_from_closure("reap", move |context| {
                reaping.borrow_mut().reap(context.first_arg()?)
            })?,
        })
    }
}

impl Pair {
    fn submit(&mut self, slot: u32, tag: u32, cdb: &[u8]) -> Result<()> {
        if slot >= self.slots {
            return Err(failed("no such slot"));
        }
        let len = cdb.len().min(CDB_BYTES);
        let mut bytes = [0; CDB_BYTES];
        bytes[..len].copy_from_slice(&cdb[..len]);
        self.store(slot, offset_of!(Slot, tag), u64::from(tag));
        self.store(slot, offset_of!(Slot, cdb_len), len as u64);
        let (words, _) = bytes.as_chunks::<8>();
        for (index, &word) in words.iter().enumerate() {
            let at = offset_of!(Slot, cdb) + 8 * index;
            self.store(slot, at, u64::from_le_bytes(word));
        }
        self.pair.desk().store(0, 0, slot);
        self.pair
            .submit(1)
            .map_err(|violation| failed(format!("submit: {violation:?}")))
    }

    fn reap(&mut self, arm: bool) -> Result<i64> {
        if self.taken == self.reaped {
            let reaped = self.pair.reap(arm);
            self.reaped = reaped.map_err(|violation| failed(format!("reap: {violation:?}")))?;
            self.taken = 0;
            if self.reaped == 0 {
                return Ok(-1);
            }
        }
        let word = self.pair.desk().load(4 * self.slots as usize, self.taken);
        self.taken += 1;
        Ok(i64::from(word))
    }

    fn store(&self, slot: u32, at: usize, value: u64) {
        let at = self.slots_offset + slot as usize * SLOT_BYTES + at;
        // SAFETY: `submit` has looked at the slot, whose bytes lie in the mapping.
        let word = unsafe { self.pair.memory().as_ptr().add(at) };
        // SAFETY: 1. A slot's words are aligned. 2. They are mapped as long as the pair lives. 3. They are accessed through atomics only.
        let word = unsafe { AtomicU64::from_ptr(word.cast()) };
        word.store(value, Relaxed);
    }
}

/// Waits for the target's answer, which must be a welcome.
fn welcomed(socket: &OwnedFd) -> Result<()> {
    let mut polled = libc::pollfd {
        fd: socket.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: one entry, which is writable.
    unsafe { libc::poll(&raw mut polled, 1, WELCOME_MS) };
    let mut record = [0; RECORD_BYTES];
    let received = receive_with_descriptor(socket.as_fd(), &mut record).map_err(failed)?;
    if received.len < RECORD_BYTES || Welcome::decode(&record).map_err(failed)?.code != 0 {
        return Err(failed("the target refused"));
    }
    Ok(())
}

fn failed(error: impl Display) -> Error {
    Error::from_reason(error.to_string())
}
