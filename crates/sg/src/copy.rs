//! A copy by parts: threads that each take the next part, move it, and come back for another.
//!
//! ```text
//!        Copier::start                     Read, Write
//! movers --------------> at work: next part ------------> next part, …  none is left: over
//!    ^                                          |
//!    |                                          v one of them fails
//!    +------- Copier::go_on ------------- resting, and [`Failure`] tells of the part
//! ```
//!
//! A part is one mover's from its first command to its last, so nobody is told of it between; parts are taken in order, so that a device that does one
//! thing at a time sees them nearly so. **Who decides** what becomes of a part that failed is the caller: its mover rests until the caller has had the part moved
//! otherwise, and says so, while the others go on; but a UNIT ATTENTION holds all of them until then, for blocks may not be what they were. Nobody joins the
//! threads: one that is inside the kernel has its own part of everything.

use crate::Errno;
use crate::ioctl::STACK_BYTES;
use crate::signals::block_signals;
use crate::transport::Outcome;
use sgring_sync::{Condvar, Mutex, MutexGuard};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

/// UNIT ATTENTION (SPC-4 4.5.6, table 44).
const UNIT_ATTENTION: u8 = 6;

/// A part of a copy, in bytes from its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The first byte.
    pub at: u64,
    /// How many, never 0.
    pub len: u32,
}

/// Which of a part's two commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// From where it comes.
    Read,
    /// To where it goes.
    Write,
}

/// A command that did not move all of a part, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which command: with [`Stage::Read`] nothing was written.
    pub stage: Stage,
    /// Its end.
    pub outcome: Outcome,
    /// The device's own, as long as it was.
    pub sense: Vec<u8>,
}

impl Failure {
    /// A mover that panicked: nobody knows what became of its command.
    fn panicked(stage: Stage) -> Self {
        Self {
            stage,
            outcome: Outcome {
                errno: libc::ENOTRECOVERABLE,
                ..Outcome::default()
            },
            sense: Vec::new(),
        }
    }

    /// The device is not what it was: blocks may have another length (SPC-4 4.5.2 and 4.5.3: the two formats).
    fn holds(&self) -> bool {
        let key = match self.sense.first().map(|code| code & 0x7f) {
            Some(0x70 | 0x71) => self.sense.get(2),
            Some(0x72 | 0x73) => self.sense.get(1),
            _ => None,
        };
        key.is_some_and(|key| key & 0xf == UNIT_ATTENTION)
    }
}

/// What moves parts, one at a time: it is read, and then written.
pub trait Mover: Send + 'static {
    /// Sends a command for all of a part, and waits for its end.
    ///
    /// # Errors
    ///
    /// It was not carried out in full.
    fn send(&mut self, stage: Stage, part: Part) -> Result<(), Failure>;
}

/// How far a copy is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that were moved, wherever.
    pub moved: u64,
    /// All bytes before this one were.
    pub frontier: u64,
    /// Movers that have a part: none, and nothing goes on by itself.
    pub at_work: usize,
    /// READs that were sent, and have not ended.
    pub reading: usize,
    /// WRITEs.
    pub writing: usize,
    /// Those of them that were marked.
    pub marked: usize,
}

impl Progress {
    fn under_way(&mut self, stage: Stage) -> &mut usize {
        match stage {
            Stage::Read => &mut self.reading,
            Stage::Write => &mut self.writing,
        }
    }
}

/// A copy under way. Dropping it stops it.
pub struct Copier<M> {
    shared: Arc<Shared<M>>,
}

struct Shared<M> {
    len: u64,
    part_len: u32,
    state: Mutex<State<M>>,
    /// Nothing holds movers any more, or they are stopped.
    released: Condvar,
    wake: Box<dyn Fn() + Send + Sync>,
}

struct State<M> {
    /// Where the next part begins.
    next: u64,
    stopped: bool,
    progress: Progress,
    /// Parts beyond the frontier that were moved: their ends by their beginnings.
    beyond: BTreeMap<u64, u64>,
    resting: Vec<M>,
    failures: VecDeque<(Part, Failure)>,
    /// Parts whose failure was taken, and whether it holds the others.
    taken: Vec<(Part, bool)>,
    /// Where the parts begin that are being written.
    writes: BTreeSet<u64>,
    /// Those that were when it was asked for last.
    marked: BTreeSet<u64>,
}

impl<M: Mover> Copier<M> {
    /// Sets as many movers to work on `len` bytes as there can be threads, in parts of `part_len` bytes, neither of which is 0. `wake` is called when one has failed,
    /// when the WRITEs that were marked have ended, and when none is at work any more: by their threads, and by the caller's where none could be had.
    ///
    /// # Errors
    ///
    /// There is no thread to be had, no mover, or a length is 0: nothing was moved.
    pub fn start(
        len: u64,
        part_len: u32,
        movers: Vec<M>,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, Errno> {
        if len == 0 || part_len == 0 || movers.is_empty() {
            return Err(Errno(libc::EINVAL));
        }
        let shared = Arc::new(Shared {
            len,
            part_len,
            state: Mutex::new(State {
                next: 0,
                stopped: false,
                progress: Progress::default(),
                beyond: BTreeMap::new(),
                resting: Vec::new(),
                failures: VecDeque::new(),
                taken: Vec::new(),
                writes: BTreeSet::new(),
                marked: BTreeSet::new(),
            }),
            released: Condvar::default(),
            wake: Box::new(wake),
        });
        for (index, mover) in movers.into_iter().enumerate() {
            match shared.set_to_work(mover) {
                // Those that there are move the rest.
                Err(_) if index > 0 => break,
                started => started?,
            }
        }
        Ok(Self { shared })
    }

    /// Takes the failure that has waited longest. Its mover rests until [`Copier::go_on`] is told of the part.
    pub fn failure(&self) -> Option<(Part, Failure)> {
        let mut state = self.shared.state();
        let (part, failure) = state.failures.pop_front()?;
        state.taken.push((part, failure.holds()));
        Some((part, failure))
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        let state = self.shared.state();
        Progress {
            marked: state.marked.len(),
            ..state.progress
        }
    }

    /// Marks the WRITEs that are under way now, and no others: a device tells of what it has lost once, and perhaps to one of these.
    pub fn mark(&self) {
        let mut state = self.shared.state();
        state.marked = state.writes.clone();
    }

    /// A part whose failure was taken was moved otherwise: its mover goes on with another one, if there is one.
    ///
    /// # Errors
    ///
    /// `EINVAL` for any other part; or there is no thread to be had, and none is at work: nothing goes on.
    pub fn go_on(&self, part: Part) -> Result<(), Errno> {
        let mut state = self.shared.state();
        let index = state.taken.iter().position(|&(taken, _)| taken == part);
        let index = index.ok_or(Errno(libc::EINVAL))?;
        state.taken.swap_remove(index);
        state.moved(part);
        let mover = state.resting.pop();
        let is_over = state.stopped || state.next >= self.shared.len;
        drop(state);
        self.shared.released.notify_all();
        match mover {
            Some(mover) if !is_over => match self.shared.set_to_work(mover) {
                Err(_) if self.progress().at_work > 0 => Ok(()),
                other => other,
            },
            _ => Ok(()),
        }
    }

    /// No command is sent any more, not even the WRITE of a part that was read, and a mover that has sent none goes. Idempotent, and waits for none.
    pub fn stop(&self) {
        self.shared.stop();
    }
}

impl<M> Drop for Copier<M> {
    fn drop(&mut self) {
        self.shared.stop();
    }
}

impl<M> Shared<M> {
    fn stop(&self) {
        let mut state = self.state();
        state.stopped = true;
        let _unlocked_first = std::mem::take(&mut state.resting);
        drop(state);
        self.released.notify_all();
    }

    /// It has no invariants that a panic could break: what panics is a mover, which does not hold it.
    fn state(&self) -> MutexGuard<'_, State<M>> {
        self.state.lock()
    }
}

impl<M: Mover> Shared<M> {
    fn set_to_work(self: &Arc<Self>, mover: M) -> Result<(), Errno> {
        let at_work = AtWork::new(Arc::clone(self));
        thread::Builder::new()
            .name("sgring-copy".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || {
                block_signals();
                at_work.0.work(mover);
            })?;
        Ok(())
    }

    fn work(&self, mut mover: M) {
        while let Some(part) = self.next() {
            for stage in [Stage::Read, Stage::Write] {
                if !self.begin(stage, part) {
                    return;
                }
                // It leaves a mover as it was, which has no state beside its memory.
                let ended = catch_unwind(AssertUnwindSafe(|| mover.send(stage, part)))
                    .unwrap_or_else(|_| Err(Failure::panicked(stage)));
                let mut state = self.state();
                *state.progress.under_way(stage) -= 1;
                let mut was_last_marked = false;
                if stage == Stage::Write {
                    state.writes.remove(&part.at);
                    was_last_marked = state.marked.remove(&part.at) && state.marked.is_empty();
                }
                match ended {
                    Ok(()) if stage == Stage::Write => state.moved(part),
                    Ok(()) => {}
                    Err(failure) => {
                        if !state.stopped {
                            state.resting.push(mover);
                        }
                        state.failures.push_back((part, failure));
                        drop(state);
                        (self.wake)();
                        return;
                    }
                }
                drop(state);
                if was_last_marked {
                    (self.wake)();
                }
            }
        }
    }

    /// The next part.
    fn next(&self) -> Option<Part> {
        let mut state = self.state();
        if state.next >= self.len {
            return None;
        }
        let at = state.next;
        let left = u32::try_from(self.len - at).unwrap_or(u32::MAX);
        let len = self.part_len.min(left);
        state.next = at + u64::from(len);
        Some(Part { at, len })
    }

    /// Counts a command that is sent next, once none is held; false if none is to be sent any more.
    fn begin(&self, stage: Stage, part: Part) -> bool {
        let mut state = self.state();
        while !state.stopped && state.is_held() {
            state = self.released.wait(state);
        }
        if !state.stopped {
            *state.progress.under_way(stage) += 1;
            if stage == Stage::Write {
                state.writes.insert(part.at);
            }
        }
        !state.stopped
    }
}

impl<M> State<M> {
    /// Whether nobody has decided yet on a part that holds the others.
    fn is_held(&self) -> bool {
        let waits = |(_, failure): &(Part, Failure)| failure.holds();
        self.taken.iter().any(|&(_, holds)| holds) || self.failures.iter().any(waits)
    }

    fn moved(&mut self, Part { at, len }: Part) {
        let progress = &mut self.progress;
        progress.moved += u64::from(len);
        self.beyond.insert(at, at + u64::from(len));
        while let Some(end) = self.beyond.remove(&progress.frontier) {
            progress.frontier = end;
        }
    }
}

/// Counts a mover, however its thread ends.
struct AtWork<M>(Arc<Shared<M>>);

impl<M> AtWork<M> {
    fn new(shared: Arc<Shared<M>>) -> Self {
        shared.state().progress.at_work += 1;
        Self(shared)
    }
}

impl<M> Drop for AtWork<M> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.progress.at_work -= 1;
        let is_last = state.progress.at_work == 0;
        drop(state);
        if is_last {
            (self.0.wake)();
        }
    }
}
