//! The connection of a pair, which ends with whoever has it.
//!
//! JavaScript watches its socket by a descriptor, and a worker can be terminated between any two steps: when the descriptor is taken and not watched
//! yet, it is nobody's and stays open; and a function that is being made for JavaScript just then is leaked by napi-rs, with the pair that it shares.
//! The peer would wait for ever.

use core::cell::RefCell;
use core::ops::Deref;
use sgring_shm::Bell;
use std::rc::{Rc, Weak};

/// Hangs up when it is dropped, and at the latest when its thread ends: with musl not by `exit()` on the main thread, whose descriptors the kernel closes.
pub(crate) struct Line(Rc<Bell>);

/// Those of a thread.
struct Lines(RefCell<Vec<Weak<Bell>>>);

thread_local! {
    static LINES: Lines = const { Lines(RefCell::new(Vec::new())) };
}

impl Line {
    pub(crate) fn new(bell: Bell) -> Self {
        let bell = Rc::new(bell);
        LINES.with(|Lines(lines)| {
            let mut lines = lines.borrow_mut();
            lines.retain(|line| line.strong_count() > 0);
            lines.push(Rc::downgrade(&bell));
        });
        Self(bell)
    }
}

impl Deref for Line {
    type Target = Bell;

    fn deref(&self) -> &Bell {
        &self.0
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.hang_up();
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        for line in self.0.get_mut().iter().filter_map(Weak::upgrade) {
            line.hang_up();
        }
    }
}
