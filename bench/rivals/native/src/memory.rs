//! Memory that both sides see: places for payloads, and words.

use crate::fail;
use core::sync::atomic::AtomicU64;
use sgring_shm::{Mapping, memfd};
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;

/// Two lines: neighbours are fetched in pairs.
pub(crate) const LINES: usize = 128;

/// A piece of shared memory; clones are the same piece, and a process that is forked has it, too.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Mapping>);

/// sgring keeps its segments out of forked children; here the child is the peer.
pub(crate) fn keep_over_fork(mapping: &Mapping) {
    // SAFETY: the range is this mapping's, and nothing in it is changed.
    if unsafe { libc::madvise(mapping.as_ptr().cast(), mapping.len(), libc::MADV_DOFORK) } != 0 {
        fail(io::Error::last_os_error());
    }
}

impl Shared {
    pub(crate) fn new(len: usize) -> Self {
        let len = len.next_multiple_of(4096) as u64;
        let segment = memfd::create(len).unwrap_or_else(|error| fail(error));
        let mapping = Mapping::map(segment.as_fd(), len).unwrap_or_else(|error| fail(error));
        keep_over_fork(&mapping);
        Self(Arc::new(mapping))
    }

    /// A word at `at`, in bytes.
    pub(crate) fn word(&self, at: usize) -> &AtomicU64 {
        assert!(
            at.is_multiple_of(8) && at + 8 <= self.0.len(),
            "a word of the mapping"
        );
        // SAFETY: in bounds, checked above.
        let word = unsafe { self.0.as_ptr().add(at) };
        // SAFETY: 1. Aligned, for a mapping starts on a page, and mapped as long as it is borrowed. 2. Accessed through atomics only.
        unsafe { AtomicU64::from_ptr(word.cast()) }
    }

    /// Copies `bytes` to `at`. What orders it for the other side is the caller's.
    pub(crate) fn write(&self, at: usize, bytes: &[u8]) {
        let to = self.place(at, bytes.len());
        // SAFETY: 1. The place is mapped with this length. 2. The protocol of the queues has nobody else there now.
        unsafe { to.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    }

    /// Copies the bytes from `at` to `into`.
    pub(crate) fn read(&self, at: usize, into: &mut [u8]) {
        let from = self.place(at, into.len());
        // SAFETY: as in `write`.
        unsafe { into.as_mut_ptr().copy_from_nonoverlapping(from, into.len()) };
    }

    fn place(&self, at: usize, len: usize) -> *mut u8 {
        assert!(at + len <= self.0.len(), "a place in the mapping");
        // SAFETY: in bounds, checked above.
        unsafe { self.0.as_ptr().add(at) }
    }
}

/// Places for the payloads of requests under way: one each, behind a tag and a length.
#[derive(Clone)]
pub(crate) struct Places {
    memory: Shared,
    stride: usize,
}

impl Places {
    pub(crate) fn new(count: usize, payload: usize) -> Self {
        let stride = (16 + payload).next_multiple_of(64);
        Self {
            memory: Shared::new(count * stride),
            stride,
        }
    }

    pub(crate) fn write(&self, place: usize, tag: u64, payload: &[u8]) {
        let at = place * self.stride;
        self.memory.write(at, &tag.to_ne_bytes());
        self.memory.write(at + 8, &payload.len().to_ne_bytes());
        self.memory.write(at + 16, payload);
    }

    /// The tag, and how much of `into` the payload has filled.
    pub(crate) fn read(&self, place: usize, into: &mut [u8]) -> (u64, usize) {
        let at = place * self.stride;
        let (mut tag, mut len) = ([0; 8], [0; 8]);
        self.memory.read(at, &mut tag);
        self.memory.read(at + 8, &mut len);
        let len = usize::from_ne_bytes(len).min(into.len());
        self.memory.read(at + 16, &mut into[..len]);
        (u64::from_ne_bytes(tag), len)
    }
}
