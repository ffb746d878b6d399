//! A data race, on purpose: ThreadSanitizer must report it, or its silence about the crates means nothing.

use std::cell::UnsafeCell;
use std::thread;

struct Shared(UnsafeCell<u64>);

// SAFETY: there is none. Two threads write to it at once, which is what must be reported.
unsafe impl Sync for Shared {}

static WORD: Shared = Shared(UnsafeCell::new(0));

fn write() {
    // SAFETY: as above.
    unsafe { *WORD.0.get() += 1 }
}

fn main() {
    let other = thread::spawn(write);
    write();
    assert!(other.join().is_ok());
}
