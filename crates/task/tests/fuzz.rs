//! Random peers, against what a naive reading of the rules says, and against nothing but the rules that hold whatever they do.

mod common;

use common::{Command, Server, Shared, pair, server};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use sgring_task::{Direction, SLOT_BYTES, Violation};
use std::sync::atomic::Ordering::Relaxed;

const PAGE: u32 = 4096;
const SLOTS: u32 = 3;

/// What anybody may do to the segment.
#[derive(Clone, Debug)]
enum Forgery {
    /// Bytes anywhere in the arena.
    Arena(Index, Vec<u8>),
    /// Bytes anywhere in the slots.
    Slots(Index, Vec<u8>),
    /// A word of the header or of the queues.
    Word(Index, u64),
}

impl Forgery {
    fn commit(&self, shared: &Shared) {
        match self {
            Self::Arena(at, bytes) => {
                let at = at.index(shared.geometry.arena_bytes() - bytes.len());
                shared.write(shared.arena(at as u32), bytes);
            }
            Self::Slots(at, bytes) => {
                let at = at.index(SLOTS as usize * SLOT_BYTES - bytes.len());
                shared.write(shared.slot(0, at), bytes);
            }
            Self::Word(word, value) => {
                let word = word.index(shared.slot(0, 0) / 8);
                shared.word(8 * word).store(*value, Relaxed);
            }
        }
    }
}

fn forgery() -> impl Strategy<Value = Forgery> {
    let bytes = || (any::<Index>(), vec(any::<u8>(), 1..300));
    prop_oneof![
        4 => bytes().prop_map(|(at, bytes)| Forgery::Arena(at, bytes)),
        4 => bytes().prop_map(|(at, bytes)| Forgery::Slots(at, bytes)),
        1 => (any::<Index>(), any::<u64>()).prop_map(|(at, value)| Forgery::Word(at, value)),
    ]
}

/// What happens next between a hostile initiator and a target.
#[derive(Clone, Debug)]
enum Step {
    Forge(Forgery),
    /// A task, well spelt or not, behind an entry that is the next.
    Submit(u16, Command),
    /// Any payload in the next lap.
    Publish(u64),
    Fetch(bool),
    Complete(u8),
}

/// What happens next between an initiator and a hostile target.
#[derive(Clone, Debug)]
enum Answer {
    Forge(Forgery),
    Submit(u16),
    Complete(u16, u16),
    Reap(bool),
}

/// Numbers that a check might get wrong.
fn edge() -> impl Strategy<Value = u32> {
    prop_oneof![
        0..PAGE,
        PAGE - 16..PAGE + 16,
        (u32::MAX - 16)..=u32::MAX,
        any::<u32>()
    ]
}

fn data() -> impl Strategy<Value = Vec<(u32, u32)>> {
    let small = (0..PAGE, 1..48u32);
    let list = prop_oneof![
        8 => vec(small.clone(), 0..5),
        1 => vec((edge(), edge()), 0..4),
        1 => vec(small, 250..260),
    ];
    list.boxed()
}

/// Attribute and function: mostly a command's.
fn head() -> impl Strategy<Value = (u8, u8)> {
    let attribute = (0..6u8, 0..16u8).prop_map(|(attribute, priority)| attribute | priority << 4);
    let function = prop_oneof![4 => Just(0), 1 => any::<u8>()];
    (attribute, function)
}

/// Mostly well spelt, so that each check is reached.
fn command() -> impl Strategy<Value = Command> {
    let mostly = |honest: bool, lie: u32, truth: u32| if honest { truth } else { lie };
    (
        (vec(any::<u8>(), 0..262), head(), data(), data()),
        [0..PAGE / 8, 0..PAGE / 8],
        (prop::array::uniform5(prop::bool::weighted(0.95)), edge()),
    )
        .prop_map(
            move |((cdb, (attribute, function), out, r#in), tables, (honest, lie))| {
                let command = Command::new(&cdb).with_data(&out, &r#in);
                let [lens, counts] = [command.lens, command.counts.map(u32::from)];
                Command {
                    attribute,
                    function,
                    tables: [8 * tables[0], mostly(honest[4], lie, 8 * tables[1])],
                    lens: [
                        mostly(honest[0], lie, lens[0]),
                        mostly(honest[1], lie, lens[1]),
                    ],
                    counts: [
                        mostly(honest[2], lie, counts[0]) as u16,
                        mostly(honest[3], lie, counts[1]) as u16,
                    ],
                    ..command
                }
            },
        )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => forgery().prop_map(Step::Forge),
        6 => (0..SLOTS as u16, command()).prop_map(|(slot, command)| Step::Submit(slot, command)),
        1 => (0..1u64 << 48).prop_map(Step::Publish),
        8 => any::<bool>().prop_map(Step::Fetch),
        6 => any::<u8>().prop_map(Step::Complete),
    ]
}

fn answer() -> impl Strategy<Value = Answer> {
    let slot = || 0..SLOTS as u16 + 1;
    prop_oneof![
        1 => forgery().prop_map(Answer::Forge),
        4 => slot().prop_map(Answer::Submit),
        4 => (slot(), 1..4u16).prop_map(|(slot, generation)| Answer::Complete(slot, generation)),
        4 => any::<bool>().prop_map(Answer::Reap),
    ]
}

/// The rules of a task's data and CDB, byte by byte; `tables` are as `Command::put` wrote them, in data that may be their own.
fn is_well_spelt(command: &Command, arena: u32, words: [&[(u32, u32)]; 2]) -> bool {
    let mut taken = vec![false; arena as usize];
    let data = (0..2).all(|direction| {
        let count = usize::from(command.counts[direction]);
        let list = words[direction];
        let table = u64::from(command.tables[direction]);
        let table_fits =
            count <= 2 || table.is_multiple_of(8) && table + 8 * count as u64 <= u64::from(arena);
        if count > 256 || !table_fits {
            return false;
        }
        let mut sum = 0;
        for &(offset, len) in &list[..count] {
            sum += u64::from(len);
            let fits = u64::from(offset) + u64::from(len) <= u64::from(arena);
            if len == 0 || !fits {
                return false;
            }
            for byte in &mut taken[offset as usize..][..len as usize] {
                if std::mem::replace(byte, true) {
                    return false;
                }
            }
        }
        sum == u64::from(command.lens[direction])
    });
    let attribute = [0, 1, 2, 4].contains(&(command.attribute & 0x0f));
    let function = command.function == 0 || command.lens == [0, 0];
    data && attribute && function && (6..=260).contains(&command.cdb_len)
}

/// A direction's segments as the slot and its table now spell them.
fn spelt(shared: &Shared, slot: u16, command: &Command, direction: usize) -> Vec<(u32, u32)> {
    let count = usize::from(command.counts[direction]);
    let at = if count <= 2 {
        shared.slot(slot, 64 + 16 * direction)
    } else {
        shared.arena(command.tables[direction])
    };
    let room = (shared.mapping.len().saturating_sub(at) / 8).min(count);
    let bytes = shared.read(at.min(shared.mapping.len()), 8 * room);
    let word = |bytes: &[u8]| {
        bytes
            .iter()
            .rev()
            .fold(0, |word, &byte| word << 8 | u32::from(byte))
    };
    let pair = |pair: &[u8]| (word(&pair[..4]), word(&pair[4..]));
    bytes.chunks(8).map(pair).collect()
}

/// Disjoint places for both directions of several commands: lengths, dealt out in a shuffled order.
fn disjoint() -> impl Strategy<Value = (Vec<(u32, u32)>, usize)> {
    vec(1..40u32, 1..70).prop_flat_map(|lens| {
        let mut at = 2 * PAGE;
        let mut places = Vec::new();
        for len in lens {
            places.push((at, len));
            at += len;
        }
        let count = places.len();
        (Just(places).prop_shuffle(), 0..=count)
    })
}

proptest! {
    #[test]
    fn whatever_an_initiator_writes_an_accepted_task_keeps_the_rules(steps in vec(step(), 1..80)) {
        let (shared, mut server) = server(SLOTS, PAGE);
        let mut submissions = shared.submissions();
        let mut accepted: Vec<u16> = Vec::new();
        for step in steps {
            match step {
                Step::Forge(forgery) => forgery.commit(&shared),
                Step::Submit(slot, command) => {
                    command.put(&shared, slot);
                    submissions.submit(slot, server.record(slot).generation.wrapping_add(1));
                }
                Step::Publish(payload) => submissions.publish(payload),
                Step::Fetch(arm) => match server.fetch(arm) {
                    Ok(slots) => accepted.extend(slots),
                    // It is over; the rest of the steps meets its successor.
                    Err(_) => {
                        let held = (0..SLOTS as u16)
                            .filter(|&slot| server.segments(slot, Direction::Out).is_some());
                        accepted.sort_unstable();
                        prop_assert!(held.eq(accepted.drain(..)), "all that is accepted was fetched");
                        server = Server::anew(&shared);
                        submissions = shared.submissions();
                    }
                },
                Step::Complete(flags) => {
                    if let Some(slot) = accepted.pop() {
                        server.complete(&[(slot, 0, flags)]);
                    }
                }
            }
            for (index, &slot) in accepted.iter().enumerate() {
                server.check_accepted(slot);
                prop_assert!(!accepted[..index].contains(&slot), "accepted twice");
            }
        }
    }

    #[test]
    fn whatever_a_target_writes_only_what_is_outstanding_is_reaped(answers in vec(answer(), 1..80)) {
        let (mut client, _server) = pair(SLOTS, PAGE);
        let shared = client.shared.clone();
        let mut completions = shared.completions();
        let mut outstanding: Vec<u16> = Vec::new();
        for answer in answers {
            match answer {
                Answer::Forge(forgery) => forgery.commit(&shared),
                Answer::Submit(slot) => {
                    let free = u32::from(slot) < SLOTS && !outstanding.contains(&slot);
                    client.pair.desk().store(0, 0, u32::from(slot));
                    let submitted = client.pair.submit(1);
                    prop_assert_eq!(submitted.is_ok(), free);
                    if free {
                        outstanding.push(slot);
                    }
                }
                Answer::Complete(slot, generation) => completions.complete(slot, generation),
                Answer::Reap(arm) => {
                    for (slot, ..) in client.reap(arm).unwrap_or_default() {
                        let place = outstanding.iter().position(|&other| other == slot);
                        prop_assert!(place.is_some(), "slot {} is nobody's", slot);
                        outstanding.swap_remove(place.unwrap());
                    }
                }
            }
        }
    }

    #[test]
    fn a_task_is_accepted_just_when_it_is_well_spelt(command in command()) {
        let (shared, mut server) = server(SLOTS, PAGE);
        command.put(&shared, 1);
        // The tables may have written over each other: what counts is what stands there.
        let lists = [0, 1].map(|direction| spelt(&shared, 1, &command, direction));
        shared.submissions().submit(1, 1);
        let fetched = server.fetch(false);
        if is_well_spelt(&command, PAGE, [&lists[0], &lists[1]]) {
            prop_assert_eq!(fetched, Ok(vec![1]));
            server.check_accepted(1);
            let record = server.record(1);
            prop_assert_eq!(record.attribute, command.attribute);
            prop_assert_eq!(record.function, command.function);
            prop_assert_eq!(&record.cdb[..command.cdb.len()], &command.cdb[..]);
            prop_assert_eq!(server.segments(1, Direction::Out), Some(lists[0].clone()));
            prop_assert_eq!(server.segments(1, Direction::In), Some(lists[1].clone()));
        } else {
            let of_a_task = matches!(
                fetched,
                Err(Violation::CdbLen
                    | Violation::Attribute
                    | Violation::Function
                    | Violation::SegmentCount
                    | Violation::SegmentEmpty
                    | Violation::SegmentOutside
                    | Violation::SegmentOverlap
                    | Violation::DataLen)
            );
            prop_assert!(of_a_task, "{fetched:?}");
            prop_assert_eq!(server.segments(1, Direction::Out), None);
        }
    }

    #[test]
    fn what_one_side_writes_the_other_reads(
        commands in vec((disjoint(), any::<u64>(), vec(any::<u8>(), 6..=260)), 1..6),
    ) {
        let (mut client, mut server): (_, Server) = pair(1, 4 * PAGE);
        for ((mut places, out_count), tag, cdb) in commands {
            let r#in = places.split_off(out_count);
            let command = Command { tag, tables: [0, PAGE], ..Command::new(&cdb).with_data(&places, &r#in) };
            let mut sent = Vec::new();
            for (index, &(offset, len)) in places.iter().enumerate() {
                let bytes = vec![tag.rotate_left(index as u32) as u8; len as usize];
                client.shared.write(client.shared.arena(offset), &bytes);
                sent.extend(bytes);
            }
            command.put(&client.shared, 0);
            client.submit(&[0]);
            prop_assert_eq!(server.fetch(false), Ok(vec![0]));
            let record = server.record(0);
            prop_assert_eq!(record.tag, tag);
            prop_assert_eq!(&record.cdb[..cdb.len()], &cdb[..]);
            prop_assert_eq!(server.data(0, Direction::Out), sent);

            let answer: Vec<u8> = (0..command.lens[1]).map(|byte| (byte as u8) ^ cdb[0]).collect();
            server.write_in(0, &answer);
            server.complete(&[(0, cdb[1], 0)]);
            prop_assert_eq!(client.reap(false), Ok(vec![(0, cdb[1], 0)]));
            let mut got = Vec::new();
            for &(offset, len) in &r#in {
                got.extend(client.shared.read(client.shared.arena(offset), len as usize));
            }
            prop_assert_eq!(got, answer);
        }
    }
}
