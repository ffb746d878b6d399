//! The memory that sides share, and the memory that outlives them, word by word: the system's, or under `--cfg loom` a model's.

#[cfg(loom)]
pub(crate) use crate::model::{Bell, KeptFile, Mapped, Mapping, Word32, Word64, word32, word64};

#[cfg(not(loom))]
pub(crate) use real::{Word32, Word64, word32, word64};
#[cfg(not(loom))]
pub(crate) use {
    sgring_ring::Mapped,
    sgring_shm::{Bell, KeptFile, Mapping},
};

#[cfg(not(loom))]
mod real {
    use core::sync::atomic::{AtomicU32, AtomicU64};

    pub(crate) type Word32<'a> = &'a AtomicU32;
    pub(crate) type Word64<'a> = &'a AtomicU64;

    /// # Safety
    ///
    /// The word is aligned, mapped as long as the result lives, and in this process touched by atomics only.
    pub(crate) unsafe fn word32<'a>(place: *mut u32) -> Word32<'a> {
        // SAFETY: the caller's promise.
        unsafe { AtomicU32::from_ptr(place) }
    }

    /// # Safety
    ///
    /// As [`word32`].
    pub(crate) unsafe fn word64<'a>(place: *mut u64) -> Word64<'a> {
        // SAFETY: the caller's promise.
        unsafe { AtomicU64::from_ptr(place) }
    }
}
