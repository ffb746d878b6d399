//! Where a process may die: behind each store that its peer, the ledger or a backing can see, and so also before each but the first, for nothing
//! that anybody sees happens between the one and the other.
//!
//! Without the feature `kill`, which only `npm run torture` builds with, a kill point is nothing at all. With it each pass is counted over all
//! threads, and the pass that `SGRING_KILL_AT` names, from 1, kills the process by SIGKILL: what it had stored by then is what it leaves.
//! The last thing that it does is to write the place to stderr.

/// A place where the process may die.
#[cfg(not(feature = "kill"))]
#[inline(always)]
pub fn kill_point() {}

#[cfg(feature = "kill")]
pub use counted::{kill_point, kill_point_at, passes};

#[cfg(feature = "kill")]
mod counted {
    use core::panic::Location;
    use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
    use std::env;
    use std::io::{Write, stderr};
    use std::sync::OnceLock;

    static PASSES: AtomicU64 = AtomicU64::new(0);

    /// A place where the process may die.
    #[track_caller]
    pub fn kill_point() {
        let place = Location::caller();
        pass(|| format!("{}:{}", place.file(), place.line()));
    }

    /// The same, for a place that is not in Rust.
    pub fn kill_point_at(place: &str) {
        pass(|| place.to_owned());
    }

    /// How many were passed so far.
    #[must_use]
    pub fn passes() -> u64 {
        PASSES.load(Relaxed)
    }

    fn pass(place: impl FnOnce() -> String) {
        static KILL_AT: OnceLock<Option<u64>> = OnceLock::new();
        let count = PASSES.fetch_add(1, Relaxed) + 1;
        let told = || env::var("SGRING_KILL_AT").ok()?.parse().ok();
        if *KILL_AT.get_or_init(told) == Some(count) {
            // Whether anybody reads it or not.
            let _told = writeln!(stderr(), "killed at {count}: {}", place());
            // SAFETY: a plain call, which does not return.
            unsafe { libc::raise(libc::SIGKILL) };
        }
    }
}
