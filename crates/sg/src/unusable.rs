//! Why a transport cannot be used, before any command was sent.

use std::fmt;

use crate::Errno;

/// Why a node or this kernel does not offer a transport. The message says what would help.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unusable {
    /// The node is no sg node (`SG_GET_SCSI_ID`), or its device is gone.
    NotSg(Errno),
    /// The node was opened to be read only: write(2) is what sends commands.
    ReadOnly,
    /// Linux before 7.1, whose bsg nodes know no io_uring.
    KernelTooOld {
        /// As uname(2) has it.
        release: String,
    },
    /// io_uring may not be used: by the sysctl `kernel.io_uring_disabled`, if that is not 0, else by a security module or a seccomp filter.
    IoUringDisabled {
        /// The sysctl: 1 leaves it to `CAP_SYS_ADMIN` and one group, 2 to nobody.
        sysctl: Option<u8>,
    },
    /// The kernel was built without io_uring, or a seccomp filter hides it.
    IoUringMissing,
    /// The kernel is new enough, but this node takes no commands over io_uring: it is no bsg node, or one of a transport.
    NodeWithoutIoUring,
    /// Another system call failed.
    System {
        /// Which.
        call: &'static str,
        /// How.
        errno: Errno,
    },
}

impl Unusable {
    /// A stable name.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotSg(_) => "not_sg",
            Self::ReadOnly => "read_only",
            Self::KernelTooOld { .. } => "kernel_too_old",
            Self::IoUringDisabled { .. } => "io_uring_disabled",
            Self::IoUringMissing => "io_uring_missing",
            Self::NodeWithoutIoUring => "node_without_io_uring",
            Self::System { .. } => "system",
        }
    }

    pub(crate) const fn system(call: &'static str, errno: Errno) -> Self {
        Self::System { call, errno }
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSg(errno) => write!(f, "the node is no sg node: {errno}"),
            Self::ReadOnly => {
                f.write_str("the node was opened read-only; commands are sent by write(2)")
            }
            Self::KernelTooOld { release } => write!(
                f,
                "bsg nodes take io_uring since Linux 7.1, and this is {release}"
            ),
            Self::IoUringDisabled {
                sysctl: Some(value @ 1..),
            } => write!(f, "the sysctl kernel.io_uring_disabled is {value}"),
            Self::IoUringDisabled { .. } => {
                f.write_str("a security module or a seccomp filter forbids io_uring")
            }
            Self::IoUringMissing => f.write_str("this kernel has no io_uring"),
            Self::NodeWithoutIoUring => f.write_str(
                "this node takes no commands over io_uring; bsg nodes of devices do (/dev/bsg/H:C:T:L)",
            ),
            Self::System { call, errno } => write!(f, "{call}: {errno}"),
        }
    }
}

impl std::error::Error for Unusable {}
