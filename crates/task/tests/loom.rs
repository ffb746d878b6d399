//! Models of a pair whose target dies: the real initiator, target, tasks and ledger, under loom, over `src/model.rs`.
//!
//! ```text
//! RUSTFLAGS='--cfg loom' cargo test -p sgring-task --release --test loom
//! ```
//!
//! A target dies before each of its stores, one after the other (as a kill point is walked), while the initiator runs beside it; its end
//! is learned as a thread's is by joining it, which stands for the pidfd. What decides here is Rust's: what is accepted, what the ledger
//! says of it, in which order answer, ledger and entry are stored, and what comes home. What TypeScript decides is written out as simply as
//! may be: when a command is marked as started, and that an aborted command is completed before its function. How it decides that, and that
//! an answer that comes too late is dropped, is tested on the real thing by `test/ring/interleavings.test.ts`.
//!
//! A model that cannot fail proves nothing: beside each stand the same steps with one of them wrong, and those must be found.

#![cfg(loom)]

use loom::sync::atomic::{
    AtomicBool,
    Ordering::{Acquire, Relaxed, Release},
};
use loom::thread;
use sgring_task::model::{Bell, KeptFile, Mapping, Word64, mortal, step};
use sgring_task::{
    CompletionWord, Direction, Geometry, Initiator, LEDGER_RECORD_BYTES, LEDGER_RECORDS,
    LEDGER_STARTED, Ledger, Record, Slot, Target, flags, resubmitted,
};
use std::cell::Cell;
use std::mem::offset_of;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool as Noted;

const FEATURES: u64 = 0;
const USER: u32 = 1000;
const SLOTS: usize = 2;
/// The service responses of an aborted command, of a function, of a command of which no more is known.
const ABORTED: u8 = 2;
const FUNCTION_COMPLETE: u8 = 3;
const OUTCOME_UNKNOWN: u8 = 7;
/// Of one that goes to no other target.
const OVERTAKEN: u8 = 8;
/// Targets that a command may have had when they died, and no more.
const MOST_DEATHS: u32 = 3;
/// More than a target stores in a life.
const STORES: u32 = 16;
/// RFC 7143 11.5.1. Here a reset is the same: it ends what was there before it.
const ABORT_TASK: u8 = 1;

/// What is asked: its name is its tag, and says what it is.
type Tag = usize;
/// Tags from here on ask for something that changes nothing.
const READS: Tag = 8;
/// The tag of a function.
const FUNCTION: Tag = 15;
const TAGS: usize = 16;

/// A step that somebody gets wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Nothing,
    /// The end of the connection is taken for death.
    HungUpIsDead,
    /// The queues are handed over as they were.
    OldQueues,
    /// A command is marked as started when it has been carried out.
    MarkedLate,
    /// A function is answered before what it aborts.
    FunctionFirst,
    /// What several targets had when they died is over before what the last one answered is taken.
    OverTooSoon,
}

/// What became of each command: seen by everybody, and no part of the model.
#[derive(Debug, Default)]
struct History {
    carried_out: [Cell<u32>; TAGS],
    home: [Cell<u32>; TAGS],
}

fn count(counter: &Cell<u32>) {
    counter.set(counter.get() + 1);
}

impl History {
    /// These commands have each had one completion, and what changes something was carried out once at most.
    fn check(&self, asked: &[Tag]) {
        for tag in 0..TAGS {
            let expected = u32::from(asked.contains(&tag));
            assert_eq!(self.home[tag].get(), expected, "one completion a command");
            let times = self.carried_out[tag].get();
            assert!(tag >= READS || times <= 1, "carried out twice");
        }
    }
}

/// What all sides share, and what outlives them.
#[derive(Clone)]
struct World {
    geometry: Geometry,
    segment: Arc<Mapping>,
    ledger: Arc<KeptFile>,
    history: Rc<History>,
    /// Rings the target, and the initiator.
    door: Bell,
    desk: Bell,
    wrong: Wrong,
    /// The initiator has nothing more to ask.
    content: Rc<AtomicBool>,
}

impl World {
    fn new(wrong: Wrong) -> Self {
        let geometry = Geometry::new(SLOTS as u32, 4096).expect("sizes within the limits");
        Self {
            geometry,
            segment: Mapping::new(geometry),
            ledger: KeptFile::new(SLOTS),
            history: Rc::default(),
            door: Bell::new(),
            desk: Bell::new(),
            wrong,
            content: Rc::new(AtomicBool::new(false)),
        }
    }

    fn initiator(&self) -> Client {
        let memory = Arc::clone(&self.segment);
        let pair = Initiator::new(memory, self.geometry, FEATURES, 1, self.door.clone());
        Client {
            world: self.clone(),
            pair,
            epoch: 1,
            slots: Default::default(),
        }
    }

    /// The target of an attachment, which has been welcomed.
    fn target(&self, epoch: u32) -> Server {
        let memory = Arc::clone(&self.segment);
        let target = Target::attach(memory, self.geometry, FEATURES, epoch, self.desk.clone());
        let mut pair = target.expect("a header that matches");
        let file = Arc::clone(&self.ledger);
        let ledger = match epoch {
            1 => Ledger::new(file, SLOTS, epoch, USER, 0),
            _ => Ledger::open(file, SLOTS, epoch, USER).expect("a ledger of an earlier epoch"),
        };
        pair.keep(ledger, epoch > 1);
        Server {
            world: self.clone(),
            pair,
        }
    }
}

/// The initiator's end, with what its JavaScript does.
struct Client {
    world: World,
    pair: Initiator,
    epoch: u32,
    slots: [Held; SLOTS],
}

#[derive(Clone, Copy, Debug, Default)]
struct Held {
    /// What it is submitted for.
    tag: Option<Tag>,
    /// How often it was submitted.
    generation: u16,
    /// Its target had published an answer when it was found dead.
    answered: bool,
}

impl Client {
    fn submit(&mut self, slot: usize, tag: Tag, function: u8) {
        let held = &mut self.slots[slot];
        *held = Held {
            tag: Some(tag),
            generation: held.generation + 1,
            answered: false,
        };
        let at = self.world.geometry.slots_offset() + slot * size_of::<Slot>();
        let segment = &self.world.segment;
        let line = 6 | u64::from(function) << 24;
        segment.word(at + 8).store(tag as u64, Relaxed);
        segment.word(at + 16).store(line, Relaxed);
        self.pair.desk().store(0, 0, slot as u32);
        self.pair.submit(1).expect("a free slot");
    }

    fn free_slot(&self) -> Option<usize> {
        self.slots.iter().position(|held| held.tag.is_none())
    }

    fn all_home(&self) -> bool {
        self.slots.iter().all(|held| held.tag.is_none())
    }

    fn reap(&mut self, arm: bool) -> usize {
        let count = self.pair.reap(arm).expect("an honest target");
        for index in 0..count {
            let word = self.pair.desk().load(4 * SLOTS, index);
            self.came_home(word as u16 as usize, (word >> 16) as u8, (word >> 24) as u8);
        }
        count
    }

    fn came_home(&mut self, slot: usize, status: u8, said: u8) {
        let Held { tag, answered, .. } = self.slots[slot];
        let tag = tag.expect("one completion a command");
        self.slots[slot].tag = None;
        let history = &self.world.history;
        count(&history.home[tag]);
        match said & flags::SERVICE_RESPONSE {
            OUTCOME_UNKNOWN => {
                assert!(tag < READS, "it changes nothing");
                assert!(!answered, "an answer that was published is known");
            }
            OVERTAKEN => assert!(!answered, "an answer that was published is known"),
            ABORTED => assert!(tag < FUNCTION),
            FUNCTION_COMPLETE => {
                assert_eq!(tag, FUNCTION);
                assert!(
                    self.all_home(),
                    "what a function ends has come home before it"
                );
            }
            response => {
                assert_eq!((response, status), (0, tag as u8), "its own answer");
                assert!(history.carried_out[tag].get() > 0, "it was carried out");
                let at = self.world.geometry.slots_offset() + slot * size_of::<Slot>();
                let segment = &self.world.segment;
                let residuals = segment.word(at + offset_of!(Slot, out_residual));
                assert_eq!(
                    residuals.load(Relaxed),
                    residual_of(tag),
                    "its own residual"
                );
            }
        }
    }

    /// An entry of a queue, of those for submissions and for completions.
    fn entry(&self, queue: usize, index: usize) -> Word64<'_> {
        let entries = self.world.geometry.entries();
        self.world
            .segment
            .word(4096 + 8 * (queue * entries + index))
    }

    /// Notes, for the history, what the dead target had published an answer to.
    fn look_back(&mut self) {
        for index in 0..self.world.geometry.entries() {
            let word = self.entry(1, index).load(Relaxed);
            let word = CompletionWord::unpack(word & 0xffff_ffff_ffff);
            let held = self.slots.get_mut(usize::from(word.slot));
            let held = held.expect("an honest target");
            let known = word.flags & flags::SERVICE_RESPONSE != OUTCOME_UNKNOWN;
            held.answered |= held.generation == word.generation && known;
        }
    }

    /// The earlier target is dead: its answers are taken, and what it had is counted. What several had is over.
    fn outlive(&mut self) {
        self.look_back();
        if self.world.wrong != Wrong::OverTooSoon {
            while self.reap(false) > 0 {}
        }
        if self.pair.outlive() > 0 {
            self.reap(false);
        }
    }

    /// The earlier target is dead: what was not completed is submitted to the next one.
    fn resubmit(&mut self) {
        self.look_back();
        let entries = self.world.geometry.entries();
        let old: Vec<u64> = (0..entries)
            .map(|index| self.entry(0, index).load(Relaxed))
            .collect();
        self.epoch += 1;
        let bell = self.world.door.clone();
        // SAFETY: it is dead, unless this is wrong on purpose: then the model shows it.
        unsafe { self.pair.resubmit(FEATURES, self.epoch, bell) };
        if self.world.wrong == Wrong::OldQueues {
            let places = (0..entries).map(|index| self.entry(0, index));
            for (place, old) in places.zip(old) {
                if place.load(Relaxed) == 0 {
                    place.store(old, Relaxed);
                }
            }
        }
    }

    /// Looks until nothing is outstanding, and says so.
    fn reap_all(&mut self) {
        while !self.all_home() {
            if self.reap(false) == 0 {
                thread::yield_now();
            }
        }
        self.world.content.store(true, Release);
    }
}

fn residual_of(tag: Tag) -> u64 {
    0x0101 * (tag as u64 + 1)
}

/// The target's end, with what its JavaScript does.
struct Server {
    world: World,
    pair: Target,
}

/// A fetched task: its slot, tag, function, generation, and what it was before.
type Fetched = (usize, Tag, u8, u16, u16);

impl Server {
    /// Takes what is there.
    fn fetch(&mut self, arm: bool) -> Vec<Fetched> {
        let count = self.pair.fetch(arm).expect("an honest initiator");
        let bytes = size_of::<Record>();
        let desk = self.pair.desk();
        let slots = (0..count).map(|index| desk.load(SLOTS * bytes, index) as usize);
        let record = |slot: usize, offset: usize| desk.load(slot * bytes + offset, 0);
        let tasks = slots.map(|slot| {
            let history = record(slot, offset_of!(Record, generation));
            let tag = record(slot, offset_of!(Record, tag)) as Tag;
            let function = (record(slot, offset_of!(Record, cdb_len)) >> 24) as u8;
            (slot, tag, function, history as u16, (history >> 16) as u16)
        });
        tasks.collect()
    }

    /// Takes what is there, and answers it. How many there were.
    fn look(&mut self, arm: bool) -> usize {
        let tasks = self.fetch(arm);
        for &(slot, tag, function, generation, before) in &tasks {
            if before & resubmitted::STARTED != 0 {
                self.complete(slot, 0, OUTCOME_UNKNOWN);
            } else if function != 0 {
                self.complete(slot, 0, FUNCTION_COMPLETE);
            } else {
                self.carry_out(slot, tag, generation);
            }
        }
        tasks.len()
    }

    fn carry_out(&mut self, slot: usize, tag: Tag, generation: u16) {
        let changes = tag < READS;
        let late = self.world.wrong == Wrong::MarkedLate;
        if changes && !late {
            self.mark(slot, generation);
        }
        step();
        count(&self.world.history.carried_out[tag]);
        if changes && late {
            self.mark(slot, generation);
        }
        self.good(slot, tag);
    }

    fn mark(&self, slot: usize, generation: u16) {
        let at = LEDGER_RECORDS + slot * LEDGER_RECORD_BYTES;
        let mark = u32::from(generation) | u32::from(LEDGER_STARTED) << 16;
        self.world.ledger.word(at).store(mark, Relaxed);
    }

    fn good(&mut self, slot: usize, tag: Tag) {
        let residuals = slot * size_of::<Record>() + offset_of!(Record, out_residual);
        let residual = residual_of(tag) as u32;
        self.pair.desk().store(residuals, 0, residual);
        self.pair.desk().store(residuals, 1, 0);
        let started = if tag < READS { flags::STARTED } else { 0 };
        self.complete(slot, tag as u8, flags::RESIDUAL | started);
    }

    fn complete(&mut self, slot: usize, status: u8, said: u8) {
        let word = slot as u32 | u32::from(status) << 16 | u32::from(said) << 24;
        let list = SLOTS * (size_of::<Record>() + 4);
        self.pair.desk().store(list, 0, word);
        self.pair.complete(1).expect("an accepted task");
    }

    /// Answers what comes until its initiator has nothing more to ask.
    fn serve(&mut self) {
        while !self.world.content.load(Acquire) {
            if self.look(false) == 0 {
                thread::yield_now();
            }
        }
    }
}

/// A target dies before its store number `dies`, and the next one has what was left; beside both, what comes home is followed by another
/// command in its slot. Whether the first lived to its end.
fn succession(wrong: Wrong, dies: u32) -> bool {
    let world = World::new(wrong);
    let mut client = world.initiator();
    client.submit(0, 0, 0);
    client.submit(1, READS, 0);
    let mut first = world.target(1);
    let first = thread::spawn(move || {
        mortal(dies, || {
            for _ in 0..2 {
                if first.look(false) == 0 {
                    thread::yield_now();
                }
            }
        })
    });
    client.reap(false);
    let mut next = Some(1);
    if let Some(slot) = client.free_slot() {
        client.submit(slot, next.take().expect("not yet"), 0);
        client.reap(false);
    }
    let mut dead = None;
    if wrong != Wrong::HungUpIsDead {
        dead = Some(first.join().expect("it ends without a panic"));
    }
    client.resubmit();
    let mut second = world.target(2);
    let second = thread::spawn(move || second.serve());
    if let (Some(slot), Some(tag)) = (client.free_slot(), next) {
        client.submit(slot, tag, 0);
        next = None;
    }
    client.reap_all();
    second.join().expect("it ends without a panic");
    let asked = [0, READS, 1];
    world
        .history
        .check(if next.is_none() { &asked } else { &asked[..2] });
    dead == Some(false)
}

/// As many targets as a command may have had die one after the other, each before a store of its own: `dies` has their numbers as digits, the first one's first. A
/// second command has been there for one less. Whoever follows has what is left. Whether all of them lived.
fn longevity(wrong: Wrong, dies: u32) -> bool {
    let world = World::new(wrong);
    let mut client = world.initiator();
    client.submit(0, 0, 0);
    let mut lived = true;
    for epoch in 1..=MOST_DEATHS {
        let mut target = world.target(epoch);
        let store = dies / STORES.pow(MOST_DEATHS - epoch) % STORES;
        let target = thread::spawn(move || mortal(store, || while target.look(false) > 0 {}));
        client.reap(false);
        let killed = target.join().expect("it ends without a panic");
        assert!(!killed || store < STORES - 1, "nobody stores as often");
        lived &= !killed;
        client.outlive();
        client.resubmit();
        if epoch == 1 {
            client.submit(1, READS, 0);
        }
    }
    assert_eq!(client.slots[0].tag, None, "no other target has it");
    let mut last = world.target(MOST_DEATHS + 1);
    while last.look(false) > 0 {}
    client.reap(false);
    assert!(client.all_home());
    world.history.check(&[0, READS]);
    lived
}

/// As that, with one command, both sides asleep whenever they have nothing to do, and an end of the connection that wakes its initiator.
fn awakening(dies: u32) -> bool {
    let mut world = World::new(Wrong::Nothing);
    let mut client = world.initiator();
    let ended = Rc::new(AtomicBool::new(false));
    let serve = |mut server: Server| {
        while !server.world.content.load(Acquire) {
            if server.look(true) == 0 {
                server.world.door.wait();
            }
        }
    };
    let mut target = Some({
        let (server, desk, ended) = (world.target(1), world.desk.clone(), Rc::clone(&ended));
        thread::spawn(move || {
            let killed = mortal(dies, || serve(server));
            ended.store(true, Release);
            desk.hang_up();
            killed
        })
    });
    let mut next = None;
    client.submit(0, 0, 0);
    while !client.all_home() {
        if client.reap(true) > 0 {
            continue;
        }
        world.desk.wait();
        if ended.load(Acquire)
            && let Some(target) = target.take()
        {
            target.join().expect("it ends without a panic");
            // A new connection.
            (world.door, world.desk) = (Bell::new(), Bell::new());
            client.world = world.clone();
            client.resubmit();
            let server = world.target(2);
            next = Some(thread::spawn(move || serve(server)));
        }
    }
    world.content.store(true, Release);
    world.door.hang_up();
    let killed = target.is_none_or(|target| target.join().expect("it ends without a panic"));
    if let Some(next) = next {
        next.join().expect("it ends without a panic");
    }
    world.history.check(&[0]);
    !killed
}

/// A command is carried out by a thread of its target's, a function aborts it meanwhile, and the target dies before its store number `dies`:
/// that thread ends some time later, as those of a process that is killed do. Whether it lived.
fn abortion(wrong: Wrong, dies: u32) -> bool {
    let world = World::new(wrong);
    let mut client = world.initiator();
    client.submit(0, 0, 0);
    let mut first = world.target(1);
    let first = thread::spawn(move || {
        let mut worker = None;
        let killed = mortal(dies, || while_it_runs(&mut first, &mut worker));
        // All of the process ends before its end is told.
        if let Some(worker) = worker {
            worker.join().expect("it ends without a panic");
        }
        killed
    });
    client.submit(1, FUNCTION, ABORT_TASK);
    client.reap(false);
    let killed = first.join().expect("it ends without a panic");
    client.resubmit();
    let mut second = world.target(2);
    let second = thread::spawn(move || second.serve());
    client.reap_all();
    second.join().expect("it ends without a panic");
    world.history.check(&[0, FUNCTION]);
    !killed
}

/// A target's life until it has answered a function.
fn while_it_runs(server: &mut Server, worker: &mut Option<thread::JoinHandle<()>>) {
    let done = Rc::new(AtomicBool::new(false));
    let mut outstanding = None;
    for _ in 0..3 {
        let tasks = server.fetch(false);
        for &(slot, tag, function, generation, _) in &tasks {
            if function == 0 {
                server.mark(slot, generation);
                outstanding = Some((slot, tag));
                let (history, done) = (Rc::clone(&server.world.history), Rc::clone(&done));
                *worker = Some(thread::spawn(move || {
                    count(&history.carried_out[tag]);
                    done.store(true, Release);
                }));
                continue;
            }
            let first = server.world.wrong == Wrong::FunctionFirst;
            if first {
                server.complete(slot, 0, FUNCTION_COMPLETE);
            }
            if let Some((slot, _)) = outstanding.take() {
                server.complete(slot, 0, ABORTED | flags::STARTED);
            }
            if !first {
                server.complete(slot, 0, FUNCTION_COMPLETE);
            }
        }
        // What comes after the abortion is dropped: a slot that is not accepted is refused.
        if done.load(Acquire)
            && let Some((slot, tag)) = outstanding.take()
        {
            server.good(slot, tag);
        }
        if tasks.is_empty() {
            thread::yield_now();
        }
    }
}

/// An initiator dies before its store number `dies`, and its target answers what was published. Whether it lived.
fn desertion(dies: u32) -> bool {
    let world = World::new(Wrong::Nothing);
    let mut client = world.initiator();
    let mut server = world.target(1);
    let client = thread::spawn(move || {
        mortal(dies, || {
            client.submit(0, 0, 0);
            client.submit(1, READS, 0);
            client.reap(true);
            if let Some(slot) = client.free_slot() {
                client.submit(slot, 1, 0);
            }
        })
    });
    server.look(false);
    let killed = client.join().expect("it ends without a panic");
    while server.look(false) > 0 {}
    for (tag, times) in world.history.carried_out.iter().enumerate() {
        assert!(times.get() <= u32::from([0, 1, READS].contains(&tag)));
    }
    for slot in 0..SLOTS as u16 {
        assert_eq!(
            server.pair.segments(slot, Direction::Out),
            None,
            "all is answered"
        );
    }
    !killed
}

/// Runs a model for each store before which somebody may die, until they live to their end whatever happens beside them. Of its
/// interleavings, those of at most `preemptions`. A mistake between two sides takes two: one stops in the middle of what it does, the other
/// one in the middle of what it does about it; one more is for the thread that a target has beside it. The others are for good measure, where
/// a model is quick with them.
fn walk(preemptions: usize, model: impl Fn(u32) -> bool + Send + Sync + Copy + 'static) {
    for dies in 0.. {
        let somebody_died = Arc::new(Noted::new(false));
        let noted = Arc::clone(&somebody_died);
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(preemptions);
        builder.check(move || {
            if !model(dies) {
                noted.store(true, Relaxed);
            }
        });
        if !somebody_died.load(Relaxed) {
            assert!(dies > 0, "nobody has died");
            return;
        }
    }
}

#[test]
fn whatever_a_target_dies_before_each_command_has_one_completion_and_is_carried_out_once() {
    walk(5, |dies| succession(Wrong::Nothing, dies));
}

#[test]
fn whatever_a_target_dies_before_nobody_sleeps_for_ever() {
    walk(3, awakening);
}

#[test]
fn whatever_a_target_dies_before_an_aborted_command_comes_home_once_and_before_its_function() {
    walk(3, |dies| abortion(Wrong::Nothing, dies));
}

#[test]
fn whatever_an_initiator_dies_before_its_target_answers_what_was_published_and_no_more() {
    walk(6, desertion);
}

#[test]
fn whatever_several_targets_die_before_a_command_that_all_had_has_its_end_and_others_go_on() {
    walk(3, |dies| longevity(Wrong::Nothing, dies));
}

#[test]
#[should_panic(expected = "an answer that was published is known")]
fn a_command_that_is_over_before_its_answer_is_looked_for_is_found() {
    walk(3, |dies| longevity(Wrong::OverTooSoon, dies));
}

#[test]
#[should_panic(expected = "an honest initiator: Epoch")]
fn a_target_that_has_only_hung_up_meets_what_is_not_its_own() {
    walk(5, |dies| succession(Wrong::HungUpIsDead, dies));
}

#[test]
#[should_panic(expected = "an honest initiator: Epoch")]
fn an_entry_of_an_earlier_epoch_is_found_by_its_epoch() {
    walk(5, |dies| succession(Wrong::OldQueues, dies));
}

#[test]
#[should_panic(expected = "carried out twice")]
fn a_mark_behind_what_it_speaks_of_is_found() {
    walk(5, |dies| succession(Wrong::MarkedLate, dies));
}

#[test]
#[should_panic(expected = "has come home before it")]
fn a_function_that_is_answered_before_what_it_aborts_is_found() {
    walk(3, |dies| abortion(Wrong::FunctionFirst, dies));
}
