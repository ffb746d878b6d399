//! The buffer that an sg node reserves for an open file, mapped.

use std::os::fd::BorrowedFd;
use std::ptr;

use sgring_shm::Region;

use crate::Errno;
use crate::abi::{SG_GET_RESERVED_SIZE, SG_SET_RESERVED_SIZE};
use crate::sg_io::ioctl_int;
use crate::transport::Span;

/// The kernel's own memory, into which one command at a time moves its data.
///
/// A mapping keeps its file open, and its pages: so neither the file's last close nor a command that still runs leaves it dangling.
#[derive(Debug)]
pub(crate) struct Reserved(Region);

impl Reserved {
    /// Asks the node for a buffer of `len` bytes, and maps the one it has then, which may be smaller: `max_sectors` is its bound.
    ///
    /// # Errors
    ///
    /// Those of the ioctl and of mmap(2).
    pub(crate) fn map(file: BorrowedFd<'_>, len: usize) -> Result<Self, Errno> {
        let asked = i32::try_from(len).map_err(|_| Errno(libc::EINVAL))?;
        ioctl_int(file, SG_SET_RESERVED_SIZE, asked)?;
        let len = ioctl_int(file, SG_GET_RESERVED_SIZE, 0)?;
        let len = usize::try_from(len).map_err(|_| Errno(libc::EIO))?;
        // mmap(2) would map the rest of the last page, which the node does not have.
        let len = len - len % page_size();
        Ok(Self(Region::shared(file, len)?))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Copies the bytes of `spans` to its start.
    ///
    /// # Safety
    ///
    /// 1. The spans are mapped. 2. No command that uses the buffer is outstanding.
    pub(crate) unsafe fn fill(&self, spans: &[Span]) {
        let mut at = 0;
        for span in spans {
            let len = span.len.min(self.len() - at);
            // SAFETY: at + len <= self.len().
            let to = unsafe { self.0.as_ptr().add(at) };
            // SAFETY: 1. both have `len` bytes: the span by contract; 2. they are apart: the buffer is mapped here alone.
            unsafe { ptr::copy_nonoverlapping(span.ptr.cast_const(), to, len) };
            at += len;
        }
    }

    /// Copies its first bytes to `spans`, at most `len` of them.
    ///
    /// # Safety
    ///
    /// As for [`fill`](Self::fill).
    pub(crate) unsafe fn empty(&self, spans: &[Span], len: usize) {
        let mut at = 0;
        for span in spans {
            let len = span.len.min(len.min(self.len()) - at);
            // SAFETY: at + len <= self.len().
            let from = unsafe { self.0.as_ptr().add(at) };
            // SAFETY: as in `fill`.
            unsafe { ptr::copy_nonoverlapping(from.cast_const(), span.ptr, len) };
            at += len;
        }
    }
}

fn page_size() -> usize {
    // SAFETY: sysconf has no preconditions.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    // Never absent on Linux; 64 KiB is the largest there is.
    usize::try_from(page).unwrap_or(65_536).max(1)
}
