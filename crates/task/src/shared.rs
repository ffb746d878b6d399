//! Copies between private memory and words that a peer may be writing at the same time.
//!
//! Word by word through relaxed atomics: whatever the peer does, each word has some value, and it is read once. What orders them for an
//! honest peer is the queue entry that stands between.

use crate::memory::{Word64, word64};
use core::sync::atomic::Ordering::Relaxed;
use sgring_kill_points::kill_point;

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
        if index == 0 && from.len() > 1 {
            // What publishes them comes later: a part of them is as good as any other.
            kill_point();
        }
    }
    if !from.is_empty() {
        kill_point();
    }
}

/// # Safety
///
/// `base` is aligned to 8 bytes, and `8 * index + 8` bytes are mapped there as long as the result lives.
unsafe fn atomic<'a>(base: *mut u8, index: usize) -> Word64<'a> {
    // SAFETY: in bounds by the caller's promise.
    let word = unsafe { base.cast::<u64>().add(index) };
    // SAFETY: aligned and mapped by the caller's promise; an atomic may be changed by others while it is borrowed.
    unsafe { word64(word) }
}
