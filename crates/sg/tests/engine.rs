//! [`sgring_sg::Engine`]: what it hands to a transport, what it answers, and how it ends.

mod common;

use common::scripted::Limits;
use common::{Command, Completion, End, MAX_TRANSFER, Rig};
use sgring_sg::{Errno, Outcome};
use sgring_task::flags::{RESIDUAL, SENSE, TRANSPORT};

const DELIVERY_FAILURE: u8 = 1;
const WITHOUT_RESPONSE: u8 = 2;
const FUNCTION_COMPLETE: u8 = 3;
const FUNCTION_SUCCEEDED: u8 = 4;
const FUNCTION_REJECTED: u8 = 5;
const ABORT_TASK: u8 = 1;
const LOGICAL_UNIT_RESET: u8 = 5;
const QUERY_TASK: u8 = 9;
const QUERY_TASK_SET: u8 = 10;

fn good(slot: u16) -> End {
    End {
        outcome: Outcome {
            slot,
            ..Outcome::default()
        },
        ..End::default()
    }
}

fn completion(slot: u16, status: u8, flags: u8) -> Completion {
    Completion {
        slot,
        status,
        flags,
    }
}

/// One transport that takes so many commands.
fn with_room(room: usize) -> Rig {
    Rig::new(Limits {
        room,
        ..Limits::default()
    })
}

#[test]
fn a_command_reaches_the_transport_as_it_was_written() {
    let mut rig = with_room(8);
    rig.fill(4096, b"to the device");
    let command = Command {
        cdb: (1..=32).collect(),
        timeout_ms: 1234,
        out: vec![(4096, 13)],
        ..Command::new(7)
    };
    rig.submit(3, &command);
    let started = rig.script.started().unwrap();
    assert_eq!((started.slot, started.timeout_ms), (3, 1234));
    assert_eq!(
        (&started.cdb, &started.out[..]),
        (&command.cdb, &b"to the device"[..])
    );
    rig.script.end(&good(3));
    assert_eq!(rig.completed(1), [completion(3, 0, 0)]);
}

#[test]
fn without_an_end_of_its_own_a_command_gets_the_longest_that_the_kernel_knows() {
    let mut rig = with_room(8);
    rig.submit(0, &Command::new(1));
    assert_eq!(rig.script.started().unwrap().timeout_ms, i32::MAX as u32);
    rig.script.end(&good(0));
    rig.completed(1);
}

#[test]
fn status_sense_and_both_residuals_come_home() {
    let mut rig = with_room(8);
    let into = vec![(0, 512)];
    rig.submit(
        0,
        &Command {
            into,
            ..Command::new(1)
        },
    );
    assert_eq!(rig.script.started().unwrap().in_len, 512);
    rig.script.end(&End {
        outcome: Outcome {
            status: 2,
            out_residual: -5,
            in_residual: 112,
            ..Outcome::default()
        },
        sense_len: 18,
        fill: 0xaa,
    });
    assert_eq!(rig.completed(1), [completion(0, 2, SENSE | RESIDUAL)]);
    assert_eq!(rig.response(0), (18, -5, 112));
    assert_eq!(rig.bytes(0, 512), [0xaa; 512]);
}

#[test]
fn a_host_status_without_a_status_is_no_answer_of_the_device() {
    let mut rig = with_room(8);
    rig.submit(0, &Command::new(1));
    let outcome = Outcome {
        host_status: 3,
        driver_status: 6,
        ..Outcome::default()
    };
    rig.script.end(&End {
        outcome,
        ..End::default()
    });
    assert_eq!(
        rig.completed(1),
        [completion(0, 0, DELIVERY_FAILURE | TRANSPORT)]
    );
    assert_eq!(rig.transport_status(0), [3, 6, 0]);
}

#[test]
fn a_status_stands_beside_a_host_status() {
    let mut rig = with_room(8);
    rig.submit(0, &Command::new(1));
    let outcome = Outcome {
        status: 0x18,
        host_status: 0x11,
        ..Outcome::default()
    };
    rig.script.end(&End {
        outcome,
        ..End::default()
    });
    assert_eq!(rig.completed(1), [completion(0, 0x18, TRANSPORT)]);
    assert_eq!(rig.transport_status(0), [0x11, 0, 0]);
}

#[test]
fn what_the_kernel_does_not_take_ends_with_its_errno() {
    let mut rig = Rig::new(Limits {
        refuse: Some(Errno(libc::EPERM)),
        ..Limits::default()
    });
    rig.submit(0, &Command::new(1));
    assert_eq!(
        rig.completed(1),
        [completion(0, 0, DELIVERY_FAILURE | TRANSPORT)]
    );
    assert_eq!(rig.transport_status(0), [0, 0, libc::EPERM as u16]);

    let mut rig = with_room(8);
    rig.submit(0, &Command::new(1));
    let outcome = Outcome {
        errno: libc::ENODEV,
        ..Outcome::default()
    };
    rig.script.end(&End {
        outcome,
        ..End::default()
    });
    assert_eq!(
        rig.completed(1),
        [completion(0, 0, DELIVERY_FAILURE | TRANSPORT)]
    );
    assert_eq!(rig.transport_status(0), [0, 0, libc::ENODEV as u16]);
}

#[test]
fn a_cdb_of_33_bytes_and_data_both_ways_are_refused_unsent() {
    let mut rig = with_room(8);
    let cdb = vec![0x7f; 33];
    rig.submit(
        0,
        &Command {
            cdb,
            ..Command::new(1)
        },
    );
    assert_eq!(
        rig.completed(1),
        [completion(0, 0, DELIVERY_FAILURE | TRANSPORT)]
    );
    assert_eq!(rig.transport_status(0), [0, 0, libc::EINVAL as u16]);
    let both = Command {
        out: vec![(0, 8)],
        into: vec![(8, 8)],
        ..Command::new(1)
    };
    rig.submit(1, &both);
    assert_eq!(
        rig.completed(1),
        [completion(1, 0, DELIVERY_FAILURE | TRANSPORT)]
    );
    assert_eq!(rig.transport_status(1), [0, 0, libc::EOPNOTSUPP as u16]);
}

#[test]
fn a_command_that_has_not_left_is_aborted_and_never_does() {
    let mut rig = with_room(1);
    for slot in 0..3 {
        rig.submit(slot, &Command::new(100 + u64::from(slot)));
    }
    assert_eq!(rig.script.started().unwrap().slot, 0);
    rig.submit(9, &Command::function(ABORT_TASK, 101));
    // Its end before the function's answer (SAM-5 7.2).
    assert_eq!(
        rig.completed(2),
        [
            completion(1, 0, WITHOUT_RESPONSE),
            completion(9, 0, FUNCTION_COMPLETE)
        ]
    );
    rig.script.end(&good(0));
    assert_eq!(rig.completed(1), [completion(0, 0, 0)]);
    assert_eq!(
        rig.script.started().unwrap().slot,
        2,
        "the other has left the line"
    );
    rig.script.end(&good(2));
    rig.completed(1);
}

#[test]
fn a_command_in_flight_cannot_be_aborted_and_ends_by_itself() {
    let mut rig = with_room(8);
    rig.submit(0, &Command::new(100));
    rig.script.started().unwrap();
    for function in [ABORT_TASK, LOGICAL_UNIT_RESET] {
        rig.submit(9, &Command::function(function, 100));
        assert_eq!(rig.completed(1), [completion(9, 0, FUNCTION_REJECTED)]);
    }
    rig.script.end(&good(0));
    assert_eq!(rig.completed(1), [completion(0, 0, 0)]);
    rig.submit(9, &Command::function(ABORT_TASK, 100));
    assert_eq!(
        rig.completed(1),
        [completion(9, 0, FUNCTION_COMPLETE)],
        "it came too late"
    );
}

#[test]
fn queries_are_answered_truly() {
    let mut rig = with_room(1);
    let ask = |rig: &mut Rig, function, tag| {
        rig.submit(9, &Command::function(function, tag));
        rig.completed(1)[0].flags
    };
    assert_eq!(ask(&mut rig, QUERY_TASK_SET, 0), FUNCTION_COMPLETE);
    rig.submit(0, &Command::new(100));
    rig.submit(1, &Command::new(101));
    rig.script.started().unwrap();
    for tag in [100, 101] {
        assert_eq!(ask(&mut rig, QUERY_TASK, tag), FUNCTION_SUCCEEDED);
    }
    assert_eq!(ask(&mut rig, QUERY_TASK, 102), FUNCTION_COMPLETE);
    assert_eq!(ask(&mut rig, QUERY_TASK_SET, 0), FUNCTION_SUCCEEDED);
    rig.script.end(&good(0));
    rig.completed(1);
    rig.script.end(&good(1));
    rig.completed(1);
    assert_eq!(ask(&mut rig, QUERY_TASK, 100), FUNCTION_COMPLETE);
}

#[test]
fn data_in_several_pieces_goes_through_one_buffer_where_there_may_be_but_one() {
    for (max_spans, spans) in [(1, 1), (2, 2)] {
        let mut rig = Rig::new(Limits {
            max_spans,
            ..Limits::default()
        });
        rig.fill(100, b"one ");
        rig.fill(5000, b"and two");
        let out = vec![(100, 4), (5000, 7)];
        rig.submit(
            0,
            &Command {
                out,
                ..Command::new(1)
            },
        );
        let started = rig.script.started().unwrap();
        assert_eq!(
            (started.spans, &started.out[..]),
            (spans, &b"one and two"[..])
        );
        rig.script.end(&good(0));
        rig.completed(1);

        let into = vec![(100, 4), (5000, 7)];
        rig.submit(
            1,
            &Command {
                into,
                ..Command::new(2)
            },
        );
        assert_eq!(rig.script.started().unwrap().in_len, 11);
        let outcome = Outcome {
            slot: 1,
            in_residual: 2,
            ..Outcome::default()
        };
        rig.script.end(&End {
            outcome,
            fill: b'x',
            ..End::default()
        });
        rig.completed(1);
        assert_eq!(
            (rig.bytes(100, 4), rig.bytes(5000, 5)),
            (b"xxxx".to_vec(), b"xxxxx".to_vec())
        );
        // Of a bounce buffer what did not come is left out.
        let rest = if max_spans == 1 { b"wo" } else { b"xx" };
        assert_eq!(rig.bytes(5005, 2), rest);
    }
}

#[test]
fn data_in_neighbouring_pieces_is_one_and_goes_through_no_buffer() {
    let mut rig = Rig::new(Limits::default());
    let into = vec![(4096, 4096), (8192, 100)];
    rig.submit(
        0,
        &Command {
            into,
            ..Command::new(1)
        },
    );
    let started = rig.script.started().unwrap();
    assert_eq!((started.spans, started.in_len), (1, 4196));
    rig.script.end(&End {
        outcome: Outcome {
            in_residual: 1,
            ..Outcome::default()
        },
        fill: b'x',
        ..End::default()
    });
    rig.completed(1);
    // A bounce buffer would have left out what did not come.
    assert_eq!(rig.bytes(4096, 4196), vec![b'x'; 4196]);
}

#[test]
fn more_than_the_queue_takes_reaches_no_transport() {
    let mut rig = Rig::new(Limits::default());
    let half = MAX_TRANSFER / 2;
    let command = |into| Command {
        into,
        ..Command::new(1)
    };
    rig.submit(0, &command(vec![(0, half), (half, half + 1)]));
    rig.completed(1);
    assert_eq!(rig.transport_status(0), [0, 0, libc::EMSGSIZE as u16]);
    rig.submit(1, &command(vec![(0, half), (half, half)]));
    assert_eq!(rig.script.started().unwrap().in_len, MAX_TRANSFER as usize);
}
