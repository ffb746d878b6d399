//! Every job ends once, every end is told, and stopping leaves nothing out.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use common::{Directory, create, read_vec};
use sgring_store::{Done, Durability, Errno, Job, Op, Pool, Span, Store};
use std::any::Any;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// Long enough for any machine; only a hang reaches it.
const DEADLINE: Duration = Duration::from_secs(60);

/// A bell as an event loop has one: any number of rings before it is silenced are one.
#[derive(Default)]
struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Bell {
    fn ring(&self) {
        *self.rung.lock().unwrap() = true;
        self.changed.notify_one();
    }

    /// Waits until it rings, and silences it.
    fn wait(&self) {
        let rung = self.rung.lock().unwrap();
        let (mut rung, waited) = self
            .changed
            .wait_timeout_while(rung, DEADLINE, |rung| !*rung)
            .unwrap();
        assert!(!waited.timed_out(), "a wake-up was lost");
        *rung = false;
    }
}

fn start(threads: usize) -> (Pool, Arc<Bell>) {
    let bell = Arc::new(Bell::default());
    let ringer = Arc::clone(&bell);
    (Pool::start(threads, move || ringer.ring()).unwrap(), bell)
}

/// A job whose buffer is its own, kept by itself.
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
        .map(|Done { token, errno }| {
            assert_eq!(errno, 0);
            token
        })
        .collect();
    tokens.sort_unstable();
    assert!(tokens.into_iter().eq(0..JOBS));
    assert_eq!(pool.stop(), []);
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
        assert_eq!(reap(&pool, &bell, 1, 64), [Done { token, errno: 0 }]);
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

/// Something kept by a job, which tells when it is let go.
struct Kept(mpsc::Sender<()>);

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

#[test]
fn stopping_finishes_what_runs_and_cancels_what_waits() {
    let store = Arc::new(Store::memory(4096).unwrap());
    let (told, hear) = mpsc::channel();
    // The only thread stays inside its first wake until a waiting job was cancelled.
    let (let_go, cancelled) = mpsc::channel();
    let cancelled = Mutex::new(cancelled);
    let pool = Pool::start(1, move || {
        told.send(()).unwrap();
        let waited = cancelled.lock().unwrap().recv_timeout(DEADLINE);
        assert_ne!(
            waited,
            Err(RecvTimeoutError::Timeout),
            "no waiting job was cancelled"
        );
    });
    let pool = pool.unwrap();
    submit(&pool, [job(&store, 0, Op::Read, 0, vec![0; 512])]);
    hear.recv_timeout(DEADLINE).unwrap();
    let waiting = (1..=100).map(|token| {
        let keep: Arc<dyn Any + Send + Sync> = Arc::new(Kept(let_go.clone()));
        let spans: Vec<Span> = Vec::new();
        Job {
            token,
            store: Arc::clone(&store),
            op: Op::Read,
            offset: 0,
            spans,
            keep,
        }
    });
    submit(&pool, waiting);
    let done = pool.stop();
    assert_eq!(done[0], Done { token: 0, errno: 0 });
    let cancelled = (1..=100).map(|token| Done {
        token,
        errno: libc::ECANCELED,
    });
    assert!(done[1..].iter().copied().eq(cancelled));
}

#[test]
fn what_a_reap_leaves_is_counted() {
    let store = Arc::new(Store::memory(4096).unwrap());
    let (pool, _) = start(1);
    let (let_go, gone) = mpsc::channel();
    submit(
        &pool,
        (0..10).map(|token| job(&store, token, Op::Flush, 0, vec![])),
    );
    let keep: Arc<dyn Any + Send + Sync> = Arc::new(Kept(let_go));
    submit(
        &pool,
        [Job {
            token: 10,
            store,
            op: Op::Flush,
            offset: 0,
            spans: vec![],
            keep,
        }],
    );
    // The only thread has put down the ten before it.
    gone.recv_timeout(DEADLINE).unwrap();
    let mut done = Vec::new();
    assert!(pool.reap(&mut done, 0) >= 10 && done.is_empty());
    assert!(pool.reap(&mut done, 4) >= 6 && done.len() == 4);
    let unreaped = pool.stop();
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
    let (let_go, gone) = mpsc::channel();
    let keep: Arc<dyn Any + Send + Sync> = Arc::new(Kept(let_go));
    submit(
        &pool,
        [Job {
            token: 1,
            store,
            op: Op::Flush,
            offset: 0,
            spans: vec![],
            keep,
        }],
    );
    reap(&pool, &bell, 1, 1);
    assert_eq!(gone.try_recv(), Ok(()));
}

#[test]
fn a_pool_without_threads_is_refused() {
    let error = Pool::start(0, || {}).map(|_| ()).unwrap_err();
    assert_eq!(Errno::from(error), Errno(libc::EINVAL));
}
