//! The lock on a file or device (`flock(2)`, which binds those who ask).

use crate::error::{Errno, StoreError};
use std::fs::File;
use std::ops::Deref;
use std::os::fd::AsRawFd;
use std::path::Path;

/// A file that is locked for as long as this lives, and no longer.
///
/// Closing would not be enough: the lock is the open file description's, and a process that is being started has duplicates of all
/// descriptors from its fork to its exec, also of those that its parent closes meanwhile.
#[derive(Debug)]
pub(crate) struct Locked(File);

impl Locked {
    /// Locks: alone to write, with others to read. It never waits.
    ///
    /// # Errors
    ///
    /// [`StoreError::InUse`] if somebody else's lock is in the way; else what `flock(2)` says. `path` is for the message.
    pub(crate) fn new(path: &Path, file: File, alone: bool) -> Result<Self, StoreError> {
        let operation = if alone { libc::LOCK_EX } else { libc::LOCK_SH };
        match flock(&file, operation | libc::LOCK_NB) {
            Ok(()) => Ok(Self(file)),
            Err(Errno(libc::EWOULDBLOCK)) => Err(StoreError::InUse { path: path.into() }),
            Err(errno) => Err(StoreError::System {
                action: "lock",
                path: path.into(),
                errno,
            }),
        }
    }
}

impl Deref for Locked {
    type Target = File;

    fn deref(&self) -> &File {
        &self.0
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // For all duplicates at once. Where it should fail, closing ends the lock with the last of them.
        let _ = flock(&self.0, libc::LOCK_UN);
    }
}

fn flock(file: &File, operation: libc::c_int) -> Result<(), Errno> {
    // SAFETY: the descriptor is open, and the call touches no memory.
    match unsafe { libc::flock(file.as_raw_fd(), operation) } {
        0 => Ok(()),
        _ => Err(Errno::last()),
    }
}
