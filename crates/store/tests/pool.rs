//! Every job ends once, every end is told, and stopping leaves nothing out.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use common::{Directory, create, read_vec};
use sgring_store::{Access, Done, Durability, Errno, Job, Op, Pool, Span, Store, StoreError};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

/// Long enough for any machine; only a hang reaches it.
const DEADLINE: Duration = Duration::from_secs(60);

/// A bell as an event loop has one: bytes on a socket, of which any number are one ring.
struct Bell {
    rope: UnixStream,
    mouth: UnixStream,
}

impl Bell {
    fn new() -> Arc<Self> {
        let (rope, mouth) = UnixStream::pair().unwrap();
        rope.set_nonblocking(true).unwrap();
        mouth.set_read_timeout(Some(DEADLINE)).unwrap();
        Arc::new(Self { rope, mouth })
    }

    /// A socket that is full rings already.
    fn ring(&self) {
        let _ = (&self.rope).write(&[1]);
    }

    /// Waits until it rings, and silences it.
    fn wait(&self) {
        let heard = (&self.mouth).read(&mut [0; 64]);
        assert!(heard.is_ok(), "a wake-up was lost: {heard:?}");
    }
}

fn start(threads: usize) -> (Pool, Arc<Bell>) {
    let bell = Bell::new();
    let ringer = Arc::clone(&bell);
    (Pool::start(threads, move || ringer.ring()).unwrap(), bell)
}

/// A job whose buffer is its own, kept by itself.
/// The end of a job that finds nothing out.
fn ended(token: u64, errno: i32) -> Done {
    Done {
        token,
        errno,
        value: 0,
    }
}

fn job(store: &Arc<Store>, token: u64, op: Op, offset: u64, bytes: Vec<u8>) -> Job {
    let mut bytes = bytes.into_boxed_slice();
    let spans = vec![Span {
        ptr: bytes.as_mut_ptr(),
        len: bytes.len(),
    }];
    Job {
        token,
        store: Arc::clone(store),
        op,
        offset,
        len: 0,
        spans,
        keep: Arc::new(bytes),
    }
}

fn submit(pool: &Pool, jobs: impl IntoIterator<Item = Job>) {
    // SAFETY: `keep` of each job owns the bytes that its spans cover, and nobody else uses them.
    unsafe { pool.submit(jobs) };
}

/// Reaps as an event loop does, until `count` ends are there.
fn reap(pool: &Pool, bell: &Bell, count: usize, max: usize) -> Vec<Done> {
    let mut done = Vec::new();
    while done.len() < count {
        bell.wait();
        while pool.reap(&mut done, max) > 0 {}
    }
    done
}

/// Stops a pool, waits until its threads have ended, and reaps what is left.
fn stop(pool: &Pool, bell: &Bell) -> Vec<Done> {
    pool.stop([]);
    while !pool.ended() {
        bell.wait();
    }
    let mut done = Vec::new();
    while pool.reap(&mut done, 7) > 0 {}
    done
}

#[test]
fn thousands_of_jobs_all_come_back_once() {
    const JOBS: u64 = 20_000;
    let store = Arc::new(Store::memory(JOBS * 512).unwrap());
    let (pool, bell) = start(3);
    let write = |token: u64| {
        job(
            &store,
            token,
            Op::Write(Durability::Cached),
            token * 512,
            vec![token as u8; 512],
        )
    };
    for first in (0..JOBS).step_by(50) {
        submit(&pool, (first..first + 50).map(write));
    }
    let mut tokens: Vec<u64> = reap(&pool, &bell, JOBS as usize, 7)
        .into_iter()
        .map(|Done { token, errno, .. }| {
            assert_eq!(errno, 0);
            token
        })
        .collect();
    tokens.sort_unstable();
    assert!(tokens.into_iter().eq(0..JOBS));
    assert_eq!(stop(&pool, &bell), []);
    let bytes = read_vec(&store, 0, JOBS as usize * 512).unwrap();
    assert!(
        bytes
            .chunks_exact(512)
            .zip(0..JOBS)
            .all(|(block, n)| block == [n as u8; 512])
    );
}

/// One job at a time is the sharpest case: each end finds an empty list, and each must ring.
#[test]
fn each_end_of_a_lone_job_is_told() {
    let store = Arc::new(Store::memory(4096).unwrap());
    let (pool, bell) = start(2);
    for token in 0..5_000 {
        submit(&pool, [job(&store, token, Op::Read, 0, vec![0; 512])]);
        assert_eq!(reap(&pool, &bell, 1, 64), [ended(token, 0)]);
    }
}

#[test]
fn an_errno_comes_back_and_the_pool_goes_on() {
    let directory = Directory::new();
    let path = directory.join("image");
    let store = Arc::new(create(&path, 8192));
    std::fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(4096)
        .unwrap();
    let (pool, bell) = start(1);
    submit(
        &pool,
        [
            job(&store, 1, Op::Read, 4096, vec![0; 512]),
            job(&store, 2, Op::Write(Durability::Medium), 4096, vec![0; 512]),
            job(&store, 3, Op::Read, 8192, vec![0; 512]),
            job(&store, 4, Op::Write(Durability::Medium), 0, vec![1; 512]),
            job(&store, 5, Op::Flush, 0, vec![]),
        ],
    );
    let errnos: Vec<_> = reap(&pool, &bell, 5, 64)
        .iter()
        .map(|done| done.errno)
        .collect();
    assert_eq!(errnos, [libc::EIO, libc::EIO, libc::EINVAL, 0, 0]);
}

/// Something kept by a job, which rings when it is let go.
struct Kept(Arc<Bell>);

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.ring();
    }
}

/// A job that does nothing but to keep that.
fn keeper(store: &Arc<Store>, token: u64, bell: &Arc<Bell>) -> Job {
    keeping(store, token, Kept(Arc::clone(bell)))
}

fn keeping(store: &Arc<Store>, token: u64, keep: impl Send + Sync + 'static) -> Job {
    Job {
        token,
        store: Arc::clone(store),
        op: Op::Flush,
        offset: 0,
        len: 0,
        spans: vec![],
        keep: Arc::new(keep),
    }
}

/// What holds the thread of its job, as a device does that hangs.
struct Hung {
    began: Arc<Bell>,
    goes_on: Arc<Bell>,
}

impl Hung {
    fn new() -> (Self, Arc<Bell>, Arc<Bell>) {
        let (began, goes_on) = (Bell::new(), Bell::new());
        let hung = Self {
            began: Arc::clone(&began),
            goes_on: Arc::clone(&goes_on),
        };
        (hung, began, goes_on)
    }
}

impl Drop for Hung {
    fn drop(&mut self) {
        self.began.ring();
        self.goes_on.wait();
    }
}

#[test]
fn stopping_cancels_what_waits_and_does_not_wait_for_what_runs() {
    let store = Arc::new(Store::memory(4096).unwrap());
    let (pool, bell) = start(1);
    let (hung, began, goes_on) = Hung::new();
    submit(&pool, [keeping(&store, 0, hung)]);
    began.wait();
    let flush = |token| job(&store, token, Op::Flush, 0, vec![]);
    submit(&pool, (1..=100).map(flush));
    pool.stop([]);
    submit(&pool, [flush(101)]);
    let canceled = (1..=101).map(|token| ended(token, libc::ECANCELED));
    assert!(reap(&pool, &bell, 101, 64).into_iter().eq(canceled));
    assert!(!pool.ended());
    goes_on.ring();
    assert_eq!(stop(&pool, &bell), [ended(0, 0)]);
}

#[test]
fn the_last_thread_lets_go_of_the_stores() {
    let directory = Directory::new();
    let path = directory.join("image");
    let store = Arc::new(create(&path, 4096));
    let (pool, bell) = start(2);
    let (hung, began, goes_on) = Hung::new();
    let other = Arc::new(Store::memory(4096).unwrap());
    submit(&pool, [keeping(&other, 0, hung)]);
    began.wait();
    pool.stop([store]);
    let in_use = StoreError::InUse { path: path.clone() };
    let opened = Store::open(&path, Access::ReadWrite).map(|_| ());
    assert_eq!(opened, Err(in_use), "a thread has not ended");
    goes_on.ring();
    stop(&pool, &bell);
    assert!(Store::open(&path, Access::ReadWrite).is_ok());
}

#[test]
fn a_thread_that_outlives_its_pool_keeps_what_it_uses() {
    let store = Arc::new(Store::memory(4096).unwrap());
    let (pool, bell) = start(1);
    let (hung, began, goes_on) = Hung::new();
    let gone = Bell::new();
    // In this order: the fields of a tuple are dropped as they stand.
    submit(&pool, [keeping(&store, 0, (hung, Kept(Arc::clone(&gone))))]);
    began.wait();
    drop(pool);
    gone.mouth.set_nonblocking(true).unwrap();
    let let_go = (&gone.mouth).read(&mut [0; 64]);
    assert_eq!(let_go.unwrap_err().kind(), ErrorKind::WouldBlock);
    gone.mouth.set_nonblocking(false).unwrap();
    goes_on.ring();
    gone.wait();
    bell.wait();
}

#[test]
fn what_a_reap_leaves_is_counted() {
    let store = Arc::new(Store::memory(4096).unwrap());
    let (pool, bell) = start(1);
    let gone = Bell::new();
    submit(
        &pool,
        (0..10).map(|token| job(&store, token, Op::Flush, 0, vec![])),
    );
    submit(&pool, [keeper(&store, 10, &gone)]);
    // The only thread has put down the ten before it.
    gone.wait();
    let mut done = Vec::new();
    assert!(pool.reap(&mut done, 0) >= 10 && done.is_empty());
    assert!(pool.reap(&mut done, 4) >= 6 && done.len() == 4);
    let unreaped = stop(&pool, &bell);
    assert!(
        done.iter()
            .chain(&unreaped)
            .map(|done| done.token)
            .eq(0..=10)
    );
}

#[test]
fn what_a_job_keeps_is_gone_when_its_end_is_there() {
    let store = Arc::new(Store::memory(4096).unwrap());
    let (pool, bell) = start(1);
    let kept = Bell::new();
    submit(&pool, [keeper(&store, 1, &kept)]);
    reap(&pool, &bell, 1, 1);
    kept.mouth.set_nonblocking(true).unwrap();
    kept.wait();
}

#[test]
fn a_pool_without_threads_is_refused() {
    let error = Pool::start(0, || {}).map(|_| ()).unwrap_err();
    assert_eq!(Errno::from(error), Errno(libc::EINVAL));
}
