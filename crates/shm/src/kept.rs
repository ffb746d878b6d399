//! Files of one's own: one that is mapped, whose bytes outlive the process, whatever kills it, as long as the system lives; and one that is
//! locked, by a process at a time.
//!
//! Both are open to their owner alone, and stand in a folder of the owner's. Whoever is that user may cut them all the same, and what is
//! touched behind a mapped file's end is a SIGBUS; so may they send a SIGKILL.

use crate::{error::ShmError, region::Region};
use sgring_kill_points::kill_point;
use std::{
    fs::{self, File, OpenOptions},
    io,
    os::{
        fd::{AsFd, AsRawFd},
        unix::fs::{MetadataExt, OpenOptionsExt},
    },
    path::Path,
};

/// A private file's mapping, shared with the file; unmapped on drop. The file stays.
#[derive(Debug)]
pub struct KeptFile(Region);

impl KeptFile {
    /// Makes the file, all zero, with its blocks: a file system that is full later takes none of them away. Without room for them there is no
    /// file afterwards.
    ///
    /// # Errors
    /// [`ShmError::System`] with the call that failed, `open` with `EEXIST` if the path is taken.
    pub fn create(path: &Path, len: usize) -> Result<Self, ShmError> {
        let file = open(
            path,
            OpenOptions::new().read(true).write(true).create_new(true),
        )?;
        Self::filled(&file, len).inspect_err(|_| {
            // It was not there before, and is of no use to anybody.
            let _left = fs::remove_file(path);
        })
    }

    /// Maps the file that an earlier process has made. Blocks that it has no more (it was copied sparsely, say) it gets again.
    ///
    /// # Errors
    /// [`ShmError::OutOfRange`] if it is no regular file of this user with `len` bytes; [`ShmError::System`] with the call that failed.
    pub fn open(path: &Path, len: usize) -> Result<Self, ShmError> {
        let file = open(path, OpenOptions::new().read(true).write(true))?;
        if own(&file)? != len as u64 {
            return Err(ShmError::OutOfRange);
        }
        Self::filled(&file, len)
    }

    /// Maps the file, and makes it if it is not there, or was not made to its end: what is missing is zeros. Whoever may do so holds a lock
    /// that nobody else has meanwhile.
    ///
    /// # Errors
    /// [`ShmError::OutOfRange`] if it is no regular file of this user, or a longer one; [`ShmError::System`] with the call that failed.
    pub fn obtain(path: &Path, len: usize) -> Result<Self, ShmError> {
        let file = open(
            path,
            OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false),
        )?;
        if own(&file)? > len as u64 {
            return Err(ShmError::OutOfRange);
        }
        Self::filled(&file, len)
    }

    /// With all its blocks: a touch of one that is missing is a SIGBUS where there is no room for it.
    fn filled(file: &File, len: usize) -> Result<Self, ShmError> {
        let size = libc::off_t::try_from(len).map_err(|_| ShmError::OutOfRange)?;
        // SAFETY: a plain call on a descriptor that `file` keeps open.
        match unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, size) } {
            0 => {
                kill_point();
                let mapped = Region::shared(file.as_fd(), len);
                mapped.map(Self).map_err(|error| system("mmap", error))
            }
            errno => Err(system(
                "posix_fallocate",
                io::Error::from_raw_os_error(errno),
            )),
        }
    }

    /// The first byte. Valid for reads and writes of [`len`](Self::len) bytes as long as the mapping lives; page-aligned.
    #[must_use]
    pub fn as_ptr(&self) -> *mut u8 {
        self.0.as_ptr()
    }

    /// Bytes mapped.
    #[must_use]
    #[expect(
        clippy::len_without_is_empty,
        reason = "an empty mapping cannot be made (mmap(2))"
    )]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// A file that is locked (flock(2)) as long as this value is there, or its process: it needs no bytes for that, and stays.
#[derive(Debug)]
pub struct FileLock {
    _file: File,
}

impl FileLock {
    /// Locks the file, and makes it if it is not there.
    ///
    /// # Errors
    /// [`ShmError::AddressInUse`] while somebody has it; [`ShmError::OutOfRange`] if it is no regular file of this user;
    /// [`ShmError::System`] with the call that failed.
    pub fn take(path: &Path) -> Result<Self, ShmError> {
        let file = open(
            path,
            OpenOptions::new().write(true).create(true).truncate(false),
        )?;
        own(&file)?;
        // SAFETY: a plain call on a descriptor that `file` keeps open.
        if unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } == 0 {
            kill_point();
            return Ok(Self { _file: file });
        }
        let error = io::Error::last_os_error();
        Err(match error.kind() {
            io::ErrorKind::WouldBlock => ShmError::AddressInUse,
            _ => system("flock", error),
        })
    }
}

/// The length of a regular file of this user.
fn own(file: &File) -> Result<u64, ShmError> {
    let found = file.metadata().map_err(|error| system("fstat", error))?;
    // SAFETY: a plain call that cannot fail.
    let user = unsafe { libc::geteuid() };
    let ours = found.is_file() && found.uid() == user;
    ours.then_some(found.len()).ok_or(ShmError::OutOfRange)
}

fn open(path: &Path, options: &mut OpenOptions) -> Result<File, ShmError> {
    let private = options
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    let opened = private.open(path).map_err(|error| system("open", error));
    kill_point();
    opened
}

fn system(call: &'static str, source: io::Error) -> ShmError {
    ShmError::System { call, source }
}
