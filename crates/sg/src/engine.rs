//! The engine: the target's end of a pair in this very process, and the one thread that moves tasks between it and the kernel.
//!
//! ```text
//!            fetch             start, flush                 reap             complete
//! published ------> waiting ----------------> in flight ---------> answered ---------> JavaScript
//!                      |                          |
//!                      | ABORT TASK, stop         | stop: JavaScript is told how many, and they are reaped on
//!                      v                          v
//!             ended without a response       nobody hears of their end
//! ```
//!
//! **Who decides a race.** This thread alone moves a task from one state to the next, so what it does first has come first: an ABORT TASK
//! that finds its command waiting ends it, and the kernel never sees that command; one that finds it in flight is rejected, for Linux has no way
//! to abort a single command; one that does not find it has come too late.
//!
//! **No wake-up is lost.** The thread sleeps in poll(2) on the pair's bell and on what the transport names. Before that it has announced
//! its sleep to the queue (`fetch(true)`, whose argument stands in `sgring_ring::order`), and the transport has looked once more
//! ([`Transport::poll_fds`]). A bell is silenced after poll and before the next look.
//!
//! **Nothing is freed under the kernel.** The thread owns the segment, the transport and every bounce buffer, and ends when nothing is in flight any
//! more: however long that takes, whatever has become of JavaScript. Nobody joins it. After a panic here, or where a transport has broken for
//! good, the segment and the bounce buffers are leaked, and the transport is closed without its commands.

use crate::Errno;
use crate::bounce::Bounce;
use crate::signals::block_signals;
use crate::transport::{Data, MAX_CDB_LEN, Outcome, Request, Span, Start, Transport};
use sgring_scatterlist::{Limit, LimitError, Limits, List, Segment};
use sgring_shm::{Bell, Mapping, ShmError};
use sgring_task::{Answer, Direction, Geometry, Line, MAX_SEGMENTS, Target, Violation};
use std::collections::VecDeque;
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// SAM-5 5.1 and 7.1, as `sgring_task::flags::SERVICE_RESPONSE` numbers them.
const SERVICE_DELIVERY_OR_TARGET_FAILURE: u8 = 1;
const ENDED_WITHOUT_RESPONSE: u8 = 2;
const FUNCTION_COMPLETE: u8 = 3;
const FUNCTION_SUCCEEDED: u8 = 4;
const FUNCTION_REJECTED: u8 = 5;

/// Task management functions that have another answer than FUNCTION REJECTED, as slots number them.
const ABORT_TASK: u8 = 1;
const QUERY_TASK: u8 = 9;
const QUERY_TASK_SET: u8 = 10;

/// What a task without an end of its own gets: the longest that every path of the kernel takes for what it is, about 24 days.
const WITHOUT_END_MS: u32 = i32::MAX as u32;

/// How an engine works.
#[derive(Clone, Copy, Debug)]
pub struct EngineOptions {
    /// How long the thread looks before it sleeps.
    pub spin: Duration,
    /// What the device's queue takes of one command. How many segments, the transport says.
    pub limits: Limits,
}

/// The handle of an engine's thread. Dropping it stops the thread.
#[derive(Debug)]
pub struct Engine {
    shared: Arc<Shared>,
    wake: Bell,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    left_behind: AtomicU32,
    /// 0, or why the engine could not go on.
    errno: AtomicI32,
}

/// Why an engine did not start.
#[derive(Debug)]
pub enum StartError<E> {
    /// The segment is not one of this geometry and epoch.
    Segment,
    /// No descriptors are left.
    Bell(ShmError),
    /// No thread could be started.
    Thread(Errno),
    /// The transport could not be made.
    Transport(E),
}

impl Engine {
    /// Starts the thread that serves `memory`, whose header an initiator has written.
    ///
    /// `socket` is the thread's end of a [`sgring_shm::bell_pair`], and `wake` rings it: the other end is the initiator's bell, and reports the
    /// engine's end by its own. `make` is called on the thread: a transport is used where it was made.
    ///
    /// # Errors
    ///
    /// See [`StartError`]. Nothing is left behind then.
    pub fn start<T: Transport, E: Send + 'static>(
        memory: Arc<Mapping>,
        geometry: Geometry,
        epoch: u32,
        socket: OwnedFd,
        wake: Bell,
        options: EngineOptions,
        make: impl FnOnce() -> Result<T, E> + Send + 'static,
    ) -> Result<Self, StartError<E>> {
        let bell = Bell::new(socket.as_fd()).map_err(StartError::Bell)?;
        let hang_up = HangUp(Bell::new(socket.as_fd()).map_err(StartError::Bell)?);
        let target = Target::attach(memory, geometry, 0, epoch, bell).ok_or(StartError::Segment)?;
        let shared = Arc::new(Shared::default());
        let (made, is_made) = mpsc::sync_channel(1);
        let threads = Arc::clone(&shared);
        let work = move || {
            block_signals();
            let transport = match make() {
                Ok(transport) => transport,
                Err(error) => {
                    drop((target, socket));
                    let _nobody_waits = made.send(Err(error));
                    return;
                }
            };
            let _nobody_waits = made.send(Ok(()));
            Serve::new(target, transport, socket, threads, options).run(hang_up);
        };
        let builder = thread::Builder::new().name("sgring-engine".to_owned());
        builder
            .spawn(work)
            .map_err(|error| StartError::Thread(error.into()))?;
        match is_made.recv() {
            Ok(Ok(())) => Ok(Self { shared, wake }),
            Ok(Err(error)) => Err(StartError::Transport(error)),
            // It panicked, and said so.
            Err(mpsc::RecvError) => Err(StartError::Thread(Errno(libc::ECANCELED))),
        }
    }

    /// Has the thread end: what has not left ends unsent, unanswered; for what is in flight it stays, and tells nobody. It waits for
    /// nothing: the other end of the bell is hung up once [`Engine::left_behind`] is known. Idempotent.
    pub fn stop(&self) {
        self.shared.stop.store(true, Ordering::Release);
        // One that cannot be rung is hung up, which wakes it as well.
        if !self.wake.ring() {
            self.wake.hang_up();
        }
    }

    /// Why the engine has ended without being stopped, if that was so.
    #[must_use]
    pub fn errno(&self) -> Option<Errno> {
        match self.shared.errno.load(Ordering::Acquire) {
            0 => None,
            errno => Some(Errno(errno)),
        }
    }

    /// How many commands were in flight when the engine hung up. 0 means that the node is closed.
    #[must_use]
    pub fn left_behind(&self) -> u32 {
        self.shared.left_behind.load(Ordering::Acquire)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Hangs up at the latest when it is dropped, so that no initiator waits for an engine that is gone.
#[derive(Debug)]
struct HangUp(Bell);

impl Drop for HangUp {
    fn drop(&mut self) {
        self.0.hang_up();
    }
}

#[derive(Debug, Default)]
struct Task {
    state: State,
    tag: u64,
    bounce: Option<Bounce>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Not a command, or none any more.
    #[default]
    Over,
    /// Its place in `waiting` counts only in this state.
    Waiting,
    InFlight,
}

/// The thread's own.
struct Serve<T> {
    target: Target,
    transport: T,
    socket: OwnedFd,
    shared: Arc<Shared>,
    spin: Duration,
    /// By slot.
    tasks: Box<[Task]>,
    waiting: VecDeque<u16>,
    in_flight: usize,
    /// Listed on the desk, not published.
    answers: usize,
    /// Of one command.
    limits: Limits,
    /// Of the task at hand.
    runs: Runs,
    polls: Vec<libc::pollfd>,
    /// The initiator's end is closed.
    hung_up: bool,
}

impl<T: Transport> Serve<T> {
    fn new(
        target: Target,
        transport: T,
        socket: OwnedFd,
        shared: Arc<Shared>,
        EngineOptions { spin, limits }: EngineOptions,
    ) -> Self {
        let tasks = (0..target.slots()).map(|_| Task::default()).collect();
        let limits = Limits {
            max_segments: limits.max_segments.min(transport.max_spans() as u64),
            ..limits
        };
        Self {
            target,
            transport,
            socket,
            shared,
            spin,
            tasks,
            waiting: VecDeque::new(),
            in_flight: 0,
            answers: 0,
            limits,
            runs: Runs::new(),
            polls: Vec::new(),
            hung_up: false,
        }
    }

    fn run(self, hang_up: HangUp) {
        // Not to be dropped before the kernel is done with what it owns.
        let mut serve = ManuallyDrop::new(self);
        let served = catch_unwind(AssertUnwindSafe(|| serve.serve()));
        let why = served.unwrap_or(Err(Broken(PANICKED)));
        serve.tell(&why);
        let mut is_over = true;
        if serve.in_flight > 0 {
            hang_up.0.hang_up();
            let over = catch_unwind(AssertUnwindSafe(|| serve.outlive()));
            is_over = why != Err(Broken(PANICKED)) && matches!(over, Ok(Ok(())));
        }
        let Self {
            target,
            transport,
            tasks,
            ..
        } = ManuallyDrop::into_inner(serve);
        // What it has left behind goes on, and does not keep the device's queue from others.
        drop(transport);
        if is_over {
            // Before the initiator hears of the end: then the node is closed.
            drop((tasks, target));
        } else {
            std::mem::forget((tasks, target));
        }
        drop(hang_up);
    }

    /// Until it is to stop, or cannot go on.
    fn serve(&mut self) -> Result<(), Broken> {
        let mut idle_since = None;
        while !self.is_to_stop() {
            if self.turn(false)? {
                idle_since = None;
            } else if self.is_patient(&mut idle_since) {
                std::hint::spin_loop();
            } else if !self.turn(true)? {
                // Announced, then looked once more: what came between was fetched there.
                self.sleep(true)?;
            }
        }
        Ok(())
    }

    fn is_to_stop(&self) -> bool {
        self.hung_up || self.shared.stop.load(Ordering::Acquire)
    }

    fn is_patient(&self, idle_since: &mut Option<Instant>) -> bool {
        !self.spin.is_zero() && idle_since.get_or_insert_with(Instant::now).elapsed() < self.spin
    }

    /// What is in flight counts; what waits never leaves.
    fn tell(&mut self, why: &Result<(), Broken>) {
        if let Err(Broken(Errno(errno))) = why {
            self.shared.errno.store(*errno, Ordering::Release);
        }
        let left = u32::try_from(self.in_flight).unwrap_or(u32::MAX);
        self.shared.left_behind.store(left, Ordering::Release);
        self.waiting.clear();
    }

    /// Reaps what is still in flight.
    fn outlive(&mut self) -> Result<(), Broken> {
        while self.in_flight > 0 {
            if !self.reap()? {
                self.sleep(false)?;
            }
            // Nobody takes them: the list begins anew.
            self.answers = 0;
        }
        Ok(())
    }

    /// One turn of everything. Whether something happened. With `arm`, and nothing published, the next one rings.
    fn turn(&mut self, arm: bool) -> Result<bool, Broken> {
        let mut some = false;
        let mut count = self.target.fetch(arm)?;
        while count > 0 {
            some = true;
            for index in 0..count {
                self.admit(self.target.fetched(index));
            }
            // A part goes ahead, so that the device works while the rest is fetched.
            self.start_waiting();
            self.transport.flush()?;
            count = self.target.fetch(false)?;
        }
        some |= self.reap()?;
        if some && !self.waiting.is_empty() {
            self.start_waiting();
            self.transport.flush()?;
        }
        if self.answers > 0 {
            let count = std::mem::take(&mut self.answers);
            self.target.complete(count)?;
        }
        Ok(some)
    }

    /// A task that was fetched.
    fn admit(&mut self, slot: u16) {
        let line = self.target.line(slot);
        if line.function != 0 {
            self.manage(slot, &line);
            return;
        }
        let task = &mut self.tasks[usize::from(slot)];
        task.state = State::Waiting;
        task.tag = line.tag;
        self.waiting.push_back(slot);
    }

    /// A task management function, which is answered at once.
    fn manage(&mut self, slot: u16, line: &Line) {
        let [a, b, c, d, e, f, g, h, ..] = line.cdb;
        let found = self.named(u64::from_le_bytes([a, b, c, d, e, f, g, h]));
        let response = match (line.function, found) {
            (ABORT_TASK, Some((State::InFlight, _))) => FUNCTION_REJECTED,
            (ABORT_TASK, Some((_, victim))) => {
                self.end(
                    victim,
                    &Answer {
                        service_response: ENDED_WITHOUT_RESPONSE,
                        ..Answer::default()
                    },
                );
                self.waiting.retain(|&slot| slot != victim);
                FUNCTION_COMPLETE
            }
            (QUERY_TASK, Some(_)) => FUNCTION_SUCCEEDED,
            (QUERY_TASK_SET, _) if self.in_flight + self.waiting.len() > 0 => FUNCTION_SUCCEEDED,
            (ABORT_TASK | QUERY_TASK | QUERY_TASK_SET, _) => FUNCTION_COMPLETE,
            _ => FUNCTION_REJECTED,
        };
        self.end(
            slot,
            &Answer {
                service_response: response,
                ..Answer::default()
            },
        );
    }

    /// The command with a tag.
    fn named(&self, tag: u64) -> Option<(State, u16)> {
        let mut tasks = self.tasks.iter().zip(0u16..);
        let found = tasks.find(|(task, _)| task.state != State::Over && task.tag == tag);
        found.map(|(task, slot)| (task.state, slot))
    }

    /// Hands what waits to the transport, in its order, as long as it takes some.
    fn start_waiting(&mut self) {
        while let Some(&slot) = self.waiting.front() {
            match self.start(slot) {
                Ok(Start::Full) => return,
                Ok(Start::Started) => {
                    self.tasks[usize::from(slot)].state = State::InFlight;
                    self.in_flight += 1;
                }
                Err(errno) => self.end(slot, &refusal(errno)),
            }
            self.waiting.pop_front();
        }
    }

    fn start(&mut self, slot: u16) -> Result<Start, Errno> {
        let line = self.target.line(slot);
        let cdb = line.cdb.get(..usize::from(line.cdb_len));
        let cdb = cdb.ok_or(Errno(libc::EINVAL))?;
        const { assert!(MAX_CDB_LEN == size_of::<[u8; sgring_task::INLINE_CDB]>()) };
        if line.out_len > 0 && line.in_len > 0 {
            return Err(Errno(libc::EOPNOTSUPP));
        }
        let direction = match line.out_len {
            0 => Direction::In,
            _ => Direction::Out,
        };
        self.runs.find(&self.target, slot, direction)?;
        let spans = &mut self.runs.spans;
        let task = &mut self.tasks[usize::from(slot)];
        if !fits(&self.runs.list, &self.limits)? {
            // It is kept where the transport is full, and gathered again: rare, and then not much.
            let bounce = match task.bounce.take() {
                Some(bounce) => bounce,
                None => Bounce::new(spans)?,
            };
            let bounce = task.bounce.insert(bounce);
            if direction == Direction::Out {
                // SAFETY: the spans are the task's, and it is not in flight.
                unsafe { bounce.gather(spans) };
            }
            spans.clear();
            spans.push(bounce.span());
        }
        let data = match direction {
            _ if spans.is_empty() => Data::None,
            Direction::In => Data::In(spans),
            Direction::Out => Data::Out(spans),
        };
        let [a, b, c, d, ..] = line.lun;
        let request = Request {
            slot,
            generation: line.generation,
            cdb,
            data,
            timeout_ms: match u32::from_le_bytes([a, b, c, d]) {
                0 => WITHOUT_END_MS,
                ms => ms.min(WITHOUT_END_MS),
            },
        };
        // SAFETY: 1. The spans lie in the arena or in the task's bounce buffer, which stay until the task is over: by the initiator's rules its
        // slot, and with it the bytes, is not used again before, and `self` is not dropped before. 2. Nobody makes references to them.
        unsafe { self.transport.start(&request) }
    }

    /// Takes the outcomes that are there. Whether there were some.
    fn reap(&mut self) -> Result<bool, Broken> {
        if self.in_flight == 0 {
            return Ok(false);
        }
        let Self {
            target,
            transport,
            tasks,
            in_flight,
            answers,
            runs,
            ..
        } = self;
        let before = *in_flight;
        let reaped = transport.reap(&mut |outcome, sense| {
            let task = tasks.get_mut(usize::from(outcome.slot));
            let Some(task) = task.filter(|task| task.state == State::InFlight) else {
                debug_assert!(false, "an outcome of a request that was not started");
                return;
            };
            *in_flight -= 1;
            task.state = State::Over;
            if let Some(mut bounce) = task.bounce.take() {
                let found = runs.find(target, outcome.slot, Direction::In);
                debug_assert_eq!(found, Ok(()), "as when it was started");
                let len = bounce.span().len;
                let residual = usize::try_from(outcome.in_residual).unwrap_or(0);
                // SAFETY: 1. the spans are the task's, or none where its data went out; 2. the kernel is done with it.
                unsafe { bounce.scatter(&runs.spans, len.saturating_sub(residual)) };
            }
            target.answer(*answers, outcome.slot, &answer(&outcome, sense));
            *answers += 1;
        });
        reaped?;
        Ok(*in_flight < before)
    }

    /// Ends a task that is not in flight.
    fn end(&mut self, slot: u16, answer: &Answer<'_>) {
        let task = &mut self.tasks[usize::from(slot)];
        task.state = State::Over;
        task.bounce = None;
        self.target.answer(self.answers, slot, answer);
        self.answers += 1;
    }

    /// Until the initiator rings, if it is listened to, or the transport has something.
    fn sleep(&mut self, listen: bool) -> Result<(), Broken> {
        self.polls.clear();
        if listen {
            self.polls.push(libc::pollfd {
                fd: self.socket.as_raw_fd(),
                events: libc::POLLIN,
                revents: 0,
            });
        }
        if self.in_flight > 0 {
            self.transport.poll_fds(&mut self.polls);
        }
        let count = self.polls.len() as libc::nfds_t;
        // SAFETY: the list is writable and has as many entries.
        let ready = unsafe { libc::poll(self.polls.as_mut_ptr(), count, -1) };
        if ready < 0 {
            return match Errno::last() {
                Errno(libc::EINTR) => Ok(()),
                errno => Err(Broken(errno)),
            };
        }
        if listen && self.polls[0].revents != 0 {
            self.silence();
        }
        Ok(())
    }

    /// Reads the rings away.
    fn silence(&mut self) {
        let mut bytes = [0u8; 64];
        let (fd, to) = (self.socket.as_raw_fd(), bytes.as_mut_ptr());
        // SAFETY: the buffer is writable and as long as said.
        let read = unsafe { libc::recv(fd, to.cast(), bytes.len(), libc::MSG_DONTWAIT) };
        self.hung_up =
            read == 0 || (read < 0 && !matches!(Errno::last(), Errno(libc::EAGAIN | libc::EINTR)));
    }
}

/// Nothing goes on, for this reason: the pair ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Broken(Errno);

/// `ENOTRECOVERABLE`: a panic.
const PANICKED: Errno = Errno(libc::ENOTRECOVERABLE);

impl From<Errno> for Broken {
    fn from(errno: Errno) -> Self {
        Self(errno)
    }
}

impl From<Violation> for Broken {
    /// The initiator is this process's own: it is its fault.
    fn from(_: Violation) -> Self {
        Self(Errno(libc::EPROTO))
    }
}

/// Where a task's bytes lie: neighbours are one run.
struct Runs {
    list: List,
    /// The same as addresses.
    spans: Vec<Span>,
}

impl Runs {
    fn new() -> Self {
        Self {
            list: List::arena(u64::from(u32::MAX), MAX_SEGMENTS),
            spans: Vec::with_capacity(MAX_SEGMENTS),
        }
    }

    /// Those of an accepted task, whose segments lie in the arena, apart from each other: none is refused.
    fn find(&mut self, target: &Target, slot: u16, direction: Direction) -> Result<(), Errno> {
        self.list.clear();
        self.spans.clear();
        let segments = target.segments(slot, direction).unwrap_or_default();
        let listed = self.list.try_extend(segments.iter().map(|segment| Segment {
            address: segment.offset.into(),
            len: segment.len.into(),
        }));
        listed.map_err(|_| Errno(libc::EINVAL))?;
        self.spans.extend(self.list.segments().iter().map(|run| {
            // Numbers of 32 bits, for the arena's length is one.
            let (offset, len) = (run.address as u32, run.len as u32);
            Span {
                ptr: target.place(sgring_task::Segment { offset, len }),
                len: len as usize,
            }
        }));
        Ok(())
    }
}

/// Whether a command takes its bytes where they lie, or else in one piece.
fn fits(list: &List, limits: &Limits) -> Result<bool, Errno> {
    match list.fit(limits) {
        Ok(_) => Ok(true),
        Err(LimitError::Exceeded {
            limit: Limit::MaxSegments,
            ..
        }) => Ok(false),
        Err(_) => Err(Errno(libc::EMSGSIZE)),
    }
}

/// The kernel took no such command.
fn refusal(Errno(errno): Errno) -> Answer<'static> {
    Answer {
        service_response: SERVICE_DELIVERY_OR_TARGET_FAILURE,
        errno: u16::try_from(errno).unwrap_or(u16::MAX),
        ..Answer::default()
    }
}

/// A device that answered has a status, or nothing to say against its being GOOD; what a host adapter or the kernel ended by itself has none.
fn answer<'a>(outcome: &Outcome, sense: &'a [u8]) -> Answer<'a> {
    if outcome.errno != 0 {
        return refusal(Errno(outcome.errno));
    }
    let answered = outcome.host_status == 0 || outcome.status != 0;
    Answer {
        service_response: match answered {
            true => 0,
            false => SERVICE_DELIVERY_OR_TARGET_FAILURE,
        },
        status: outcome.status,
        out_residual: outcome.out_residual,
        in_residual: outcome.in_residual,
        host_status: outcome.host_status,
        driver_status: outcome.driver_status,
        errno: 0,
        sense,
    }
}
