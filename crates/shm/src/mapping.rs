//! The one owner of a segment's bytes.

use crate::{error::ShmError, memfd, region::Region};
use std::{io, ops::Range, os::fd::BorrowedFd};

/// A writable mapping of a whole segment; unmapped on drop.
///
/// Another process may write any byte at any time, or the kernel for a device, so nobody may form a reference into it: take
/// [`as_ptr`](Self::as_ptr) and use atomics, volatile accesses or raw copies. A child made by fork(2) does not inherit it.
#[derive(Debug)]
pub struct Mapping {
    region: Region,
    /// The advice by which pages go back to the system (madvise(2)).
    giving_back: libc::c_int,
}

impl Mapping {
    /// Maps the segment `fd` of exactly `len` bytes. The descriptor may be closed afterwards.
    ///
    /// It is [checked](memfd::check) first, always: so no peer can take a byte of a `Mapping` away, and only the system's want
    /// of memory can. Pages are not reserved: they are taken when first touched, on either side, and again after
    /// [`give_back`](Self::give_back) or a hole that the peer punches. Where the kernel counts strictly
    /// (`vm.overcommit_memory=2`), a first touch beyond the commit limit is a SIGBUS; elsewhere memory that has run out
    /// ends in its out-of-memory killer.
    ///
    /// # Errors
    /// [`ShmError::Segment`] if the descriptor is none, [`ShmError::System`] if the kernel does not map it.
    pub fn map(fd: BorrowedFd<'_>, len: u64) -> Result<Self, ShmError> {
        memfd::check(fd, len)?;
        let len = usize::try_from(len).map_err(|_| ShmError::OutOfRange)?;
        Self::new(Region::shared(fd, len), libc::MADV_REMOVE)
    }

    /// Maps `len` zeroed bytes that no other process has: a segment whose two ends are in this one.
    ///
    /// The system gives such memory huge pages where [asked](Self::advise_huge), and shared memory mostly not: what a device moves in it
    /// lies in fewer pieces. Since no child inherits it, no fork(2) parts it from the pages that the kernel has pinned.
    ///
    /// # Errors
    /// [`ShmError::System`] if the kernel does not map it.
    pub fn private(len: usize) -> Result<Self, ShmError> {
        Self::new(Region::private(len), libc::MADV_DONTNEED)
    }

    fn new(mapped: io::Result<Region>, giving_back: libc::c_int) -> Result<Self, ShmError> {
        let region = mapped.map_err(|source| ShmError::System {
            call: "mmap",
            source,
        })?;
        let mapping = Self {
            region,
            giving_back,
        };
        mapping.advise(0..mapping.len(), libc::MADV_DONTFORK)?;
        Ok(mapping)
    }

    /// The first byte. Valid for reads and writes of [`len`](Self::len) bytes as long as the mapping lives; page-aligned.
    #[must_use]
    pub fn as_ptr(&self) -> *mut u8 {
        self.region.as_ptr()
    }

    /// Bytes mapped.
    #[must_use]
    #[expect(
        clippy::len_without_is_empty,
        reason = "an empty mapping cannot be made (mmap(2))"
    )]
    pub fn len(&self) -> usize {
        self.region.len()
    }

    /// Asks for huge pages under the whole pages of `range`. Advice: a kernel that has none changes nothing.
    pub fn advise_huge(&self, range: Range<usize>) {
        if let Ok(pages) = self.whole_pages(range) {
            let _advice = self.advise(pages, libc::MADV_HUGEPAGE);
        }
    }

    /// Gives the memory under the whole pages of `range` back to the system and returns how many bytes that were.
    /// They read as zeros from now on, on both sides, and take memory again when written (madvise(2), `MADV_REMOVE`, and
    /// `MADV_DONTNEED` of [private](Self::private) memory).
    ///
    /// # Errors
    /// [`ShmError::OutOfRange`] if `range` does not lie in the mapping, [`ShmError::System`] if the kernel refuses.
    pub fn give_back(&self, range: Range<usize>) -> Result<usize, ShmError> {
        let pages = self.whole_pages(range)?;
        let bytes = pages.len();
        self.advise(pages, self.giving_back)?;
        Ok(bytes)
    }

    /// The pages that lie wholly in `range`; none is an empty range.
    fn whole_pages(&self, range: Range<usize>) -> Result<Range<usize>, ShmError> {
        if range.start > range.end || range.end > self.len() {
            return Err(ShmError::OutOfRange);
        }
        let page = page_size();
        let end = range.end - range.end % page;
        Ok(range
            .start
            .checked_next_multiple_of(page)
            .unwrap_or(end)
            .min(end)..end)
    }

    /// madvise(2) over `range`, which lies in the mapping and starts on a page.
    fn advise(&self, range: Range<usize>, advice: libc::c_int) -> Result<(), ShmError> {
        if range.is_empty() {
            return Ok(());
        }
        let address = self.as_ptr().wrapping_add(range.start);
        // SAFETY: 1. `range` lies in this mapping, by the callers; 2. the advices used here neither unmap nor move it,
        // and what they do to the bytes a peer may do as well, so no one can hold a reference that minds.
        match unsafe { libc::madvise(address.cast(), range.len(), advice) } {
            0 => Ok(()),
            _ => Err(ShmError::last("madvise")),
        }
    }
}

fn page_size() -> usize {
    // SAFETY: sysconf has no preconditions.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    // Never absent on Linux; with 64 KiB, the largest there is, advice stays aligned on any page size.
    usize::try_from(page)
        .ok()
        .filter(|page| page.is_power_of_two())
        .unwrap_or(65_536)
}
