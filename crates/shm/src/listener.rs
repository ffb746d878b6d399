//! A target's front door.
//!
//! One thread accepts, reads hellos and checks everything that can be checked without knowing what a segment means:
//! the peer's user, version and features, seals, size. It answers refusals itself. What passes is an [`Arrival`], and
//! each arrival rings the bell once, after it can be taken: so whoever reads the bell dry and then calls
//! [`Listener::accept`] until it gives nothing misses none. Where the kernel has no memory for a ring, the bell ends
//! instead: its watcher then looks at once, and by itself from time to time for as long as it keeps the listener.

use crate::{
    access::{Access, Grant},
    address::Address,
    bell::bell_pair,
    error::ShmError,
    handshake::{Hello, Refusal, Welcome},
    mapping::Mapping,
    reception::{Reception, Shared},
    socket::{PeerCredentials, send},
};
use std::{
    os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd},
    path::Path,
    sync::{Arc, atomic::Ordering},
    thread::{self, JoinHandle},
    time::Duration,
};

/// Whom a listener lets in.
#[derive(Clone, Debug)]
pub struct ListenOptions {
    /// Who may connect. Default: the effective user of this process, and no other.
    pub access: Access,
    /// Feature bits that the target knows; a hello that requires another is refused. Default: none.
    pub features: u64,
    /// Bytes that the segment of such a hello has; `None` refuses it. Must not panic.
    pub segment_len: fn(&Hello) -> Option<u64>,
    /// Connections that are being checked or wait for [`Listener::accept`]; further ones are refused. Default: 64.
    pub max_pending: usize,
    /// Those of one user. Default: all of them.
    pub max_pending_per_uid: usize,
    /// Connections a second of one user, and at once after a while without any; further ones are refused. Default: 0, no limit.
    pub connects_per_second: u32,
    /// How long a client may take for its hello. Default: 5 s.
    pub patience: Duration,
    /// Permissions of the socket, and whose it is. Default: 0o600, and this process's.
    pub file: SocketFile,
}

/// What a socket's name in the file system is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketFile {
    /// Permission bits.
    pub mode: u32,
    /// Its owner, if not this process's user: giving a file away takes CAP_CHOWN (chown(2)).
    pub uid: Option<u32>,
    /// Its group, if not this process's: one that the process is in, or any with CAP_CHOWN.
    pub gid: Option<u32>,
}

impl ListenOptions {
    /// The defaults, and the one thing that has none.
    #[must_use]
    pub fn new(segment_len: fn(&Hello) -> Option<u64>) -> Self {
        // SAFETY: geteuid has no preconditions.
        let own = unsafe { libc::geteuid() };
        Self {
            access: Access {
                uids: vec![own],
                ..Access::default()
            },
            features: 0,
            segment_len,
            max_pending: 64,
            max_pending_per_uid: usize::MAX,
            connects_per_second: 0,
            patience: Duration::from_secs(5),
            file: SocketFile {
                mode: 0o600,
                uid: None,
                gid: None,
            },
        }
    }
}

/// A client that has passed every check and waits for an answer. Dropping it hangs up.
#[derive(Debug)]
pub struct Arrival {
    /// The connection, non-blocking; it becomes the pair's bell. Bytes behind the hello are rings.
    pub socket: OwnedFd,
    /// The client's segment.
    pub mapping: Arc<Mapping>,
    /// What the client said.
    pub hello: Hello,
    /// Who the client is.
    pub peer: PeerCredentials,
    /// What it may do.
    pub grant: Grant,
}

impl Arrival {
    /// Lets the client in. Never blocks.
    ///
    /// # Errors
    /// [`ShmError::HungUp`] if it has gone meanwhile.
    pub fn welcome(&self, welcome: &Welcome) -> Result<(), ShmError> {
        send(self.socket.as_fd(), &welcome.encode())
    }

    /// Tells the client why not, as far as it still listens, and hangs up.
    pub fn refuse(self, refusal: Refusal) {
        let _gone_already = self.welcome(&Welcome::refused(refusal, 0));
    }
}

/// What a listener has seen since it was bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListenStats {
    /// Connections that were accepted, whatever became of them.
    pub connections: u64,
    /// Connections that were refused or gave up before they were whole.
    pub turned_away: u64,
    /// Times that no connection could be accepted, or a segment not be received, for want of descriptors or memory.
    pub accept_failures: u64,
}

/// A socket that lets clients in. Dropping it stops its thread, refuses who still waits, and removes the socket.
#[derive(Debug)]
pub struct Listener {
    shared: Arc<Shared>,
    stop: Arc<OwnedFd>,
    thread: Option<JoinHandle<()>>,
    /// Held until the thread has ended.
    _address: Address,
}

impl Listener {
    /// Listens at `path`; a socket that a dead server left there is replaced. Returns the end of the bell to watch.
    ///
    /// # Errors
    /// [`ShmError::AddressInUse`] if a server lives there, [`NotASocket`](ShmError::NotASocket) if something else does,
    /// [`PathTooLong`](ShmError::PathTooLong), [`PathInvalid`](ShmError::PathInvalid),
    /// [`NotAllowed`](ShmError::NotAllowed) if the directory may not be written, else [`ShmError::System`].
    pub fn bind(path: &Path, options: ListenOptions) -> Result<(Self, OwnedFd), ShmError> {
        let (bell, watched) = bell_pair()?;
        let stop = Arc::new(event()?);
        let (address, socket) = Address::listen(path, options.file)?;
        let shared = Arc::new(Shared::new(bell));
        let reception = Reception::new(socket, Arc::clone(&stop), options, Arc::clone(&shared));
        let thread = thread::Builder::new()
            .name("sgring-listen".into())
            .spawn(move || reception.run())
            .map_err(|source| ShmError::System {
                call: "clone",
                source,
            })?;
        Ok((
            Self {
                shared,
                stop,
                thread: Some(thread),
                _address: address,
            },
            watched,
        ))
    }

    /// The next client that has passed every check. After the bell, call it until it gives `None`.
    #[must_use]
    pub fn accept(&self) -> Option<Arrival> {
        self.shared.arrivals().pop_front()
    }

    /// What has been seen so far.
    #[must_use]
    pub fn stats(&self) -> ListenStats {
        ListenStats {
            connections: self.shared.connections.load(Ordering::Relaxed),
            turned_away: self.shared.turned_away.load(Ordering::Relaxed),
            accept_failures: self.shared.accept_failures.load(Ordering::Relaxed),
        }
    }

    /// Stops listening: as dropping, said aloud.
    pub fn close(self) {}
}

impl Drop for Listener {
    fn drop(&mut self) {
        let one = 1u64;
        // SAFETY: `one` is readable for its eight bytes; the descriptor is our own. An eventfd takes its first write always.
        unsafe {
            libc::write(
                self.stop.as_raw_fd(),
                (&raw const one).cast(),
                size_of_val(&one),
            )
        };
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
        for arrival in self.shared.arrivals().drain(..) {
            arrival.refuse(Refusal::Closing);
        }
    }
}

fn event() -> Result<OwnedFd, ShmError> {
    // SAFETY: eventfd has no preconditions.
    let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
    if fd < 0 {
        return Err(ShmError::last("eventfd"));
    }
    // SAFETY: eventfd has just made this descriptor, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
