//! What the tests share: a place for sockets, clients of every kind, and waiting with a deadline.
#![allow(dead_code, unused_imports, reason = "each test file uses some of it")]

mod descriptors;

pub(crate) use descriptors::{memory_file, send_with_descriptors};
use sgring_shm::{
    Arrival, Hello, ListenOptions, Listener, PROTOCOL_VERSION, PairNumber, RECORD_BYTES, ShmError,
    Welcome, memfd,
    socket::{connect, receive_with_descriptor, send_with_descriptor},
};
use std::{
    env, fs,
    io::Read,
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::net::UnixStream,
    },
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

/// Bytes of every segment here.
pub(crate) const LEN: u64 = 1 << 16;
/// What a wait may take before the test says that nothing came.
const DEADLINE_MS: libc::c_int = 30_000;

/// A new directory, removed with everything in it on drop.
pub(crate) struct Dir(PathBuf);

impl Dir {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("sgring-shm-{}-{n}", process::id()));
        fs::create_dir(&path).expect("a directory for the test");
        Self(path)
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).expect("the test's directory goes");
    }
}

/// A hello that a listener with [`options`] accepts, if a segment of [`LEN`] bytes comes with it.
pub(crate) fn hello() -> Hello {
    Hello {
        version: PROTOCOL_VERSION,
        slots: 16,
        required_features: 0,
        arena_bytes: LEN as u32,
        epoch: 1,
        token: [0; 16],
        returning: None,
    }
}

/// Segments as long as the arena, of at least one slot.
pub(crate) fn options() -> ListenOptions {
    ListenOptions::new(|hello| (hello.slots > 0).then_some(u64::from(hello.arena_bytes)))
}

/// A listening target.
pub(crate) struct Target {
    pub(crate) listener: Listener,
    pub(crate) bell: UnixStream,
    pub(crate) path: PathBuf,
    _dir: Dir,
}

impl Target {
    pub(crate) fn with(options: ListenOptions) -> Self {
        let dir = Dir::new();
        let path = dir.join("s");
        let (listener, bell) = Listener::bind(&path, options).expect("a fresh path");
        Self {
            listener,
            bell: bell.into(),
            path,
            _dir: dir,
        }
    }

    /// Waits for the bell and takes the next arrival.
    pub(crate) fn arrival(&mut self) -> Arrival {
        loop {
            if let Some(arrival) = self.listener.accept() {
                return arrival;
            }
            wait_readable(&self.bell);
            assert_ne!(
                self.bell.read(&mut [0; 64]).expect("a bell"),
                0,
                "the bell never ends"
            );
        }
    }

    /// Connects as a client and sends these bytes, and these descriptors with the first.
    pub(crate) fn client(&self, bytes: &[u8], descriptors: &[&OwnedFd]) -> OwnedFd {
        let socket = connect(&self.path).expect("the target listens");
        let sent = send_with_descriptors(&socket, bytes, descriptors);
        assert_eq!(sent.expect("room for it"), bytes.len());
        socket
    }

    /// A well-behaved client gets in: the target is alive and well.
    pub(crate) fn assert_serves(&mut self) {
        let client = good_client(&self.path);
        let arrival = self.arrival();
        arrival.welcome(&welcome()).expect("the client is there");
        assert_eq!(answer(&client).code, 0);
    }
}

/// Connects, again if the target's queue is full, and says a hello that is accepted.
pub(crate) fn good_client(path: &Path) -> OwnedFd {
    let segment = memfd::create(LEN).expect("a segment");
    let socket = loop {
        match connect(path) {
            Err(ShmError::Busy) => thread::yield_now(),
            connected => break connected.expect("the target listens"),
        }
    };
    let sent = send_with_descriptor(socket.as_fd(), &hello().encode(), segment.as_fd());
    assert_eq!(sent.expect("room for a hello"), RECORD_BYTES);
    socket
}

pub(crate) fn welcome() -> Welcome {
    Welcome {
        version: PROTOCOL_VERSION,
        code: 0,
        features: 0,
        nexus: 3,
        pair: PairNumber::new(4).expect("31 bits"),
        token: *b"0123456789abcdef",
    }
}

/// The target's whole answer.
pub(crate) fn answer(socket: &OwnedFd) -> Welcome {
    let mut record = [0; RECORD_BYTES];
    let mut len = 0;
    while len < RECORD_BYTES {
        wait_readable(socket);
        let received = receive_with_descriptor(socket.as_fd(), &mut record[len..]);
        let received = received.expect("an answer").len;
        assert_ne!(received, 0, "hung up after {len} bytes of an answer");
        len += received;
    }
    Welcome::decode(&record).expect("a welcome")
}

/// Waits until something can be read, an end included; panics after the deadline.
pub(crate) fn wait_readable(socket: &impl AsFd) {
    assert!(
        readable_within(socket, DEADLINE_MS),
        "nothing came within {DEADLINE_MS} ms"
    );
}

/// Whether something can be read, an end included, before the time is up.
pub(crate) fn readable_within(socket: &impl AsFd, millis: libc::c_int) -> bool {
    let fd = socket.as_fd().as_raw_fd();
    let mut polled = libc::pollfd {
        fd,
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: `polled` is one writable entry.
    let ready = unsafe { libc::poll(&raw mut polled, 1, millis) };
    assert!(ready >= 0, "{}", std::io::Error::last_os_error());
    ready == 1
}

/// How many descriptors this process has open, the one that lists them included.
pub(crate) fn open_descriptors() -> usize {
    fs::read_dir("/proc/self/fd")
        .expect("proc is mounted")
        .count()
}
