//! An initiator and a target that keep the rules, over one segment that each has mapped for itself.

mod common;

use common::{Command, pair};
use sgring_task::{Direction, MAX_SENSE_LEN, Slot, Violation, flags};
use std::mem::offset_of;

const PAGE: u32 = 4096;

fn pattern(seed: usize, len: usize) -> Vec<u8> {
    (0..len)
        .map(|index| (seed * 31 + index * 7) as u8)
        .collect()
}

#[test]
fn a_cdb_of_every_length_arrives_whole() {
    let (mut client, mut server) = pair(3, PAGE);
    for (slot, len) in [0, 1, 2].into_iter().cycle().zip(6..=260) {
        let cdb = pattern(len, len);
        let command = Command {
            tag: u64::MAX - len as u64,
            attribute: [0, 1, 2, 4][len % 4] | (len as u8) << 4,
            ..Command::new(&cdb)
        };
        command.put(&client.shared, slot);
        client.submit(&[slot]);
        assert_eq!(server.fetch(false), Ok(vec![slot]));
        server.check_accepted(slot);
        let record = server.record(slot);
        assert_eq!((record.lun, record.tag), (command.lun, command.tag));
        assert_eq!((record.attribute, record.function), (command.attribute, 0));
        assert_eq!(record.cdb[..usize::from(record.cdb_len)], cdb);
        assert_eq!(record.reserved_3, [0; 4]);
        server.complete(&[(slot, 0, 0)]);
        assert_eq!(client.reap(false), Ok(vec![(slot, 0, 0)]));
    }
}

#[test]
fn a_function_is_carried_with_the_tag_that_it_is_about_and_keeps_its_place() {
    let (mut client, mut server) = pair(3, PAGE);
    let managed_tag = 0xfedc_ba98_7654_3210u64;
    for function in 1..=u8::MAX {
        Command::new(&[0; 6]).put(&client.shared, 0);
        let request = Command {
            tag: u64::from(function),
            function,
            ..Command::new(&managed_tag.to_le_bytes())
        };
        request.put(&client.shared, 1);
        Command::new(&[0; 6]).put(&client.shared, 2);
        client.submit(&[0, 1, 2]);
        assert_eq!(server.fetch(false), Ok(vec![0, 1, 2]));
        let functions = [0, 1, 2].map(|slot| server.record(slot).function);
        assert_eq!(functions, [0, function, 0]);
        let record = server.record(1);
        assert_eq!((record.lun, record.tag), (request.lun, request.tag));
        assert_eq!(record.cdb[..8], managed_tag.to_le_bytes());
        for way in [Direction::Out, Direction::In] {
            assert_eq!(server.segments(1, way), Some(vec![]));
        }
        // The service response FUNCTION REJECTED.
        let answers = [(0, 0, 0), (1, 0, 5), (2, 0, 0)];
        server.complete(&answers);
        assert_eq!(client.reap(false), Ok(answers.to_vec()));
    }
}

#[test]
fn data_moves_both_ways_in_1_2_3_and_256_segments() {
    let (mut client, mut server) = pair(2, 64 * PAGE);
    for (out_count, in_count) in [(1, 0), (0, 1), (1, 1), (2, 3), (3, 2), (256, 1), (256, 256)] {
        // Every segment has a place of its own; they are taken in an order that is not that of their addresses.
        let places = |start: u32, count: u32| -> Vec<(u32, u32)> {
            let place = |index| (start + 64 * (index * 37 % 256), 1 + index % 64);
            (0..count).map(place).collect()
        };
        let (out, r#in) = (places(2 * PAGE, out_count), places(32 * PAGE, in_count));
        let command = Command {
            tables: [0, PAGE],
            ..Command::new(&[0; 16]).with_data(&out, &r#in)
        };
        let sent = pattern(out.len(), command.lens[0] as usize);
        let mut rest = &sent[..];
        for &(offset, len) in &out {
            let (part, behind) = rest.split_at(len as usize);
            client.shared.write(client.shared.arena(offset), part);
            rest = behind;
        }
        command.put(&client.shared, 1);
        client.submit(&[1]);
        assert_eq!(server.fetch(false), Ok(vec![1]));
        server.check_accepted(1);
        assert_eq!(server.segments(1, Direction::Out), Some(out));
        assert_eq!(server.segments(1, Direction::In), Some(r#in.clone()));
        assert_eq!(server.data(1, Direction::Out), sent);

        let answer = pattern(7, command.lens[1] as usize);
        server.write_in(1, &answer);
        server.complete(&[(1, 0, 0)]);
        assert_eq!(client.reap(false), Ok(vec![(1, 0, 0)]));
        let mut got = Vec::new();
        for (offset, len) in r#in {
            got.extend(
                client
                    .shared
                    .read(client.shared.arena(offset), len as usize),
            );
        }
        assert_eq!(got, answer);
        assert_eq!(server.segments(1, Direction::In), None, "it is answered");
    }
}

#[test]
fn completions_come_in_any_order() {
    let (mut client, mut server) = pair(7, PAGE);
    let slots = [4, 2, 6, 0, 1, 5, 3];
    for turn in 0..7 {
        for slot in slots {
            Command::new(&[slot as u8; 6]).put(&client.shared, slot);
        }
        client.submit(&slots);
        assert_eq!(server.fetch(false), Ok(slots.to_vec()));
        let mut answers = slots.map(|slot| (slot, slot as u8 * 8, 0));
        answers.rotate_left(turn);
        if turn % 2 == 1 {
            answers.reverse();
        }
        // Part of them first: the rest stays outstanding.
        server.complete(&answers[..turn]);
        assert_eq!(client.reap(false), Ok(answers[..turn].to_vec()));
        server.complete(&answers[turn..]);
        assert_eq!(client.reap(false), Ok(answers[turn..].to_vec()));
    }
}

#[test]
fn residuals_and_sense_are_carried_when_the_entry_says_so() {
    let (mut client, mut server) = pair(1, PAGE);
    let response = |shared: &common::Shared| {
        let at = shared.slot(0, offset_of!(Slot, out_residual));
        shared.read(
            at,
            offset_of!(Slot, cdb_tail) - offset_of!(Slot, out_residual),
        )
    };
    let mut before = response(&client.shared);
    let sense = pattern(3, MAX_SENSE_LEN);
    for (flags, residuals) in [
        (0, [1, 2]),
        (flags::RESIDUAL, [-5, i32::MAX]),
        (flags::SENSE, [i32::MIN, 9]),
        (flags::SENSE | flags::RESIDUAL | 1, [3, -3]),
    ] {
        Command::new(&[0; 6]).put(&client.shared, 0);
        client.submit(&[0]);
        assert_eq!(server.fetch(false), Ok(vec![0]));
        server.answer(0, residuals, &sense);
        server.complete(&[(0, 2, flags)]);
        assert_eq!(client.reap(false), Ok(vec![(0, 2, flags)]));
        let after = response(&client.shared);
        if flags == 0 {
            assert_eq!(after, before, "nothing is written that nobody will read");
        } else {
            assert_eq!(after[..4], residuals[0].to_le_bytes());
            assert_eq!(after[4..8], residuals[1].to_le_bytes());
        }
        if flags & flags::SENSE != 0 {
            assert_eq!(after[8..10], (MAX_SENSE_LEN as u16).to_le_bytes());
            assert_eq!(after[16..][..MAX_SENSE_LEN], sense);
        } else {
            assert_eq!(after[8..], before[8..]);
        }
        before = after;
    }
}

#[test]
fn slots_are_reused_past_the_wrap_of_generations_and_laps() {
    let (mut client, mut server) = pair(1, PAGE);
    for turn in 1..=70_000u32 {
        Command::new(&turn.to_le_bytes().repeat(2)).put(&client.shared, 0);
        client.submit(&[0]);
        assert_eq!(server.fetch(false), Ok(vec![0]));
        let record = server.record(0);
        assert_eq!(record.generation, turn as u16);
        assert_eq!(record.cdb[..4], turn.to_le_bytes());
        server.complete(&[(0, 0, 0)]);
        assert_eq!(client.reap(false), Ok(vec![(0, 0, 0)]));
    }
}

#[test]
fn a_side_that_sleeps_is_rung_once_and_one_that_is_awake_never() {
    let (mut client, mut server) = pair(4, PAGE);
    for slot in 0..4 {
        Command::new(&[0; 6]).put(&client.shared, slot);
    }
    client.submit(&[0]);
    assert_eq!(server.bell.rings(), 0, "nobody sleeps");
    assert_eq!(server.fetch(true), Ok(vec![0]), "what is there comes first");
    client.submit(&[1]);
    assert_eq!(server.bell.rings(), 0, "it was not told that it may sleep");
    assert_eq!(server.fetch(false), Ok(vec![1]));

    assert_eq!(server.fetch(true), Ok(vec![]));
    client.submit(&[2]);
    client.submit(&[3]);
    assert_eq!(server.bell.rings(), 1, "one sleep, one ring");
    assert_eq!(server.fetch(false), Ok(vec![2, 3]));

    assert_eq!(client.reap(true), Ok(vec![]));
    server.complete(&[(3, 0, 0), (0, 0, 0)]);
    server.complete(&[(1, 0, 0)]);
    assert_eq!(client.bell.rings(), 1);
    assert_eq!(client.reap(true), Ok(vec![(3, 0, 0), (0, 0, 0), (1, 0, 0)]));
    server.complete(&[(2, 0, 0)]);
    assert_eq!(client.bell.rings(), 0);
    assert_eq!(client.reap(false), Ok(vec![(2, 0, 0)]));

    // Who looks without going to sleep again is awake, whatever was announced before.
    assert_eq!(server.fetch(true), Ok(vec![]));
    assert_eq!(server.fetch(false), Ok(vec![]));
    assert_eq!(client.reap(true), Ok(vec![]));
    client.submit(&[0]);
    assert_eq!(server.bell.rings(), 0);
    assert_eq!(client.reap(false), Ok(vec![]));
    assert_eq!(server.fetch(false), Ok(vec![0]));
    server.complete(&[(0, 0, 0)]);
    assert_eq!(client.bell.rings(), 0);
    assert_eq!(client.reap(false), Ok(vec![(0, 0, 0)]));

    // So is who looks, finds something, and sleeps only after the next look.
    assert_eq!(server.fetch(true), Ok(vec![]));
    client.submit(&[1]);
    assert_eq!(server.bell.rings(), 1);
    assert_eq!(server.fetch(true), Ok(vec![1]));
    client.submit(&[2]);
    assert_eq!(server.bell.rings(), 0);
    assert_eq!(server.fetch(true), Ok(vec![2]));
    assert_eq!(server.fetch(true), Ok(vec![]));
    client.submit(&[3]);
    assert_eq!(server.bell.rings(), 1, "a second sleep, a second ring");
}

#[test]
fn a_fetch_takes_at_most_64_and_sleeps_only_when_nothing_is_left() {
    let (mut client, mut server) = pair(130, PAGE);
    let slots: Vec<u16> = (0..130).collect();
    for &slot in &slots {
        Command::new(&[0; 6]).put(&client.shared, slot);
    }
    client.submit(&slots);
    for part in [&slots[..64], &slots[64..128], &slots[128..]] {
        assert_eq!(server.fetch(true), Ok(part.to_vec()));
    }
    let answers: Vec<_> = slots.iter().map(|&slot| (slot, 0, 0)).collect();
    server.complete(&answers);
    assert_eq!(client.reap(false), Ok(answers));
    client.submit(&[0]);
    assert_eq!(server.bell.rings(), 0, "it has not slept yet");
    assert_eq!(server.fetch(true), Ok(vec![0]));
    assert_eq!(server.fetch(true), Ok(vec![]));
    client.submit(&[1]);
    assert_eq!(server.bell.rings(), 1);
}

#[test]
fn a_fetch_takes_no_further_submission_once_those_taken_have_a_mebibyte_of_data() {
    const MIB: u32 = 1 << 20;
    let (mut client, mut server) = pair(4, 4 * MIB);
    let data = [MIB - PAGE, MIB, MIB, PAGE];
    for (slot, len) in (0..).zip(data) {
        let command = Command::new(&[0; 6]).with_data(&[], &[(u32::from(slot) * MIB, len)]);
        command.put(&client.shared, slot);
    }
    client.submit(&[0, 1, 2, 3]);
    for part in [&[0, 1][..], &[2], &[3], &[]] {
        assert_eq!(server.fetch(true), Ok(part.to_vec()));
    }
}

#[test]
fn a_side_cannot_submit_or_complete_twice_by_mistake() {
    let (mut client, mut server) = pair(2, PAGE);
    Command::new(&[0; 6]).put(&client.shared, 0);
    client.submit(&[0]);
    for slot in [0, 2, 1 << 16, u32::MAX] {
        client.pair.desk().store(0, 0, slot);
        assert_eq!(client.pair.submit(1), Err(Violation::SlotState));
    }
    assert_eq!(
        server.fetch(false),
        Ok(vec![0]),
        "and none of these went out"
    );
    for slot in [1, 2, u16::MAX] {
        let refused = server.try_complete(&[(slot, 0, 0)]);
        assert_eq!(refused, Err(Violation::SlotState));
    }
    let twice = server.try_complete(&[(0, 8, 0), (0, 0, 0)]);
    assert_eq!(twice, Err(Violation::SlotState));
    assert_eq!(
        client.reap(false),
        Ok(vec![(0, 8, 0)]),
        "the first went out"
    );
}

#[test]
fn a_mistake_in_a_list_rings_for_what_went_out_before_it() {
    let (mut client, mut server) = pair(2, PAGE);
    Command::new(&[0; 6]).put(&client.shared, 0);
    assert_eq!(server.fetch(true), Ok(vec![]));
    client.pair.desk().store(0, 0, 0);
    client.pair.desk().store(0, 1, 7);
    assert_eq!(client.pair.submit(2), Err(Violation::SlotState));
    assert_eq!(server.bell.rings(), 1);
    assert_eq!(server.fetch(false), Ok(vec![0]));
}

#[test]
#[should_panic(expected = "index out of bounds")]
fn a_list_that_is_not_on_the_desk_panics() {
    let _word = pair(1, PAGE).0.pair.desk().load(usize::MAX - 3, 0);
}
