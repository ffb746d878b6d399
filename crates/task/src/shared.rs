//! Copies between private memory and words that a peer may be writing at the same time.
//!
//! Word by word through relaxed atomics: whatever the peer does, each word has some value, and it is read once. What orders them for an
//! honest peer is the queue entry that stands between.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Copies words out of shared memory.
///
/// # Safety
///
/// `from` is aligned to 8 bytes, and `8 * into.len()` bytes are mapped there.
pub(crate) unsafe fn load(from: *mut u8, into: &mut [u64]) {
    for (index, word) in into.iter_mut().enumerate() {
        // SAFETY: in bounds and aligned by the caller's promise.
        *word = unsafe { atomic(from, index) }.load(Relaxed);
    }
}

/// Copies words into shared memory.
///
/// # Safety
///
/// `to` is aligned to 8 bytes, and `8 * from.len()` bytes are mapped there.
pub(crate) unsafe fn store(to: *mut u8, from: &[u64]) {
    for (index, word) in from.iter().enumerate() {
        // SAFETY: in bounds and aligned by the caller's promise.
        unsafe { atomic(to, index) }.store(*word, Relaxed);
    }
}

/// # Safety
///
/// `base` is aligned to 8 bytes, and `8 * index + 8` bytes are mapped there as long as the result lives.
unsafe fn atomic<'a>(base: *mut u8, index: usize) -> &'a AtomicU64 {
    // SAFETY: in bounds by the caller's promise.
    let word = unsafe { base.cast::<u64>().add(index) };
    // SAFETY: aligned and mapped by the caller's promise; an atomic may be changed by others while it is borrowed.
    unsafe { AtomicU64::from_ptr(word) }
}
