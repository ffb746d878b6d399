//! What a target remembers of a pair's tasks beyond its own death: which may have changed something, and what was answered.
//!
//! ```text
//! 0        64                  64 + 64 n                 64 + 64 n + 320 n
//! +--------+-------------------+-------------------------+
//! | header | a record a slot   | a response a slot       |
//! +--------+-------------------+-------------------------+
//!
//! header    0 magic u64 | 8 slots u32 | 12 epoch u32 | 16 user u32: its initiator's | 20 units u32 | 24 pairs u32: JavaScript's | 28 zero
//! record    0 mark u32: generation 16, state 8, zero 8 | 4 answer u32: status 8, flags 8, zero 16
//!           8 the owner's 56 bytes: what the task was about to change
//! response  as the slot's bytes from `out_residual` on
//! ```
//!
//! A command that changes nothing is not in the ledger: it may be carried out again. For any other, JavaScript marks its record as
//! *started*, in place, before anything is changed; its answer goes in before its completion is published. A mark is one word, and what
//! it speaks of is stored before it.
//!
//! # What a death leaves
//!
//! Three orders are needed, all of them between stores of one process: *started* before the backing is touched, so that no mark means no
//! change; response and answer before *answered*, so that a mark never speaks of what is not there; *answered* before the entry, so that
//! what an initiator has seen is known. Nobody reads these words while that process lives. Who reads them after its death finds a prefix
//! of its program order, whatever killed it, because:
//!
//! 1. A thread is stopped between two instructions, and those before have been carried out, those behind not: interrupts are taken at
//!    an instruction's boundary (Intel SDM vol. 3A, "Program or Task Restart"), and precisely (Arm ARM DDI 0487, "Precise exception"). An
//!    aligned word is stored whole or not at all (SDM, "Guaranteed Atomic Operations"; Arm ARM B2.2, single-copy atomicity). What takes
//!    several instructions, as a copy to a backing does, may be there in part; that is what *started* says.
//! 2. Program order is that of the machine's code. Here the compiler is kept from moving a mark before what it speaks of: it is stored
//!    with release. JavaScript stores its mark before a call that it cannot look into, and into whose thread pools it goes by locks.
//! 3. No store of the dead stays unseen. On x86 an interrupt drains the store buffer (SDM vol. 3A, "Store Buffer"), which keeps program
//!    order before that, too. An Armv8 processor may show plain stores late and in any order, but not later than the barriers on a dying
//!    thread's way through the kernel: the locks that it releases, and the last switch away from it, are behind all of them (Linux's
//!    Documentation/memory-barriers.txt, "Lock acquisition functions", and "Miscellaneous functions" of `schedule()`).
//! 4. Who comes next comes behind that. The next target has taken the lock of the state folder, which the kernel gave free when the last
//!    thread had left its files: one lock released and acquired, in the kernel. The initiator writes to the segment when the dead
//!    process's pidfd says so, which is woken behind the last thread's exit ("Sleep and wake-up functions"), and hands it over by a
//!    socket, which is a lock released and acquired again. So `Words::clear` and the header need no order of their own.
//! 5. They are the same bytes: a file's pages, and a memory file's, are the page cache's, whoever maps them and where; ordinary cached memory
//!    is coherent by its physical address on both.
//!
//! A connection's end alone is none of these: it comes while other threads of the process may run, or from a process that lives on. One that
//! is closed and lives says that it has let go of the segment by a byte on that socket, behind its last store: the same kind of edge. Nor does
//! any of this say what a medium holds after a power failure; then the initiators are gone, too. `tests/loom.rs` walks a death before each store.

use crate::memory::{KeptFile, Word32, Word64, word32, word64};
use crate::slot::{RESPONSE_BYTES, flags};
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use sgring_kill_points::kill_point;
use std::sync::Arc;

/// The first eight bytes of a ledger, "SGRINGLE" as a little-endian number.
pub const LEDGER_MAGIC: u64 = u64::from_le_bytes(*b"SGRINGLE");
/// Where its header has the number of slots.
pub const LEDGER_SLOTS: usize = 8;
/// Where it has the initiator's user.
pub const LEDGER_USER: usize = 16;
/// Where it has as of which change of the units the pair's tasks are (`ts/kept-units.ts`); JavaScript raises it.
pub const LEDGER_UNITS: usize = 20;
/// Where it has how many pairs the nexus had by the last time that one joined it.
pub const LEDGER_PAIRS: usize = 24;
/// Where the records stand.
pub const LEDGER_RECORDS: usize = 64;
/// Bytes of a record.
pub const LEDGER_RECORD_BYTES: usize = 64;
/// The record's state of a task that may have changed something and was not answered.
pub const LEDGER_STARTED: u8 = 1;
/// The record's state of a task whose answer is there.
pub const LEDGER_ANSWERED: u8 = 2;

const EPOCH: usize = 12;
const RESPONSE_STRIDE: usize = RESPONSE_BYTES.next_multiple_of(64);

/// A pair's ledger. One thread of one target uses it; its JavaScript writes marks of *started* there between calls.
#[derive(Clone, Debug)]
pub struct Ledger {
    memory: Arc<KeptFile>,
    slots: usize,
}

/// What a ledger has of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remembered {
    /// It may have changed something, and was not answered.
    Started,
    /// It was answered: status and flags.
    Answered(u8, u8),
}

impl Ledger {
    /// How many bytes the ledger of a pair takes.
    #[must_use]
    pub fn bytes(slots: usize) -> usize {
        LEDGER_RECORDS + slots * (LEDGER_RECORD_BYTES + RESPONSE_STRIDE)
    }

    /// The ledger of a new pair, in memory that is all zero. `units` is the change of the units as of which its tasks are: an initiator that is
    /// let in may publish some that its target does not live to look at, and they are for those units, and no others.
    ///
    /// # Panics
    ///
    /// If `memory` has fewer than [`Ledger::bytes`].
    #[must_use]
    pub fn new(memory: Arc<KeptFile>, slots: usize, epoch: u32, user: u32, units: u32) -> Self {
        let ledger = Self::over(memory, slots);
        ledger.word(LEDGER_UNITS).store(units, Relaxed);
        kill_point();
        ledger.word(LEDGER_USER).store(user, Relaxed);
        kill_point();
        ledger.word(EPOCH).store(epoch, Relaxed);
        kill_point();
        ledger.word(LEDGER_SLOTS).store(slots as u32, Relaxed);
        kill_point();
        // Whoever finds the magic finds the rest.
        ledger.long(0).store(LEDGER_MAGIC, Release);
        kill_point();
        ledger
    }

    /// The ledger that an earlier target has left. `None` if the memory has none of a pair of this user with so many slots, or its epoch is not
    /// before `epoch`, which it has from now on.
    #[must_use]
    pub fn open(memory: Arc<KeptFile>, slots: usize, epoch: u32, user: u32) -> Option<Self> {
        if memory.len() < Self::bytes(slots) {
            return None;
        }
        let ledger = Self::over(memory, slots);
        let ours = ledger.long(0).load(Acquire) == LEDGER_MAGIC
            && ledger.word(LEDGER_SLOTS).load(Relaxed) == slots as u32
            && ledger.word(LEDGER_USER).load(Relaxed) == user
            && ledger.word(EPOCH).load(Relaxed) < epoch;
        if ours {
            ledger.word(EPOCH).store(epoch, Relaxed);
            kill_point();
        }
        ours.then_some(ledger)
    }

    fn over(memory: Arc<KeptFile>, slots: usize) -> Self {
        assert!(
            memory.len() >= Self::bytes(slots),
            "a ledger of this many slots"
        );
        assert!(
            memory.as_ptr().cast::<[u64; 8]>().is_aligned()
                && memory.as_ptr().addr().is_multiple_of(64)
        );
        Self { memory, slots }
    }

    /// The memory: JavaScript has a view of it.
    #[must_use]
    pub fn memory(&self) -> &Arc<KeptFile> {
        &self.memory
    }

    pub(crate) fn find(&self, slot: usize, generation: u16) -> Option<Remembered> {
        let mark = self.mark(slot).load(Acquire);
        if mark as u16 != generation {
            return None;
        }
        let answer = self.answer(slot).load(Relaxed);
        match (mark >> 16) as u8 {
            LEDGER_STARTED => Some(Remembered::Started),
            LEDGER_ANSWERED => {
                let flags = (answer >> 8) as u8 & !flags::STARTED;
                Some(Remembered::Answered(answer as u8, flags))
            }
            _ => None,
        }
    }

    /// The answer of a started task; its completion is published behind this.
    pub(crate) fn answered(
        &self,
        slot: usize,
        generation: u16,
        status: u8,
        flags: u8,
        response: &[u64],
    ) {
        for (index, &word) in response.iter().enumerate() {
            self.response(slot, index).store(word, Relaxed);
            if index == 0 {
                // The mark comes later: a part of them is as good as any other.
                kill_point();
            }
        }
        let answer = u32::from(status) | u32::from(flags) << 8;
        self.answer(slot).store(answer, Relaxed);
        kill_point();
        let mark = u32::from(generation) | u32::from(LEDGER_ANSWERED) << 16;
        self.mark(slot).store(mark, Release);
        kill_point();
    }

    /// The response of an answered task, from its start.
    pub(crate) fn load_response(&self, slot: usize, into: &mut [u64]) {
        for (index, word) in into.iter_mut().enumerate() {
            *word = self.response(slot, index).load(Relaxed);
        }
    }

    /// The slot's task is another one: its generation comes again some time.
    pub(crate) fn forget(&self, slot: usize) {
        self.mark(slot).store(0, Relaxed);
        kill_point();
    }

    fn mark(&self, slot: usize) -> Word32<'_> {
        self.word(self.record(slot))
    }

    fn answer(&self, slot: usize) -> Word32<'_> {
        self.word(self.record(slot) + 4)
    }

    fn record(&self, slot: usize) -> usize {
        assert!(slot < self.slots, "the caller has checked the slot");
        LEDGER_RECORDS + slot * LEDGER_RECORD_BYTES
    }

    fn response(&self, slot: usize, index: usize) -> Word64<'_> {
        assert!(
            slot < self.slots && index < RESPONSE_BYTES / 8,
            "a word of a slot's response"
        );
        let responses = LEDGER_RECORDS + self.slots * LEDGER_RECORD_BYTES;
        self.long(responses + slot * RESPONSE_STRIDE + 8 * index)
    }

    fn word(&self, at: usize) -> Word32<'_> {
        assert!(at.is_multiple_of(4) && at + 4 <= self.memory.len());
        // SAFETY: within the memory, checked above.
        let word = unsafe { self.memory.as_ptr().add(at) }.cast::<u32>();
        // SAFETY: 1. Mapped as long as `self`. 2. Aligned: the memory is, to a page, and `at` is a multiple of 4. 3. In this process, Rust
        // touches it by atomics only, and JavaScript on this thread, between calls.
        unsafe { word32(word) }
    }

    fn long(&self, at: usize) -> Word64<'_> {
        assert!(at.is_multiple_of(8) && at + 8 <= self.memory.len());
        // SAFETY: within the memory, checked above.
        let word = unsafe { self.memory.as_ptr().add(at) }.cast::<u64>();
        // SAFETY: as in `word`, with 8.
        unsafe { word64(word) }
    }
}
