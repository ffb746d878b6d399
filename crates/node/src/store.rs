//! Backings, and the threads that move their bytes.

use crate::error::{self, Coded};
use crate::memory;
use crate::number::whole;
use napi::Env;
use napi::bindgen_prelude::{Uint8Array, Unknown};
use napi_derive::napi;
use sgring_shm::{Mapping, bell_pair};
use sgring_store::{Access, Done, Durability, Errno, Job, Kind, Op, Pool, Span, Store, Zeros};
use sgring_task::{Desk, Direction, transfer};
use std::os::fd::{IntoRawFd, OwnedFd};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

/// A backing.
#[napi]
pub struct NativeStore {
    store: Option<Arc<Store>>,
}

/// Zeroed memory of `length` bytes.
#[napi(catch_unwind)]
pub fn memory_store(length: f64) -> Result<NativeStore, Coded> {
    let store = Store::memory(whole(length)?).map_err(error::store)?;
    Ok(NativeStore {
        store: Some(Arc::new(store)),
    })
}

/// A regular file or a block device. `create` makes a new sparse file of that many bytes, and fails if there is one.
#[napi(catch_unwind)]
pub fn file_store(
    path: String,
    read_only: bool,
    create: Option<f64>,
) -> Result<NativeStore, Coded> {
    let access = match create {
        Some(length) => Access::Create {
            len_bytes: whole(length)?,
        },
        None if read_only => Access::ReadOnly,
        None => Access::ReadWrite,
    };
    let store = Store::open(Path::new(&path), access).map_err(error::store)?;
    Ok(NativeStore {
        store: Some(Arc::new(store)),
    })
}

/// A regular file of this process's own, on tmpfs mapped (`Store::open_mapped`). There, at `intent` is, or is made, what makes a block of it whole
/// that a kill has torn; whoever calls this holds a lock for both.
#[napi(catch_unwind)]
pub fn mapped_store(path: String, intent: String) -> Result<NativeStore, Coded> {
    let store = Store::open_mapped(Path::new(&path), Path::new(&intent)).map_err(error::store)?;
    Ok(NativeStore {
        store: Some(Arc::new(store)),
    })
}

#[napi]
impl NativeStore {
    /// Bytes.
    #[napi(getter, catch_unwind)]
    pub fn length(&self) -> f64 {
        self.store
            .as_ref()
            .map_or(0.0, |store| store.len_bytes() as f64)
    }

    /// Gives a file another length. 0, or an errno. One caller at a time: it is JavaScript's thread.
    #[napi(catch_unwind)]
    pub fn resize(&self, length: f64) -> i32 {
        let resized = match (&self.store, whole(length)) {
            (None, _) => Err(Errno(libc::EBADF)),
            (_, Err(_)) => Err(Errno(libc::EINVAL)),
            (Some(store), Ok(length)) => store.resize(length),
        };
        resized.map_or_else(|Errno(errno)| errno, |()| 0)
    }

    /// Whether it refuses writes.
    #[napi(getter, catch_unwind)]
    pub fn read_only(&self) -> bool {
        self.store.as_ref().is_none_or(|store| store.read_only())
    }

    /// Lets go of the backing: it is closed once the pools that know it are.
    #[napi(catch_unwind)]
    pub fn close(&mut self) {
        self.store = None;
    }
}

/// Up to this length memory is copied where the command is found. Telling a thread, and being told, takes the event loop nearly as long, and the
/// initiator longer; where the CPUs are few, the thread has to wait for the loop's as well.
const INLINE_BYTES: usize = 1 << 20;
/// Longer transfers need no help: the processor sees by itself where they go.
const PREFETCH_BYTES: usize = 16 << 10;
const DONE_BYTES: usize = 12;
const VALUE_BYTES: usize = 8;
const DONE_LIST: usize = 256;

/// Threads that move bytes between backings and arenas.
#[napi]
pub struct IoPool {
    io: Arc<RwLock<Option<Io>>>,
    bell: Option<OwnedFd>,
    done: Arc<Desk>,
    values: Arc<Desk>,
    reaped: Vec<Done>,
}

/// What the pairs of a pool use of it; `None` once it is closed. The lock is there for its type: all of them belong to one thread.
///
/// Dropping it stops the pool, also where that is the end of a JavaScript environment, and no thread is waited for: one that is inside a
/// call to a device that hangs would hold that end up. What such a thread still uses is its own (`sgring_store::Job`), and napi-rs never
/// unloads this library.
pub(crate) struct Io {
    pool: Pool,
    /// By their numbers, which are never given again.
    stores: Vec<Option<Arc<Store>>>,
}

/// Starts `threads` threads.
#[napi(catch_unwind)]
pub fn io_pool(threads: u32) -> Result<IoPool, Coded> {
    let (bell, watched) = bell_pair().map_err(error::shm)?;
    let wake = move || {
        // One that cannot be rung is hung up, which its watcher sees: it looks by itself from then on.
        if !bell.ring() {
            bell.hang_up();
        }
    };
    let pool = Pool::start(threads as usize, wake)
        .map_err(|error| Coded::new("SYSTEM", error.to_string()))?;
    let io = Io {
        pool,
        stores: Vec::new(),
    };
    Ok(IoPool {
        io: Arc::new(RwLock::new(Some(io))),
        bell: Some(watched),
        done: Desk::new(DONE_LIST * DONE_BYTES),
        values: Desk::new(DONE_LIST * VALUE_BYTES),
        reaped: Vec::with_capacity(DONE_LIST),
    })
}

#[napi]
impl IoPool {
    /// Hands the bell over: the caller watches and closes it. `-1` the second time.
    #[napi(catch_unwind)]
    pub fn take_bell(&mut self) -> i32 {
        self.bell.take().map_or(-1, IntoRawFd::into_raw_fd)
    }

    /// Makes a backing known, and returns the number that transfers name it by.
    #[napi(catch_unwind)]
    pub fn add(&mut self, store: &NativeStore) -> Result<u32, Coded> {
        let store = store.store.as_ref().ok_or_else(error::closed)?;
        let mut io = self.io.write().unwrap_or_else(PoisonError::into_inner);
        let io = io.as_mut().ok_or_else(error::closed)?;
        io.stores.push(Some(Arc::clone(store)));
        Ok(io.stores.len() as u32 - 1)
    }

    /// Lets go of a backing: no transfer names it any more, and those that still run keep it until they are over.
    #[napi(catch_unwind)]
    pub fn remove(&mut self, number: u32) {
        let mut io = self.io.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = io
            .as_mut()
            .and_then(|io| io.stores.get_mut(number as usize))
        {
            *store = None;
        }
    }

    /// Starts an operation of no task: what `reap` calls `owner` and `name` when it is over. `pattern` is the data of one that fills.
    #[napi(catch_unwind)]
    #[allow(
        clippy::too_many_arguments,
        reason = "numbers, as everything that crosses here on the path of a command"
    )]
    pub fn begin(
        &mut self,
        owner: u32,
        name: u32,
        number: u32,
        op: u32,
        offset: f64,
        length: f64,
        pattern: Uint8Array,
    ) -> Result<(), Coded> {
        let io = self.io.read().unwrap_or_else(PoisonError::into_inner);
        let io = io.as_ref().ok_or_else(error::closed)?;
        let store = io.stores.get(number as usize).cloned().flatten();
        let store = store.ok_or_else(error::closed)?;
        let op = operation(op).filter(|op| !matches!(op, Op::Read));
        let op = op.ok_or_else(|| error::argument("no operation without a task"))?;
        let mut bytes = pattern.to_vec().into_boxed_slice();
        let spans = vec![Span {
            ptr: bytes.as_mut_ptr(),
            len: bytes.len(),
        }];
        let job = Job {
            token: u64::from(owner) << 32 | u64::from(name),
            store,
            op,
            offset: whole(offset)?,
            len: whole(length)?,
            spans,
            keep: Arc::new(bytes),
        };
        // SAFETY: the span is over `bytes`, which the job keeps, and nobody else has.
        unsafe { io.pool.submit([job]) };
        Ok(())
    }

    /// The list of transfers that are over: pair, slot and errno, each 32 bits.
    #[napi(catch_unwind)]
    pub fn desk<'env>(&self, env: &'env Env) -> Result<Unknown<'env>, Coded> {
        memory::desk(env, &self.done)
    }

    /// What each transfer of that list found out: 64 bits, in two words, the low one first.
    #[napi(catch_unwind)]
    pub fn values<'env>(&self, env: &'env Env) -> Result<Unknown<'env>, Coded> {
        memory::desk(env, &self.values)
    }

    /// Takes up to 256 transfers that are over to the list, and returns how many. To be called until it returns 0.
    #[napi(catch_unwind)]
    pub fn reap(&mut self) -> u32 {
        self.reaped.clear();
        if let Some(io) = &*self.io.read().unwrap_or_else(PoisonError::into_inner) {
            // What is left is asked for by the caller's next call.
            let _left = io.pool.reap(&mut self.reaped, DONE_LIST);
        }
        for (index, done) in self.reaped.iter().enumerate() {
            let at = index * DONE_BYTES;
            self.done.store(at, 0, (done.token >> 32) as u32);
            self.done.store(at, 1, done.token as u32);
            self.done.store(at, 2, done.errno as u32);
            self.values.store(index * VALUE_BYTES, 0, done.value as u32);
            self.values
                .store(index * VALUE_BYTES, 1, (done.value >> 32) as u32);
        }
        self.reaped.len() as u32
    }

    /// Has what waits fail with `ECANCELED`, what runs finish, and the threads end, the last of which lets go of the backings. Waits for
    /// nothing: the bell rings for each end, and for that of the last thread.
    #[napi(catch_unwind)]
    pub fn stop(&mut self) {
        if let Some(io) = &mut *self.io.write().unwrap_or_else(PoisonError::into_inner) {
            io.stop();
        }
    }

    /// Whether the threads of a stopped pool have ended: what is reaped then is the last.
    #[napi(catch_unwind)]
    pub fn ended(&self) -> bool {
        let io = self.io.read().unwrap_or_else(PoisonError::into_inner);
        io.as_ref().is_none_or(|io| io.pool.ended())
    }

    /// Stops it, and forgets what is not reaped. A thread that runs goes on with what is its own.
    #[napi(catch_unwind)]
    pub fn close(&mut self) {
        *self.io.write().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl IoPool {
    /// What a pair keeps of the pool.
    pub(crate) fn io(&self) -> Arc<RwLock<Option<Io>>> {
        Arc::clone(&self.io)
    }
}

/// A transfer as its list has it.
struct Ticket<'a> {
    slot: u32,
    store: &'a Arc<Store>,
    op: Op,
    direction: Option<Direction>,
    offset: u64,
    len: usize,
    /// Bytes of the task's data that it takes.
    data: u64,
}

impl Drop for Io {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Io {
    fn stop(&mut self) {
        self.pool
            .stop(self.stores.iter_mut().filter_map(Option::take));
    }

    /// Starts the first `count` transfers of `list`, whose errno words then say what became of them. How much of it is done at once is
    /// bounded by what one `fetch` takes.
    pub(crate) fn start(
        &self,
        pair: u32,
        list: &Desk,
        count: usize,
        memory: &Arc<Mapping>,
        fill: impl Fn(&mut Vec<Span>, u32, Direction, u64) -> Result<(), Coded>,
    ) {
        let mut jobs = Vec::new();
        let mut spans = Vec::new();
        let count = count.min(list.len() / transfer::BYTES);
        let mut next = self.ticket(list, 0);
        for index in 0..count {
            let ticket = next;
            next = self.ticket(list, (index + 1) % count * transfer::BYTES);
            if let Some(next) = next
                .as_ref()
                .filter(|next| matches!(next.op, Op::Read | Op::Write(_)))
            {
                // Of a large image, the next transfer's bytes are mostly in no cache, and its pages in no TLB: they come while this one's are copied.
                next.store
                    .prefetch(next.offset, next.len.min(PREFETCH_BYTES));
            }
            let filled = ticket.filter(|ticket| {
                spans.clear();
                let direction = ticket.direction;
                direction.is_none_or(|way| fill(&mut spans, ticket.slot, way, ticket.data).is_ok())
            });
            let errno = match filled {
                None => libc::EINVAL,
                Some(ticket) => match at_once(&ticket, &spans) {
                    Some(Ok(())) => 0,
                    Some(Err(Errno(errno))) => errno,
                    None => {
                        jobs.push(Job {
                            token: u64::from(pair) << 32 | u64::from(ticket.slot),
                            store: Arc::clone(ticket.store),
                            op: ticket.op,
                            offset: ticket.offset,
                            len: ticket.len as u64,
                            spans: std::mem::take(&mut spans),
                            keep: Arc::clone(memory) as _,
                        });
                        transfer::UNDER_WAY
                    }
                },
            };
            list.store(index * transfer::BYTES, transfer::ERRNO, errno as u32);
        }
        if !jobs.is_empty() {
            // SAFETY: the spans lie in `memory`, which stays mapped while the job keeps it.
            unsafe { self.pool.submit(jobs) };
        }
    }

    fn ticket(&self, list: &Desk, at: usize) -> Option<Ticket<'_>> {
        let code = list.load(at, transfer::OP);
        let op = operation(code)?;
        let direction = match code {
            transfer::READ => Some(Direction::In),
            transfer::WRITE | transfer::WRITE_FUA => Some(Direction::Out),
            transfer::COMPARE..=transfer::FILL_OR_RELEASE => Some(Direction::Out),
            _ => None,
        };
        let len = list.load(at, transfer::LEN);
        let data = match code {
            transfer::COMPARE..=transfer::FILL_OR_RELEASE => list.load(at, transfer::DATA),
            _ => len,
        };
        let low = list.load(at, transfer::OFFSET_LOW);
        let high = list.load(at, transfer::OFFSET_HIGH);
        Some(Ticket {
            slot: list.load(at, transfer::SLOT),
            store: self
                .stores
                .get(list.load(at, transfer::BACKING) as usize)?
                .as_ref()?,
            op,
            direction,
            offset: u64::from(low) | u64::from(high) << 32,
            len: len as usize,
            data: u64::from(data),
        })
    }
}

/// What an operation is called in a list of transfers.
fn operation(code: u32) -> Option<Op> {
    Some(match code {
        transfer::READ => Op::Read,
        transfer::WRITE => Op::Write(Durability::Cached),
        transfer::WRITE_FUA => Op::Write(Durability::Medium),
        transfer::FLUSH => Op::Flush,
        transfer::VERIFY => Op::Verify,
        transfer::LOAD => Op::Load,
        transfer::COMPARE => Op::Compare,
        transfer::COMPARE_AND_WRITE => Op::CompareAndWrite(Durability::Cached),
        transfer::COMPARE_AND_WRITE_FUA => Op::CompareAndWrite(Durability::Medium),
        transfer::OR_WRITE => Op::OrWrite(Durability::Cached),
        transfer::OR_WRITE_FUA => Op::OrWrite(Durability::Medium),
        transfer::FILL => Op::Fill(Zeros::Written),
        transfer::FILL_OR_RELEASE => Op::Fill(Zeros::Released),
        transfer::RELEASE => Op::Release,
        transfer::EXTENT => Op::Extent,
        _ => return None,
    })
}

/// Memory without waiting; `None` if it takes a thread.
fn at_once(ticket: &Ticket, spans: &[Span]) -> Option<Result<(), Errno>> {
    let &Ticket {
        store,
        op,
        offset,
        len,
        ..
    } = ticket;
    if len > INLINE_BYTES {
        return None;
    }
    match op {
        // SAFETY: the spans lie in a mapping that the caller holds.
        Op::Read => unsafe { store.try_read(offset, spans) },
        // SAFETY: as above.
        Op::Write(_) => unsafe { store.try_write(offset, spans) },
        Op::Flush if store.kind() == Kind::Memory => Some(store.flush()),
        _ => None,
    }
}
