//! A path in the file system that one server at a time listens on.
//!
//! The lock `<path>.lock` is held for life. Only its holder replaces a socket that nobody listens on any more, so two
//! servers that start at once cannot take each other's fresh socket for a stale one.

use crate::{
    error::ShmError,
    listener::SocketFile,
    socket::{address, connect, stream_socket},
};
use sgring_kill_points::kill_point;
use std::{
    fs::{self, File, OpenOptions, Permissions},
    io,
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt, lchown},
    },
    path::{Path, PathBuf},
};

/// Connections that wait to be accepted; the kernel caps it at `net.core.somaxconn`.
const BACKLOG: libc::c_int = 128;
/// How often another server may let go of the lock between our opening and locking it.
const LOCK_ATTEMPTS: usize = 16;

/// The lock and the name of a listening socket. Dropping it removes both names, as far as they are still ours.
#[derive(Debug)]
pub(crate) struct Address {
    path: PathBuf,
    /// Device and inode of the socket's name, once there is one.
    bound: Option<(u64, u64)>,
    lock: File,
    lock_path: PathBuf,
}

impl Address {
    /// Listens on `path`, which is made as `file` says, in place of a socket that was left behind.
    pub(crate) fn listen(path: &Path, file: SocketFile) -> Result<(Self, OwnedFd), ShmError> {
        let name = address(path)?;
        let mut taken = Self::lock(path)?;
        taken.remove_stale()?;
        let socket = stream_socket()?;
        // SAFETY: 1. `name` is readable for the length that is passed; 2. `socket` is open.
        let bound = unsafe {
            libc::bind(
                socket.as_raw_fd(),
                (&raw const name).cast(),
                size_of_val(&name) as u32,
            )
        };
        if bound < 0 {
            let source = io::Error::last_os_error();
            return Err(match source.raw_os_error() {
                Some(libc::EADDRINUSE) => ShmError::AddressInUse,
                Some(libc::EACCES | libc::EPERM) => ShmError::NotAllowed(source),
                _ => ShmError::System {
                    call: "bind",
                    source,
                },
            });
        }
        kill_point();
        taken.bound = identity(path);
        // Until listen() nobody can connect, so the name is never open to more than these may. In this order, as who gives a file away may not change it.
        fs::set_permissions(path, Permissions::from_mode(file.mode)).map_err(|source| {
            ShmError::System {
                call: "chmod",
                source,
            }
        })?;
        if file.uid.is_some() || file.gid.is_some() {
            lchown(path, file.uid, file.gid).map_err(|source| ShmError::System {
                call: "chown",
                source,
            })?;
        }
        kill_point();
        // SAFETY: a plain call on an open descriptor.
        if unsafe { libc::listen(socket.as_raw_fd(), BACKLOG) } < 0 {
            return Err(ShmError::last("listen"));
        }
        kill_point();
        Ok((taken, socket))
    }

    /// Takes the lock, and makes sure that it is the one others find under this name.
    fn lock(path: &Path) -> Result<Self, ShmError> {
        let mut lock_path = path.as_os_str().to_owned();
        lock_path.push(".lock");
        let lock_path = PathBuf::from(lock_path);
        for _ in 0..LOCK_ATTEMPTS {
            let lock = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
                .open(&lock_path)
                .map_err(|source| match source.raw_os_error() {
                    Some(libc::EACCES | libc::EPERM) => ShmError::NotAllowed(source),
                    _ => ShmError::System {
                        call: "open",
                        source,
                    },
                })?;
            kill_point();
            // SAFETY: a plain call on an open descriptor.
            if unsafe { libc::flock(lock.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } < 0 {
                let source = io::Error::last_os_error();
                return Err(match source.raw_os_error() {
                    Some(libc::EWOULDBLOCK) => ShmError::AddressInUse,
                    _ => ShmError::System {
                        call: "flock",
                        source,
                    },
                });
            }
            let ours = lock.metadata().ok().map(|lock| (lock.dev(), lock.ino()));
            if ours.is_some() && ours == identity(&lock_path) {
                return Ok(Self {
                    path: path.to_owned(),
                    bound: None,
                    lock,
                    lock_path,
                });
            }
        }
        Err(ShmError::AddressInUse)
    }

    /// Makes way for a new socket: removes one that nobody listens on, and nothing else.
    fn remove_stale(&self) -> Result<(), ShmError> {
        match fs::symlink_metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(source) => {
                return Err(ShmError::System {
                    call: "stat",
                    source,
                });
            }
            Ok(found) if !found.file_type().is_socket() => return Err(ShmError::NotASocket),
            Ok(_) => {}
        }
        match connect(&self.path) {
            Err(ShmError::NoTarget { .. }) => match fs::remove_file(&self.path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => Err(ShmError::System {
                    call: "unlink",
                    source,
                }),
                _ => Ok(()),
            },
            Err(error @ ShmError::NotAllowed(_)) => Err(error),
            // Somebody listens here who knows nothing of our lock.
            _ => Err(ShmError::AddressInUse),
        }
    }
}

impl Drop for Address {
    fn drop(&mut self) {
        if self.bound.is_some() && identity(&self.path) == self.bound {
            let _gone_already = fs::remove_file(&self.path);
        }
        // While the lock is held nobody else can hold what stands under its name, so it is ours to remove.
        let ours = self
            .lock
            .metadata()
            .ok()
            .map(|lock| (lock.dev(), lock.ino()));
        if ours.is_some() && identity(&self.lock_path) == ours {
            let _gone_already = fs::remove_file(&self.lock_path);
        }
        // Not left to closing: a child between fork and exec would hold the lock a little longer.
        // SAFETY: a plain call on an open descriptor.
        unsafe { libc::flock(self.lock.as_raw_fd(), libc::LOCK_UN) };
    }
}

/// Device and inode of what stands under `path` itself.
fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(path)
        .ok()
        .map(|found| (found.dev(), found.ino()))
}
