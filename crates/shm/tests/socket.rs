//! Sockets and bells between two ends.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{Dir, LEN, good_client, options, send_with_descriptors, wait_readable};
use sgring_shm::{
    Bell, HandshakeFault, Listener, ShmError, bell_pair, memfd,
    socket::{connect, peer_credentials, receive_with_descriptor, send, send_with_descriptor},
};
use std::{
    fs,
    io::{self, Read},
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::{
            ffi::OsStrExt,
            fs::MetadataExt,
            net::{UnixDatagram, UnixListener, UnixStream},
        },
    },
    path::Path,
};

fn pair() -> (OwnedFd, OwnedFd) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    (ours.into(), theirs.into())
}

/// Device and inode: what tells whether two descriptors are one file.
fn identity(fd: &impl AsRawFd) -> (u64, u64) {
    let found = fs::metadata(format!("/proc/self/fd/{}", fd.as_raw_fd())).unwrap();
    (found.dev(), found.ino())
}

#[test]
fn each_way_not_to_connect_has_its_name() {
    let dir = Dir::new();
    assert!(matches!(connect(Path::new("")), Err(ShmError::PathInvalid)));
    let nul = std::ffi::OsStr::from_bytes(b"a\0b");
    assert!(matches!(
        connect(Path::new(nul)),
        Err(ShmError::PathInvalid)
    ));
    let nobody = dir.join("nobody");
    assert!(matches!(
        connect(&nobody),
        Err(ShmError::NoTarget { stale: false })
    ));
    let stale = dir.join("stale");
    drop(UnixListener::bind(&stale).unwrap());
    assert!(matches!(
        connect(&stale),
        Err(ShmError::NoTarget { stale: true })
    ));
    let file = dir.join("file");
    fs::write(&file, "precious").unwrap();
    assert!(matches!(connect(&file), Err(ShmError::NotASocket)));
    let datagram = dir.join("datagram");
    let _other = UnixDatagram::bind(&datagram).unwrap();
    let error = connect(&datagram).unwrap_err();
    assert_eq!(
        (error.code(), matches!(error, ShmError::Connect(_))),
        ("CONNECT", true)
    );
}

#[test]
fn a_path_has_107_bytes_at_most() {
    let long = "x".repeat(108);
    let error = connect(Path::new(&long)).unwrap_err();
    assert_eq!(
        (error.code(), error.to_string().contains("108")),
        ("PATH_TOO_LONG", true)
    );
    let bound = Listener::bind(Path::new(&long), options());
    assert!(matches!(bound, Err(ShmError::PathTooLong(108))));

    let dir = Dir::new();
    let rest = 107 - dir.join("").as_os_str().len();
    let longest = dir.join(&"y".repeat(rest));
    let (listener, _bell) = Listener::bind(&longest, options()).unwrap();
    good_client(&longest);
    listener.close();
    assert!(!longest.exists());
}

#[test]
fn a_full_queue_of_connections_is_busy_and_never_waited_for() {
    let dir = Dir::new();
    let path = dir.join("s");
    let server = UnixListener::bind(&path).unwrap();
    // SAFETY: a plain call on an open descriptor; it shortens the queue.
    let result = unsafe { libc::listen(server.as_raw_fd(), 0) };
    assert_eq!(result, 0);
    let _first = connect(&path).unwrap();
    assert!(matches!(connect(&path), Err(ShmError::Busy)));
}

#[test]
fn a_peer_is_who_it_is() {
    let (ours, _theirs) = pair();
    let peer = peer_credentials(ours.as_fd()).unwrap();
    // SAFETY: geteuid has no preconditions.
    let uid = unsafe { libc::geteuid() };
    assert_eq!((peer.uid, peer.pid), (uid, std::process::id() as i32));
    let (pipe, _end) = io::pipe().unwrap();
    assert_eq!(peer_credentials(pipe.as_fd()).unwrap_err().code(), "SYSTEM");
}

#[test]
fn a_descriptor_arrives_with_the_first_byte_and_close_on_exec() {
    let (ours, theirs) = pair();
    let file = memfd::create(LEN).unwrap();
    assert_eq!(
        send_with_descriptor(ours.as_fd(), b"abc", file.as_fd()).unwrap(),
        3
    );
    let mut byte = [0; 1];
    let received = receive_with_descriptor(theirs.as_fd(), &mut byte).unwrap();
    let descriptor = received.descriptor.unwrap();
    assert_eq!((received.len, byte), (1, *b"a"));
    assert_eq!(identity(&descriptor), identity(&file));
    // SAFETY: a plain call on an open descriptor.
    let flags = unsafe { libc::fcntl(descriptor.as_raw_fd(), libc::F_GETFD) };
    assert_eq!(flags & libc::FD_CLOEXEC, libc::FD_CLOEXEC);
    let mut rest = [0; 9];
    let received = receive_with_descriptor(theirs.as_fd(), &mut rest).unwrap();
    assert_eq!((received.len, received.descriptor.is_none()), (2, true));
}

#[test]
fn several_descriptors_are_refused_whether_they_fit_or_not() {
    let file = memfd::create(LEN).unwrap();
    for count in [2, 3, 4, 5, 100] {
        let (ours, theirs) = pair();
        let sent = send_with_descriptors(&ours, b"x", &vec![&file; count]);
        assert_eq!(sent.expect("room for a byte"), 1);
        let received = receive_with_descriptor(theirs.as_fd(), &mut [0; 8]);
        let fault = Err(HandshakeFault::Descriptors);
        assert_eq!(
            received.map(|_| ()).map_err(|error| match error {
                ShmError::Handshake(fault) => fault,
                other => panic!("{other}"),
            }),
            fault
        );
    }
}

#[test]
fn an_end_is_told_from_nothing_yet() {
    let (ours, theirs) = pair();
    let nothing = receive_with_descriptor(theirs.as_fd(), &mut [0; 8]).unwrap_err();
    assert!(matches!(nothing, ShmError::System { source, .. }
        if source.kind() == io::ErrorKind::WouldBlock));
    send(ours.as_fd(), b"last words").unwrap();
    drop(ours);
    let mut buffer = [0; 16];
    assert_eq!(
        receive_with_descriptor(theirs.as_fd(), &mut buffer)
            .unwrap()
            .len,
        10
    );
    assert_eq!(
        receive_with_descriptor(theirs.as_fd(), &mut buffer)
            .unwrap()
            .len,
        0
    );
    assert!(matches!(send(theirs.as_fd(), b"x"), Err(ShmError::HungUp)));
    let file = memfd::create(LEN).unwrap();
    let sent = send_with_descriptor(theirs.as_fd(), b"x", file.as_fd());
    assert!(matches!(sent, Err(ShmError::HungUp)));
}

#[test]
fn a_bell_is_one_byte_a_ring() {
    let (bell, watched) = bell_pair().unwrap();
    let mut watched = UnixStream::from(watched);
    assert!(bell.ring() && bell.ring());
    assert_eq!(watched.read(&mut [0; 8]).unwrap(), 2);
    assert_eq!(
        watched.read(&mut [0; 8]).unwrap_err().kind(),
        io::ErrorKind::WouldBlock
    );
}

#[test]
fn a_bell_nobody_hears_counts_as_rung_and_never_blocks() {
    let (ours, theirs) = pair();
    let bell = Bell::new(ours.as_fd()).unwrap();
    // The socket of `pair` blocks: only the bell's own flags keep it from doing so.
    assert!((0..1_000_000).all(|_| bell.ring()));
    wait_readable(&theirs);
    drop(theirs);
    assert!(
        bell.ring(),
        "a peer that has gone is no error and no signal"
    );
}

#[test]
fn a_bell_outlives_the_descriptor_it_was_made_from() {
    let (ours, theirs) = pair();
    let bell = Bell::new(ours.as_fd()).unwrap();
    drop(ours);
    assert!(bell.ring());
    assert_eq!(
        receive_with_descriptor(theirs.as_fd(), &mut [0; 8])
            .unwrap()
            .len,
        1
    );
    drop(bell);
    assert_eq!(
        receive_with_descriptor(theirs.as_fd(), &mut [0; 8])
            .unwrap()
            .len,
        0
    );
}

#[test]
fn hanging_up_ends_both_sides_for_every_duplicate() {
    let (ours, theirs) = pair();
    Bell::new(ours.as_fd()).unwrap().hang_up();
    for end in [&ours, &theirs] {
        wait_readable(end);
        assert_eq!(
            receive_with_descriptor(end.as_fd(), &mut [0; 8])
                .unwrap()
                .len,
            0
        );
    }
    Bell::new(ours.as_fd()).unwrap().hang_up();
}
