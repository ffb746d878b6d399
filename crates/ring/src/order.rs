//! Every memory ordering of the algorithm. `--cfg weaken="..."` loosens one of them; the model in `tests/loom.rs`
//! whose name begins with the loosened one's must then fail (`scripts/loom.js` sees to it), or the ordering is not needed.

use crate::words::fence;
use core::sync::atomic::Ordering::{self, Acquire, Relaxed, Release, SeqCst};

/// `[entry]` An entry's store: what its producer wrote before it is visible to who sees it.
pub(crate) const PUBLISH: Ordering = if cfg!(weaken = "publish") {
    Relaxed
} else {
    Release
};

/// `[entry]` An entry's load: pairs with [`PUBLISH`].
pub(crate) const CONSUME: Ordering = if cfg!(weaken = "consume") {
    Relaxed
} else {
    Acquire
};

/// The sleep flag carries no data: who is rung finds all that it needs through the entries. The fences order it against them, and
/// taking it is one read-modify-write, which its own modification order suffices for. Every model passes with it as loose as this,
/// so there is nothing to weaken.
pub(crate) const FLAG: Ordering = Relaxed;

/// `[sleep]` The producer's half: its entry before its look at the flag.
pub(crate) fn fence_before_looking_at_the_flag() {
    if !cfg!(weaken = "ring_fence") {
        fence(SeqCst);
    }
}

/// `[sleep]` The consumer's half: its flag before its last look at the entries.
pub(crate) fn fence_before_the_last_look() {
    if !cfg!(weaken = "arm_fence") {
        fence(SeqCst);
    }
}
