//! The segment's file: an anonymous memory file whose size nobody can change any more.
//!
//! A mapping past the end of its file is a SIGBUS, and a peer that may truncate the file can cause one at any time.
//! The seals (memfd_create(2), fcntl(2)) take that away from everybody, its owner included; a hole punched into
//! tmpfs stays possible and reads as zeros.

use crate::error::{SegmentFault, ShmError};
use std::{
    io,
    mem::MaybeUninit,
    os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
};

/// The size is final, and so is this list.
const SIZE_SEALS: libc::c_int = libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_SEAL;
/// A file sealed so cannot be mapped for writing.
const WRITE_SEALS: libc::c_int = libc::F_SEAL_WRITE | libc::F_SEAL_FUTURE_WRITE;

/// Makes a sparse, zeroed segment of `len` bytes, sealed against every change of its size.
///
/// # Errors
/// [`ShmError::System`] with the call that failed.
pub fn create(len: u64) -> Result<OwnedFd, ShmError> {
    let file = anonymous_file()?;
    let len = i64::try_from(len).map_err(|_| ShmError::System {
        call: "ftruncate",
        source: io::Error::from_raw_os_error(libc::EFBIG),
    })?;
    // SAFETY: a plain call on a descriptor that `file` keeps open.
    if unsafe { libc::ftruncate(file.as_raw_fd(), len) } < 0 {
        return Err(ShmError::last("ftruncate"));
    }
    // SAFETY: a plain call on a descriptor that `file` keeps open.
    if unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, SIZE_SEALS) } < 0 {
        return Err(ShmError::last("fcntl"));
    }
    Ok(file)
}

/// Checks that `fd` is a segment of exactly `len` bytes which can be mapped and never raises SIGBUS by its size.
///
/// The seals are read before the size: only then is the size that is seen the size that stays. Link counts and names
/// need no look, because no tmpfs file but one from memfd_create(2) can carry these seals.
///
/// # Errors
/// [`ShmError::Segment`] with what is wrong.
pub fn check(fd: BorrowedFd<'_>, len: u64) -> Result<(), ShmError> {
    let stat = file_status(fd)?;
    if stat.st_mode & libc::S_IFMT != libc::S_IFREG {
        return Err(ShmError::Segment(SegmentFault::NotAFile));
    }
    match file_system(fd)? {
        libc::TMPFS_MAGIC => {}
        libc::HUGETLBFS_MAGIC => return Err(ShmError::Segment(SegmentFault::HugePages)),
        _ => return Err(ShmError::Segment(SegmentFault::FileSystem)),
    }
    // An O_PATH descriptor reads as O_RDONLY here.
    // SAFETY: a plain call on a descriptor that the borrow keeps open.
    let flags = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFL) };
    if flags < 0 {
        return Err(ShmError::last("fcntl"));
    }
    if flags & libc::O_ACCMODE != libc::O_RDWR {
        return Err(ShmError::Segment(SegmentFault::ReadOnly));
    }
    // SAFETY: a plain call on a descriptor that the borrow keeps open.
    let seals = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GET_SEALS) };
    if seals < 0 || seals & SIZE_SEALS != SIZE_SEALS {
        return Err(ShmError::Segment(SegmentFault::Unsealed));
    }
    if seals & WRITE_SEALS != 0 {
        return Err(ShmError::Segment(SegmentFault::ReadOnly));
    }
    let actual = u64::try_from(file_status(fd)?.st_size).unwrap_or(u64::MAX);
    if actual != len {
        return Err(ShmError::Segment(SegmentFault::Size {
            actual,
            expected: len,
        }));
    }
    Ok(())
}

/// A memory file that can be sealed and, where the kernel knows how (6.3), can never be made executable.
fn anonymous_file() -> Result<OwnedFd, ShmError> {
    const FLAGS: libc::c_uint = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
    for flags in [FLAGS | libc::MFD_NOEXEC_SEAL, FLAGS] {
        // SAFETY: the name is a NUL-terminated constant.
        let fd = unsafe { libc::memfd_create(c"sgring".as_ptr(), flags) };
        if fd >= 0 {
            // SAFETY: memfd_create has just made this descriptor, and nobody else knows it.
            return Ok(unsafe { OwnedFd::from_raw_fd(fd) });
        }
        if io::Error::last_os_error().raw_os_error() != Some(libc::EINVAL) {
            break;
        }
    }
    Err(ShmError::last("memfd_create"))
}

fn file_status(fd: BorrowedFd<'_>) -> Result<libc::stat, ShmError> {
    let mut stat = MaybeUninit::<libc::stat>::zeroed();
    // SAFETY: `stat` is writable and as large as the call expects; the borrow keeps the descriptor open.
    if unsafe { libc::fstat(fd.as_raw_fd(), stat.as_mut_ptr()) } < 0 {
        return Err(ShmError::last("fstat"));
    }
    // SAFETY: zeroed before and filled by fstat; every bit pattern of its integers is a value.
    Ok(unsafe { stat.assume_init() })
}

fn file_system(fd: BorrowedFd<'_>) -> Result<libc::c_long, ShmError> {
    let mut stat = MaybeUninit::<libc::statfs>::zeroed();
    // SAFETY: `stat` is writable and as large as the call expects; the borrow keeps the descriptor open.
    if unsafe { libc::fstatfs(fd.as_raw_fd(), stat.as_mut_ptr()) } < 0 {
        return Err(ShmError::last("fstatfs"));
    }
    // SAFETY: zeroed before and filled by fstatfs; every bit pattern of its integers is a value.
    let stat = unsafe { stat.assume_init() };
    // The C libraries disagree about its sign; the numbers of statfs(2) fit into either.
    Ok(stat.f_type as _)
}
