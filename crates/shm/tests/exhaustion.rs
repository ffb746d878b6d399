//! A process without descriptors. One test alone in its process, whose limit it changes.

mod common;

use common::{Target, answer, hello, options, welcome};
use sgring_shm::{
    memfd,
    socket::{connect, send_with_descriptor},
};
use std::{
    os::fd::{AsFd, AsRawFd},
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

#[test]
fn without_descriptors_the_door_is_tried_now_and_then_and_opens_again() {
    let mut target = Target::with(options());
    let segment = memfd::create(common::LEN).unwrap();
    // The lowest free number: with a limit of one more, the client takes the last.
    let free = target.bell.try_clone().unwrap().as_raw_fd();
    let before = limit_descriptors(free as libc::rlim_t + 1);
    let start = Instant::now();
    let client = connect(&target.path).unwrap();
    send_with_descriptor(client.as_fd(), &hello().encode(), segment.as_fd()).unwrap();
    while target.listener.stats().accept_failures < 4 {
        thread::yield_now();
    }
    // A lower bound, which no slow machine breaks: three pauses lie between four tries.
    assert!(start.elapsed() >= Duration::from_millis(300));
    limit_descriptors(before);
    target.arrival().welcome(&welcome()).unwrap();
    assert_eq!(answer(&client), welcome());
    target.assert_serves();
}
