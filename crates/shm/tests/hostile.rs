//! Clients that mean harm, or are merely broken. Each test ends with a good client being served.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{
    LEN, Target, answer, hello, memory_file, options, readable_within, wait_readable, welcome,
};
use sgring_shm::{
    Hello, ListenOptions, PROTOCOL_VERSION, Refusal, memfd,
    socket::{connect, receive_with_descriptor, send, send_with_descriptor},
};
use std::{
    fs::File,
    io::{self, Read},
    os::fd::{AsFd, OwnedFd},
    thread,
    time::Duration,
};

const SEALS: libc::c_int = libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_SEAL;

/// For clients that it shall see off; long enough for a good one whose thread is not run for a while.
fn impatient() -> ListenOptions {
    let mut options = options();
    options.patience = Duration::from_secs(2);
    options
}

fn refusal(client: &OwnedFd) -> Option<Refusal> {
    let answer = answer(client);
    assert_eq!(answer.version, PROTOCOL_VERSION);
    Refusal::from_code(answer.code)
}

/// The connection has ended; bytes that the target did not read make it a reset.
fn assert_hung_up(client: &OwnedFd) {
    wait_readable(client);
    match receive_with_descriptor(client.as_fd(), &mut [0; 8]) {
        Ok(received) => assert_eq!(received.len, 0),
        Err(error) => assert_eq!(error.code(), "CONNECT"),
    }
}

/// These bytes and descriptors are answered with that refusal and a hang-up, and the target lives.
fn assert_refused(bytes: &[u8], descriptors: &[&OwnedFd], expected: Refusal) {
    let mut target = Target::with(options());
    let client = target.client(bytes, descriptors);
    assert_eq!(refusal(&client), Some(expected));
    assert_hung_up(&client);
    target.assert_serves();
}

fn segment() -> OwnedFd {
    memfd::create(LEN).unwrap()
}

#[test]
fn who_says_nothing_is_sent_away_when_the_time_is_up() {
    let mut target = Target::with(impatient());
    let client = connect(&target.path).unwrap();
    assert_eq!(refusal(&client), Some(Refusal::Malformed));
    assert_hung_up(&client);
    target.assert_serves();
}

#[test]
fn who_stops_in_the_middle_is_sent_away_when_the_time_is_up() {
    let mut target = Target::with(impatient());
    let client = target.client(&hello().encode()[..63], &[&segment()]);
    assert_eq!(refusal(&client), Some(Refusal::Malformed));
    target.assert_serves();
}

#[test]
fn trickling_bytes_does_not_extend_the_deadline() {
    let mut options = options();
    options.patience = Duration::from_secs(1);
    let mut target = Target::with(options);
    let client = connect(&target.path).unwrap();
    // A byte within each patience: a deadline that bytes renew would let all of these in.
    let answered = hello().encode()[..63].iter().any(|byte| {
        let _cut_off = send(client.as_fd(), &[*byte]);
        readable_within(&client, 250)
    });
    assert!(answered, "all bytes but one were taken");
    assert_eq!(refusal(&client), Some(Refusal::Malformed));
    target.assert_serves();
}

#[test]
fn a_hello_in_single_bytes_is_a_hello() {
    let mut target = Target::with(options());
    let client = connect(&target.path).unwrap();
    let record = hello().encode();
    send_with_descriptor(client.as_fd(), &record[..1], segment().as_fd()).unwrap();
    for byte in &record[1..] {
        send(client.as_fd(), &[*byte]).unwrap();
        thread::yield_now();
    }
    target.arrival().welcome(&welcome()).unwrap();
    assert_eq!(answer(&client), welcome());
}

#[test]
fn who_leaves_early_is_forgotten() {
    let mut target = Target::with(options());
    drop(connect(&target.path).unwrap());
    drop(target.client(b"SGRING", &[&segment()]));
    while target.listener.stats().turned_away < 2 {
        thread::yield_now();
    }
    target.assert_serves();
}

#[test]
fn a_crowd_is_bounded_and_room_is_made_again() {
    let mut options = options();
    options.max_pending = 4;
    options.patience = Duration::from_secs(600);
    let mut target = Target::with(options);
    let mut silent: Vec<_> = (0..4).map(|_| connect(&target.path).unwrap()).collect();
    for _ in 0..100 {
        let client = connect(&target.path).unwrap();
        assert_eq!(refusal(&client), Some(Refusal::Limit));
        assert_hung_up(&client);
    }
    drop(silent.pop());
    while target.listener.stats().turned_away < 101 {
        thread::yield_now();
    }
    target.assert_serves();
}

#[test]
fn arrivals_that_nobody_takes_count_as_a_crowd() {
    let mut options = options();
    options.max_pending = 2;
    let mut target = Target::with(options);
    let segment = segment();
    let whole: Vec<_> = (0..2)
        .map(|_| target.client(&hello().encode(), &[&segment]))
        .collect();
    // Both have arrived: neither is in the middle of its hello any more.
    target.bell.set_nonblocking(false).unwrap();
    target.bell.read_exact(&mut [0; 2]).unwrap();
    target.bell.set_nonblocking(true).unwrap();
    let third = connect(&target.path).unwrap();
    assert_eq!(refusal(&third), Some(Refusal::Limit));
    for client in &whole {
        target.arrival().welcome(&welcome()).unwrap();
        assert_eq!(answer(client), welcome());
    }
    target.assert_serves();
}

#[test]
fn another_user_is_refused_before_a_byte_is_read() {
    let mut options = options();
    let own = options.access.uids.pop().unwrap();
    options.access.uids.push(own + 1);
    let target = Target::with(options);
    let client = connect(&target.path).unwrap();
    assert_eq!(refusal(&client), Some(Refusal::NotAllowed));
    assert_hung_up(&client);
}

#[test]
fn a_client_of_another_user_is_seen_as_such() {
    // SAFETY: geteuid has no preconditions.
    if unsafe { libc::geteuid() } != 0 {
        eprintln!("skipped: only root can become another user");
        return;
    }
    const NOBODY: u32 = 65_534;
    let connect_as_nobody = |target: &Target| {
        thread::scope(|scope| {
            let client = scope.spawn(|| {
                // SAFETY: the bare system call changes this thread alone, which ends right after.
                let changed = unsafe { libc::syscall(libc::SYS_setresuid, -1, NOBODY, -1) };
                assert_eq!(changed, 0);
                connect(&target.path)
            });
            client.join().unwrap()
        })
    };
    let closed = Target::with(options());
    assert_eq!(
        connect_as_nobody(&closed).unwrap_err().code(),
        "PEER_NOT_ALLOWED"
    );
    let mut open = options();
    open.file.mode = 0o666;
    let refusing = Target::with(open.clone());
    assert_eq!(
        refusal(&connect_as_nobody(&refusing).unwrap()),
        Some(Refusal::NotAllowed)
    );
    open.access.uids.push(NOBODY);
    let mut allowing = Target::with(open);
    let client = connect_as_nobody(&allowing).unwrap();
    send_with_descriptor(client.as_fd(), &hello().encode(), segment().as_fd()).unwrap();
    assert_eq!(allowing.arrival().peer.uid, NOBODY);
}

#[test]
fn what_is_no_hello_is_malformed() {
    let record = hello().encode();
    let mut reserved = record;
    reserved[63] = 1;
    for bytes in [
        &[0; 64],
        b"GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: a lost client\r\n\r\n\n\n",
        &reserved,
    ] {
        assert_refused(bytes, &[&segment()], Refusal::Malformed);
    }
    assert_refused(&record, &[], Refusal::Malformed);
}

#[test]
fn several_descriptors_are_malformed_at_once_or_one_by_one() {
    let (record, segment) = (hello().encode(), segment());
    for count in [2, 4, 5, 100] {
        assert_refused(&record, &vec![&segment; count], Refusal::Malformed);
    }
    let mut target = Target::with(options());
    let client = target.client(&record[..1], &[&segment]);
    send_with_descriptor(client.as_fd(), &record[1..], segment.as_fd()).unwrap();
    assert_eq!(refusal(&client), Some(Refusal::Malformed));
    target.assert_serves();
}

#[test]
fn another_version_is_refused_by_name_whatever_follows_it() {
    for version in [0, PROTOCOL_VERSION + 1, u32::MAX] {
        let mut record = Hello { version, ..hello() }.encode();
        record[48..].fill(0xFF);
        assert_refused(&record, &[&segment()], Refusal::Version);
    }
}

#[test]
fn an_unknown_required_feature_is_refused_and_the_known_ones_are_told() {
    let mut options = options();
    options.features = 0b101;
    let mut target = Target::with(options);
    for (required, welcomed) in [
        (0b001, true),
        (0b101, true),
        (0b011, false),
        (1 << 63, false),
    ] {
        let record = Hello {
            required_features: required,
            ..hello()
        }
        .encode();
        let client = target.client(&record, &[&segment()]);
        if welcomed {
            target.arrival().welcome(&welcome()).unwrap();
            assert_eq!(answer(&client).code, 0);
        } else {
            let answer = answer(&client);
            assert_eq!(
                (answer.code, answer.features),
                (Refusal::Feature as u32, 0b101)
            );
        }
    }
}

#[test]
fn a_segment_that_is_none_is_refused() {
    let record = hello().encode();
    let length = LEN as i64;
    let wrong: [OwnedFd; 9] = [
        io::pipe().unwrap().0.into(),
        File::open("/dev/zero").unwrap().into(),
        File::open("/proc/self/status").unwrap().into(),
        memory_file(0, length, 0).unwrap(),
        memory_file(0, length, libc::F_SEAL_SHRINK | libc::F_SEAL_SEAL).unwrap(),
        memory_file(0, length, SEALS | libc::F_SEAL_WRITE).unwrap(),
        memory_file(0, length - 1, SEALS).unwrap(),
        memory_file(0, length + 1, SEALS).unwrap(),
        memory_file(0, i64::MAX, SEALS).unwrap(),
    ];
    for descriptor in &wrong {
        assert_refused(&record, &[descriptor], Refusal::Segment);
    }
}

#[test]
fn a_hello_that_asks_for_an_impossible_segment_is_refused() {
    let none = Hello {
        slots: 0,
        ..hello()
    }
    .encode();
    assert_refused(&none, &[&segment()], Refusal::Segment);

    let mut options = options();
    options.segment_len = |_| Some(i64::MAX as u64);
    let target = Target::with(options);
    let giant = memory_file(0, i64::MAX, SEALS).unwrap();
    let client = target.client(&hello().encode(), &[&giant]);
    assert_eq!(
        refusal(&client),
        Some(Refusal::Limit),
        "no address space for it"
    );
}

#[test]
fn a_client_that_never_reads_and_never_stops_sending_is_cut_off() {
    let mut target = Target::with(options());
    let client = target.client(&[0xFF; 64], &[]);
    while send(client.as_fd(), &[0xFF; 4096]).is_ok() {
        thread::yield_now();
    }
    assert_hung_up_eventually(&client);
    target.assert_serves();
}

/// The target has closed its end, whether or not its answer was read before.
fn assert_hung_up_eventually(client: &OwnedFd) {
    loop {
        wait_readable(client);
        match receive_with_descriptor(client.as_fd(), &mut [0; 256]) {
            Ok(received) if received.len > 0 => {}
            Ok(_) => return,
            Err(error) => return assert_eq!(error.code(), "CONNECT"),
        }
    }
}
