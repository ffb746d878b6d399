//! The one call of mmap(2) for what is shared: with a peer, with a file, with the kernel.

use std::{
    io,
    os::fd::{AsRawFd, BorrowedFd, RawFd},
    ptr::{self, NonNull},
};

/// Mapped bytes, to read and write; unmapped on drop.
///
/// It is an address and a length: nothing here reads or writes a byte. Whoever does knows who else may.
#[derive(Debug)]
pub struct Region {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: a mapping belongs to the process, and munmap may be called by any of its threads.
unsafe impl Send for Region {}
// SAFETY: all that is offered is an address; no method forms a reference to the bytes, so sharing `&Region` shares none.
unsafe impl Sync for Region {}

impl Region {
    /// The first `len` bytes of what `fd` is open to, shared with all who have it. The descriptor may be closed afterwards.
    ///
    /// # Errors
    /// What mmap(2) says.
    pub fn shared(fd: BorrowedFd<'_>, len: usize) -> io::Result<Self> {
        Self::new(len, libc::MAP_SHARED, fd.as_raw_fd())
    }

    /// Zeroed bytes that no other process has. A child made by fork(2) has copies.
    ///
    /// # Errors
    /// What mmap(2) says.
    pub fn private(len: usize) -> io::Result<Self> {
        let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        Self::new(len, kind, -1)
    }

    fn new(len: usize, kind: libc::c_int, fd: RawFd) -> io::Result<Self> {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: the kernel chooses an address where nothing is mapped.
        let start = unsafe { libc::mmap(ptr::null_mut(), len, access, kind, fd, 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { start, len })
    }

    /// The first byte. Valid for reads and writes of [`len`](Self::len) bytes as long as this lives; page-aligned.
    #[must_use]
    pub fn as_ptr(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    /// Bytes mapped.
    #[must_use]
    #[expect(
        clippy::len_without_is_empty,
        reason = "an empty mapping cannot be made (mmap(2))"
    )]
    pub fn len(&self) -> usize {
        self.len
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: 1. exactly the range that `new` has mapped; 2. addresses handed out are valid only while this lives.
        let unmapped = unsafe { libc::munmap(self.start.as_ptr().cast(), self.len) };
        debug_assert_eq!(unmapped, 0, "munmap: {}", io::Error::last_os_error());
    }
}
