//! A connection to a listener: a hello in pieces, with descriptors of all kinds beside them, and then nothing more.

use crate::descriptors::{memory_file, send_with_descriptors};
use arbitrary::{Arbitrary, Unstructured};
use sgring_shm::{
    Hello, ListenOptions, Listener, PROTOCOL_VERSION, RECORD_BYTES, Refusal, Welcome, memfd,
    socket::{connect, receive_with_descriptor},
};
use std::env::temp_dir;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process;

const PAGE: u64 = 4096;
/// What a wait may take before the input counts as one that hangs the listener.
const DEADLINE_MS: libc::c_int = 60_000;
/// Descriptors of this process, with room: more are a leak.
const MOST_DESCRIPTORS: RawFd = 64;

#[derive(Arbitrary, Debug)]
struct Connection {
    slots: u32,
    pages: u8,
    token: [u8; 16],
    epoch: u32,
    /// Bytes of the hello that are changed: where, and by which bits.
    changes: [(u8, u8); 2],
    pieces: Vec<Piece>,
}

/// So many of the next bytes, and these descriptors.
#[derive(Arbitrary, Debug)]
struct Piece {
    len: u8,
    descriptors: Descriptors,
}

#[derive(Arbitrary, Debug)]
enum Descriptors {
    None,
    /// The segment that a good client would send.
    Segment,
    One(u8),
    Two(u8, u8),
}

/// A client, and whether it is let in.
pub fn run(data: &[u8]) {
    if let Ok(connection) = Connection::arbitrary(&mut Unstructured::new(data)) {
        DOOR.with(|door| door.visit(&connection));
    }
}

thread_local! {
    static DOOR: Door = Door::open();
}

struct Door {
    listener: Listener,
    bell: UnixStream,
    path: PathBuf,
    /// Segments of 1 to 4 pages, and then what is none.
    files: Vec<OwnedFd>,
}

impl Door {
    fn open() -> Self {
        let path = temp_dir().join(format!("sgring-fuzz-{}.sock", process::id()));
        let options = ListenOptions::new(|hello: &Hello| {
            (hello.slots > 0).then_some(u64::from(hello.arena_bytes))
        });
        let (listener, bell) = Listener::bind(&path, options).expect("a fresh path");
        let bell = UnixStream::from(bell);
        bell.set_nonblocking(true).expect("a socket");
        let null = File::open("/dev/null").expect("a device");
        let (pipe, _) = io::pipe().expect("a pipe");
        let (socket, _) = UnixStream::pair().expect("a socket pair");
        let segments = (1..=4).map(|pages| memfd::create(PAGE * pages).expect("a segment"));
        // One whose size its owner can still change.
        let unsealed = memory_file(libc::MFD_CLOEXEC, PAGE as i64, 0);
        let unsealed = unsealed.expect("a memory file");
        let others = [null.into(), pipe.into(), socket.into(), unsealed];
        Self {
            files: segments.chain(others).collect(),
            listener,
            bell,
            path,
        }
    }

    fn file(&self, which: u8) -> &OwnedFd {
        &self.files[usize::from(which) % self.files.len()]
    }

    fn visit(&self, connection: &Connection) {
        let pages = usize::from(connection.pages % 4);
        let hello = Hello::decode(&spelt(connection)).expect("a hello");
        let mut record = hello.encode();
        for (at, bits) in connection.changes {
            record[usize::from(at) % RECORD_BYTES] ^= bits;
        }

        let client = connect(&self.path).expect("the listener listens");
        let mut sent: Vec<u8> = Vec::new();
        let mut with_it = Vec::new();
        for piece in connection.pieces.iter().take(8) {
            let len = usize::from(piece.len % 80).max(1);
            let bytes: Vec<u8> = (sent.len()..sent.len() + len)
                .map(|at| record.get(at).copied().unwrap_or(0))
                .collect();
            let files = match piece.descriptors {
                Descriptors::None => vec![],
                Descriptors::Segment => vec![&self.files[pages]],
                Descriptors::One(one) => vec![self.file(one)],
                Descriptors::Two(one, other) => vec![self.file(one), self.file(other)],
            };
            if sent.len() < RECORD_BYTES {
                with_it.extend(files.iter().map(|file| file.as_raw_fd()));
            }
            sent.extend(&bytes);
            // Who was refused already hears no more.
            if send_with_descriptors(&client, &bytes, &files).is_err() {
                break;
            }
        }
        let stream = UnixStream::from(client);
        // The listener may have hung up.
        let _half = stream.shutdown(std::net::Shutdown::Write);
        let expected = judge(&sent, &record, &with_it, |hello, fd| {
            let pages = self.files[..4]
                .iter()
                .position(|file| file.as_raw_fd() == fd);
            pages.is_some_and(|pages| PAGE * (pages as u64 + 1) == u64::from(hello.arena_bytes))
        });
        self.see(stream.into(), expected, &record);
        let next = File::open("/dev/null").expect("a descriptor is left");
        assert!(next.as_raw_fd() < MOST_DESCRIPTORS, "descriptors leak");
    }

    /// Waits for the listener's verdict, which is the expected one.
    fn see(&self, client: OwnedFd, expected: Verdict, record: &[u8; RECORD_BYTES]) {
        let arrival = loop {
            if let Some(arrival) = self.listener.accept() {
                break Some(arrival);
            }
            if wait(&[&client.as_fd(), &self.bell.as_fd()])[0] {
                break self.listener.accept();
            }
            let mut bell = &self.bell;
            // Empty when the arrival was taken before its ring was heard.
            let _rings = bell.read(&mut [0; 64]);
        };
        let Some(arrival) = arrival else {
            let answer = read_to_end(&client);
            match expected {
                Verdict::In => panic!("a good client was not let in"),
                Verdict::Gone => assert!(answer.is_empty(), "{answer:?}"),
                Verdict::Out => {
                    let record = answer.try_into().expect("a whole record");
                    let welcome = Welcome::decode(&record).expect("a welcome");
                    assert_eq!(welcome.version, PROTOCOL_VERSION);
                    assert!(Refusal::from_code(welcome.code).is_some());
                }
            }
            return;
        };
        assert_eq!(expected, Verdict::In);
        assert_eq!(&arrival.hello.encode(), record);
        assert_eq!(
            arrival.mapping.len() as u64,
            u64::from(arrival.hello.arena_bytes)
        );
        arrival.refuse(Refusal::Closing);
        assert_eq!(read_to_end(&client).len(), RECORD_BYTES);
    }
}

/// The hello of a good client, as bytes.
fn spelt(connection: &Connection) -> [u8; RECORD_BYTES] {
    let mut record = [0; RECORD_BYTES];
    record[..8].copy_from_slice(b"SGRINGHI");
    record[8..12].copy_from_slice(&PROTOCOL_VERSION.to_le_bytes());
    record[12..16].copy_from_slice(&connection.slots.to_le_bytes());
    let arena = PAGE as u32 * (u32::from(connection.pages % 4) + 1);
    record[24..28].copy_from_slice(&arena.to_le_bytes());
    record[28..32].copy_from_slice(&connection.epoch.to_le_bytes());
    record[32..48].copy_from_slice(&connection.token);
    record
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    In,
    /// Told why.
    Out,
    /// It broke off, and is told nothing.
    Gone,
}

fn judge(
    sent: &[u8],
    record: &[u8; RECORD_BYTES],
    descriptors: &[RawFd],
    is_segment: impl Fn(&Hello, RawFd) -> bool,
) -> Verdict {
    if descriptors.len() > 1 {
        return Verdict::Out;
    }
    if sent.len() < RECORD_BYTES {
        return Verdict::Gone;
    }
    let good = Hello::decode(record).is_ok_and(|hello| {
        hello.required_features == 0
            && hello.slots > 0
            && matches!(descriptors, [fd] if is_segment(&hello, *fd))
    });
    if good { Verdict::In } else { Verdict::Out }
}

/// Everything until the end, which is a reset where the listener has left bytes unread.
fn read_to_end(client: &OwnedFd) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        wait(&[&client.as_fd()]);
        let mut some = [0; 256];
        match receive_with_descriptor(client.as_fd(), &mut some) {
            Ok(received) if received.len > 0 => all.extend(&some[..received.len]),
            _ => return all,
        }
    }
}

/// Which of them can be read, an end included.
fn wait(sockets: &[&dyn AsFd]) -> Vec<bool> {
    let mut polled: Vec<_> = sockets
        .iter()
        .map(|socket| libc::pollfd {
            fd: socket.as_fd().as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        })
        .collect();
    let count = polled.len() as libc::nfds_t;
    // SAFETY: `polled` is writable for as many entries as are passed.
    let ready = unsafe { libc::poll(polled.as_mut_ptr(), count, DEADLINE_MS) };
    assert!(ready > 0, "the listener says nothing");
    polled.iter().map(|polled| polled.revents != 0).collect()
}

impl Drop for Door {
    fn drop(&mut self) {
        // The listener takes its own path away; whatever is left is nobody's.
        let _gone_already = fs::remove_file(&self.path);
    }
}
