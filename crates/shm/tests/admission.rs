//! Who is let in: users, their groups, how many and how fast; and whose the socket is.

mod common;

use common::{Target, answer, good_client, hello, options, welcome};
use sgring_shm::{
    Grant, Refusal, ShmError, memfd,
    socket::{connect, peer_groups, send_with_descriptor},
};
use std::{
    fs,
    io::{self, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::MetadataExt,
    },
    path::Path,
    thread,
};

/// A user and groups that this machine need not have.
const USER: u32 = 65_500;
const GROUP: u32 = 65_501;
const FURTHER: u32 = 65_502;
/// Another one.
const OWNER: u32 = 65_503;

fn is_root() -> bool {
    // SAFETY: geteuid has no preconditions.
    let root = unsafe { libc::geteuid() } == 0;
    if !root {
        // Not by `eprintln!`, whose words the harness keeps to itself where a test passes.
        let _written = writeln!(io::stderr(), "skipped: only root can become another user");
    }
    root
}

/// Connects as another user, of one group and of further ones.
fn connect_as(path: &Path, gid: u32, groups: &[u32]) -> Result<OwnedFd, ShmError> {
    thread::scope(|scope| {
        let client = scope.spawn(|| {
            // The bare system calls change this thread alone, which ends right after.
            // SAFETY: `groups` is readable for its length.
            let set = unsafe { libc::syscall(libc::SYS_setgroups, groups.len(), groups.as_ptr()) };
            assert_eq!(set, 0);
            // SAFETY: a plain call with numbers.
            let set = unsafe { libc::syscall(libc::SYS_setresgid, gid, gid, gid) };
            assert_eq!(set, 0);
            // SAFETY: as above.
            let set = unsafe { libc::syscall(libc::SYS_setresuid, USER, USER, USER) };
            assert_eq!(set, 0);
            connect(path)
        });
        client.join().expect("the client's thread")
    })
}

fn says_hello(client: &OwnedFd) {
    let segment = memfd::create(common::LEN).expect("a segment");
    let sent = send_with_descriptor(client.as_fd(), &hello().encode(), segment.as_fd());
    assert_eq!(sent.expect("room for a hello"), hello().encode().len());
}

fn refusal(client: &OwnedFd) -> Option<Refusal> {
    Refusal::from_code(answer(client).code)
}

#[test]
fn a_member_of_an_allowed_group_is_let_in_by_its_first_group_or_a_further_one() {
    if !is_root() {
        return;
    }
    let mut options = options();
    options.file.mode = 0o666;
    options.access.gids = vec![GROUP];
    let mut target = Target::with(options);
    for (gid, groups) in [(GROUP, &[][..]), (FURTHER, &[1, GROUP, 2])] {
        let client = connect_as(&target.path, gid, groups).expect("the target listens");
        says_hello(&client);
        let arrival = target.arrival();
        assert_eq!((arrival.peer.uid, arrival.peer.gid), (USER, gid));
        assert_eq!(arrival.grant, Grant::Everything);
    }
    let stranger = connect_as(&target.path, FURTHER, &[1, 2]).expect("the target listens");
    assert_eq!(refusal(&stranger), Some(Refusal::NotAllowed));
}

#[test]
fn a_member_of_a_group_that_reads_is_let_in_to_read() {
    if !is_root() {
        return;
    }
    let mut options = options();
    options.file.mode = 0o666;
    options.access.read_only_gids = vec![GROUP];
    let mut target = Target::with(options);
    let client = connect_as(&target.path, FURTHER, &[GROUP]).expect("the target listens");
    says_hello(&client);
    assert_eq!(target.arrival().grant, Grant::ReadOnly);
    let own = good_client(&target.path);
    assert_eq!(target.arrival().grant, Grant::Everything);
    drop(own);
}

#[test]
fn all_further_groups_are_seen_however_many() {
    if !is_root() {
        return;
    }
    let groups: Vec<u32> = (70_000..71_000).collect();
    let mut options = options();
    options.file.mode = 0o666;
    options.access.gids = vec![70_999];
    let mut target = Target::with(options);
    let client = connect_as(&target.path, FURTHER, &groups).expect("the target listens");
    says_hello(&client);
    let arrival = target.arrival();
    assert_eq!(peer_groups(arrival.socket.as_fd()).expect("groups"), groups);
}

#[test]
fn the_socket_is_given_to_an_owner_and_a_group() {
    if !is_root() {
        return;
    }
    let mut options = options();
    options.file.mode = 0o660;
    options.file.uid = Some(OWNER);
    options.file.gid = Some(GROUP);
    let target = Target::with(options);
    let file = fs::symlink_metadata(&target.path).expect("the socket");
    assert_eq!((file.uid(), file.gid()), (OWNER, GROUP));
    assert_eq!(file.mode() & 0o777, 0o660);
    // The group's members get as far as the door, where nobody has named them.
    let member = connect_as(&target.path, FURTHER, &[GROUP]).expect("the file lets them");
    assert_eq!(refusal(&member), Some(Refusal::NotAllowed));
    let stranger = connect_as(&target.path, FURTHER, &[]).expect_err("the file does not");
    assert_eq!(stranger.code(), "PEER_NOT_ALLOWED");
}

#[test]
fn a_user_who_says_nothing_on_many_connections_keeps_no_other_out() {
    if !is_root() {
        return;
    }
    let mut options = options();
    options.file.mode = 0o666;
    options.access.uids.push(USER);
    options.max_pending = 8;
    options.max_pending_per_uid = 4;
    let mut target = Target::with(options);
    let silent: Vec<OwnedFd> = (0..12)
        .map(|_| connect_as(&target.path, GROUP, &[]).expect("the target listens"))
        .collect();
    for client in &silent[4..] {
        assert_eq!(refusal(client), Some(Refusal::Limit));
    }
    target.assert_serves();
}

#[test]
fn a_user_who_connects_without_end_is_turned_away_and_no_other() {
    if !is_root() {
        return;
    }
    let mut options = options();
    options.file.mode = 0o666;
    options.access.uids.push(USER);
    options.connects_per_second = 2;
    let mut target = Target::with(options);
    let mut refused = 0;
    // However slow this machine is: two a second are let in, and these are more.
    while refused < 10 {
        let client = connect_as(&target.path, GROUP, &[]).expect("the target listens");
        says_hello_if_heard(&client);
        if answered(&mut target, &client) == Refusal::Limit as u32 {
            refused += 1;
        }
    }
    target.assert_serves();
}

/// The target may have hung up before.
fn says_hello_if_heard(client: &OwnedFd) {
    let segment = memfd::create(common::LEN).expect("a segment");
    let _sent = send_with_descriptor(client.as_fd(), &hello().encode(), segment.as_fd());
}

/// The code of the answer: of the thread's refusal, or of the welcome to what arrived.
fn answered(target: &mut Target, client: &OwnedFd) -> u32 {
    loop {
        if let Some(arrival) = target.listener.accept() {
            arrival.welcome(&welcome()).expect("the client is there");
        }
        let mut polled = libc::pollfd {
            fd: std::os::fd::AsRawFd::as_raw_fd(client),
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: one entry, which is writable.
        let readable = unsafe { libc::poll(&raw mut polled, 1, 1) } > 0;
        if readable {
            return answer(client).code;
        }
    }
}
