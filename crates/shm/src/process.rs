//! Whether a peer's process lives: the end of its connection does not say so.

use crate::{error::ShmError, socket::peer_credentials};
use std::{
    io,
    os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
};

/// `SO_PEERPIDFD` of asm-generic/socket.h, since Linux 6.5.
const SO_PEERPIDFD: libc::c_int = 77;

/// A process that was at the other end of a socket when the connection was made (pidfd_open(2)).
#[derive(Debug)]
pub struct PeerProcess(OwnedFd);

impl PeerProcess {
    /// The process at the other end of `socket`.
    ///
    /// Before Linux 6.5 it is looked up by its number, which another process may have by then: only if the peer is dead already, so
    /// whatever is told of that one's end is true of the peer's.
    ///
    /// # Errors
    /// [`ShmError::System`] with the call that failed: `pidfd_open` with `ESRCH` if the process is gone, and only then. One of another pid
    /// namespace that has no number here is seen since Linux 6.5; before, its number is told as 0, and the call fails with `EINVAL`.
    pub fn of(socket: BorrowedFd<'_>) -> Result<Self, ShmError> {
        let mut fd: libc::c_int = -1;
        let mut len = size_of_val(&fd) as libc::socklen_t;
        // SAFETY: 1. `fd` is writable for `len` bytes, and `len` for its own; 2. the borrow keeps the descriptor open.
        let got = unsafe {
            libc::getsockopt(
                socket.as_raw_fd(),
                libc::SOL_SOCKET,
                SO_PEERPIDFD,
                (&raw mut fd).cast(),
                &raw mut len,
            )
        };
        if got < 0 {
            fd = open(peer_credentials(socket)?.pid)?;
        }
        // SAFETY: the kernel has just made this descriptor, close-on-exec, and nobody else knows it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Whether all threads of the process are gone: none of them writes to memory that it shared.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        let mut polled = libc::pollfd {
            fd: self.0.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: one entry, writable; the call does not wait.
        unsafe { libc::poll(&raw mut polled, 1, 0) == 1 }
    }
}

fn open(pid: libc::pid_t) -> Result<libc::c_int, ShmError> {
    let flags: libc::c_uint = 0;
    // SAFETY: a plain call on numbers.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, flags) };
    if fd < 0 {
        return Err(ShmError::System {
            call: "pidfd_open",
            source: io::Error::last_os_error(),
        });
    }
    Ok(fd as libc::c_int)
}
