//! Targets that die and are followed by others, over one segment and one ledger: every submission has one completion, whoever gives it.

mod common;

use common::{Client, Command, EPOCH, Memory, Server, USER, pair, succeed};
use proptest::collection::vec;
use proptest::prelude::*;
use sgring_task::resubmitted::{RERUN, RESUBMITTED, STARTED};
use sgring_task::{Ledger, MOST_DEATHS, Violation, flags};
use std::collections::VecDeque;

const PAGE: u32 = 4096;
/// The service response that says: it is not known whether this was carried out.
const OUTCOME_UNKNOWN: u8 = 7;
/// The one that says so of what must not be carried out again.
const OVERTAKEN: u8 = 8;

fn kept_pair(slots: u32) -> (Client, Server, Memory) {
    let (client, mut server) = pair(slots, PAGE);
    let memory = Memory::new(slots as usize);
    server.keep(&memory);
    (client, server, memory)
}

fn command(client: &Client, slot: u16, tag: u64) {
    let command = Command {
        tag,
        ..Command::new(&[0x2a, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    };
    command.put(&client.shared, slot);
}

#[test]
fn what_was_not_begun_is_a_new_command_to_the_next_target_in_the_order_of_its_submission() {
    let (mut client, mut server, memory) = kept_pair(4);
    for (slot, tag) in [(2, 20), (0, 0), (3, 30)] {
        command(&client, slot, tag);
    }
    client.submit(&[2, 0]);
    assert_eq!(server.fetch(false), Ok(vec![2, 0]));
    client.submit(&[3]);
    let mut next = succeed(&mut client, server, &memory, EPOCH + 1);
    assert_eq!(next.fetch(false), Ok(vec![2, 0, 3]));
    for (slot, tag) in [(2, 20), (0, 0), (3, 30)] {
        let record = next.record(slot);
        assert_eq!((record.tag, record.resubmitted), (tag, RESUBMITTED));
    }
    next.complete(&[(0, 0, 0), (3, 0, 0), (2, 0, 0)]);
    assert_eq!(
        client.reap(false),
        Ok(vec![(0, 0, 0), (3, 0, 0), (2, 0, 0)])
    );
    client.submit(&[2]);
    assert_eq!(next.fetch(false), Ok(vec![2]));
    assert_eq!(next.record(2).resubmitted, 0, "a new command");
}

#[test]
fn an_answer_that_its_target_did_not_live_to_publish_is_given_by_the_next_one_with_sense_and_residuals()
 {
    let (mut client, mut server, memory) = kept_pair(2);
    command(&client, 1, 7);
    client.submit(&[1]);
    assert_eq!(server.fetch(false), Ok(vec![1]));
    memory.start(1, server.record(1).generation);
    let sense: Vec<u8> = (1..=252).collect();
    server.answer(1, [-5, 1 << 20], &sense);
    let said = flags::SENSE | flags::RESIDUAL;
    server.complete(&[(1, 2, said | flags::STARTED)]);
    // The completion was published, and its initiator did not come to see it: the queues are new.
    let mut next = succeed(&mut client, server, &memory, EPOCH + 1);
    // The slot's response is the next target's to write again.
    let response = client.shared.slot(1, 128);
    client.shared.write(response, &[0xee; 272]);
    assert_eq!(next.fetch(true), Ok(vec![]), "nothing is to be done");
    assert_eq!(client.bell.rings(), 0, "its initiator is awake");
    assert_eq!(client.reap(false), Ok(vec![(1, 2, said)]));
    let bytes = client.shared.read(response, 16 + 252);
    assert_eq!(bytes[..4], (-5i32).to_le_bytes());
    assert_eq!(bytes[4..8], (1i32 << 20).to_le_bytes());
    assert_eq!(bytes[8..10], 252u16.to_le_bytes());
    assert_eq!(bytes[16..], sense);
}

#[test]
fn answers_that_are_given_again_ring_an_initiator_that_sleeps_and_do_not_keep_their_target_awake() {
    let (mut client, mut server, memory) = kept_pair(200);
    let slots: Vec<u16> = (0..200).collect();
    for &slot in &slots {
        command(&client, slot, u64::from(slot));
    }
    client.submit(&slots);
    let mut fetched = Vec::new();
    while fetched.len() < slots.len() {
        fetched.extend(server.fetch(false).expect("honest submissions"));
    }
    for &slot in &slots {
        memory.start(slot, 1);
        server.complete(&[(slot, 0, flags::STARTED)]);
    }
    let mut next = succeed(&mut client, server, &memory, EPOCH + 1);
    assert_eq!(client.reap(true), Ok(vec![]));
    assert_eq!(next.fetch(true), Ok(vec![]));
    assert_eq!(client.bell.rings(), 1);
    let mut came = Vec::new();
    while came.len() < slots.len() {
        came.extend(client.reap(false).expect("honest completions"));
    }
    // It is armed: the next submission rings it.
    command(&client, 5, 5);
    client.submit(&[5]);
    assert_eq!(next.bell.rings(), 1);
    assert_eq!(next.fetch(false), Ok(vec![5]));
}

#[test]
fn what_was_begun_and_not_answered_is_told_apart_and_is_carried_out_again_only_when_asked() {
    let (mut client, mut server, memory) = kept_pair(2);
    command(&client, 0, 7);
    client.submit(&[0]);
    assert_eq!(server.fetch(false), Ok(vec![0]));
    memory.start(0, 1);
    let mut next = succeed(&mut client, server, &memory, EPOCH + 1);
    assert_eq!(next.fetch(false), Ok(vec![0]));
    assert_eq!(next.record(0).resubmitted, RESUBMITTED | STARTED);
    next.complete(&[(0, 0, OUTCOME_UNKNOWN)]);
    assert_eq!(client.reap(false), Ok(vec![(0, 0, OUTCOME_UNKNOWN)]));

    client.pair.rerun(0).expect("it was told so once");
    assert_eq!(next.fetch(false), Ok(vec![0]));
    assert_eq!(next.record(0).resubmitted, RESUBMITTED | STARTED | RERUN);
    memory.start(0, 1);
    next.complete(&[(0, 0, flags::STARTED)]);
    assert_eq!(client.reap(false), Ok(vec![(0, 0, 0)]));
}

#[test]
fn a_target_says_once_of_what_an_earlier_one_had_and_never_of_its_own_that_its_outcome_is_not_known()
 {
    let (mut client, mut server, memory) = kept_pair(2);
    let told = |client: &mut Client, server: &mut Server| {
        assert_eq!(server.fetch(false), Ok(vec![0]));
        server.complete(&[(0, 0, OUTCOME_UNKNOWN)]);
        assert_eq!(client.reap(false), Ok(vec![(0, 0, OUTCOME_UNKNOWN)]));
        client.pair.rerun(0)
    };
    command(&client, 0, 7);
    client.submit(&[0]);
    assert_eq!(
        told(&mut client, &mut server),
        Err(Violation::SlotState),
        "nobody had it before"
    );
    client.submit(&[0]);
    assert_eq!(server.fetch(false), Ok(vec![0]));
    memory.start(0, server.record(0).generation);
    let mut next = succeed(&mut client, server, &memory, EPOCH + 1);
    assert_eq!(told(&mut client, &mut next), Ok(()));
    assert_eq!(
        told(&mut client, &mut next),
        Err(Violation::SlotState),
        "it was told to carry it out"
    );
    client.submit(&[0]);
    assert_eq!(
        told(&mut client, &mut next),
        Err(Violation::SlotState),
        "another command"
    );
}

#[test]
fn the_next_target_gets_what_was_submitted_whatever_the_one_before_has_stored_to_the_slots() {
    const LONG: usize = 260;
    let (mut client, server, memory) = kept_pair(2);
    client.pair.keep();
    let long: Vec<u8> = (0..LONG).map(|index| 0x7f ^ index as u8).collect();
    let read = Command::new(&[0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
    let read = read.with_data(&[], &[(1024, 512)]);
    read.put(&client.shared, 1);
    Command::new(&long).put(&client.shared, 0);
    client.submit(&[1, 0]);
    let slots = [0, 1].map(|slot| client.shared.read(client.shared.slot(slot, 0), 640));
    for slot in [0, 1] {
        let at = client.shared.slot(slot, 0);
        client.shared.write(at, &[0x2a; 640]);
    }
    let mut next = succeed(&mut client, server, &memory, EPOCH + 1);
    assert_eq!(next.fetch(false), Ok(vec![1, 0]));
    let now = [0, 1].map(|slot| client.shared.read(client.shared.slot(slot, 0), 640));
    assert_eq!(now[1][..96], slots[1][..96]);
    assert_eq!(now[0][..96], slots[0][..96]);
    assert_eq!(now[0][400..400 + LONG - 32], slots[0][400..400 + LONG - 32]);
}

#[test]
fn what_three_targets_had_when_they_died_goes_to_no_fourth_and_completes() {
    let (mut client, mut server, memory) = kept_pair(3);
    for slot in [0, 1] {
        command(&client, slot, u64::from(slot));
        client.submit(&[slot]);
    }
    for death in 1..u32::from(MOST_DEATHS) {
        client.pair.outlive();
        server = succeed(&mut client, server, &memory, EPOCH + death);
        assert_eq!(server.fetch(false), Ok(vec![0, 1]));
        if death == 1 {
            memory.start(0, 1);
        } else {
            // Told and asked for again, it is still the same.
            server.complete(&[(0, 0, OUTCOME_UNKNOWN)]);
            assert_eq!(client.reap(false), Ok(vec![(0, 0, OUTCOME_UNKNOWN)]));
            client.pair.rerun(0).expect("it was told so once");
        }
    }
    command(&client, 2, 2);
    client.submit(&[2]);
    client.pair.outlive();
    let mut next = succeed(&mut client, server, &memory, EPOCH + u32::from(MOST_DEATHS));
    assert_eq!(next.fetch(false), Ok(vec![2]), "of another one");
    assert_eq!(
        client.reap(false),
        Ok(vec![(0, 0, OVERTAKEN), (1, 0, OVERTAKEN)])
    );
    for slot in [0, 1] {
        command(&client, slot, 10);
        client.submit(&[slot]);
    }
    assert_eq!(next.fetch(false), Ok(vec![0, 1]));
    assert_eq!(next.record(0).resubmitted, 0, "a new command");
    next.complete(&[(0, 0, 0), (1, 0, 0)]);
    assert_eq!(client.reap(false), Ok(vec![(0, 0, 0), (1, 0, 0)]));
}

#[test]
fn a_generation_that_comes_round_does_not_meet_the_answer_of_its_namesake() {
    let (mut client, mut server, memory) = kept_pair(1);
    let mut once = |client: &mut Client, started: bool| {
        command(client, 0, 1);
        client.submit(&[0]);
        assert_eq!(server.fetch(false), Ok(vec![0]));
        let generation = server.record(0).generation;
        let mut said = 0;
        if started {
            memory.start(0, generation);
            said = flags::STARTED;
        }
        server.complete(&[(0, 0x28, said)]);
        assert_eq!(client.reap(false), Ok(vec![(0, 0x28, 0)]));
        generation
    };
    let first = once(&mut client, true);
    for _ in 1..1 << 16 {
        once(&mut client, false);
    }
    command(&client, 0, 1);
    client.submit(&[0]);
    assert_eq!(server.fetch(false), Ok(vec![0]));
    assert_eq!(server.record(0).generation, first);
    let mut next = succeed(&mut client, server, &memory, EPOCH + 1);
    assert_eq!(next.fetch(false), Ok(vec![0]), "it is to be carried out");
    assert_eq!(next.record(0).resubmitted, RESUBMITTED);
}

#[test]
fn a_ledger_of_another_user_pair_epoch_or_size_is_none() {
    let memory = Memory::new(4);
    let open = |slots, epoch| Ledger::open(memory.again(), slots, epoch, USER).is_some();
    assert!(!open(4, 2), "zeros");
    drop(Ledger::new(memory.again(), 4, 5, USER, 0));
    assert!(!open(4, 5), "its own epoch");
    assert!(!open(3, 6), "fewer slots");
    assert!(!open(5, 6), "more slots than it has room for");
    assert!(
        Ledger::open(memory.again(), 4, 6, USER + 1).is_none(),
        "another user"
    );
    assert!(open(4, 6));
    assert!(!open(4, 6), "it has been opened in this epoch");
}

#[test]
fn a_submission_that_claims_to_come_again_is_refused_where_the_target_knows_better() {
    for rerun in [false, true] {
        let (mut client, mut server, memory) = kept_pair(1);
        command(&client, 0, 1);
        client.submit(&[0]);
        assert_eq!(server.fetch(false), Ok(vec![0]));
        memory.start(0, 1);
        server.complete(&[(0, 0, flags::STARTED)]);
        assert_eq!(client.reap(false), Ok(vec![(0, 0, 0)]));
        let mut queue = client.shared.submissions();
        queue.consume();
        let word = sgring_task::SubmissionWord {
            slot: 0,
            generation: 1,
            epoch: EPOCH as u16,
            resubmitted: true,
            rerun,
        };
        queue.publish(word.pack());
        assert_eq!(server.fetch(false), Err(Violation::Generation));
    }
}

/// What happens next to an initiator, and to whichever target there is.
#[derive(Clone, Debug)]
enum Step {
    /// A command in a free slot; whether it changes something.
    Submit(bool),
    Fetch,
    /// The oldest fetched command that changes something is begun.
    Begin,
    /// The oldest fetched command that may be answered is.
    Answer,
    Reap,
    /// The target dies, and its initiator wants what was begun to be carried out again, or not.
    Die(bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => any::<bool>().prop_map(Step::Submit),
        3 => Just(Step::Fetch),
        3 => Just(Step::Begin),
        3 => Just(Step::Answer),
        2 => Just(Step::Reap),
        1 => any::<bool>().prop_map(Step::Die),
    ]
}

/// What the history has of a submission.
#[derive(Clone, Debug, Default)]
struct Told {
    changes: bool,
    /// How often it was begun, by whichever target.
    begun: u32,
    reruns: u32,
    /// How many targets have died that had it.
    deaths: u8,
    answers: Vec<u8>,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_submission_has_one_completion_and_is_begun_once_unless_it_is_asked_to_be_again(
        steps in vec(step(), 1..120)
    ) {
        const SLOTS: u16 = 3;
        let (mut client, mut server, memory) = kept_pair(u32::from(SLOTS));
        let mut free: Vec<u16> = (0..SLOTS).collect();
        let mut held: [Option<usize>; SLOTS as usize] = [None; SLOTS as usize];
        let mut history: Vec<Told> = Vec::new();
        // Of the target that lives: what it has fetched, and whether it has begun it.
        let mut fetched: VecDeque<(u16, bool)> = VecDeque::new();
        let mut epoch = EPOCH;
        let mut reruns = false;
        // At the end nobody dies any more, and all comes home.
        let settle = [Step::Fetch, Step::Begin, Step::Answer, Step::Reap];
        let settle = settle.iter().cloned().cycle().take(4 * 3 * usize::from(SLOTS) + 4);
        for step in steps.into_iter().chain(settle) {
            match step {
                Step::Submit(changes) => {
                    let Some(slot) = free.pop() else { continue };
                    held[usize::from(slot)] = Some(history.len());
                    command(&client, slot, history.len() as u64);
                    history.push(Told { changes, ..Told::default() });
                    client.submit(&[slot]);
                }
                Step::Fetch => {
                    for slot in server.fetch(false).expect("an honest initiator") {
                        let record = server.record(slot);
                        let told = &mut history[record.tag as usize];
                        let before = record.resubmitted;
                        prop_assert_eq!(before & STARTED != 0, told.begun > told.answers.len() as u32);
                        prop_assert!(told.answers.is_empty(), "answered by an earlier target");
                        if before & STARTED != 0 && before & RERUN == 0 {
                            server.complete(&[(slot, 0, OUTCOME_UNKNOWN)]);
                        } else {
                            told.reruns += u32::from(before & RERUN != 0);
                            fetched.push_back((slot, false));
                        }
                    }
                }
                Step::Begin => {
                    let next = fetched.iter_mut().find(|(slot, begun)| {
                        !begun && history[server.record(*slot).tag as usize].changes
                    });
                    if let Some((slot, begun)) = next {
                        let record = server.record(*slot);
                        memory.start(*slot, record.generation);
                        history[record.tag as usize].begun += 1;
                        *begun = true;
                    }
                }
                Step::Answer => {
                    let ready = fetched.iter().position(|&(slot, begun)| {
                        begun || !history[server.record(slot).tag as usize].changes
                    });
                    if let Some((slot, begun)) = ready.and_then(|index| fetched.remove(index)) {
                        let tag = server.record(slot).tag as usize;
                        let status = tag as u8;
                        if begun {
                            history[tag].answers.push(status);
                        }
                        server.complete(&[(slot, status, if begun { flags::STARTED } else { 0 })]);
                    }
                }
                Step::Reap => {
                    for (slot, status, said) in client.reap(false).expect("honest targets") {
                        let tag = held[usize::from(slot)].expect("one completion a submission");
                        let told = &history[tag];
                        if said == OUTCOME_UNKNOWN {
                            prop_assert!(told.changes && told.begun > 0 && told.answers.is_empty());
                            if reruns {
                                client.pair.rerun(slot).expect("an earlier target had it");
                                continue;
                            }
                        } else if said == OVERTAKEN {
                            prop_assert_eq!(told.deaths, MOST_DEATHS);
                        } else {
                            prop_assert_eq!((status, said), (tag as u8, 0));
                            prop_assert!(!told.changes || told.answers == [status]);
                        }
                        held[usize::from(slot)] = None;
                        free.push(slot);
                    }
                }
                Step::Die(rerun) => {
                    epoch += 1;
                    reruns = rerun;
                    fetched.clear();
                    for tag in held.iter().flatten() {
                        let told = &mut history[*tag];
                        told.deaths = MOST_DEATHS.min(told.deaths + 1);
                    }
                    client.pair.outlive();
                    server = succeed(&mut client, server, &memory, epoch);
                }
            }
        }
        prop_assert_eq!(free.len(), usize::from(SLOTS), "all slots are home");
        for told in &history {
            prop_assert!(told.begun <= 1 + told.reruns);
            prop_assert!(told.answers.len() <= 1);
        }
    }
}
