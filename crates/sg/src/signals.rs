//! Signals are for JavaScript's thread.

/// Blocks all signals in this thread: one that came here would interrupt a call to a device, and an interrupted `SG_IO` of an sg node
/// leaves its command behind as an orphan.
pub(crate) fn block_signals() {
    let mut all = std::mem::MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: the set is writable.
    unsafe { libc::sigfillset(all.as_mut_ptr()) };
    // SAFETY: 1. the set is filled; 2. the old one is not asked for.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, all.as_ptr(), std::ptr::null_mut()) };
}
