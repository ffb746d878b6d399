//! Memory as loom's models have it, under `--cfg loom` alone: the tasks' own code runs over it unchanged.
//!
//! | bytes | in a model | which sees |
//! |---|---|---|
//! | queue entries, sleep flags, a ledger's marks and answers | loom's atomics | every value that the memory model allows |
//! | all else of header, slots and ledger | plain memory, watched by loom's `UnsafeCell` | any two accesses that no edge orders |
//!
//! A process that is killed is a thread that ends before one of its stores ([`mortal`]): what it would have done from there on does not
//! happen, and everything before has. Between two stores a death leaves nothing that one before the later store does not leave, too.

use crate::{Geometry, LEDGER_RECORD_BYTES, LEDGER_RECORDS, Ledger, SLOT_BYTES};
use core::cell::{Cell, RefCell};
use core::marker::PhantomData;
use core::mem::{offset_of, size_of};
use core::sync::atomic::Ordering;
use loom::cell::UnsafeCell;
use loom::sync::{Condvar, Mutex};
use sgring_ring::{Word, Words};
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::Arc;

const PAGE: usize = 4096;

thread_local! {
    /// What stands where. A model's threads are all of one system thread, which has one model at a time.
    static PLACES: RefCell<BTreeMap<usize, Place>> = const { RefCell::new(BTreeMap::new()) };
}

loom::thread_local! {
    /// How many stores this thread lives for.
    static LEFT: Cell<u32> = Cell::new(u32::MAX);
}

#[derive(Clone, Debug)]
enum Place {
    Word(Rc<loom::sync::atomic::AtomicU64>),
    /// So many bytes from here on.
    Plain(usize, Rc<UnsafeCell<()>>),
}

/// Runs a thread's work as that of a process that is killed before its `stores`-th store, counted from 0. Whether it was killed.
pub fn mortal(stores: u32, life: impl FnOnce()) -> bool {
    LEFT.with(|left| left.set(stores));
    match catch_unwind(AssertUnwindSafe(life)) {
        Ok(()) => false,
        Err(end) if end.is::<Killed>() => true,
        Err(panic) => resume_unwind(panic),
    }
}

struct Killed;

/// Before a store, or whatever else somebody can see: here a mortal may die.
pub fn step() {
    LEFT.with(|left| match left.get() {
        u32::MAX => {}
        0 => resume_unwind(Box::new(Killed)),
        more => left.set(more - 1),
    });
}

/// A word of 64 bits.
#[derive(Clone, Debug)]
pub struct Word64<'a>(Access<u64>, PhantomData<&'a ()>);

/// A word of 32 bits.
#[derive(Clone, Debug)]
pub struct Word32<'a>(Access<u32>, PhantomData<&'a ()>);

#[derive(Clone, Debug)]
enum Access<T> {
    Word(Rc<loom::sync::atomic::AtomicU64>),
    Plain(*mut T, Rc<UnsafeCell<()>>),
}

impl<T: Copy + Into<u64> + TryFrom<u64>> Access<T> {
    fn of(place: *mut T) -> Self {
        let at = place.addr();
        PLACES.with_borrow(|places| match places.range(..=at).next_back() {
            Some((&start, Place::Word(word))) if start == at => Self::Word(Rc::clone(word)),
            Some((&start, Place::Plain(len, cell))) if at + size_of::<T>() <= start + len => {
                Self::Plain(place, Rc::clone(cell))
            }
            _ => panic!("no part of the model's memory"),
        })
    }

    fn load(&self, order: Ordering) -> T {
        match self {
            Self::Word(word) => narrow(word.load(order)),
            // SAFETY: the place is of memory that lives, as of `of`; loom panics if another access is not ordered with this one.
            Self::Plain(place, cell) => cell.with(|_| unsafe { place.read() }),
        }
    }

    fn store(&self, value: T, order: Ordering) {
        step();
        match self {
            Self::Word(word) => word.store(value.into(), order),
            // SAFETY: as in `load`.
            Self::Plain(place, cell) => cell.with_mut(|_| unsafe { place.write(value) }),
        }
    }
}

fn narrow<T: TryFrom<u64>>(value: u64) -> T {
    let Ok(value) = T::try_from(value) else {
        unreachable!("only such values are stored there")
    };
    value
}

impl Word64<'_> {
    /// Loads it.
    #[must_use]
    pub fn load(&self, order: Ordering) -> u64 {
        self.0.load(order)
    }

    /// Stores it.
    pub fn store(&self, value: u64, order: Ordering) {
        self.0.store(value, order);
    }
}

impl Word32<'_> {
    /// Loads it.
    #[must_use]
    pub fn load(&self, order: Ordering) -> u32 {
        self.0.load(order)
    }

    /// Stores it.
    pub fn store(&self, value: u32, order: Ordering) {
        self.0.store(value, order);
    }
}

impl Word for Word64<'static> {
    fn load(&self, order: Ordering) -> u64 {
        self.0.load(order)
    }

    fn store(&self, value: u64, order: Ordering) {
        self.0.store(value, order);
    }

    fn replace(&self, current: u64, new: u64, order: Ordering) -> bool {
        step();
        match &self.0 {
            Access::Word(word) => word
                .compare_exchange(current, new, order, Ordering::Relaxed)
                .is_ok(),
            Access::Plain(..) => unreachable!("queue words are atomics"),
        }
    }
}

/// # Safety
///
/// The word is of a [`Mapping`] or a [`KeptFile`] that outlives the result.
pub(crate) unsafe fn word64<'a>(place: *mut u64) -> Word64<'a> {
    Word64(Access::of(place), PhantomData)
}

/// # Safety
///
/// As [`word64`].
pub(crate) unsafe fn word32<'a>(place: *mut u32) -> Word32<'a> {
    Word32(Access::of(place), PhantomData)
}

/// Zeroed pages, and what they are to loom.
#[derive(Debug)]
struct Pages {
    start: *mut u8,
    len: usize,
}

impl Pages {
    fn new(len: usize) -> Self {
        // SAFETY: the layout is of some bytes.
        let start = unsafe { alloc_zeroed(Self::layout(len)) };
        assert!(!start.is_null(), "room for a model");
        Self { start, len }
    }

    fn layout(len: usize) -> Layout {
        Layout::from_size_align(len, PAGE).expect("a model is small")
    }

    fn at(&self, at: usize) -> *mut u8 {
        assert!(at < self.len);
        self.start.wrapping_add(at)
    }

    fn word(&self, at: usize) {
        let word = Place::Word(Rc::new(loom::sync::atomic::AtomicU64::new(0)));
        PLACES.with_borrow_mut(|places| places.insert(self.at(at).addr(), word));
    }

    fn plain(&self, from: usize, to: usize) {
        let cell = Place::Plain(to - from, Rc::new(UnsafeCell::new(())));
        PLACES.with_borrow_mut(|places| places.insert(self.at(from).addr(), cell));
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        let ours = self.start.addr()..self.start.addr() + self.len;
        PLACES.with_borrow_mut(|places| places.retain(|at, _| !ours.contains(at)));
        // SAFETY: of `new`, with the same layout.
        unsafe { dealloc(self.start, Self::layout(self.len)) };
    }
}

/// A segment.
#[derive(Debug)]
pub struct Mapping {
    /// Header, queues and slots.
    pages: Pages,
    len: usize,
}

impl Mapping {
    /// A fresh one. Its arena is no part of the model: commands here have no data.
    #[must_use]
    #[expect(
        clippy::arc_with_non_send_sync,
        reason = "as the real one is held; a model's threads are all of one"
    )]
    pub fn new(geometry: Geometry) -> Arc<Self> {
        let pages = Pages::new(geometry.slots_offset() + geometry.slots() * SLOT_BYTES);
        pages.plain(0, 32);
        for (entries, flag) in [geometry.submission_queue(), geometry.completion_queue()] {
            pages.word(flag);
            (0..geometry.entries()).for_each(|entry| pages.word(entries + 8 * entry));
        }
        for slot in 0..geometry.slots() {
            let slot = geometry.slots_offset() + slot * SLOT_BYTES;
            let parts = [
                0,
                offset_of!(crate::Slot, out_residual),
                offset_of!(crate::Slot, cdb_tail),
                SLOT_BYTES,
            ];
            for part in parts.windows(2) {
                pages.plain(slot + part[0], slot + part[1]);
            }
        }
        Arc::new(Self {
            pages,
            len: geometry.segment_bytes(),
        })
    }

    /// Its first byte.
    #[must_use]
    pub fn as_ptr(&self) -> *mut u8 {
        self.pages.start
    }

    /// Bytes.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "as of a mapping")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// The word at byte `at`, a multiple of 8.
    #[must_use]
    pub fn word(&self, at: usize) -> Word64<'_> {
        // SAFETY: of `self`.
        unsafe { word64(self.pages.at(at).cast()) }
    }
}

/// A ledger's file.
#[derive(Debug)]
pub struct KeptFile(Pages);

impl KeptFile {
    /// A new one for so many slots, all zero.
    #[must_use]
    #[expect(
        clippy::arc_with_non_send_sync,
        reason = "as the real one is held; a model's threads are all of one"
    )]
    pub fn new(slots: usize) -> Arc<Self> {
        let pages = Pages::new(Ledger::bytes(slots));
        pages.plain(0, LEDGER_RECORDS);
        for slot in 0..slots {
            let record = LEDGER_RECORDS + slot * LEDGER_RECORD_BYTES;
            pages.word(record);
            pages.word(record + 4);
        }
        pages.plain(LEDGER_RECORDS + slots * LEDGER_RECORD_BYTES, pages.len);
        Arc::new(Self(pages))
    }

    /// Its first byte.
    #[must_use]
    pub fn as_ptr(&self) -> *mut u8 {
        self.0.start
    }

    /// Bytes.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "as of a mapping")]
    pub fn len(&self) -> usize {
        self.0.len
    }

    /// The word at byte `at`, a multiple of 4.
    #[must_use]
    pub fn word(&self, at: usize) -> Word32<'_> {
        // SAFETY: of `self`.
        unsafe { word32(self.0.at(at).cast()) }
    }
}

/// A queue's words.
#[derive(Debug)]
pub struct Mapped {
    entries: Vec<Word64<'static>>,
    armed: Word64<'static>,
}

impl Mapped {
    /// # Safety
    ///
    /// The words are of a [`Mapping`] that outlives the result.
    pub(crate) unsafe fn new(entries: *mut u64, len: usize, armed: *mut u64) -> Self {
        let word = |place| Word64(Access::of(place), PhantomData);
        Self {
            entries: (0..len)
                .map(|index| word(entries.wrapping_add(index)))
                .collect(),
            armed: word(armed),
        }
    }
}

impl Words for Mapped {
    type Word = Word64<'static>;

    fn entries(&self) -> usize {
        self.entries.len()
    }

    fn entry(&self, index: usize) -> &Self::Word {
        &self.entries[index]
    }

    fn armed(&self) -> &Self::Word {
        &self.armed
    }
}

/// A bell that keeps its rings until they are heard, as bytes on a socket. A wait for a ring that never comes is a deadlock, which loom
/// reports.
#[derive(Clone, Debug)]
pub struct Bell(Rc<(Mutex<u32>, Condvar)>);

impl Bell {
    /// A bell that was not rung.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "no value to fall back on")]
    pub fn new() -> Self {
        Self(Rc::new((Mutex::new(0), Condvar::new())))
    }

    /// Rings.
    pub fn ring(&self) -> bool {
        step();
        self.hang_up();
        true
    }

    /// The end of the connection wakes who waits, as a ring does. The kernel does it for who is dead.
    pub fn hang_up(&self) {
        let (rings, rung) = &*self.0;
        *rings.lock().expect("no model outlives a panic") += 1;
        rung.notify_one();
    }

    /// Sleeps until it was rung, and forgets one ring.
    pub fn wait(&self) {
        let (rings, rung) = &*self.0;
        let mut rings = rings.lock().expect("no model outlives a panic");
        while *rings == 0 {
            rings = rung.wait(rings).expect("no model outlives a panic");
        }
        *rings -= 1;
    }
}
