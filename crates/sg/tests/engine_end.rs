//! How an engine ends: nothing that the kernel may touch goes before the kernel is done with it, and nobody waits for that.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::scripted::Limits;
use common::{Command, End, Rig};
use sgring_sg::{Errno, Outcome};
use std::sync::Weak;
use std::thread;

fn started(count: u16) -> Rig {
    let mut rig = Rig::new(Limits {
        room: usize::from(count),
        ..Limits::default()
    });
    // One more, which does not leave.
    for slot in 0..=count {
        rig.submit(slot, &Command::new(slot.into()));
    }
    for _ in 0..count {
        rig.script.started().unwrap();
    }
    rig
}

fn end(rig: &Rig, slot: u16) {
    let outcome = Outcome {
        slot,
        ..Outcome::default()
    };
    rig.script.end(&End {
        outcome,
        ..End::default()
    });
}

#[test]
fn an_idle_engine_is_gone_when_it_hangs_up() {
    let rig = Rig::new(Limits::default());
    rig.engine.stop();
    rig.hung_up();
    assert_eq!((rig.engine.left_behind(), rig.engine.errno()), (0, None));
    assert_eq!(rig.script.started(), None, "the transport is closed");
}

#[test]
fn an_engine_ends_when_its_initiator_hangs_up() {
    let rig = Rig::new(Limits::default());
    rig.hang_up();
    assert_eq!(rig.script.started(), None, "the transport is closed");
}

#[test]
fn commands_in_flight_are_counted_and_outlived_and_those_that_wait_never_leave() {
    let rig = started(3);
    let memory = rig.memory();
    rig.engine.stop();
    rig.hung_up();
    assert_eq!(rig.engine.left_behind(), 3);
    let Rig {
        script,
        engine,
        initiator,
        ..
    } = rig;
    drop((initiator, engine));
    assert!(
        memory.upgrade().is_some(),
        "the kernel may still write to it"
    );
    for slot in 0..3 {
        let outcome = Outcome {
            slot,
            ..Outcome::default()
        };
        script.end(&End {
            outcome,
            ..End::default()
        });
    }
    assert_eq!(
        script.started(),
        None,
        "the transport is closed, and was given nothing more"
    );
    gone(&memory);
}

#[test]
fn a_panic_leaks_what_the_kernel_may_still_touch_and_tells_the_initiator() {
    let rig = started(1);
    let memory = rig.memory();
    rig.script.panic();
    rig.hung_up();
    assert_eq!(
        (rig.engine.left_behind(), rig.engine.errno()),
        (1, Some(Errno(libc::ENOTRECOVERABLE)))
    );
    end(&rig, 0);
    assert_eq!(rig.script.started(), None, "the transport is closed");
    drop(rig);
    assert!(memory.upgrade().is_some());
}

#[test]
fn a_transport_that_is_broken_for_good_is_closed_and_the_memory_of_its_commands_stays() {
    let rig = started(2);
    let memory = rig.memory();
    rig.script.break_down();
    rig.hung_up();
    rig.script.break_down();
    assert_eq!(rig.script.started(), None, "the transport is closed");
    drop(rig);
    assert!(
        memory.upgrade().is_some(),
        "the kernel may still write to it"
    );
}

#[test]
fn a_transport_that_breaks_ends_the_pair_with_its_reason_and_is_reaped_on() {
    let rig = started(2);
    let memory = rig.memory();
    rig.script.break_down();
    rig.hung_up();
    assert_eq!(
        (rig.engine.left_behind(), rig.engine.errno()),
        (2, Some(Errno(libc::EIO)))
    );
    end(&rig, 1);
    end(&rig, 0);
    assert_eq!(rig.script.started(), None, "the transport is closed");
    drop(rig);
    gone(&memory);
}

/// The engine's thread lets go of it right after the transport.
fn gone<T>(memory: &Weak<T>) {
    while memory.strong_count() > 0 {
        thread::yield_now();
    }
}
