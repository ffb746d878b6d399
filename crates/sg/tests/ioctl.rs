//! [`sgring_sg::Ioctl`] where there is no SCSI: each ioctl fails at once, so that the threads race as much as they can.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use sgring_sg::{Data, Errno, Header, Ioctl, Outcome, Request, Start, Transport};
use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::thread;
use std::time::{Duration, Instant};

fn ioctl(header: Header, threads: usize) -> Ioctl {
    let node: OwnedFd = File::open("/dev/null").unwrap().into();
    Ioctl::new(node, header, threads).unwrap()
}

fn start(ioctl: &mut Ioctl, slot: u16) -> Result<Start, Errno> {
    let request = Request {
        slot,
        generation: 1,
        cdb: &[0; 6],
        data: Data::None,
        timeout_ms: 1000,
    };
    // SAFETY: it has no spans.
    unsafe { ioctl.start(&request) }
}

/// Waits for outcomes as an engine does.
fn reap(ioctl: &mut Ioctl) -> Vec<Outcome> {
    loop {
        let mut outcomes = Vec::new();
        ioctl
            .reap(&mut |outcome, sense| {
                assert!(sense.is_empty());
                outcomes.push(outcome);
            })
            .unwrap();
        if !outcomes.is_empty() {
            return outcomes;
        }
        let mut polls = Vec::new();
        ioctl.poll_fds(&mut polls);
        // SAFETY: the list is writable and has as many entries.
        let ready = unsafe { libc::poll(polls.as_mut_ptr(), polls.len() as libc::nfds_t, 60_000) };
        assert_eq!(ready, 1, "a wake-up was lost");
    }
}

#[test]
fn each_command_ends_once_however_threads_and_sleeps_meet() {
    for header in [Header::V3, Header::V4] {
        let mut ioctl = ioctl(header, 4);
        let (mut next, mut ended) = (0u16, vec![0; 2000]);
        let mut outstanding = 0;
        while next < 2000 || outstanding > 0 {
            while next < 2000 && start(&mut ioctl, next).unwrap() == Start::Started {
                next += 1;
                outstanding += 1;
            }
            for outcome in reap(&mut ioctl) {
                assert_eq!(outcome.errno, libc::ENOTTY, "of no device that knows SG_IO");
                ended[usize::from(outcome.slot)] += 1;
                outstanding -= 1;
            }
        }
        assert!(ended.iter().all(|&count| count == 1));
    }
}

#[test]
fn no_more_commands_are_taken_than_there_are_threads() {
    let mut ioctl = ioctl(Header::V4, 2);
    assert_eq!(start(&mut ioctl, 0), Ok(Start::Started));
    assert_eq!(start(&mut ioctl, 1), Ok(Start::Started));
    assert_eq!(start(&mut ioctl, 2), Ok(Start::Full));
    let mut count = 0;
    while count < 2 {
        count += reap(&mut ioctl).len();
    }
    assert_eq!(start(&mut ioctl, 2), Ok(Start::Started));
    reap(&mut ioctl);
}

#[test]
fn threads_end_that_were_inside_the_kernel_when_their_transport_was_dropped() {
    for _ in 0..200 {
        let mut ioctl = ioctl(Header::V4, 4);
        // A second round finds them awake.
        for round in 0..2 {
            for slot in 0..4 {
                assert_eq!(start(&mut ioctl, slot), Ok(Start::Started));
            }
            let mut count = if round == 0 { 0 } else { 4 };
            while count < 4 {
                count += reap(&mut ioctl).len();
            }
        }
    }
    let deadline = Instant::now() + Duration::from_secs(60);
    while threads() > 0 {
        assert!(Instant::now() < deadline, "{} threads are left", threads());
        thread::yield_now();
    }
}

/// Threads of ioctl transports: this test's, and others' until they end.
fn threads() -> usize {
    let names = fs::read_dir("/proc/self/task")
        .unwrap()
        .map(|task| fs::read_to_string(task.unwrap().path().join("comm")).unwrap_or_default());
    names.filter(|name| name == "sgring-ioctl\n").count()
}
