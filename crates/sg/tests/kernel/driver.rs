//! A transport with memory, driven as the engine drives one.

use sgring_sg::{Data, Errno, Outcome, Request, Span, Start, Transport};

use crate::nodes::SLOTS;

/// How long a test waits for anything: far beyond all timeouts that it sets, since guests are slow.
const DEADLINE_MS: i32 = 60_000;

/// Memory for a transport: mapped, so that it can be pinned, and never referenced.
pub(crate) struct Arena {
    base: *mut u8,
    len: usize,
}

impl Arena {
    pub(crate) fn new(len: usize) -> Self {
        // SAFETY: anonymous memory where the kernel wants it.
        let base = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                len,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        assert_ne!(base, libc::MAP_FAILED);
        Self {
            base: base.cast(),
            len,
        }
    }

    pub(crate) fn span(&self, at: usize, len: usize) -> Span {
        assert!(at + len <= self.len);
        Span {
            ptr: self.base.wrapping_add(at),
            len,
        }
    }

    /// From now on nobody reads or writes it.
    pub(crate) fn bar(&self) {
        // SAFETY: what `new` has mapped, and nobody has a reference to it.
        let barred = unsafe { libc::mprotect(self.base.cast(), self.len, libc::PROT_NONE) };
        assert_eq!(barred, 0);
    }

    pub(crate) fn put(&self, at: usize, bytes: &[u8]) {
        let to = self.span(at, bytes.len()).ptr;
        // SAFETY: as many bytes of the mapping, by `span`.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) };
    }

    pub(crate) fn bytes(&self, at: usize, len: usize) -> Vec<u8> {
        let from = self.span(at, len).ptr;
        let mut bytes = vec![0; len];
        // SAFETY: as many bytes of the mapping, by `span`.
        unsafe { std::ptr::copy_nonoverlapping(from.cast_const(), bytes.as_mut_ptr(), len) };
        bytes
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        // SAFETY: what `new` has mapped.
        unsafe { libc::munmap(self.base.cast(), self.len) };
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Command {
    pub(crate) cdb: Vec<u8>,
    /// To us.
    pub(crate) into: Vec<Span>,
    /// To the device.
    pub(crate) from: Vec<Span>,
    /// 0: half a minute.
    pub(crate) timeout_ms: u32,
}

/// A command without data.
pub(crate) fn command(cdb: &[u8]) -> Command {
    Command {
        cdb: cdb.to_vec(),
        ..Command::default()
    }
}

pub(crate) fn read_10(lba: u32, blocks: u16, into: Vec<Span>) -> Command {
    Command {
        into,
        ..command(&cdb_10(0x28, lba, blocks))
    }
}

pub(crate) fn write_10(lba: u32, blocks: u16, from: Vec<Span>) -> Command {
    Command {
        from,
        ..command(&cdb_10(0x2a, lba, blocks))
    }
}

fn cdb_10(opcode: u8, lba: u32, blocks: u16) -> [u8; 10] {
    let (lba, blocks) = (lba.to_be_bytes(), blocks.to_be_bytes());
    [
        opcode, 0, lba[0], lba[1], lba[2], lba[3], 0, blocks[0], blocks[1], 0,
    ]
}

pub(crate) const TEST_UNIT_READY: [u8; 6] = [0; 6];
pub(crate) const INQUIRY_252: [u8; 6] = [0x12, 0, 0, 0, 252, 0];

#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub(crate) outcome: Outcome,
    pub(crate) sense: Vec<u8>,
}

impl Ended {
    #[track_caller]
    pub(crate) fn good(&self, name: &str) {
        let Outcome {
            status,
            host_status,
            errno,
            ..
        } = self.outcome;
        assert_eq!((status, host_status, errno), (0, 0, 0), "{name}: {self:?}");
    }
}

pub(crate) struct Driver<'t> {
    transport: &'t mut dyn Transport,
    /// How often a slot was used.
    generation: u16,
}

impl<'t> Driver<'t> {
    pub(crate) fn new(transport: &'t mut dyn Transport) -> Self {
        Self {
            transport,
            generation: 0x7ffe,
        }
    }

    /// With unit attentions out of the way.
    pub(crate) fn ready(transport: &'t mut dyn Transport) -> Self {
        let mut driver = Self::new(transport);
        while driver.run(command(&TEST_UNIT_READY)).outcome.status != 0 {}
        driver
    }

    pub(crate) fn max_spans(&self) -> usize {
        self.transport.max_spans()
    }

    pub(crate) fn start(&mut self, slot: u16, command: &Command) -> Result<Start, Errno> {
        let data = match (&command.into[..], &command.from[..]) {
            ([], []) => Data::None,
            (into, []) => Data::In(into),
            (_, from) => Data::Out(from),
        };
        let request = Request {
            slot,
            generation: self.generation,
            cdb: &command.cdb,
            data,
            timeout_ms: if command.timeout_ms == 0 {
                30_000
            } else {
                command.timeout_ms
            },
        };
        // SAFETY: the arenas of these tests outlive what is started here.
        unsafe { self.transport.start(&request) }
    }

    pub(crate) fn flush(&mut self) {
        self.transport.flush().expect("a transport that works");
    }

    /// Waits until something was reaped.
    pub(crate) fn reap(&mut self) -> Vec<Ended> {
        let mut ended = Vec::new();
        loop {
            let mut done = |outcome, sense: &[u8]| {
                let sense = sense.to_vec();
                ended.push(Ended { outcome, sense });
            };
            self.transport
                .reap(&mut done)
                .expect("a transport that works");
            if !ended.is_empty() {
                return ended;
            }
            let mut fds = Vec::new();
            self.transport.poll_fds(&mut fds);
            // SAFETY: as many descriptors as said.
            let ready = unsafe { libc::poll(fds.as_mut_ptr(), fds.len() as u64, DEADLINE_MS) };
            assert_ne!(ready, 0, "nothing ended in time");
        }
    }

    /// All of them, as many at a time as the transport takes; the ends are in the commands' order.
    pub(crate) fn run_all(&mut self, commands: &[Command]) -> Vec<Ended> {
        let mut ends: Vec<Option<Ended>> = vec![None; commands.len()];
        for (batch, commands) in commands.chunks(SLOTS).enumerate() {
            self.generation = self.generation.wrapping_add(1);
            let (mut next, mut left) = (0, commands.len());
            while left > 0 {
                while next < commands.len() {
                    match self.start(next as u16, &commands[next]).expect("a request") {
                        Start::Started => next += 1,
                        Start::Full => break,
                    }
                }
                self.flush();
                for ended in self.reap() {
                    let slot = usize::from(ended.outcome.slot);
                    let end = &mut ends[batch * SLOTS + slot];
                    assert!(slot < next && end.is_none(), "{slot} ended twice");
                    *end = Some(ended);
                    left -= 1;
                }
            }
        }
        ends.into_iter().map(|end| end.expect("an end")).collect()
    }

    pub(crate) fn run(&mut self, command: Command) -> Ended {
        self.run_all(&[command]).swap_remove(0)
    }
}
