//! What every transport does alike.

use crate::driver::{
    Arena, Command, Driver, INQUIRY_252, TEST_UNIT_READY, command, read_10, write_10,
};
use crate::nodes::{disk, transports};

const BLOCK: usize = 512;

/// Bytes that tell where they belong.
fn pattern(seed: usize, len: usize) -> Vec<u8> {
    (0..len)
        .map(|at| (seed.wrapping_mul(0x9e37) ^ at ^ at >> 8) as u8)
        .collect()
}

#[test]
#[ignore = "needs a kernel's SCSI nodes: npm run test:kernel"]
fn every_transport_brings_inquiry_data_and_how_much_of_them_did_not_come() {
    let arena = Arena::new(4096);
    for (name, mut transport) in transports(&disk()) {
        let mut driver = Driver::ready(&mut *transport);
        let ended = driver.run(Command {
            into: vec![arena.span(0, 252)],
            ..command(&INQUIRY_252)
        });
        ended.good(name);
        let came = 252 - usize::try_from(ended.outcome.in_residual).expect("not negative");
        // Additional length: SPC-5 6.7.2.
        assert_eq!(came, usize::from(arena.bytes(4, 1)[0]) + 5, "{name}");
        assert_eq!(arena.bytes(8, 24), b"Linux   scsi_debug      ", "{name}");
        assert_eq!(ended.outcome.out_residual, 0, "{name}");
    }
}

#[test]
#[ignore = "needs a kernel's SCSI nodes: npm run test:kernel"]
fn every_transport_carries_many_commands_at_a_time_to_their_own_bytes() {
    const COMMANDS: usize = 200;
    const LEN: usize = 8 * BLOCK;
    let arena = Arena::new(2 * COMMANDS * LEN);
    for (run, (name, mut transport)) in transports(&disk()).into_iter().enumerate() {
        let mut driver = Driver::ready(&mut *transport);
        let mut commands = Vec::new();
        for index in 0..COMMANDS {
            arena.put(index * LEN, &pattern(run * COMMANDS + index, LEN));
            commands.push(write_10(
                index as u32 * 8,
                8,
                vec![arena.span(index * LEN, LEN)],
            ));
        }
        for ended in driver.run_all(&commands) {
            ended.good(name);
        }
        let back = COMMANDS * LEN;
        arena.put(back, &vec![0xee; back]);
        let read = |index| {
            read_10(
                index as u32 * 8,
                8,
                vec![arena.span(back + index * LEN, LEN)],
            )
        };
        let commands: Vec<_> = (0..COMMANDS).map(read).collect();
        for (index, ended) in driver.run_all(&commands).iter().enumerate() {
            ended.good(name);
            assert_eq!(
                (ended.outcome.in_residual, ended.sense.len()),
                (0, 0),
                "{name}"
            );
            let expected = pattern(run * COMMANDS + index, LEN);
            assert!(
                arena.bytes(back + index * LEN, LEN) == expected,
                "{name}: {index}"
            );
        }
    }
}

#[test]
#[ignore = "needs a kernel's SCSI nodes: npm run test:kernel"]
fn a_transport_of_several_spans_gathers_and_scatters_them_in_order() {
    let lens = [512usize, 1, 1023, 4096, 7, 2537];
    let total: usize = lens.iter().sum();
    assert_eq!(total, 16 * BLOCK - 16);
    let lens = [&lens[..], &[16]].concat();
    let arena = Arena::new(1 << 16);
    let mut spans = Vec::new();
    let mut at = 3;
    for len in &lens {
        spans.push(arena.span(at, *len));
        // With gaps, and at odd addresses.
        at += len + 13;
    }
    let mut several = 0;
    for (run, (name, mut transport)) in transports(&disk()).into_iter().enumerate() {
        let mut driver = Driver::ready(&mut *transport);
        if driver.max_spans() < spans.len() {
            continue;
        }
        several += 1;
        let bytes = pattern(7000 + run, 16 * BLOCK);
        let whole = arena.span(0x8000, 16 * BLOCK);
        arena.put(0x8000, &bytes);
        driver.run(write_10(64, 16, vec![whole])).good(name);
        arena.put(0, &[0xee; 0x8000]);
        driver.run(read_10(64, 16, spans.clone())).good(name);
        let (mut at, mut from) = (3, 0);
        for len in &lens {
            assert_eq!(arena.bytes(at, *len), bytes[from..from + len], "{name}");
            // The gap is as it was.
            assert_eq!(arena.bytes(at + len, 13), [0xee; 13], "{name}");
            at += len + 13;
            from += len;
        }
        driver.run(write_10(128, 16, spans.clone())).good(name);
        arena.put(0x8000, &[0; 16 * BLOCK]);
        driver.run(read_10(128, 16, vec![whole])).good(name);
        assert!(arena.bytes(0x8000, 16 * BLOCK) == bytes, "{name}");
    }
    assert_eq!(several, 4);
}

#[test]
#[ignore = "needs a kernel's SCSI nodes: npm run test:kernel"]
fn every_transport_tells_a_check_condition_with_its_sense_data() {
    let arena = Arena::new(4096);
    for (name, mut transport) in transports(&disk()) {
        let mut driver = Driver::ready(&mut *transport);
        let ended = driver.run(read_10(u32::MAX, 1, vec![arena.span(0, BLOCK)]));
        assert_eq!(
            (ended.outcome.errno, ended.outcome.status),
            (0, 2),
            "{name}"
        );
        assert_eq!(
            (ended.outcome.host_status, ended.outcome.driver_status),
            (0, 0),
            "{name}"
        );
        // LOGICAL BLOCK ADDRESS OUT OF RANGE, in fixed format (SPC-5 4.4.3).
        assert_eq!(ended.sense.len(), 18, "{name}");
        assert_eq!(
            (ended.sense[0] & 0x7f, ended.sense[2] & 0x0f),
            (0x70, 5),
            "{name}"
        );
        assert_eq!(ended.sense[12..14], [0x21, 0], "{name}");
        driver.run(command(&TEST_UNIT_READY)).good(name);
    }
}

#[test]
#[ignore = "needs a kernel's SCSI nodes: npm run test:kernel"]
fn every_transport_carries_a_cdb_of_32_bytes() {
    let arena = Arena::new(4096);
    for (name, mut transport) in transports(&disk()) {
        let mut driver = Driver::ready(&mut *transport);
        // READ(32) (SBC-4 5.16), which this disk refuses, being without protection information: but it has seen it.
        let mut cdb = [0u8; 32];
        cdb[0] = 0x7f;
        cdb[7] = 0x18;
        cdb[9] = 0x09;
        cdb[31] = 1;
        let ended = driver.run(Command {
            into: vec![arena.span(0, BLOCK)],
            ..command(&cdb)
        });
        assert_eq!(ended.outcome.errno, 0, "{name}");
        if ended.outcome.status == 2 {
            assert_eq!(ended.sense[2] & 0x0f, 5, "{name}: {ended:?}");
        }
        // One more is none for any header.
        let long = command(&[0x7f; 33]);
        assert!(driver.start(3, &long).is_err(), "{name}");
    }
}
