//! An initiator that writes what it likes into the segment: each thing that it can do wrong is found and named, nothing panics, and
//! nothing is written for it.

mod common;

use common::{Command, EPOCH, FEATURES, Shared, pair, segment, server};
use sgring_shm::bell_pair;
use sgring_task::{Direction, SLOT_BYTES, SubmissionWord, Target, Violation};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

const PAGE: u32 = 4096;
const SLOTS: u32 = 5;
const ARENA: u32 = 16 * PAGE;

/// The target finds `violation` in what `attack` wrote and published, writes nothing, and accepts nothing of it.
#[track_caller]
fn target_refuses(violation: Violation, attack: impl FnOnce(&Shared)) {
    let (shared, mut server) = server(SLOTS, ARENA);
    attack(&shared);
    let before = shared.snapshot();
    assert_eq!(server.fetch(false), Err(violation));
    assert!(shared.snapshot() == before, "a refusal writes nothing");
    for slot in [0, 1, 2, 3, 4, 5, u16::MAX] {
        assert_eq!(server.segments(slot, Direction::Out), None);
        assert_eq!(server.segments(slot, Direction::In), None);
        let answer = server.try_complete(&[(slot, 0, 0)]);
        assert_eq!(answer, Err(Violation::SlotState));
    }
    assert_eq!(server.fetch(true), Err(violation), "for good");
}

/// As [`target_refuses`], of a command in slot 2.
#[track_caller]
fn refused_command(violation: Violation, command: &Command) {
    target_refuses(violation, |shared| {
        command.put(shared, 2);
        shared.submissions().submit(2, 1);
    });
}

fn command() -> Command {
    Command::new(&[0; 16])
}

#[track_caller]
fn accepted_command(command: &Command) {
    let (shared, mut server) = server(SLOTS, ARENA);
    command.put(&shared, 2);
    shared.submissions().submit(2, 1);
    assert_eq!(server.fetch(false), Ok(vec![2]));
    server.check_accepted(2);
}

#[test]
fn a_header_that_differs_from_the_handshake_is_not_attached() {
    let attach = |shared: &Shared, features, epoch| {
        let (bell, _watched) = bell_pair().unwrap();
        let memory = Arc::clone(&shared.mapping);
        Target::attach(memory, shared.geometry, features, epoch, bell).is_some()
    };
    let [client, there] = segment(SLOTS, ARENA);
    assert!(!attach(&there, FEATURES, EPOCH), "no header yet");
    let (bell, _watched) = bell_pair().unwrap();
    let memory = Arc::clone(&client.mapping);
    let _pair = sgring_task::Initiator::new(memory, client.geometry, FEATURES, EPOCH, bell);
    assert!(attach(&there, FEATURES, EPOCH));
    assert!(!attach(&there, FEATURES | 1, EPOCH));
    assert!(!attach(&there, FEATURES, EPOCH + 1));
    for bit in 0..4 * 64 {
        let word = client.word(bit / 64 * 8);
        word.fetch_xor(1 << (bit % 64), Relaxed);
        assert!(!attach(&there, FEATURES, EPOCH), "bit {bit}");
        word.fetch_xor(1 << (bit % 64), Relaxed);
    }
    assert!(attach(&there, FEATURES, EPOCH));
}

#[test]
fn a_queue_word_of_another_lap_is_an_entry_violation() {
    for lap in [2, 3, 0x7fff, u16::MAX] {
        target_refuses(Violation::Entry, |shared| {
            command().put(shared, 2);
            shared.submissions().store(lap, 2 | 1 << 16);
        });
    }
}

#[test]
fn a_queue_word_that_went_back_a_lap_is_an_entry_violation() {
    let (shared, mut server) = server(1, PAGE);
    let (mut submissions, mut completions) = (shared.submissions(), shared.completions());
    for generation in 1..=3 {
        command().put(&shared, 0);
        submissions.submit(0, generation);
        assert_eq!(server.fetch(false), Ok(vec![0]));
        server.complete(&[(0, 0, 0)]);
        assert!(completions.consume().is_some());
    }
    submissions.store(1, 4 << 16);
    assert_eq!(server.fetch(false), Err(Violation::Entry));
    assert_eq!(server.fetch(true), Err(Violation::Entry), "and for good");
}

#[test]
fn a_slot_beyond_the_last_is_a_slot_violation() {
    for slot in [5, 6, 7, 4096, u16::MAX] {
        target_refuses(Violation::Slot, |shared| {
            shared.submissions().submit(slot, 1);
        });
    }
}

#[test]
fn an_entry_of_another_epoch_is_an_epoch_violation() {
    for epoch in [0, EPOCH as u16 - 1, (EPOCH >> 16) as u16, u16::MAX] {
        target_refuses(Violation::Epoch, |shared| {
            command().put(shared, 2);
            let (slot, generation) = (2, 1);
            let word = SubmissionWord {
                slot,
                generation,
                epoch,
                ..SubmissionWord::default()
            };
            shared.submissions().publish(word.pack());
        });
    }
}

#[test]
fn a_generation_that_is_not_the_next_is_a_generation_violation() {
    for generation in [0, 2, 0x8001, u16::MAX] {
        target_refuses(Violation::Generation, |shared| {
            command().put(shared, 2);
            shared.submissions().submit(2, generation);
        });
    }
}

#[test]
fn a_slot_submitted_twice_is_a_slot_state_violation() {
    for generation in [1, 2] {
        let (shared, mut server) = server(SLOTS, ARENA);
        command().with_data(&[(0, 8)], &[]).put(&shared, 2);
        let mut submissions = shared.submissions();
        submissions.submit(2, 1);
        submissions.submit(2, generation);
        assert_eq!(server.fetch(false), Ok(vec![2]));
        assert_eq!(server.fetch(false), Err(Violation::SlotState));
        // The first stays what it was.
        server.check_accepted(2);
        assert_eq!(server.segments(2, Direction::Out), Some(vec![(0, 8)]));
        assert_eq!(server.record(2).generation, 1);
    }
}

#[test]
fn a_cdb_of_a_length_that_does_not_exist_is_a_cdb_len_violation() {
    for cdb_len in [0, 1, 5, 261, 65535] {
        let command = Command {
            cdb_len,
            ..command()
        };
        refused_command(Violation::CdbLen, &command);
    }
    for cdb_len in [6, 260] {
        accepted_command(&Command {
            cdb_len,
            ..command()
        });
    }
}

#[test]
fn an_attribute_that_does_not_exist_is_an_attribute_violation() {
    for priority in 0..16u8 {
        let with = |attribute| Command {
            attribute: attribute | priority << 4,
            ..command()
        };
        for attribute in [3, 5, 6, 7, 8, 15] {
            refused_command(Violation::Attribute, &with(attribute));
        }
        for attribute in [0, 1, 2, 4] {
            accepted_command(&with(attribute));
        }
    }
}

#[test]
fn a_function_with_data_is_a_function_violation() {
    for function in [1, 8, 9, 255] {
        let with = |command| Command {
            function,
            ..command
        };
        for (out, r#in) in [
            (&[(0, 8)][..], &[][..]),
            (&[], &[(0, 8)]),
            (&[(0, 8)], &[(8, 8)]),
        ] {
            refused_command(Violation::Function, &with(command().with_data(out, r#in)));
        }
        // Segments of a length that is none are what they are in a command.
        let counts = [1, 0];
        let empty = Command {
            counts,
            ..command()
        };
        refused_command(Violation::SegmentEmpty, &with(empty));
        accepted_command(&with(command()));
    }
}

#[test]
fn more_than_256_segments_are_a_segment_count_violation() {
    let one = [(PAGE, 8)];
    for count in [257, 65535] {
        for (out, r#in, counts) in [
            (&one[..], &[][..], [count, 0]),
            (&[], &one, [0, count]),
            (&one, &[(0, 8)], [1, count]),
        ] {
            let command = Command {
                counts,
                ..command().with_data(out, r#in)
            };
            refused_command(Violation::SegmentCount, &command);
        }
    }
}

/// `list` in each direction, inline and, with harmless ones before it, in a table.
fn in_every_place(list: &[(u32, u32)], check: impl Fn(&Command)) {
    let longer: Vec<_> = [(2 * PAGE, 1), (3 * PAGE, 1), (4 * PAGE, 1)]
        .into_iter()
        .chain(list.iter().copied())
        .collect();
    for list in [list, &longer] {
        check(&command().with_data(list, &[]));
        check(&command().with_data(&[], list));
        check(&command().with_data(&[(5 * PAGE, 8)], list));
    }
}

#[test]
fn a_segment_of_no_bytes_is_a_segment_empty_violation() {
    for offset in [0, PAGE, ARENA, ARENA + 1, u32::MAX] {
        in_every_place(&[(offset, 0)], |command| {
            refused_command(Violation::SegmentEmpty, command);
        });
    }
}

#[test]
fn a_segment_beyond_the_arena_or_wrapping_is_a_segment_outside_violation() {
    for segment in [
        (ARENA, 1),
        (ARENA - 1, 2),
        (PAGE, ARENA - PAGE + 1),
        (0, u32::MAX),
        (u32::MAX, 1),
        (u32::MAX, u32::MAX),
        (u32::MAX - 7, 16),
        (1 << 31, 1 << 31),
    ] {
        in_every_place(&[segment], |command| {
            refused_command(Violation::SegmentOutside, command);
        });
    }
    accepted_command(&command().with_data(&[(0, ARENA)], &[]));
    accepted_command(&command().with_data(&[(0, ARENA - 1)], &[(ARENA - 1, 1)]));
}

#[test]
fn segments_that_overlap_are_a_segment_overlap_violation() {
    for list in [
        [(PAGE, 8), (PAGE, 8)],
        [(PAGE, 8), (PAGE + 7, 8)],
        [(PAGE + 7, 8), (PAGE, 8)],
        [(PAGE, 64), (PAGE + 8, 8)],
    ] {
        in_every_place(&list, |command| {
            refused_command(Violation::SegmentOverlap, command);
        });
        let across = command().with_data(&list[..1], &list[1..]);
        refused_command(Violation::SegmentOverlap, &across);
    }
    // Touching is not overlapping.
    accepted_command(&command().with_data(&[(8, 8), (0, 8)], &[(16, 8)]));
}

#[test]
fn a_table_outside_the_arena_or_misaligned_is_a_segment_outside_violation() {
    let with_table = |table, first| Command {
        tables: [table, table],
        ..command().with_data(&[], &[(PAGE, first), (2 * PAGE, 8), (3 * PAGE, 8)])
    };
    for table in [ARENA - 16, ARENA, ARENA + 8, u32::MAX - 7, 1 << 31, 1, 4, 7] {
        // Whoever reads such a table all the same finds its first segment empty.
        refused_command(Violation::SegmentOutside, &with_table(table, 0));
    }
    accepted_command(&with_table(ARENA - 24, 8));
    // A table may lie in the data that it names: it was copied before.
    accepted_command(&with_table(PAGE, 24));
}

#[test]
fn a_length_that_is_not_the_sum_is_a_data_len_violation() {
    let honest = command().with_data(&[(0, 8), (16, 8)], &[(32, 8)]);
    for lens in [[0, 8], [15, 8], [17, 8], [16, 0], [16, 9], [u32::MAX, 8]] {
        let command = Command {
            lens,
            ..honest.clone()
        };
        refused_command(Violation::DataLen, &command);
    }
    for lens in [[1, 0], [0, 1], [u32::MAX, u32::MAX]] {
        let command = Command { lens, ..command() };
        refused_command(Violation::DataLen, &command);
    }
    accepted_command(&honest);
}

#[test]
fn what_stands_where_a_slot_has_nothing_does_not_reach_the_record() {
    let (shared, mut server) = server(SLOTS, ARENA);
    shared.write(shared.slot(2, 0), &[0xff; SLOT_BYTES]);
    Command::new(&[0; 260]).put(&shared, 2);
    shared.submissions().submit(2, 1);
    assert_eq!(server.fetch(false), Ok(vec![2]));
    server.check_accepted(2);
    let record = server.record(2);
    assert_eq!(record.cdb, [0; 260]);
    assert_eq!((record.out_residual, record.in_residual), (0, 0));
    assert_eq!((record.sense_len, record.sense), (0, [0; 252]));
}

#[test]
fn submissions_before_a_violation_are_fetched_and_none_after_it() {
    let (shared, mut server) = server(SLOTS, ARENA);
    let mut submissions = shared.submissions();
    command().put(&shared, 0);
    submissions.submit(0, 1);
    submissions.submit(9, 1);
    command().put(&shared, 1);
    submissions.submit(1, 1);
    assert_eq!(server.fetch(true), Ok(vec![0]));
    for arm in [true, false] {
        assert_eq!(server.fetch(arm), Err(Violation::Slot));
    }
    assert_eq!(server.segments(1, Direction::Out), None, "nor what follows");
    server.check_accepted(0);
    server.complete(&[(0, 0, 0)]);
    assert!(shared.completions().consume().is_some());
}

#[test]
fn an_initiator_that_never_reaps_overruns_only_itself() {
    let (shared, mut server) = server(SLOTS, ARENA);
    let mut submissions = shared.submissions();
    let slots: Vec<u16> = (0..SLOTS as u16).collect();
    for generation in 1..=100 {
        for &slot in &slots {
            command().put(&shared, slot);
            submissions.submit(slot, generation);
        }
        assert_eq!(server.fetch(false), Ok(slots.clone()));
        let answers: Vec<_> = slots.iter().map(|&slot| (slot, 0, 0)).collect();
        server.complete(&answers);
    }
    let arena = shared.read(shared.arena(0), ARENA as usize);
    assert!(arena.iter().all(|&byte| byte == 0));
}

#[test]
fn forged_sleep_flags_cost_one_ring_a_batch_and_nothing_else() {
    let (mut client, mut server) = pair(SLOTS, ARENA);
    for (forged, rings) in [(1, 1), (2, 0), (u64::MAX, 0), (1 << 63, 0)] {
        for flag in [128, 256] {
            client.shared.word(flag).store(forged, Relaxed);
        }
        command().put(&client.shared, 0);
        client.submit(&[0]);
        assert_eq!(server.bell.rings(), rings);
        assert_eq!(server.fetch(true), Ok(vec![0]));
        server.complete(&[(0, 0, 0)]);
        assert_eq!(client.bell.rings(), rings);
        assert_eq!(client.reap(true), Ok(vec![(0, 0, 0)]));
    }
}
