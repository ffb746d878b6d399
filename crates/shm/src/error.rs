//! What can go wrong here, each with a stable name.

use std::{error::Error, fmt, io};

/// Why a segment, a socket or a handshake did not come about.
#[derive(Debug)]
#[non_exhaustive]
pub enum ShmError {
    /// A socket path of this many bytes; `sun_path` holds 107 and a NUL (unix(7)).
    PathTooLong(usize),
    /// A socket path that is empty or contains a NUL byte.
    PathInvalid,
    /// The path exists and is no socket; it was left alone.
    NotASocket,
    /// Another process serves the socket, or holds its lock.
    AddressInUse,
    /// Nobody serves the socket. `stale`: the path is a socket that a server left behind.
    NoTarget {
        /// Whether the path exists.
        stale: bool,
    },
    /// The path may not be entered or written by this user.
    NotAllowed(io::Error),
    /// The server's queue of connections is full: it lives, and is not accepting just now.
    Busy,
    /// The socket could not be connected for another reason.
    Connect(io::Error),
    /// The peer has closed its end. What it had sent before can still be read.
    HungUp,
    /// The peer does not speak this protocol.
    Handshake(HandshakeFault),
    /// The descriptor is no segment that may be mapped.
    Segment(SegmentFault),
    /// A byte range that does not lie within the mapping.
    OutOfRange,
    /// A system call failed that should not have.
    System {
        /// The call, as in section 2 of the manual.
        call: &'static str,
        /// Its errno.
        source: io::Error,
    },
}

/// What is wrong with a handshake record or its control data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandshakeFault {
    /// The record does not begin with its magic.
    Magic,
    /// A reserved byte is not zero.
    Reserved,
    /// A pair's number has more than 31 bits.
    PairNumber,
    /// More than one descriptor came; all that were taken in were closed.
    Descriptors,
}

/// Why a descriptor is not mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SegmentFault {
    /// No regular file: a pipe, a socket, a device.
    NotAFile,
    /// A file on huge pages, where a hole punched by its owner is a SIGBUS for whoever touches it.
    HugePages,
    /// A file of another file system than tmpfs, where reading can fail with SIGBUS.
    FileSystem,
    /// Not open for reading and writing, or sealed against writing.
    ReadOnly,
    /// Not sealed against shrinking, growing and unsealing: its owner could still cut it under the mapping.
    Unsealed,
    /// Sealed at another size than was agreed.
    Size {
        /// Bytes that the file has.
        actual: u64,
        /// Bytes that it should have.
        expected: u64,
    },
}

impl ShmError {
    /// The stable name of this error, as in the package's table of codes without its prefix.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::PathTooLong(_) => "PATH_TOO_LONG",
            Self::PathInvalid | Self::OutOfRange => "INVALID_ARGUMENT",
            Self::NotASocket => "NOT_A_SOCKET",
            Self::AddressInUse => "ADDRESS_IN_USE",
            Self::NoTarget { .. } => "NO_TARGET",
            Self::NotAllowed(_) => "PEER_NOT_ALLOWED",
            Self::Busy | Self::Connect(_) | Self::HungUp => "CONNECT",
            Self::Handshake(_) => "HANDSHAKE",
            Self::Segment(_) => "SEGMENT",
            Self::System { .. } => "SYSTEM",
        }
    }

    /// The errno of the last system call on this thread, which was `call`.
    pub(crate) fn last(call: &'static str) -> Self {
        Self::System {
            call,
            source: io::Error::last_os_error(),
        }
    }
}

impl fmt::Display for ShmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PathTooLong(bytes) => {
                write!(
                    f,
                    "the socket path has {bytes} bytes; at most 107 are possible"
                )
            }
            Self::PathInvalid => f.write_str("the socket path is empty or contains a NUL byte"),
            Self::NotASocket => f.write_str("the path exists and is no socket; it was left alone"),
            Self::AddressInUse => f.write_str("another target already serves this socket"),
            Self::NoTarget { stale: true } => {
                f.write_str("the target that served this socket is gone")
            }
            Self::NoTarget { stale: false } => f.write_str("there is no such socket"),
            Self::NotAllowed(source) => write!(f, "the socket is not open to this user: {source}"),
            Self::Busy => f.write_str("the target's queue of connections is full"),
            Self::Connect(source) => write!(f, "the socket could not be connected: {source}"),
            Self::HungUp => f.write_str("the peer has closed the connection"),
            Self::Handshake(fault) => write!(f, "the peer does not speak sgring: {fault}"),
            Self::Segment(fault) => write!(f, "the shared segment is refused: {fault}"),
            Self::OutOfRange => f.write_str("the byte range lies outside the mapping"),
            Self::System { call, source } => write!(f, "{call}: {source}"),
        }
    }
}

impl Error for ShmError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::NotAllowed(source) | Self::Connect(source) | Self::System { source, .. } => {
                Some(source)
            }
            _ => None,
        }
    }
}

impl fmt::Display for HandshakeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Magic => "wrong magic",
            Self::Reserved => "a reserved byte is set",
            Self::PairNumber => "a pair's number beyond 31 bits",
            Self::Descriptors => "more than one descriptor",
        })
    }
}

impl fmt::Display for SegmentFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAFile => f.write_str("it is no regular file"),
            Self::HugePages => f.write_str("it lies on huge pages"),
            Self::FileSystem => f.write_str("it lies on another file system than tmpfs"),
            Self::ReadOnly => f.write_str("it cannot be written"),
            Self::Unsealed => f.write_str("it is not sealed against shrinking and growing"),
            Self::Size { actual, expected } => {
                write!(f, "it has {actual} bytes instead of {expected}")
            }
        }
    }
}
