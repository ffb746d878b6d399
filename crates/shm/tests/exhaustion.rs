//! A process without descriptors.

mod common;

use common::{Target, answer, hello, options, wait_readable, welcome};
use sgring_shm::{
    Refusal, memfd,
    socket::{connect, receive_with_descriptor, send_with_descriptor},
};
use std::{
    os::fd::{AsFd, AsRawFd, OwnedFd},
    thread,
    time::{Duration, Instant},
};

fn limit_descriptors(soft: libc::rlim_t) -> libc::rlim_t {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` is writable and of the right type.
    let result = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    assert_eq!(result, 0);
    let before = limit.rlim_cur;
    limit.rlim_cur = soft;
    // SAFETY: `limit` is readable and of the right type.
    let result = unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
    assert_eq!(result, 0);
    before
}

/// One test of two halves: both change the limit of their process, and a sanitizer that has something to say meanwhile needs
/// descriptors itself.
#[test]
fn a_process_without_descriptors_says_so_and_recovers() {
    without_descriptors_the_door_is_tried_now_and_then_and_opens_again();
    without_a_descriptor_for_its_segment_a_client_is_told_of_the_limit();
}

fn without_descriptors_the_door_is_tried_now_and_then_and_opens_again() {
    let mut target = Target::with(options());
    let segment = memfd::create(common::LEN).expect("descriptors are left for the test itself");
    // The lowest free number: with a limit of one more, the client takes the last.
    let free = target
        .bell
        .try_clone()
        .expect("descriptors are left for the test itself")
        .as_raw_fd();
    let before = limit_descriptors(free as libc::rlim_t + 1);
    let start = Instant::now();
    let client = connect(&target.path).expect("descriptors are left for the test itself");
    send_with_descriptor(client.as_fd(), &hello().encode(), segment.as_fd())
        .expect("descriptors are left for the test itself");
    while target.listener.stats().accept_failures < 4 {
        thread::yield_now();
    }
    // A lower bound, which no slow machine breaks: three pauses lie between four tries.
    assert!(start.elapsed() >= Duration::from_millis(300));
    limit_descriptors(before);
    target
        .arrival()
        .welcome(&welcome())
        .expect("descriptors are left for the test itself");
    assert_eq!(answer(&client), welcome());
    target.assert_serves();
}

fn without_a_descriptor_for_its_segment_a_client_is_told_of_the_limit() {
    let mut target = Target::with(options());
    let segment = memfd::create(common::LEN).expect("descriptors are left for the test itself");
    // The two lowest free numbers: one for the client's socket, one for the target's, and none for the segment.
    let lowest = target
        .bell
        .try_clone()
        .expect("descriptors are left for the test itself");
    let next = target
        .bell
        .try_clone()
        .expect("descriptors are left for the test itself")
        .as_raw_fd();
    drop(lowest);
    let before = limit_descriptors(next as libc::rlim_t + 1);
    for segments in [&[&segment][..], &[&segment; 5]] {
        let failures = target.listener.stats().accept_failures;
        let client = target.client(&hello().encode(), segments);
        assert_eq!(answer(&client).code, Refusal::Limit as u32);
        let stats = target.listener.stats();
        // The other one is the look for a next client: the kernel takes a number before it sees that there is none. On a slow machine
        // there is time for further looks.
        assert!(stats.accept_failures >= failures + 2);
        assert_eq!(stats.turned_away, stats.connections);
        // The target has closed its end: its number is free for the next.
        wait_end(&client);
    }
    limit_descriptors(before);
    let client = target.client(&hello().encode(), &[&segment, &segment]);
    assert_eq!(answer(&client).code, Refusal::Malformed as u32);
    target.assert_serves();
}

/// Waits until the peer has closed.
fn wait_end(socket: &OwnedFd) {
    wait_readable(socket);
    let received = receive_with_descriptor(socket.as_fd(), &mut [0; 1]);
    assert_eq!(received.expect("an end").len, 0);
}
