//! Descriptors, counted. One test alone in its process, so that no other opens any.

mod common;

use common::{LEN, Target, answer, hello, open_descriptors, options};
use sgring_shm::{Refusal, memfd, socket::connect};
use std::{os::fd::OwnedFd, thread};

#[test]
fn no_client_however_it_ends_leaves_a_descriptor_behind() {
    let mut target = Target::with(options());
    let segment = memfd::create(LEN).unwrap();
    let before = open_descriptors();
    for _ in 0..20 {
        refused(&target, &[&segment; 2]);
        refused(&target, &[&segment; 4]);
        refused(&target, &[&segment; 200]);
        refused(&target, &[]);
        target.assert_serves();
        drop(connect(&target.path).unwrap());
        drop(target.client(&hello().encode()[..9], &[&segment]));
        target.client(&hello().encode(), &[&segment]);
        drop(target.arrival());
    }
    while target.listener.stats().turned_away < 20 * 6 {
        thread::yield_now();
    }
    wait_for(before);
    drop(segment);
    drop(target);
    assert_eq!(
        open_descriptors(),
        before - 1 - 5,
        "segment; listener, stop, lock, two of the bell"
    );
}

fn refused(target: &Target, descriptors: &[&OwnedFd]) {
    let client = target.client(&hello().encode(), descriptors);
    assert_eq!(
        Refusal::from_code(answer(&client).code),
        Some(Refusal::Malformed)
    );
}

/// The thread counts a client before it closes its socket: the last may be a moment late.
fn wait_for(expected: usize) {
    let tries = 1_000_000;
    let reached = (0..tries).any(|_| {
        thread::yield_now();
        open_descriptors() == expected
    });
    assert!(
        reached,
        "{} descriptors instead of {expected}",
        open_descriptors()
    );
}
