//! The listener's thread.
//!
//! It waits in poll(2) for the listening socket, for the order to stop and for at most `max_pending` clients in the middle
//! of their hello; each has `patience` to finish it. Nothing a client does makes it block, panic, or keep more.

use crate::{
    access::Grant,
    bell::Bell,
    error::ShmError,
    handshake::{Hello, RECORD_BYTES, Refusal, Welcome},
    listener::{Arrival, ListenOptions},
    mapping::Mapping,
    pace::Pace,
    socket::{PeerCredentials, peer_credentials, peer_groups, receive_with_descriptor, send},
};
use std::{
    collections::VecDeque,
    io, mem,
    os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd},
    ptr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// How long nothing is accepted after descriptors or memory ran out: the backlog stays readable, so poll would return at once.
const BACKOFF: Duration = Duration::from_millis(100);
/// Connections accepted in one turn, so that a storm of them does not starve those already here.
const ACCEPTS: usize = 64;

/// What the thread and its owner share.
#[derive(Debug)]
pub(crate) struct Shared {
    arrivals: Mutex<VecDeque<Arrival>>,
    bell: Bell,
    pub(crate) connections: AtomicU64,
    pub(crate) turned_away: AtomicU64,
    pub(crate) accept_failures: AtomicU64,
}

impl Shared {
    pub(crate) fn new(bell: Bell) -> Self {
        Self {
            arrivals: Mutex::default(),
            bell,
            connections: AtomicU64::new(0),
            turned_away: AtomicU64::new(0),
            accept_failures: AtomicU64::new(0),
        }
    }

    /// Those who passed and were not yet taken. A queue is whole whoever panicked while holding it.
    pub(crate) fn arrivals(&self) -> MutexGuard<'_, VecDeque<Arrival>> {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread's own state.
pub(crate) struct Reception {
    listening: OwnedFd,
    stop: Arc<OwnedFd>,
    options: ListenOptions,
    shared: Arc<Shared>,
    pending: Vec<Pending>,
    pace: Pace,
    /// While set, nothing is accepted.
    backoff_until: Option<Instant>,
}

/// A client in the middle of its hello.
struct Pending {
    socket: OwnedFd,
    peer: PeerCredentials,
    grant: Grant,
    record: [u8; RECORD_BYTES],
    len: usize,
    descriptor: Option<OwnedFd>,
    deadline: Instant,
}

/// How far a hello has come.
enum Progress {
    /// More of it must come.
    Partial,
    /// The record is whole.
    Whole,
    /// The client broke off, or the connection did.
    Gone,
    /// What came is no hello.
    Malformed,
    /// This process has no number left for the descriptor that came.
    NoDescriptor,
}

/// What poll found.
#[derive(Default)]
struct Ready {
    stop: bool,
    listening: bool,
    /// One for each pending client, in order.
    pending: Vec<bool>,
}

impl Reception {
    pub(crate) fn new(
        listening: OwnedFd,
        stop: Arc<OwnedFd>,
        options: ListenOptions,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            listening,
            stop,
            pace: Pace::new(options.connects_per_second),
            options,
            shared,
            pending: Vec::new(),
            backoff_until: None,
        }
    }

    /// Serves until it is told to stop.
    pub(crate) fn run(mut self) {
        loop {
            let ready = self.wait();
            if ready.stop {
                break;
            }
            self.advance(&ready.pending);
            if ready.listening {
                self.accept();
            }
        }
        for client in mem::take(&mut self.pending) {
            self.turn_away(&client.socket, Refusal::Closing);
        }
    }

    /// Sleeps until something is ready or a time is up.
    fn wait(&mut self) -> Ready {
        let now = Instant::now();
        self.backoff_until = self.backoff_until.filter(|until| *until > now);
        let listening = match self.backoff_until {
            // A negative descriptor is passed over (poll(2)).
            Some(_) => -1,
            None => self.listening.as_raw_fd(),
        };
        let mut polled = vec![readable(self.stop.as_raw_fd()), readable(listening)];
        polled.extend(
            self.pending
                .iter()
                .map(|client| readable(client.socket.as_raw_fd())),
        );
        let until = self
            .pending
            .iter()
            .map(|client| client.deadline)
            .chain(self.backoff_until)
            .min();
        match poll(
            &mut polled,
            until.map(|until| until.saturating_duration_since(now)),
        ) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ready::default(),
            Err(_) => {
                // No memory, or the limit on descriptors fell below what we watch: hear at least the order to stop.
                polled.truncate(1);
                if poll(&mut polled, Some(BACKOFF)).is_err() {
                    return Ready::default();
                }
            }
        }
        let mut found = polled.iter().map(|polled| polled.revents != 0);
        Ready {
            stop: found.next().unwrap_or(false),
            listening: found.next().unwrap_or(false),
            pending: found.collect(),
        }
    }

    /// Accepts who stands at the door.
    fn accept(&mut self) {
        for _ in 0..ACCEPTS {
            match accept(&self.listening) {
                Ok(socket) => {
                    count(&self.shared.connections);
                    self.admit(socket);
                }
                Err(error) => match error.raw_os_error() {
                    Some(libc::EINTR | libc::ECONNABORTED) => {}
                    Some(libc::EAGAIN) => return,
                    _ => {
                        count(&self.shared.accept_failures);
                        self.backoff_until = Some(Instant::now() + BACKOFF);
                        return;
                    }
                },
            }
        }
    }

    /// Checks who it is before a single byte is read.
    fn admit(&mut self, socket: OwnedFd) {
        let Ok(peer) = peer_credentials(socket.as_fd()) else {
            return self.turn_away(&socket, Refusal::NotAllowed);
        };
        // Whose groups cannot be found out is in none.
        let groups = || peer_groups(socket.as_fd()).unwrap_or_default();
        let Some(grant) = self.options.access.grant(&peer, groups) else {
            return self.turn_away(&socket, Refusal::NotAllowed);
        };
        if !self.pace.admits(peer.uid, Instant::now()) || !self.has_room(peer.uid) {
            return self.turn_away(&socket, Refusal::Limit);
        }
        self.pending.push(Pending {
            socket,
            peer,
            grant,
            record: [0; RECORD_BYTES],
            len: 0,
            descriptor: None,
            deadline: Instant::now() + self.options.patience,
        });
    }

    /// Whether one connection more of this user may be checked, or wait.
    fn has_room(&self, uid: u32) -> bool {
        let arrivals = self.shared.arrivals();
        let uids = (self.pending.iter().map(|client| client.peer.uid))
            .chain(arrivals.iter().map(|arrival| arrival.peer.uid));
        let (all, own) = uids.fold((0, 0), |(all, own), other| {
            (all + 1, own + usize::from(other == uid))
        });
        all < self.options.max_pending.max(1) && own < self.options.max_pending_per_uid.max(1)
    }

    /// Reads on where there is something to read, and gives up on who is late.
    fn advance(&mut self, ready: &[bool]) {
        let now = Instant::now();
        for (i, mut client) in mem::take(&mut self.pending).into_iter().enumerate() {
            let progress = match ready.get(i) {
                Some(true) => client.read(),
                _ => Progress::Partial,
            };
            match progress {
                Progress::Partial if now < client.deadline => self.pending.push(client),
                Progress::Partial | Progress::Malformed => {
                    self.turn_away(&client.socket, Refusal::Malformed);
                }
                Progress::NoDescriptor => {
                    count(&self.shared.accept_failures);
                    self.turn_away(&client.socket, Refusal::Limit);
                }
                Progress::Gone => count(&self.shared.turned_away),
                Progress::Whole => self.judge(client),
            }
        }
    }

    /// A whole hello: in, or away.
    fn judge(&self, client: Pending) {
        match self.check(&client.record, client.descriptor.as_ref()) {
            Ok((hello, mapping)) => {
                let Pending {
                    socket,
                    peer,
                    grant,
                    ..
                } = client;
                let mapping = Arc::new(mapping);
                self.shared.arrivals().push_back(Arrival {
                    socket,
                    mapping,
                    hello,
                    peer,
                    grant,
                });
                // Without memory for a byte, the bell's end says that there is something to see: the last time that it says so.
                if !self.shared.bell.ring() {
                    self.shared.bell.hang_up();
                }
            }
            Err(refusal) => self.turn_away(&client.socket, refusal),
        }
    }

    fn check(
        &self,
        record: &[u8; RECORD_BYTES],
        descriptor: Option<&OwnedFd>,
    ) -> Result<(Hello, Mapping), Refusal> {
        let hello = Hello::decode(record)?;
        if hello.required_features & !self.options.features != 0 {
            return Err(Refusal::Feature);
        }
        let descriptor = descriptor.ok_or(Refusal::Malformed)?;
        let len = (self.options.segment_len)(&hello).ok_or(Refusal::Segment)?;
        match Mapping::map(descriptor.as_fd(), len) {
            Ok(mapping) => Ok((hello, mapping)),
            Err(ShmError::Segment(_)) => Err(Refusal::Segment),
            // Not the client's doing: no address space, or too many mappings.
            Err(_) => Err(Refusal::Limit),
        }
    }

    /// Says why, as far as it is heard; the caller closes.
    fn turn_away(&self, socket: &OwnedFd, refusal: Refusal) {
        count(&self.shared.turned_away);
        let answer = Welcome::refused(refusal, self.options.features);
        let _gone_already = send(socket.as_fd(), &answer.encode());
    }
}

impl Pending {
    /// One receive: the hello may come in pieces, and its one descriptor with any of them.
    fn read(&mut self) -> Progress {
        let received =
            match receive_with_descriptor(self.socket.as_fd(), &mut self.record[self.len..]) {
                Ok(received) => received,
                Err(ShmError::Handshake(_)) => return Progress::Malformed,
                Err(ShmError::System { source, .. })
                    if matches!(source.raw_os_error(), Some(libc::EAGAIN | libc::EINTR)) =>
                {
                    return Progress::Partial;
                }
                Err(ShmError::System { source, .. })
                    if source.raw_os_error() == Some(libc::EMFILE) =>
                {
                    return Progress::NoDescriptor;
                }
                Err(_) => return Progress::Gone,
            };
        if received.len == 0 {
            return Progress::Gone;
        }
        self.len += received.len;
        if received.descriptor.is_some() && self.descriptor.is_some() {
            return Progress::Malformed;
        }
        self.descriptor = self.descriptor.take().or(received.descriptor);
        if self.len < RECORD_BYTES {
            Progress::Partial
        } else {
            Progress::Whole
        }
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn readable(fd: RawFd) -> libc::pollfd {
    libc::pollfd {
        fd,
        events: libc::POLLIN,
        revents: 0,
    }
}

/// poll(2); without a timeout it waits for ever. The timeout is rounded up, so that it has passed when poll says so.
fn poll(polled: &mut [libc::pollfd], timeout: Option<Duration>) -> io::Result<()> {
    let millis = timeout.map_or(-1, |timeout| {
        i32::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX)
    });
    // SAFETY: `polled` is writable for as many entries as are passed.
    match unsafe { libc::poll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, millis) } {
        0.. => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

fn accept(listening: &OwnedFd) -> io::Result<OwnedFd> {
    let flags = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: no address is asked for; the descriptor is open.
    let fd = unsafe {
        libc::accept4(
            listening.as_raw_fd(),
            ptr::null_mut(),
            ptr::null_mut(),
            flags,
        )
    };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: accept4 has just made this descriptor, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
