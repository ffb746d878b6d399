//! A ledger as its target has left it: a file of any bytes, and the histories of targets that die and are followed by others.

use crate::forgery::{SLOTS, fresh_segment};
use crate::pair::{Client, Command, EPOCH, Memory, Server, USER, pair_over, succeed};
use arbitrary::{Arbitrary, Result, Unstructured};
use sgring_task::resubmitted::{RERUN, RESUBMITTED, STARTED};
use sgring_task::{
    CompletionWord, LEDGER_ANSWERED, LEDGER_MAGIC, LEDGER_STARTED, Ledger, MAX_SENSE_LEN,
    MOST_DEATHS, Slot, SubmissionWord, Violation, flags,
};
use std::collections::VecDeque;
use std::mem::offset_of;
use std::rc::Rc;

/// The service response that says: it is not known whether this was carried out.
const OUTCOME_UNKNOWN: u8 = 7;
/// That no target is to carry it out any more.
const OVERTAKEN: u8 = 8;
/// Where the records stand, and the responses behind them, and how far apart they are.
const RECORDS: usize = 64;
const RESPONSES: usize = RECORDS + 64 * SLOTS as usize;
const RECORD_STRIDE: usize = 64;
const RESPONSE_STRIDE: usize = 320;
const LEDGER_BYTES: usize = RESPONSES + RESPONSE_STRIDE * SLOTS as usize;
/// Where a slot has its response, whose first bytes are two residuals, and then how much sense there is.
const RESPONSE: usize = offset_of!(Slot, out_residual);
const SENSE: usize = offset_of!(Slot, sense) - RESPONSE;

/// A file, or a history.
pub fn run(data: &[u8]) {
    let mut input = Unstructured::new(data);
    if bool::arbitrary(&mut input).is_ok_and(|is_file| is_file) {
        if let Ok(file) = File::arbitrary(&mut input) {
            file.read();
        }
        return;
    }
    let mut play = Play::new();
    while !input.is_empty() {
        let Ok(step) = Step::arbitrary(&mut input) else {
            break;
        };
        if !play.take(step) {
            return;
        }
    }
    play.settle();
}

thread_local! {
    /// One for all inputs: to make one takes longer than most of them.
    static MEMORY: Rc<Memory> = Rc::new(Memory::new(usize::from(SLOTS)));
}

/// A file as it may be found, and what a pair that comes back submits.
#[derive(Arbitrary, Debug)]
struct File {
    /// How much it is too long or too short, and the numbers of its header, where they are not as they ought to be.
    longer: Option<i8>,
    magic: Option<u64>,
    slots: Option<u32>,
    user: Option<u32>,
    epoch: u32,
    next_epoch: u32,
    records: [FoundRecord; SLOTS as usize],
    submissions: [Submitted; SLOTS as usize],
}

#[derive(Arbitrary, Debug)]
struct FoundRecord {
    generation: u16,
    state: u8,
    rest: u8,
    status: u8,
    flags: u8,
    response: u8,
}

impl FoundRecord {
    /// Mostly one of those that there are.
    fn state(&self) -> u8 {
        match self.state {
            state @ 0..192 => state % 3,
            state => state,
        }
    }
}

#[derive(Arbitrary, Debug)]
struct Submitted {
    /// That of its record, or another one.
    generation: Option<u16>,
    rerun: bool,
    resubmitted: bool,
}

impl File {
    /// What it is made of, by the layout that is documented.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; LEDGER_BYTES];
        let mut put = |at: usize, value: &[u8]| bytes[at..][..value.len()].copy_from_slice(value);
        put(0, &self.magic.unwrap_or(LEDGER_MAGIC).to_le_bytes());
        put(8, &self.slots.unwrap_or(SLOTS.into()).to_le_bytes());
        put(12, &self.epoch.to_le_bytes());
        put(16, &self.user.unwrap_or(USER).to_le_bytes());
        for (slot, record) in self.records.iter().enumerate() {
            let at = RECORDS + RECORD_STRIDE * slot;
            put(at, &record.generation.to_le_bytes());
            put(at + 2, &[record.state(), record.rest]);
            put(at + 4, &[record.status, record.flags]);
            put(RESPONSES + RESPONSE_STRIDE * slot, &[record.response; 272]);
        }
        let len = bytes.len() as i64 + i64::from(self.longer.unwrap_or(0));
        bytes.resize(len as usize, 0xff);
        bytes
    }

    fn read(&self) {
        MEMORY.with(|memory| {
            memory.fill(&self.bytes());
            let file = memory.open();
            assert_eq!(file.is_some(), self.longer.is_none_or(|longer| longer == 0));
            let Some(file) = file else {
                return;
            };
            let ledger = Ledger::open(file, SLOTS.into(), self.next_epoch, USER);
            let good = self.magic.is_none_or(|magic| magic == LEDGER_MAGIC)
                && self.slots.is_none_or(|slots| slots == SLOTS.into())
                && self.user.is_none_or(|user| user == USER)
                && self.epoch < self.next_epoch;
            assert_eq!(ledger.is_some(), good);
            if let Some(ledger) = ledger {
                self.come_back(ledger);
            }
        });
    }

    /// Each slot's submission, alone, to a target that has found this.
    fn come_back(&self, ledger: Ledger) {
        let (client, mut server) = pair_over(fresh_segment());
        server.pair.keep(ledger, true);
        let mut submissions = client.shared.submissions();
        let mut completions = client.shared.completions();
        for ((slot, record), submitted) in (0..).zip(&self.records).zip(&self.submissions) {
            Command::new(&[0x2a; 10]).put(&client.shared, slot);
            let generation = submitted.generation.unwrap_or(record.generation);
            let word = SubmissionWord {
                slot,
                generation,
                epoch: EPOCH as u16,
                resubmitted: submitted.resubmitted,
                rerun: submitted.rerun,
            };
            submissions.publish(word.pack());
            let remembered = submitted.resubmitted && generation == record.generation;
            if remembered && record.state() == LEDGER_ANSWERED {
                assert_eq!(server.fetch(false), Ok(vec![]));
                let word = completions.consume().map(CompletionWord::unpack);
                let expected = CompletionWord {
                    slot,
                    generation,
                    status: record.status,
                    // That one is between the target and its ledger.
                    flags: record.flags & !flags::STARTED,
                };
                assert_eq!(word, Some(expected), "the answer that is there");
                let len = response_len(record.flags);
                let response = client.shared.read(client.shared.slot(slot, RESPONSE), len);
                assert!(response.iter().all(|&byte| byte == record.response));
            } else {
                assert_eq!(server.fetch(false), Ok(vec![slot]));
                let started = remembered && record.state() == LEDGER_STARTED;
                let expected = marks(submitted.resubmitted, started, submitted.rerun);
                assert_eq!(server.record(slot).resubmitted, expected);
                server.check_accepted(slot);
                assert_eq!(completions.consume(), None);
            }
        }
    }
}

/// What a record says of a task that was there before.
fn marks(again: bool, started: bool, rerun: bool) -> u16 {
    match (again, started, rerun) {
        (false, ..) => 0,
        (true, false, _) => RESUBMITTED,
        (true, true, false) => RESUBMITTED | STARTED,
        (true, true, true) => RESUBMITTED | STARTED | RERUN,
    }
}

/// How many bytes of a response these flags promise.
fn response_len(said: u8) -> usize {
    if said & flags::SENSE != 0 {
        272
    } else if said & flags::TRANSPORT != 0 {
        16
    } else if said & flags::RESIDUAL != 0 {
        8
    } else {
        0
    }
}

/// What happens next to an initiator, and to whichever target there is.
#[derive(Debug)]
enum Step {
    /// A command in a free slot; whether it changes something.
    Submit(u8, bool),
    Fetch,
    /// One that was fetched and changes something is begun.
    Begin(u8),
    Answer(Answer),
    Reap,
    /// One of which it came home that no more is known is asked for once more.
    Rerun(u8),
    /// Whether the death is counted against what the target had: that of one which is closed is not.
    Die(bool),
    /// Any payload in the next entry, and then the end.
    Forge(u64),
    /// As that, of this epoch and about a slot that there is.
    Claim {
        slot: u8,
        later: i8,
        resubmitted: bool,
        rerun: bool,
    },
}

#[derive(Arbitrary, Debug)]
struct Answer {
    which: u8,
    status: u8,
    says: [bool; 2],
    residuals: [i8; 2],
    sense_len: u8,
}

impl<'a> Arbitrary<'a> for Step {
    /// Histories are to be long: what ends them is rare.
    fn arbitrary(input: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match u8::arbitrary(input)? % 32 {
            0..7 => Self::Submit(input.arbitrary()?, input.arbitrary()?),
            7..12 => Self::Fetch,
            12..18 => Self::Begin(input.arbitrary()?),
            18..24 => Self::Answer(input.arbitrary()?),
            24..27 => Self::Reap,
            27 | 28 => Self::Rerun(input.arbitrary()?),
            die @ (29 | 30) => Self::Die(die == 30),
            _ if input.arbitrary()? => Self::Forge(input.arbitrary()?),
            _ => Self::Claim {
                slot: input.arbitrary()?,
                later: input.arbitrary()?,
                resubmitted: input.arbitrary()?,
                rerun: input.arbitrary()?,
            },
        })
    }
}

/// How a submission ended.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Given {
    status: u8,
    said: u8,
    residuals: [i32; 2],
    sense: Vec<u8>,
}

/// A submission, from its initiator's side of the world.
#[derive(Clone, Debug)]
struct Asked {
    slot: u16,
    generation: u16,
    tag: u64,
    changes: bool,
    /// Somebody has begun to change something.
    begun: bool,
    /// What was said of it when it had been begun: nobody may say anything else.
    answer: Option<Given>,
    begins: u32,
    reruns: u32,
    /// Of targets that had it.
    deaths: u8,
}

/// What is believed of a slot: by the initiator whose it is, and by the target that lives.
#[derive(Clone, Debug, Default)]
struct Believed {
    /// The initiator's.
    submitted: u16,
    /// The target's, unless it is new and has heard nothing of the slot.
    known: Option<u16>,
}

struct Play {
    client: Client,
    /// The target that lives.
    server: Option<Server>,
    memory: Rc<Memory>,
    epoch: u32,
    slots: [Believed; SLOTS as usize],
    /// What its initiator waits for, in the order of publication.
    outstanding: Vec<Asked>,
    /// What came home, and nobody knows more of; the slot is still its.
    unknown: Vec<Asked>,
    /// Of the target that lives: slots published and not looked at, with what is said of each submission: that it comes again, and that
    /// it is to be carried out again.
    unread: VecDeque<(u16, bool, bool)>,
    published: u64,
    /// Slots accepted, and whether this target has begun them.
    accepted: Vec<(u16, bool)>,
    /// Completions that nobody has looked at.
    given: VecDeque<(u16, Given)>,
    tags: u64,
}

impl Play {
    fn new() -> Self {
        let (client, mut server) = pair_over(fresh_segment());
        let memory = MEMORY.with(Rc::clone);
        memory.fill(&[0; LEDGER_BYTES]);
        server.keep(&memory);
        Self {
            client,
            server: Some(server),
            memory,
            epoch: EPOCH,
            slots: std::array::from_fn(|_| Believed {
                submitted: 0,
                known: Some(0),
            }),
            outstanding: Vec::new(),
            unknown: Vec::new(),
            unread: VecDeque::new(),
            published: 0,
            accepted: Vec::new(),
            given: VecDeque::new(),
            tags: 0,
        }
    }

    fn server(&mut self) -> &mut Server {
        self.server.as_mut().expect("each is followed by another")
    }

    /// Whether the play goes on.
    fn take(&mut self, step: Step) -> bool {
        match step {
            Step::Submit(slot, changes) => self.submit(u16::from(slot) % SLOTS, changes),
            Step::Fetch => self.fetch(),
            Step::Begin(which) => self.begin(which),
            Step::Answer(answer) => self.answer(&answer),
            Step::Reap => self.reap(),
            Step::Rerun(which) => self.rerun(which),
            Step::Die(counted) => self.die(counted),
            Step::Forge(payload) => {
                self.forge(payload & 0xffff_ffff_ffff);
                return false;
            }
            Step::Claim {
                slot,
                later,
                resubmitted,
                rerun,
            } => {
                let slot = u16::from(slot) % SLOTS;
                let word = SubmissionWord {
                    slot,
                    generation: self.slots[usize::from(slot)]
                        .submitted
                        .wrapping_add_signed(i16::from(later) % 3),
                    epoch: self.epoch as u16,
                    resubmitted,
                    rerun,
                };
                self.forge(word.pack());
                return false;
            }
        }
        true
    }

    fn asked(&mut self, slot: u16) -> &mut Asked {
        let asked = self.outstanding.iter_mut().find(|asked| asked.slot == slot);
        asked.expect("what is submitted is outstanding")
    }

    fn submit(&mut self, slot: u16, changes: bool) {
        if self.outstanding.iter().any(|asked| asked.slot == slot) {
            return;
        }
        // Its initiator takes the slot for something else: nobody asks for the old one again.
        self.unknown.retain(|asked| asked.slot != slot);
        self.tags += 1;
        let command = Command {
            tag: self.tags,
            ..Command::new(&[0x2a; 10])
        };
        command.put(&self.client.shared, slot);
        self.client.submit(&[slot]);
        let believed = &mut self.slots[usize::from(slot)];
        believed.submitted = believed.submitted.wrapping_add(1);
        self.outstanding.push(Asked {
            slot,
            generation: believed.submitted,
            tag: self.tags,
            changes,
            begun: false,
            answer: None,
            begins: 0,
            reruns: 0,
            deaths: 0,
        });
        self.publish(slot, false, false);
    }

    fn publish(&mut self, slot: u16, again: bool, rerun: bool) {
        self.unread.push_back((slot, again, rerun));
        self.published += 1;
    }

    /// Exactly what was published is fetched, in its order, but for what is answered: that is told again.
    fn fetch(&mut self) {
        let mut expected = Vec::new();
        while let Some((slot, again, rerun)) = self.unread.pop_front() {
            let asked = self.asked(slot);
            let generation = asked.generation;
            if let Some(answer) = asked.answer.clone() {
                assert!(again, "a new command has no answer");
                self.given.push_back((slot, answer));
            } else {
                let marks = marks(again, asked.begun, rerun);
                expected.push((slot, asked.tag, generation, marks));
            }
            self.slots[usize::from(slot)].known = Some(generation);
        }
        let server = self.server();
        let fetched = server.fetch(false).expect("an honest initiator");
        let found = fetched.iter().map(|&slot| {
            let record = server.record(slot);
            (slot, record.tag, record.generation, record.resubmitted)
        });
        assert_eq!(found.collect::<Vec<_>>(), expected);
        for (slot, _, _, marks) in expected {
            if marks & STARTED != 0 && marks & RERUN == 0 {
                self.complete(slot, 0, OUTCOME_UNKNOWN, [0; 2], Vec::new());
            } else {
                self.asked(slot).reruns += u32::from(marks & RERUN != 0);
                self.accepted.push((slot, false));
            }
        }
    }

    fn begin(&mut self, which: u8) {
        let Some(index) = usize::from(which).checked_rem(self.accepted.len()) else {
            return;
        };
        let (slot, begun) = self.accepted[index];
        let asked = self.asked(slot);
        if begun || !asked.changes {
            return;
        }
        asked.begun = true;
        asked.begins += 1;
        assert!(asked.begins <= 1 + asked.reruns, "begun again, unasked");
        let generation = asked.generation;
        self.memory.start(slot, generation);
        self.accepted[index].1 = true;
    }

    fn answer(&mut self, answer: &Answer) {
        let Some(index) = usize::from(answer.which).checked_rem(self.accepted.len()) else {
            return;
        };
        let (slot, begun) = self.accepted[index];
        if self.asked(slot).changes && !begun {
            return;
        }
        self.accepted.remove(index);
        let [sense, residual] = answer.says;
        let len = usize::from(answer.sense_len).min(MAX_SENSE_LEN);
        let said =
            if sense { flags::SENSE } else { 0 } | if residual { flags::RESIDUAL } else { 0 };
        let sense = vec![answer.status | 0x70; if sense { len } else { 0 }];
        let residuals = answer.residuals.map(i32::from);
        self.complete(slot, answer.status, said, residuals, sense);
        if begun {
            let given = self.given.back().map(|(_, given)| given.clone());
            self.asked(slot).answer = given;
        }
    }

    fn complete(&mut self, slot: u16, status: u8, said: u8, residuals: [i32; 2], sense: Vec<u8>) {
        self.server().answer(slot, residuals, &sense);
        let asked = self.asked(slot);
        let started = asked.changes && said != OUTCOME_UNKNOWN;
        let mark = if started { flags::STARTED } else { 0 };
        self.server().complete(&[(slot, status, said | mark)]);
        let given = Given {
            status,
            said,
            residuals,
            sense,
        };
        self.given.push_back((slot, given));
    }

    /// Exactly what was completed comes home, as it was answered.
    fn reap(&mut self) {
        let came = self.client.reap(false).expect("an honest target");
        assert_eq!(came.len(), self.given.len());
        for (slot, status, said) in came {
            let (expected, given) = self.given.pop_front().expect("as many");
            assert_eq!((slot, status, said), (expected, given.status, given.said));
            let at = self.client.shared.slot(slot, RESPONSE);
            let response = self.client.shared.read(at, SENSE + given.sense.len());
            if response_len(said) > 0 {
                let residuals = given.residuals.map(i32::to_le_bytes);
                assert_eq!(response[..8], *residuals.as_flattened());
            }
            if said & flags::SENSE != 0 {
                assert_eq!(response[8..10], (given.sense.len() as u16).to_le_bytes());
                assert_eq!(response[SENSE..], given.sense);
            }
            let index = self.outstanding.iter().position(|asked| asked.slot == slot);
            let asked = self
                .outstanding
                .remove(index.expect("one completion a submission"));
            if said == OUTCOME_UNKNOWN {
                assert!(
                    asked.begun && asked.answer.is_none(),
                    "nothing else is known"
                );
                self.unknown.push(asked);
            }
        }
    }

    fn rerun(&mut self, which: u8) {
        let Some(index) = usize::from(which).checked_rem(self.unknown.len()) else {
            return;
        };
        let asked = self.unknown.remove(index);
        self.client.pair.rerun(asked.slot).expect("a free slot");
        self.publish(asked.slot, true, true);
        self.outstanding.push(asked);
    }

    /// What was completed is taken, and what too many targets had when they died comes home, and goes to no other.
    fn outlive(&mut self) {
        self.reap();
        for asked in &mut self.outstanding {
            asked.deaths += 1;
        }
        let over = |asked: &mut Asked| asked.deaths >= MOST_DEATHS;
        let over = self.outstanding.extract_if(.., over);
        let mut home: Vec<_> = over.map(|asked| (asked.slot, 0, OVERTAKEN)).collect();
        home.sort_unstable();
        assert_eq!(self.client.pair.outlive(), home.len());
        if !home.is_empty() {
            assert_eq!(self.client.reap(false), Ok(home));
        }
    }

    /// The next target has all that did not come home, in its order.
    fn die(&mut self, counted: bool) {
        if counted {
            self.outlive();
        }
        self.epoch += 1;
        if let Some(dying) = self.server.take() {
            let next = succeed(&mut self.client, dying, &self.memory, self.epoch);
            self.server = Some(next);
        }
        let again = self
            .outstanding
            .iter()
            .map(|asked| (asked.slot, true, false));
        self.unread = again.collect();
        self.published = self.unread.len() as u64;
        self.slots.iter_mut().for_each(|slot| slot.known = None);
        self.accepted.clear();
        self.given.clear();
    }

    /// An entry that no initiator makes, behind all others: it is refused for what is wrong with it first, by the words of the entry's layout.
    fn forge(&mut self, payload: u64) {
        self.fetch();
        let mut queue = self.client.shared.submissions();
        queue.skip(self.published);
        queue.publish(payload);
        let refused = self.refusal(payload);
        let fetched = self.server().fetch(false);
        match refused {
            Some(violation) => assert_eq!(fetched, Err(violation)),
            None => assert!(!matches!(
                fetched,
                Err(Violation::Slot
                    | Violation::Epoch
                    | Violation::SlotState
                    | Violation::Generation)
            )),
        }
        for slot in fetched.unwrap_or_default() {
            self.server().check_accepted(slot);
        }
    }

    fn refusal(&self, payload: u64) -> Option<Violation> {
        let [slot, generation, epoch] = [0, 16, 32].map(|shift| (payload >> shift) as u16);
        let [again, rerun] = [14, 15].map(|bit| slot >> bit & 1 == 1);
        let slot = slot & 0x3fff;
        let Some(believed) = self.slots.get(usize::from(slot)) else {
            return Some(Violation::Slot);
        };
        if epoch != self.epoch as u16 {
            return Some(Violation::Epoch);
        }
        if self.accepted.iter().any(|&(accepted, _)| accepted == slot) {
            return Some(Violation::SlotState);
        }
        // Of a slot that it knows nothing of, a target believes everything.
        let known = believed.known?;
        let unknown = self.outstanding.iter().chain(&self.unknown).any(|asked| {
            (asked.slot, asked.generation) == (slot, generation)
                && asked.begun
                && asked.answer.is_none()
        });
        let fits = if again {
            rerun && generation == known && unknown
        } else {
            generation == known.wrapping_add(1)
        };
        (!fits).then_some(Violation::Generation)
    }

    /// Nobody dies any more, and all comes home.
    fn settle(&mut self) {
        self.fetch();
        while !self.accepted.is_empty() {
            self.begin(0);
            self.answer(&Answer {
                which: 0,
                status: 2,
                says: [true; 2],
                residuals: [3, 4],
                sense_len: 5,
            });
        }
        self.reap();
        assert!(self.outstanding.is_empty(), "all is home");
    }
}
