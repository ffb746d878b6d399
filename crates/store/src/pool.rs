//! [`Pool`]: a fixed set of native threads that run transfers.
//!
//! ```text
//! submit ---> waiting ---> a thread ---> done ---> reap
//!                |                        |
//!                +---- stop --------------+- wake, when it was empty
//! ```
//!
//! **Nobody waits for a thread.** A device that hangs holds the thread that is inside its call, and nothing else: no thread is ever
//! joined. All that one uses is its own or shared with it, and outlives the pool as long as it runs.
//!
//! **No wake-up is lost.** A thread pushes its [`Done`] and looks whether the list was empty under one lock; [`Pool::reap`]
//! takes from the list under the same lock, and says what it left. So at any time each entry of the list is either
//! behind one whose pusher found the list empty, and calls `wake` *after* the push, or was counted in the `left` of
//! the last `reap`. A caller that reaps after each wake and again while something is left thus sees every entry.
//! Two rules are the caller's: a bell is silenced *before* reaping (afterwards, a ring for an entry that came
//! between is lost), and a wake with nothing to reap is borne (another reap, between push and wake, took the entry).

use crate::error::Errno;
use crate::operations::{Extent, Zeros};
use crate::span::Span;
use crate::store::{Durability, Store};
use sgring_sync::{Condvar, Mutex};
use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::thread;

/// One transfer or flush.
pub struct Job {
    /// The caller's name for it, which comes back in [`Done`].
    pub token: u64,
    /// The store that it is for.
    pub store: Arc<Store>,
    /// What to do.
    pub op: Op,
    /// Where in the store it starts, in bytes.
    pub offset: u64,
    /// How many bytes of the store it is about, where its spans do not say that.
    pub len: u64,
    /// The memory that it fills or takes, in order, if any.
    pub spans: Vec<Span>,
    /// What keeps the spans mapped. It is dropped before the [`Done`] can be had: on a thread of the pool, or, of a job that never
    /// started, on the thread that stops or drops the pool, or gives the job to a stopped one.
    pub keep: Arc<dyn Any + Send + Sync>,
}

/// What a [`Job`] does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// [`Store::read`].
    Read,
    /// [`Store::write`].
    Write(Durability),
    /// [`Store::flush`]. It covers the writes whose `Done` was there when it was submitted; jobs run in any order.
    Flush,
    /// [`Store::verify`].
    Verify,
    /// [`Store::load`].
    Load,
    /// [`Store::compare`]: its value is what that returns.
    Compare,
    /// [`Store::compare_and_write`]: its value is what that returns.
    CompareAndWrite(Durability),
    /// [`Store::or_write`].
    OrWrite(Durability),
    /// [`Store::fill`].
    Fill(Zeros),
    /// [`Store::release`].
    Release,
    /// [`Store::extent`]: its value is [`Extent::packed`].
    Extent,
}

/// The end of a [`Job`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    /// The job's.
    pub token: u64,
    /// 0, or why it failed. `ECANCELED`: the pool was stopped before it started.
    pub errno: i32,
    /// What it found out, where it is one to ask: else 0.
    pub value: u64,
}

/// A fixed set of native threads. Each submitted job ends in exactly one [`Done`], from [`Pool::reap`].
///
/// Dropping a pool stops it.
pub struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    queue: Mutex<Queue>,
    /// Told when `queue` gets jobs, or is stopped.
    changed: Condvar,
    done: Mutex<VecDeque<Done>>,
    wake: Box<dyn Fn() + Send + Sync>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Job>,
    idle_threads: usize,
    /// Those that have not ended.
    threads: usize,
    stopped: bool,
    /// What the last thread lets go of.
    stores: Vec<Arc<Store>>,
}

impl Pool {
    /// Starts `threads` threads.
    ///
    /// `wake` is called when there is something to reap and was nothing before, and when the last thread has ended: on a thread of the
    /// pool, or on one that stops it. It must neither block nor panic.
    ///
    /// # Errors
    ///
    /// `InvalidInput` if `threads` is 0; else why a thread could not be started. Those before it then end by themselves.
    pub fn start(threads: usize, wake: impl Fn() + Send + Sync + 'static) -> io::Result<Self> {
        if threads == 0 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a pool needs a thread",
            ));
        }
        let shared = Arc::new(Shared {
            queue: Mutex::new(Queue {
                threads,
                ..Queue::default()
            }),
            changed: Condvar::default(),
            done: Mutex::default(),
            wake: Box::new(wake),
        });
        let pool = Self { shared };
        for n in 0..threads {
            let shared = Arc::clone(&pool.shared);
            let name = format!("sgring-store-{n}");
            // On an error, dropping the pool stops those that run.
            thread::Builder::new()
                .name(name)
                .spawn(move || shared.work())?;
        }
        Ok(pool)
    }

    /// Queues jobs, under one lock a batch. A stopped pool cancels them.
    ///
    /// # Safety
    ///
    /// Each job's spans are as [`Store::read`] or [`Store::write`] needs them, for as long as its `keep` lives.
    pub unsafe fn submit(&self, jobs: impl IntoIterator<Item = Job>) {
        let mut queue = self.shared.queue.lock();
        if queue.stopped {
            drop(queue);
            return self.shared.cancel(jobs);
        }
        queue.waiting.extend(jobs);
        let wanted = queue.waiting.len().min(queue.idle_threads);
        drop(queue);
        for _ in 0..wanted {
            self.shared.changed.notify_one();
        }
    }

    /// Moves up to `max` ends to `into`, the oldest first, and says how many are left. There is no wake for these:
    /// if it is not 0, the caller comes again.
    #[must_use = "there is no wake for what is left"]
    pub fn reap(&self, into: &mut Vec<Done>, max: usize) -> usize {
        let mut done = self.shared.done.lock();
        let count = max.min(done.len());
        into.extend(done.drain(..count));
        done.len()
    }

    /// Cancels the jobs that wait, lets those that run finish, and has the threads end. It waits for nothing: ends are reaped as ever,
    /// and [`Pool::ended`] says when there will be no more.
    ///
    /// `stores` are let go of by the last thread: closing a file or device may take as long as it takes to write what was cached of it.
    /// A stopped pool that is stopped again takes them, too.
    pub fn stop(&self, stores: impl IntoIterator<Item = Arc<Store>>) {
        let waiting = {
            let mut queue = self.shared.queue.lock();
            queue.stopped = true;
            queue.stores.extend(stores);
            std::mem::take(&mut queue.waiting)
        };
        self.shared.changed.notify_all();
        self.shared.cancel(waiting);
    }

    /// Whether every thread has ended: what is reaped from now on is the last.
    pub fn ended(&self) -> bool {
        self.shared.queue.lock().threads == 0
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.stop([]);
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("ended", &self.ended())
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// What a thread does until the pool is stopped.
    fn work(&self) {
        while let Some(job) = self.next() {
            let result = job.run();
            self.end(job, result);
        }
        self.leave();
    }

    /// The last thread takes what is left with it.
    fn leave(&self) {
        let mut queue = self.queue.lock();
        if queue.threads > 1 {
            queue.threads -= 1;
            return;
        }
        let stores = std::mem::take(&mut queue.stores);
        drop(queue);
        drop(stores);
        self.queue.lock().threads = 0;
        (self.wake)();
    }

    /// Waits for a job; `None` when the pool is stopped.
    fn next(&self) -> Option<Job> {
        let mut queue = self.queue.lock();
        loop {
            if queue.stopped {
                return None;
            }
            if let Some(job) = queue.waiting.pop_front() {
                return Some(job);
            }
            queue.idle_threads += 1;
            queue = self.changed.wait(queue);
            queue.idle_threads -= 1;
        }
    }

    fn cancel(&self, jobs: impl IntoIterator<Item = Job>) {
        for job in jobs {
            self.end(job, Err(Errno(libc::ECANCELED)));
        }
    }

    /// Lets go of what the job kept, then tells its end.
    fn end(&self, job: Job, result: Result<u64, Errno>) {
        let token = job.token;
        drop(job);
        let (errno, value) = match result {
            Ok(value) => (0, value),
            Err(Errno(errno)) => (errno, 0),
        };
        let mut done = self.done.lock();
        done.push_back(Done {
            token,
            errno,
            value,
        });
        let first = done.len() == 1;
        drop(done);
        if first {
            (self.wake)();
        }
    }
}

impl Job {
    /// What it found out, or 0.
    fn run(&self) -> Result<u64, Errno> {
        let Self {
            store,
            offset,
            len,
            spans,
            ..
        } = self;
        let (offset, len) = (*offset, *len);
        let done = match self.op {
            // SAFETY: `submit`'s caller promised it while `keep` lives, which is as long as `self`.
            Op::Read => unsafe { store.read(offset, spans) },
            // SAFETY: as above.
            Op::Write(durability) => unsafe { store.write(offset, spans, durability) },
            Op::Flush => store.flush(),
            Op::Verify => store.verify(offset, len),
            Op::Load => store.load(offset, len),
            // SAFETY: as above.
            Op::Compare => return unsafe { store.compare(offset, len, spans) },
            Op::CompareAndWrite(durability) => {
                // SAFETY: as above.
                return unsafe { store.compare_and_write(offset, spans, durability) };
            }
            // SAFETY: as above.
            Op::OrWrite(durability) => unsafe { store.or_write(offset, spans, durability) },
            // SAFETY: as above.
            Op::Fill(zeros) => unsafe { store.fill(offset, len, spans, zeros) },
            Op::Release => store.release(offset, len),
            Op::Extent => return store.extent(offset).map(Extent::packed),
        };
        done.map(|()| 0)
    }
}
