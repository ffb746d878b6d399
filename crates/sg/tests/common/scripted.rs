//! A transport whose commands end when, and as, the test says. The two talk over sockets: so no lock of std's stands between them, which
//! ThreadSanitizer does not see.

use sgring_sg::{Data, Errno, Outcome, Request, Span, Start, Transport};
use std::io::ErrorKind;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

/// How a command is to end, or what the transport is to do instead.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct End {
    pub(crate) outcome: Outcome,
    /// Bytes of sense data, each 0x70.
    pub(crate) sense_len: usize,
    /// Data-in is filled with this.
    pub(crate) fill: u8,
}

const END: u8 = 0;
const PANIC: u8 = 1;
const BREAK: u8 = 2;

/// What the test has of it.
#[derive(Debug)]
pub(crate) struct Script {
    ends: UnixDatagram,
    started: UnixDatagram,
}

/// What the transport was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Started {
    pub(crate) slot: u16,
    pub(crate) timeout_ms: u32,
    pub(crate) cdb: Vec<u8>,
    /// Data-out, as it was there.
    pub(crate) out: Vec<u8>,
    pub(crate) in_len: usize,
    pub(crate) spans: usize,
}

/// How the transport is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Commands that it takes.
    pub(crate) room: usize,
    pub(crate) max_spans: usize,
    /// Every command is refused with this.
    pub(crate) refuse: Option<Errno>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            room: usize::MAX,
            max_spans: 1,
            refuse: None,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Scripted {
    limits: Limits,
    ends: UnixDatagram,
    started: UnixDatagram,
    /// Data-in of what is outstanding.
    outstanding: Vec<(u16, Vec<Span>)>,
}

/// The two.
pub(crate) fn scripted(limits: Limits) -> (Script, Scripted) {
    let (ends, theirs) = UnixDatagram::pair().unwrap();
    let (started, tell) = UnixDatagram::pair().unwrap();
    theirs.set_nonblocking(true).unwrap();
    started
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let script = Script { ends, started };
    let transport = Scripted {
        limits,
        ends: theirs,
        started: tell,
        outstanding: Vec::new(),
    };
    (script, transport)
}

impl Script {
    /// The next command that reached the transport; `None` once the transport is gone.
    pub(crate) fn started(&self) -> Option<Started> {
        let mut bytes = [0; 65536];
        let len = self.started.recv(&mut bytes).unwrap();
        if len == 0 {
            return None;
        }
        let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        let cdb_end = 20 + number(8) as usize;
        Some(Started {
            slot: number(0) as u16,
            timeout_ms: number(4),
            in_len: number(12) as usize,
            spans: number(16) as usize,
            cdb: bytes[20..cdb_end].to_vec(),
            out: bytes[cdb_end..len].to_vec(),
        })
    }

    pub(crate) fn end(&self, end: &End) {
        let End {
            outcome,
            sense_len,
            fill,
        } = end;
        let mut bytes = vec![END, *fill, *sense_len as u8, outcome.status];
        bytes.extend(outcome.slot.to_le_bytes());
        bytes.extend(outcome.host_status.to_le_bytes());
        bytes.extend(outcome.driver_status.to_le_bytes());
        bytes.extend(outcome.errno.to_le_bytes());
        bytes.extend(outcome.out_residual.to_le_bytes());
        bytes.extend(outcome.in_residual.to_le_bytes());
        self.ends.send(&bytes).unwrap();
    }

    pub(crate) fn panic(&self) {
        self.ends.send(&[PANIC]).unwrap();
    }

    pub(crate) fn break_down(&self) {
        self.ends.send(&[BREAK]).unwrap();
    }
}

impl Transport for Scripted {
    fn max_spans(&self) -> usize {
        self.limits.max_spans
    }

    unsafe fn start(&mut self, request: &Request<'_>) -> Result<Start, Errno> {
        if let Some(errno) = self.limits.refuse {
            return Err(errno);
        }
        if self.outstanding.len() == self.limits.room {
            return Ok(Start::Full);
        }
        let (out, into) = match request.data {
            Data::None => (&[][..], &[][..]),
            Data::In(spans) => (&[][..], spans),
            Data::Out(spans) => (spans, &[][..]),
        };
        assert!(!request.cdb.is_empty() && out.len().max(into.len()) <= self.limits.max_spans);
        let in_len = into.iter().map(|span| span.len).sum::<usize>();
        let numbers = [
            request.slot.into(),
            request.timeout_ms,
            request.cdb.len() as u32,
            in_len as u32,
            out.len().max(into.len()) as u32,
        ];
        let mut bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
        bytes.extend(request.cdb);
        for span in out {
            // SAFETY: mapped by the contract, and the test writes nothing there while the command is under way.
            bytes.extend(unsafe { std::slice::from_raw_parts(span.ptr, span.len) });
        }
        self.started.send(&bytes).unwrap();
        self.outstanding.push((request.slot, into.to_vec()));
        Ok(Start::Started)
    }

    fn flush(&mut self) -> Result<(), Errno> {
        Ok(())
    }

    fn reap(&mut self, done: &mut dyn FnMut(Outcome, &[u8])) -> Result<(), Errno> {
        let mut bytes = [0; 64];
        loop {
            match self.ends.recv(&mut bytes) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                read => assert_ne!(read.unwrap(), 0, "the test is gone"),
            }
            match bytes[0] {
                PANIC => panic!("as the test said"),
                BREAK => return Err(Errno(libc::EIO)),
                _ => {}
            }
            let half = |at: usize| u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap());
            let word = |at: usize| i32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
            let outcome = Outcome {
                status: bytes[3],
                slot: half(4),
                host_status: half(6),
                driver_status: half(8),
                errno: word(10),
                out_residual: word(14),
                in_residual: word(18),
            };
            let position = self
                .outstanding
                .iter()
                .position(|(slot, _)| *slot == outcome.slot);
            let (_, spans) = self.outstanding.swap_remove(position.unwrap());
            for span in spans {
                // SAFETY: mapped by the contract until `done` was called.
                unsafe { span.ptr.write_bytes(bytes[1], span.len) };
            }
            done(outcome, &[0x70; 252][..bytes[2].into()]);
        }
    }

    fn poll_fds(&mut self, into: &mut Vec<libc::pollfd>) {
        into.push(libc::pollfd {
            fd: self.ends.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        });
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        // An empty message: `Script::started` is `None`. Nobody may be there any more.
        let _sent = self.started.send(&[]);
    }
}
