//! What the kernel carries: a request and a response are one `write()` and one `read()` of their bytes each.

use crate::exchange::{Client, Server, Setting};
use crate::fail;
use crate::place::{both, pipe};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;

/// Bytes before a payload: the tag, and how long the payload is.
pub(crate) const HEAD: usize = 16;
/// As much as one `read()` of a stream takes.
const READ_BYTES: usize = 1 << 18;

/// One side of a channel that keeps no bounds: what comes is cut at the heads.
pub(crate) struct Stream {
    port: Port,
    buffer: Vec<u8>,
    filled: usize,
}

/// One side of a channel that keeps the bounds of what is written.
pub(crate) struct Packets {
    port: Port,
    buffer: Vec<u8>,
}

/// Two pipes.
pub(crate) fn pipes(setting: &Setting) -> (Stream, Stream) {
    let flags = if setting.sleep { 0 } else { libc::O_NONBLOCK };
    let (request_out, request_in) = pipe(flags);
    let (response_out, response_in) = pipe(flags);
    (
        Stream::new(Port::new(setting, request_in, response_out), setting),
        Stream::new(Port::new(setting, response_in, request_out), setting),
    )
}

/// A Unix stream socket.
pub(crate) fn stream_socket(setting: &Setting) -> (Stream, Stream) {
    let (one, other) = sockets(setting, libc::SOCK_STREAM);
    (Stream::new(one, setting), Stream::new(other, setting))
}

/// A Unix seqpacket socket.
pub(crate) fn seqpacket(setting: &Setting) -> (Packets, Packets) {
    let (one, other) = sockets(setting, libc::SOCK_SEQPACKET);
    (Packets::new(one, setting), Packets::new(other, setting))
}

/// Two POSIX message queues.
pub(crate) fn message_queues(setting: &Setting) -> (Packets, Packets) {
    let (requests, responses) = (message_queue(setting), message_queue(setting));
    let port = |into: &Arc<Queue>, out_of: &Arc<Queue>| Port {
        into: Way::Queue(Arc::clone(into)),
        out_of: Way::Queue(Arc::clone(out_of)),
        record: Vec::with_capacity(HEAD + setting.payload),
        sleep: setting.sleep,
        calls: 0,
    };
    (
        Packets::new(port(&requests, &responses), setting),
        Packets::new(port(&responses, &requests), setting),
    )
}

impl Stream {
    fn new(port: Port, setting: &Setting) -> Self {
        Self {
            port,
            buffer: vec![0; READ_BYTES.max(HEAD + setting.payload)],
            filled: 0,
        }
    }

    fn take(&mut self, mut record: impl FnMut(u64, &[u8])) {
        let Some(count) = self.port.read(&mut self.buffer[self.filled..]) else {
            return;
        };
        self.filled += count;
        let mut at = 0;
        while let Some((tag, payload)) = record_at(&self.buffer[at..self.filled]) {
            record(tag, payload);
            at += HEAD + payload.len();
        }
        self.buffer.copy_within(at..self.filled, 0);
        self.filled -= at;
    }
}

impl Packets {
    fn new(port: Port, setting: &Setting) -> Self {
        Self {
            port,
            buffer: vec![0; HEAD + setting.payload],
        }
    }

    /// Takes one of them: asking for more would cost a call that finds nothing.
    fn take(&mut self, mut record: impl FnMut(u64, &[u8])) {
        let Some(count) = self.port.read(&mut self.buffer) else {
            return;
        };
        match record_at(&self.buffer[..count]) {
            Some((tag, payload)) if HEAD + payload.len() == count => record(tag, payload),
            _ => fail("a packet came in parts"),
        }
    }
}

macro_rules! both_sides {
    ($channel:ty) => {
        impl Client for $channel {
            fn send(&mut self, tag: u64, payload: &[u8]) {
                self.port.write(tag, payload);
            }

            fn take(&mut self, mut response: impl FnMut(u64)) {
                self.take(|tag, _| response(tag));
            }

            fn calls(&self) -> u64 {
                self.port.calls
            }
        }

        impl Server for $channel {
            fn take(&mut self, request: impl FnMut(u64, &[u8])) {
                self.take(request);
            }

            fn answer(&mut self, tag: u64) {
                self.port.write(tag, &[]);
            }

            fn calls(&self) -> u64 {
                self.port.calls
            }
        }
    };
}

both_sides!(Stream);
both_sides!(Packets);

/// What a side writes to, and what it reads from.
struct Port {
    into: Way,
    out_of: Way,
    record: Vec<u8>,
    sleep: bool,
    calls: u64,
}

enum Way {
    File(OwnedFd),
    Queue(Arc<Queue>),
}

impl Port {
    fn new(setting: &Setting, into: OwnedFd, out_of: OwnedFd) -> Self {
        Self {
            into: Way::File(into),
            out_of: Way::File(out_of),
            record: Vec::with_capacity(HEAD + setting.payload),
            sleep: setting.sleep,
            calls: 0,
        }
    }

    /// Reads once; nothing where there is nothing and this side does not sleep.
    fn read(&mut self, into: &mut [u8]) -> Option<usize> {
        self.calls += 1;
        let (to, len) = (into.as_mut_ptr(), into.len());
        let count = match &self.out_of {
            // SAFETY: `into` is writable with its whole length.
            Way::File(fd) => unsafe { libc::read(fd.as_raw_fd(), to.cast(), len) },
            Way::Queue(queue) => {
                let priority = core::ptr::null_mut();
                // SAFETY: as above; nobody wants to know the priority.
                unsafe { libc::mq_receive(queue.0, to.cast(), len, priority) }
            }
        };
        match count {
            0 => fail("the other side has closed its end"),
            1.. => Some(count as usize),
            _ => {
                self.may_try_again();
                None
            }
        }
    }

    /// Writes a record, all of it.
    fn write(&mut self, tag: u64, payload: &[u8]) {
        self.record.clear();
        self.record.extend_from_slice(&tag.to_ne_bytes());
        self.record.extend_from_slice(&payload.len().to_ne_bytes());
        self.record.extend_from_slice(payload);
        let mut at = 0;
        while at < self.record.len() {
            self.calls += 1;
            let rest = &self.record[at..];
            let (from, len) = (rest.as_ptr(), rest.len());
            let count = match &self.into {
                // SAFETY: `rest` is readable with its whole length.
                Way::File(fd) => unsafe { libc::write(fd.as_raw_fd(), from.cast(), len) },
                // SAFETY: as above.
                Way::Queue(queue) => match unsafe { libc::mq_send(queue.0, from.cast(), len, 0) } {
                    0 => len as isize,
                    _ => -1,
                },
            };
            if count >= 0 {
                at += count as usize;
            } else {
                self.may_try_again();
            }
        }
    }

    fn may_try_again(&self) {
        let error = io::Error::last_os_error();
        let full = error.kind() == io::ErrorKind::WouldBlock && !self.sleep;
        if !full && error.kind() != io::ErrorKind::Interrupted {
            fail(error);
        }
    }
}

/// The whole record that stands first, if there is one.
fn record_at(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (tag, rest) = bytes.split_first_chunk()?;
    let (len, rest) = rest.split_first_chunk()?;
    let payload = rest.get(..usize::from_ne_bytes(*len))?;
    Some((u64::from_ne_bytes(*tag), payload))
}

fn sockets(setting: &Setting, kind: libc::c_int) -> (Port, Port) {
    let mut ends = [-1; 2];
    let wait = if setting.sleep {
        0
    } else {
        libc::SOCK_NONBLOCK
    };
    let kind = kind | wait | libc::SOCK_CLOEXEC;
    // SAFETY: `ends` holds the two descriptors that the call writes.
    let result = unsafe { libc::socketpair(libc::AF_UNIX, kind, 0, ends.as_mut_ptr()) };
    let (one, other) = both(result, ends);
    let port = |socket: OwnedFd| {
        let duplicate = socket.try_clone().unwrap_or_else(|error| fail(error));
        Port::new(setting, duplicate, socket)
    };
    (port(one), port(other))
}

/// An open queue, closed by its last owner.
struct Queue(libc::mqd_t);

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: our own descriptor, used no more.
        unsafe { libc::mq_close(self.0) };
    }
}

fn message_queue(setting: &Setting) -> Arc<Queue> {
    // One at a time is made, and has no name when the next one is.
    let name = format!("/sgring-rivals-{}\0", std::process::id());
    // SAFETY: a record of integers, for which zeros are a value.
    let mut attributes: libc::mq_attr = unsafe { core::mem::zeroed() };
    attributes.mq_maxmsg = setting.depth as libc::c_long;
    attributes.mq_msgsize = (HEAD + setting.payload) as libc::c_long;
    let wait = if setting.sleep { 0 } else { libc::O_NONBLOCK };
    let flags = libc::O_RDWR | libc::O_CREAT | libc::O_EXCL | libc::O_CLOEXEC | wait;
    let mode: libc::mode_t = 0o600;
    let (path, like) = (name.as_ptr().cast(), &raw mut attributes);
    // SAFETY: the name ends with a zero; the attributes are readable.
    let queue = unsafe { libc::mq_open(path, flags, mode, like) };
    if queue < 0 {
        fail(format_args!(
            "a message queue of {} messages of {} bytes: {}",
            attributes.mq_maxmsg,
            attributes.mq_msgsize,
            io::Error::last_os_error()
        ));
    }
    // SAFETY: the name ends with a zero. Both sides get the open queue: nobody else needs its name.
    unsafe { libc::mq_unlink(path) };
    Arc::new(Queue(queue))
}
