//! A target without JavaScript: TEST UNIT READY at LUN 0, answered at once or after a service time, over the ring and over a socket.
//!
//! Over the ring it does what the shipped target's native side does, and looks at each task itself. It looks for a while at an empty
//! queue before it sleeps, as the shipped target does, so that several may share a CPU of which one is at work at a time.
//!
//! Over the socket it speaks the records of `bench/rivals/net/record.ts`: what one read brought is answered by one write.

use crate::fail;
use sgring_shm::handshake::{Hello, PROTOCOL_VERSION, PairNumber, Welcome};
use sgring_shm::{Arrival, Bell, ListenOptions, Listener};
use sgring_task::{Answer, Geometry, Line, Target};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// As long as the shipped target's side does it (`ts/ring/pump.ts`).
const SPIN: Duration = Duration::from_micros(100);
const TEST_UNIT_READY: u8 = 0;
const CHECK_CONDITION: u8 = 2;
/// ILLEGAL REQUEST, INVALID COMMAND OPERATION CODE, in the fixed format (SPC-4 4.5.3).
const SENSE: [u8; 18] = [0x70, 0, 5, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0];

/// Serves `ring` and `net` in a folder until the input ends. A task over the ring takes `service`.
pub(crate) fn serve(folder: &Path, service: Duration) {
    let ring = Ring::listen(&folder.join("ring"), service);
    thread::spawn(move || ring.run());
    records(&folder.join("net"));
    println!("ready");
    let mut input = Vec::new();
    if let Err(error) = io::stdin().lock().read_to_end(&mut input) {
        fail(error);
    }
}

/// All pairs of one thread.
struct Ring {
    listener: Listener,
    bell: OwnedFd,
    pairs: Vec<Pair>,
    service: Duration,
}

struct Pair {
    target: Target,
    socket: OwnedFd,
}

impl Ring {
    fn listen(path: &Path, service: Duration) -> Self {
        let options = ListenOptions::new(segment_len);
        let (listener, bell) = Listener::bind(path, options).unwrap_or_else(|error| fail(error));
        Self {
            listener,
            bell,
            pairs: Vec::new(),
            service,
        }
    }

    fn run(mut self) {
        let mut found_last = Instant::now();
        loop {
            let arm = found_last.elapsed() >= SPIN;
            let found: usize = self
                .pairs
                .iter_mut()
                .map(|pair| pair.turn(arm, self.service))
                .sum();
            if found > 0 {
                found_last = Instant::now();
            } else if arm {
                self.sleep();
            }
        }
    }

    /// Waits for a bell, and lets in who has come.
    fn sleep(&mut self) {
        let pairs = self.pairs.iter().map(|pair| &pair.socket);
        let mut polled: Vec<libc::pollfd> = pairs.chain([&self.bell]).map(readable).collect();
        // SAFETY: `polled` is writable for as many entries as are passed.
        if unsafe { libc::poll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, -1) } < 0 {
            fail(io::Error::last_os_error());
        }
        let mut rung = polled.iter().map(|polled| polled.revents != 0);
        self.pairs
            .retain(|pair| !rung.next().unwrap_or(false) || silence(&pair.socket));
        silence(&self.bell);
        while let Some(arrival) = self.listener.accept() {
            self.pairs.extend(let_in(arrival));
        }
    }
}

impl Pair {
    /// Answers the tasks that are there; how many they were.
    fn turn(&mut self, arm: bool, service: Duration) -> usize {
        let fetched = self
            .target
            .fetch(arm)
            .unwrap_or_else(|violation| fail(format_args!("fetch: {violation:?}")));
        for index in 0..fetched {
            let slot = self.target.fetched(index);
            let line = self.target.line(slot);
            work(service);
            self.target.answer(index, slot, &answer(&line));
        }
        if fetched > 0
            && let Err(violation) = self.target.complete(fetched)
        {
            fail(format_args!("complete: {violation:?}"));
        }
        fetched
    }
}

/// Is busy for so long.
pub(crate) fn work(service: Duration) {
    if service > Duration::ZERO {
        let started = Instant::now();
        while started.elapsed() < service {}
    }
}

fn answer(line: &Line) -> Answer<'static> {
    if line.function == 0 && line.lun == [0; 8] && line.cdb[0] == TEST_UNIT_READY {
        return Answer::default();
    }
    Answer {
        status: CHECK_CONDITION,
        sense: &SENSE,
        out_residual: line.out_len as i32,
        in_residual: line.in_len as i32,
        ..Answer::default()
    }
}

fn segment_len(hello: &Hello) -> Option<u64> {
    Geometry::new(hello.slots, hello.arena_bytes).map(|geometry| geometry.segment_bytes() as u64)
}

/// `None` for who has gone meanwhile.
fn let_in(arrival: Arrival) -> Option<Pair> {
    let Hello {
        slots,
        arena_bytes,
        required_features,
        epoch,
        ..
    } = arrival.hello;
    let geometry = Geometry::new(slots, arena_bytes)?;
    let bell = Bell::new(arrival.socket.as_fd()).ok()?;
    let memory = arrival.mapping.clone();
    let target = Target::attach(memory, geometry, required_features, epoch, bell)?;
    let welcome = Welcome {
        version: PROTOCOL_VERSION,
        code: 0,
        features: 0,
        nexus: 0,
        pair: PairNumber::default(),
        token: [1; 16],
    };
    arrival.welcome(&welcome).ok()?;
    Some(Pair {
        target,
        socket: arrival.socket,
    })
}

fn readable(socket: &OwnedFd) -> libc::pollfd {
    libc::pollfd {
        fd: socket.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    }
}

/// Reads a bell's bytes away. `false` at its end.
fn silence(socket: &OwnedFd) -> bool {
    let mut bytes = [0; 256];
    // SAFETY: `bytes` is writable for its length; the descriptor is open.
    let read = unsafe {
        libc::recv(
            socket.as_raw_fd(),
            bytes.as_mut_ptr().cast(),
            bytes.len(),
            libc::MSG_DONTWAIT,
        )
    };
    read > 0 || (read < 0 && io::Error::last_os_error().kind() == io::ErrorKind::WouldBlock)
}

const RECORD_BYTES: usize = 64;
const READ_BYTES: usize = 1 << 18;

/// Serves records on a socket, a thread a connection.
fn records(path: &Path) {
    let listener = UnixListener::bind(path).unwrap_or_else(|error| fail(error));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap_or_else(|error| fail(error));
            // A connection ends when its client does, in the middle of whatever it is.
            thread::spawn(move || answer_records(&mut stream));
        }
    });
}

fn answer_records(stream: &mut UnixStream) -> io::Result<()> {
    let mut buffer = vec![0; READ_BYTES];
    let mut len = 0;
    loop {
        let read = stream.read(&mut buffer[len..])?;
        if read == 0 {
            return Ok(());
        }
        len += read;
        let whole = len - len % RECORD_BYTES;
        for record in buffer[..whole].chunks_exact_mut(RECORD_BYTES) {
            answer_record(record);
        }
        stream.write_all(&buffer[..whole])?;
        buffer.copy_within(whole..len, 0);
        len -= whole;
    }
}

/// Makes a request its response, in place.
fn answer_record(record: &mut [u8]) {
    let good = record[4..8] == [0; 4] && record[32] == TEST_UNIT_READY;
    let asked: [u8; 4] = std::array::from_fn(|at| record[12 + at]);
    record[4..].fill(0);
    if !good {
        record[4] = CHECK_CONDITION;
        record[8..12].copy_from_slice(&asked);
        record[16] = SENSE.len() as u8;
        record[20..20 + SENSE.len()].copy_from_slice(&SENSE);
    }
}
