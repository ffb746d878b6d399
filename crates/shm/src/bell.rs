//! The bell: one byte on a stream socket says "look".
//!
//! Each end of a socket has a file description of its own, so no peer can make [`Bell::ring`] block by changing flags,
//! as it could with an eventfd; and the descriptor that is watched for the bell reports the peer's end as well.
//! The byte's value means nothing but for a [`Farewell`], and many rings may be read as one.
//!
//! Whoever hears it reads the bytes away *before* the last look at what it rings for, and before announcing sleep,
//! never after: a byte that came between look and read would be thrown away with the others, and nobody would look at
//! what it was rung for. A byte that is left over costs a look that finds nothing.

use crate::error::ShmError;
use sgring_kill_points::kill_point;
use std::{
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
};

/// The byte of a ring: any that is no [`Farewell`] counts as one.
const RING: u8 = 1;

/// The last byte of who ends the connection and lives on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Farewell {
    /// Whoever waits at its end for another peer need not.
    ForGood = 2,
    /// The segment is let go of: another peer may have it at once.
    Released = 3,
}

/// The ringing end. It has a descriptor of its own, whatever becomes of the one it was made from.
#[derive(Debug)]
pub struct Bell(OwnedFd);

/// A bell for threads of one process: the end to ring, and the non-blocking socket to watch.
///
/// # Errors
/// [`ShmError::System`] if no descriptors are left.
pub fn bell_pair() -> Result<(Bell, OwnedFd), ShmError> {
    let mut ends = [-1; 2];
    let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: `ends` is writable and holds two descriptors, as the call expects.
    if unsafe { libc::socketpair(libc::AF_UNIX, kind, 0, ends.as_mut_ptr()) } < 0 {
        return Err(ShmError::last("socketpair"));
    }
    // SAFETY: socketpair has just made this descriptor, and nobody else knows it.
    let ringing = unsafe { OwnedFd::from_raw_fd(ends[0]) };
    // SAFETY: as above, the other end.
    let watched = unsafe { OwnedFd::from_raw_fd(ends[1]) };
    Ok((Bell(ringing), watched))
}

impl Bell {
    /// A bell on a connected stream socket, of which it takes a duplicate.
    ///
    /// # Errors
    /// [`ShmError::System`] if no descriptors are left.
    pub fn new(socket: BorrowedFd<'_>) -> Result<Self, ShmError> {
        match socket.try_clone_to_owned() {
            Ok(socket) => Ok(Self(socket)),
            Err(source) => Err(ShmError::System {
                call: "fcntl",
                source,
            }),
        }
    }

    /// Rings once. Never blocks, never raises SIGPIPE, whatever the peer does.
    ///
    /// A full socket counts as rung, for then bytes of earlier rings wait unread; so does a peer that has hung up,
    /// which whoever watches the socket learns there. `false` means that the kernel had no memory for the byte, and that
    /// nobody was woken: rings are won once and not repeated, so the caller either looks after it by itself (tries again
    /// later) or [hangs up](Self::hang_up), which takes no memory and wakes who watches.
    #[must_use = "a sleeper that was not rung sleeps for ever"]
    pub fn ring(&self) -> bool {
        self.send(RING)
            || !matches!(
                io::Error::last_os_error().raw_os_error(),
                Some(libc::ENOBUFS | libc::ENOMEM)
            )
    }

    /// Says, before the end of the connection, what is behind it, as far as there is room for a byte.
    pub fn say(&self, farewell: Farewell) {
        // Who does not hear it sees the end all the same.
        let _heard = self.send(farewell as u8);
    }

    fn send(&self, byte: u8) -> bool {
        let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
        // SAFETY: `byte` is readable for the one byte that is sent; the descriptor is our own.
        let sent = unsafe { libc::send(self.0.as_raw_fd(), (&raw const byte).cast(), 1, flags) };
        kill_point();
        sent == 1
    }

    /// Whether the other end has closed the connection, or its process has died.
    #[must_use]
    pub fn is_hung_up(&self) -> bool {
        let mut asked = libc::pollfd {
            fd: self.0.as_raw_fd(),
            events: libc::POLLRDHUP,
            revents: 0,
        };
        // SAFETY: `asked` is one writable record; the call does not wait.
        let found = unsafe { libc::poll(&raw mut asked, 1, 0) };
        found > 0 && asked.revents & (libc::POLLRDHUP | libc::POLLHUP | libc::POLLERR) != 0
    }

    /// Ends the connection for both sides and for every duplicate of the socket: the peer sees end of file, and so do we.
    pub fn hang_up(&self) {
        // SAFETY: a plain call on our own descriptor. It fails only if the peer was faster, which is what we want.
        unsafe { libc::shutdown(self.0.as_raw_fd(), libc::SHUT_RDWR) };
        kill_point();
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
