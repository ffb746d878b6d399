//! What can go wrong: an errno for a transfer, a [`StoreError`] for opening.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a transfer or a flush failed: a number of `errno(3)`, never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errno(pub i32);

impl Errno {
    /// The calling thread's `errno`, right after a system call that failed.
    pub(crate) fn last() -> Self {
        io::Error::last_os_error().into()
    }
}

impl From<io::Error> for Errno {
    /// An error that carries no errno never reached the kernel (a path with a NUL byte, say): `EINVAL`.
    fn from(error: io::Error) -> Self {
        Self(error.raw_os_error().unwrap_or(libc::EINVAL))
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        io::Error::from_raw_os_error(self.0).fmt(f)
    }
}

impl std::error::Error for Errno {}

/// Why a backing cannot be used. The message says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreError {
    /// No store can have this length: 0, or more than an `off_t` or the address space holds.
    Length {
        /// The length asked for.
        len_bytes: u64,
    },
    /// The memory could not be reserved.
    Memory {
        /// The length asked for.
        len_bytes: u64,
        /// What `mmap(2)` said.
        errno: Errno,
    },
    /// The path was to be created, and there is something already. It was left alone.
    Exists {
        /// The path.
        path: PathBuf,
    },
    /// The path names neither a regular file nor a block device.
    WrongKind {
        /// The path.
        path: PathBuf,
        /// What it is instead, with its article.
        found: &'static str,
    },
    /// The file or device has no bytes.
    Empty {
        /// The path.
        path: PathBuf,
    },
    /// What was being copied cannot stand at this path: there is something that is no file of this user's, or a longer one.
    NoIntent {
        /// The path.
        path: PathBuf,
    },
    /// Another store holds the file or device, or the kernel does (it is mounted).
    InUse {
        /// The path.
        path: PathBuf,
    },
    /// The path came to name another file while it was opened.
    Replaced {
        /// The path.
        path: PathBuf,
    },
    /// A system call failed.
    System {
        /// What was tried, as a verb: "open".
        action: &'static str,
        /// The path.
        path: PathBuf,
        /// What the kernel said.
        errno: Errno,
    },
}

impl StoreError {
    /// The stable name of this error, as in the package's table of codes without its prefix.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Length { .. } => "INVALID_ARGUMENT",
            _ => "BACKING",
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { len_bytes } => {
                write!(
                    f,
                    "a backing cannot have {len_bytes} bytes; use 1 to 2^63-1, and what fits the address space"
                )
            }
            Self::Memory { len_bytes, errno } => {
                write!(
                    f,
                    "cannot reserve {len_bytes} bytes of memory: {errno}; use less, or a file"
                )
            }
            Self::Exists { path } => {
                write!(
                    f,
                    "{} exists and was left alone; open it without a size, or name another",
                    path.display()
                )
            }
            Self::WrongKind { path, found } => {
                write!(
                    f,
                    "{} is {found}; name a regular file or a block device",
                    path.display()
                )
            }
            Self::Empty { path } => {
                write!(
                    f,
                    "{} has no bytes; name one that has, or one to be created with a size",
                    path.display()
                )
            }
            Self::NoIntent { path } => {
                write!(
                    f,
                    "{} is no regular file of this user, or a longer one than was made; remove it",
                    path.display()
                )
            }
            Self::InUse { path } => {
                write!(
                    f,
                    "{} is already in use by another process, unit or mount; stop that first",
                    path.display()
                )
            }
            Self::Replaced { path } => {
                write!(
                    f,
                    "{} was replaced while it was opened; open it again",
                    path.display()
                )
            }
            Self::System {
                action,
                path,
                errno,
            } => {
                write!(
                    f,
                    "cannot {action} {}: {errno}{}",
                    path.display(),
                    advice(*errno)
                )
            }
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Memory { errno, .. } | Self::System { errno, .. } => Some(errno),
            _ => None,
        }
    }
}

fn advice(errno: Errno) -> &'static str {
    match errno.0 {
        libc::ENOENT => "; check the path, or give a size to create it",
        libc::EACCES | libc::EPERM => "; open it as a user who may, or read-only",
        libc::EROFS => "; open it read-only",
        libc::ENOSPC | libc::EDQUOT | libc::EFBIG => "; make room, or use a smaller size",
        libc::EMFILE | libc::ENFILE => "; raise the limit of open files",
        libc::ENOLCK | libc::EOPNOTSUPP => "; use a file system with flock(2)",
        _ => "",
    }
}
