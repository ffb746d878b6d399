//! Every memory ordering of the algorithm. One of them at a time can be loosened, by `--cfg weaken="..."`, or under loom, where one
//! build serves all, by the variable `SGRING_WEAKEN`. The model in `tests/loom.rs` whose name begins with the loosened one's must
//! then fail (`scripts/loom.js` sees to it), or the ordering is not needed.

use crate::words::fence;
use core::sync::atomic::Ordering::{self, Acquire, Relaxed, Release, SeqCst};

#[cfg(not(loom))]
macro_rules! weakened {
    ($name:literal) => {
        cfg!(weaken = $name)
    };
}

#[cfg(loom)]
macro_rules! weakened {
    ($name:literal) => {
        chosen() == $name
    };
}

/// `[entry]` An entry's store: what its producer wrote before it is visible to who sees it.
pub(crate) fn publish() -> Ordering {
    if weakened!("publish") {
        Relaxed
    } else {
        Release
    }
}

/// `[entry]` An entry's load: pairs with [`publish`].
pub(crate) fn consume() -> Ordering {
    if weakened!("consume") {
        Relaxed
    } else {
        Acquire
    }
}

/// The sleep flag carries no data: who is rung finds all that it needs through the entries. The fences order it against them, and
/// taking it is one read-modify-write, which its own modification order suffices for. Every model passes with it as loose as this,
/// so there is nothing to weaken.
pub(crate) const FLAG: Ordering = Relaxed;

/// `[sleep]` The producer's half: its entry before its look at the flag.
pub(crate) fn fence_before_looking_at_the_flag() {
    if !weakened!("ring_fence") {
        fence(SeqCst);
    }
}

/// `[sleep]` The consumer's half: its flag before its last look at the entries.
pub(crate) fn fence_before_the_last_look() {
    if !weakened!("arm_fence") {
        fence(SeqCst);
    }
}

/// What `SGRING_WEAKEN` names. Read once, outside of loom's model.
#[cfg(loom)]
fn chosen() -> &'static str {
    static CHOSEN: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    CHOSEN.get_or_init(|| std::env::var("SGRING_WEAKEN").unwrap_or_default())
}
