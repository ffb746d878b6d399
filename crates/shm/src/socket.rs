//! Unix stream sockets: connecting, who the peer is, and a descriptor that travels with bytes.

use crate::error::{HandshakeFault, ShmError};
use sgring_kill_points::kill_point;
use std::{
    fs, io, mem,
    os::{
        fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
        unix::{ffi::OsStrExt, fs::FileTypeExt},
    },
    path::Path,
    ptr,
};

/// `sun_path` without its terminating NUL (unix(7)).
const PATH_BYTES: usize = 107;
/// Descriptors that one receive makes room for: more than is allowed, so that more is seen.
const DESCRIPTORS: usize = 4;
const DESCRIPTOR_BYTES: usize = size_of::<RawFd>();

/// Who was at the other end when the connection was made (`SO_PEERCRED`, unix(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerCredentials {
    /// Process id as seen from here; 0 if the peer lives in a pid namespace that is not seen from here.
    pub pid: i32,
    /// Effective user id.
    pub uid: u32,
    /// Effective group id.
    pub gid: u32,
}

/// What one receive brought.
#[derive(Debug)]
pub struct Received {
    /// Bytes written to the front of the buffer; 0 is the end of the stream.
    pub len: usize,
    /// The descriptor that came with them, close-on-exec.
    pub descriptor: Option<OwnedFd>,
}

/// Connects to the socket at `path`: a stream, close-on-exec, non-blocking. Waits for nothing.
///
/// # Errors
/// [`ShmError::PathTooLong`], [`PathInvalid`](ShmError::PathInvalid), [`NoTarget`](ShmError::NoTarget),
/// [`NotASocket`](ShmError::NotASocket), [`NotAllowed`](ShmError::NotAllowed), [`Busy`](ShmError::Busy) (try again),
/// or [`Connect`](ShmError::Connect) with any other errno.
pub fn connect(path: &Path) -> Result<OwnedFd, ShmError> {
    let address = address(path)?;
    let socket = stream_socket()?;
    // SAFETY: 1. `address` is readable for the length that is passed; 2. `socket` is open.
    let connected = unsafe {
        libc::connect(
            socket.as_raw_fd(),
            (&raw const address).cast(),
            size_of_val(&address) as u32,
        )
    };
    if connected == 0 {
        return Ok(socket);
    }
    let error = io::Error::last_os_error();
    Err(match error.raw_os_error() {
        Some(libc::ENOENT) => ShmError::NoTarget { stale: false },
        // Linux says so of a file that is no socket as well as of a socket that nobody listens on.
        Some(libc::ECONNREFUSED) => match fs::metadata(path) {
            Ok(found) if !found.file_type().is_socket() => ShmError::NotASocket,
            found => ShmError::NoTarget {
                stale: found.is_ok(),
            },
        },
        Some(libc::EACCES | libc::EPERM) => ShmError::NotAllowed(error),
        Some(libc::EAGAIN) => ShmError::Busy,
        _ => ShmError::Connect(error),
    })
}

/// Who is at the other end of a connected socket.
///
/// # Errors
/// [`ShmError::System`] if `socket` is none.
pub fn peer_credentials(socket: BorrowedFd<'_>) -> Result<PeerCredentials, ShmError> {
    let mut peer = libc::ucred {
        pid: 0,
        uid: u32::MAX,
        gid: u32::MAX,
    };
    let mut len = size_of_val(&peer) as libc::socklen_t;
    // SAFETY: 1. `peer` is writable for `len` bytes, and `len` for its own; 2. the borrow keeps the descriptor open.
    let got = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut peer).cast(),
            &raw mut len,
        )
    };
    if got < 0 {
        return Err(ShmError::last("getsockopt"));
    }
    Ok(PeerCredentials {
        pid: peer.pid,
        uid: peer.uid,
        gid: peer.gid,
    })
}

/// Room for groups at first; Linux allows 65,536 (`NGROUPS_MAX`).
const GROUPS: usize = 64;
/// `SO_PEERGROUPS` (unix(7)), which libc does not have.
const SO_PEERGROUPS: libc::c_int = 59;

/// The supplementary groups that the peer had when the connection was made (`SO_PEERGROUPS`, unix(7)).
///
/// # Errors
/// [`ShmError::System`] if `socket` is none, or before Linux 4.13.
pub fn peer_groups(socket: BorrowedFd<'_>) -> Result<Vec<u32>, ShmError> {
    let mut groups = vec![0u32; GROUPS];
    loop {
        let mut len = size_of_val(groups.as_slice()) as libc::socklen_t;
        // SAFETY: 1. `groups` is writable for `len` bytes, and `len` for its own; 2. the borrow keeps the descriptor open.
        let got = unsafe {
            libc::getsockopt(
                socket.as_raw_fd(),
                libc::SOL_SOCKET,
                SO_PEERGROUPS,
                groups.as_mut_ptr().cast(),
                &raw mut len,
            )
        };
        let count = len as usize / size_of::<u32>();
        if got == 0 {
            groups.truncate(count);
            return Ok(groups);
        }
        let error = ShmError::last("getsockopt");
        // More than there was room for: then `len` is what they take. They are those of the connection, and never grow.
        match &error {
            ShmError::System { source, .. }
                if source.raw_os_error() == Some(libc::ERANGE) && count > groups.len() =>
            {
                groups.resize(count, 0);
            }
            _ => return Err(error),
        }
    }
}

/// Sends `bytes`, and `descriptor` with the first of them; returns how many were taken. Never blocks or signals.
///
/// # Errors
/// [`ShmError::HungUp`] if the peer has closed: an answer that it sent before can still be read, and says why.
/// [`ShmError::System`] otherwise, with `EAGAIN` if the socket is full.
pub fn send_with_descriptor(
    socket: BorrowedFd<'_>,
    bytes: &[u8],
    descriptor: BorrowedFd<'_>,
) -> Result<usize, ShmError> {
    let mut control = Control::default();
    let mut part = libc::iovec {
        iov_base: bytes.as_ptr().cast_mut().cast(),
        iov_len: bytes.len(),
    };
    let message = control.message(&mut part, DESCRIPTOR_BYTES);
    // SAFETY: 1. `message` names `control`, which is writable, aligned for a header and long enough for one.
    let header = unsafe { libc::CMSG_FIRSTHDR(&raw const message) };
    // SAFETY: all zeros is a header, and of musl's padding the only value that can be given.
    let mut filled: libc::cmsghdr = unsafe { mem::zeroed() };
    // Control data's lengths are size_t in glibc and socklen_t in musl (cmsg(3), POSIX <sys/socket.h>).
    filled.cmsg_len = (CONTROL_HEADER + DESCRIPTOR_BYTES) as _;
    filled.cmsg_level = libc::SOL_SOCKET;
    filled.cmsg_type = libc::SCM_RIGHTS;
    // SAFETY: `header` is the first header of `control`, as established above.
    unsafe { header.write(filled) };
    // SAFETY: the header lies in `control`, which has room for data behind it.
    let data = unsafe { libc::CMSG_DATA(header) };
    // SAFETY: `control` has room for one descriptor at `data`; unaligned, because nothing promises more.
    unsafe { data.cast::<RawFd>().write_unaligned(descriptor.as_raw_fd()) };
    let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    // SAFETY: 1. `message` names `part` and `control`, which live; 2. sendmsg only reads `bytes`; 3. both descriptors are open.
    let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const message, flags) };
    kill_point();
    transferred("sendmsg", sent)
}

/// Sends all of `bytes`. Never blocks or signals.
///
/// # Errors
/// As [`send_with_descriptor`]; `EAGAIN` also if the socket took only some of them.
pub fn send(socket: BorrowedFd<'_>, bytes: &[u8]) -> Result<(), ShmError> {
    let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    // SAFETY: `bytes` is readable for its length; the borrow keeps the descriptor open.
    let sent = unsafe {
        libc::send(
            socket.as_raw_fd(),
            bytes.as_ptr().cast(),
            bytes.len(),
            flags,
        )
    };
    kill_point();
    if transferred("send", sent)? == bytes.len() {
        return Ok(());
    }
    Err(ShmError::System {
        call: "send",
        source: io::Error::from_raw_os_error(libc::EAGAIN),
    })
}

/// Receives what is there, and at most one descriptor with it. Never blocks.
///
/// # Errors
/// [`ShmError::Handshake`] with [`HandshakeFault::Descriptors`] if several came: those that were taken in are closed.
/// [`ShmError::HungUp`] if the peer closed without reading; [`ShmError::System`] otherwise, with `EAGAIN` if nothing is
/// there, and with `EMFILE` if this process has no number left for a descriptor that came: it is lost, with the bytes.
pub fn receive_with_descriptor(
    socket: BorrowedFd<'_>,
    buffer: &mut [u8],
) -> Result<Received, ShmError> {
    let mut control = Control::default();
    let mut part = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    let mut message = control.message(&mut part, DESCRIPTORS * DESCRIPTOR_BYTES);
    let flags = libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC;
    // SAFETY: 1. `message` names `part` (and so `buffer`) and `control`, all writable; 2. the descriptor is open.
    let received = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, flags) };
    let len = transferred("recvmsg", received)?;
    // Whatever came is owned from here on, and closed on every way out but one.
    let mut descriptors = descriptors_in(&message);
    let truncated = message.msg_flags & libc::MSG_CTRUNC != 0;
    // There was room for several and not one came: the kernel's `scm_detach_fds` stops at a full table, and says just this.
    if truncated && descriptors.is_empty() {
        return Err(ShmError::System {
            call: "recvmsg",
            source: io::Error::from_raw_os_error(libc::EMFILE),
        });
    }
    if truncated || descriptors.len() > 1 {
        return Err(ShmError::Handshake(HandshakeFault::Descriptors));
    }
    Ok(Received {
        len,
        descriptor: descriptors.pop(),
    })
}

/// A new socket as all of ours are.
pub(crate) fn stream_socket() -> Result<OwnedFd, ShmError> {
    let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: socket has no preconditions.
    let fd = unsafe { libc::socket(libc::AF_UNIX, kind, 0) };
    if fd < 0 {
        return Err(ShmError::last("socket"));
    }
    // SAFETY: socket has just made this descriptor, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// The address of a path in the file system.
pub(crate) fn address(path: &Path) -> Result<libc::sockaddr_un, ShmError> {
    let bytes = path.as_os_str().as_bytes();
    if bytes.is_empty() || bytes.contains(&0) {
        return Err(ShmError::PathInvalid);
    }
    if bytes.len() > PATH_BYTES {
        return Err(ShmError::PathTooLong(bytes.len()));
    }
    let mut address = libc::sockaddr_un {
        sun_family: libc::AF_UNIX as libc::sa_family_t,
        sun_path: [0; 108],
    };
    for (to, from) in address.sun_path.iter_mut().zip(bytes) {
        *to = *from as libc::c_char;
    }
    Ok(address)
}

fn transferred(call: &'static str, result: isize) -> Result<usize, ShmError> {
    usize::try_from(result).map_err(|_| {
        let source = io::Error::last_os_error();
        match source.raw_os_error() {
            Some(libc::EPIPE | libc::ECONNRESET) => ShmError::HungUp,
            _ => ShmError::System { call, source },
        }
    })
}

/// `CMSG_LEN(0)`: the header and its padding, which is none where the header is a multiple of its alignment.
const CONTROL_HEADER: usize = size_of::<libc::cmsghdr>();
const _: () = assert!(CONTROL_HEADER.is_multiple_of(align_of::<usize>()));

/// Room for control data, aligned as its headers must be.
#[repr(C)]
#[derive(Default)]
struct Control {
    _aligned: [libc::size_t; 0],
    bytes: [u8; CONTROL_HEADER + DESCRIPTORS * DESCRIPTOR_BYTES],
}

impl Control {
    /// A message of `part` and as much of this room as a header with `data` bytes takes. It names both by pointer.
    fn message(&mut self, part: &mut libc::iovec, data: usize) -> libc::msghdr {
        // SAFETY: all zeros is a message without address, parts or control data.
        let mut message: libc::msghdr = unsafe { mem::zeroed() };
        message.msg_iov = part;
        message.msg_iovlen = 1;
        message.msg_control = self.bytes.as_mut_ptr().cast();
        message.msg_controllen = (CONTROL_HEADER + data) as _;
        message
    }
}

/// Takes every descriptor that a received message has brought.
fn descriptors_in(message: &libc::msghdr) -> Vec<OwnedFd> {
    let mut descriptors = Vec::new();
    // SAFETY: `message` names control data that recvmsg has filled.
    let mut header = unsafe { libc::CMSG_FIRSTHDR(message) };
    while !header.is_null() {
        // SAFETY: the kernel has written a whole header here: the CMSG functions give no other.
        let control = unsafe { ptr::read_unaligned(header) };
        if control.cmsg_level == libc::SOL_SOCKET && control.cmsg_type == libc::SCM_RIGHTS {
            // SAFETY: the data of this header follows it.
            let data = unsafe { libc::CMSG_DATA(header) }.cast::<RawFd>();
            let length: usize = control.cmsg_len as _;
            let count = length.saturating_sub(CONTROL_HEADER) / DESCRIPTOR_BYTES;
            for i in 0..count {
                // SAFETY: the kernel has written `count` descriptors to `data`, all within the room it was given.
                let fd = unsafe { ptr::read_unaligned(data.wrapping_add(i)) };
                // SAFETY: recvmsg has just made this descriptor, and nobody else knows it.
                descriptors.push(unsafe { OwnedFd::from_raw_fd(fd) });
            }
        }
        // SAFETY: `header` is one of this message's headers.
        header = unsafe { libc::CMSG_NXTHDR(message, header) };
    }
    descriptors
}
