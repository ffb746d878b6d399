//! The locks of crates whose threads share more than a ring: std's, without poison, and with the edges that ThreadSanitizer does not see.
//!
//! **Poison** is ignored: what these guard must be whole wherever its holder may panic.
//!
//! **Edges.** std comes compiled without ThreadSanitizer's instrumentation. A lock taken on its slow path, which is
//! not inlined, looks like no lock at all, and what it guards like a race. With `--cfg tsan`, which only the sanitizers'
//! build has, each lock also passes its ordering through an edge, an atomic of this crate. That takes
//! std's word for its own locks and for nothing else: what is touched without its lock is reported as before.

use std::ops::{Deref, DerefMut};
use std::sync::{self, PoisonError, TryLockError};

/// What a lock orders: all before a release is seen after a later acquire.
#[derive(Debug, Default)]
struct Edge {
    #[cfg(tsan)]
    releases: sync::atomic::AtomicU32,
}

impl Edge {
    fn acquire(&self) {
        #[cfg(tsan)]
        self.releases.load(sync::atomic::Ordering::Acquire);
    }

    fn release(&self) {
        #[cfg(tsan)]
        self.releases.fetch_add(1, sync::atomic::Ordering::Release);
    }
}

/// A lock that is held: it passes its edge on, then opens.
#[derive(Debug)]
pub struct Held<'a, G> {
    // In this order: fields are dropped as they are declared.
    _release: Release<'a>,
    guard: G,
}

#[derive(Debug)]
struct Release<'a>(&'a Edge);

impl Drop for Release<'_> {
    fn drop(&mut self) {
        self.0.release();
    }
}

impl<G: Deref> Deref for Held<'_, G> {
    type Target = G::Target;

    fn deref(&self) -> &G::Target {
        &self.guard
    }
}

impl<G: DerefMut> DerefMut for Held<'_, G> {
    fn deref_mut(&mut self) -> &mut G::Target {
        &mut self.guard
    }
}

/// `None` if it would wait.
fn tried<G>(result: Result<G, TryLockError<G>>) -> Option<G> {
    match result {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// [`sync::Mutex`], which does not poison.
#[derive(Debug, Default)]
pub struct Mutex<T> {
    inner: sync::Mutex<T>,
    edge: Edge,
}

/// A [`Mutex`] that is held.
pub type MutexGuard<'a, T> = Held<'a, sync::MutexGuard<'a, T>>;

impl<T> Mutex<T> {
    /// It guards `value`.
    pub fn new(value: T) -> Self {
        Self {
            inner: sync::Mutex::new(value),
            edge: Edge::default(),
        }
    }

    /// Waits until nobody else holds it.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.held(self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// `None` if it would wait.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        tried(self.inner.try_lock()).map(|guard| self.held(guard))
    }

    fn held<'a>(&'a self, guard: sync::MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.edge.acquire();
        Held {
            _release: Release(&self.edge),
            guard,
        }
    }
}

/// [`sync::Condvar`].
#[derive(Debug, Default)]
pub struct Condvar(sync::Condvar);

impl Condvar {
    /// Lets go of the lock, and holds it again once this was notified, or for no reason.
    pub fn wait<'a, T>(&self, held: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        let Held { _release, guard } = held;
        let edge = _release.0;
        drop(_release);
        let guard = self.0.wait(guard).unwrap_or_else(PoisonError::into_inner);
        edge.acquire();
        Held {
            _release: Release(edge),
            guard,
        }
    }

    /// Wakes one who waits.
    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    /// Wakes all who wait.
    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}

/// A [`sync::RwLock`] over nothing of its own.
#[derive(Debug, Default)]
pub struct RwLock {
    inner: sync::RwLock<()>,
    // Two, because readers order nothing between themselves.
    shared: Edge,
    owned: Edge,
}

/// A [`RwLock`] that others may share.
pub type Shared<'a> = Held<'a, sync::RwLockReadGuard<'a, ()>>;
/// A [`RwLock`] that nobody else has.
pub type Owned<'a> = Held<'a, sync::RwLockWriteGuard<'a, ()>>;

impl RwLock {
    /// Waits until nobody owns it.
    pub fn share(&self) -> Shared<'_> {
        self.shared(self.inner.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until nobody else has it.
    pub fn own(&self) -> Owned<'_> {
        self.owned(self.inner.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// `None` if it would wait.
    pub fn try_share(&self) -> Option<Shared<'_>> {
        tried(self.inner.try_read()).map(|guard| self.shared(guard))
    }

    /// `None` if it would wait.
    pub fn try_own(&self) -> Option<Owned<'_>> {
        tried(self.inner.try_write()).map(|guard| self.owned(guard))
    }

    fn shared<'a>(&'a self, guard: sync::RwLockReadGuard<'a, ()>) -> Shared<'a> {
        self.owned.acquire();
        Held {
            _release: Release(&self.shared),
            guard,
        }
    }

    fn owned<'a>(&'a self, guard: sync::RwLockWriteGuard<'a, ()>) -> Owned<'a> {
        self.owned.acquire();
        self.shared.acquire();
        Held {
            _release: Release(&self.owned),
            guard,
        }
    }
}
