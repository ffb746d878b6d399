//! A listener and the clients it lets in; its name in the file system, through restarts and deaths.

mod common;

use common::{Dir, LEN, Target, answer, good_client, hello, options, wait_readable, welcome};
use sgring_shm::{Listener, Refusal, ShmError, socket::receive_with_descriptor};
use std::{
    fs::{self, File},
    io::Read,
    os::{
        fd::{AsFd, AsRawFd},
        unix::{
            fs::PermissionsExt,
            net::{UnixListener, UnixStream},
        },
    },
    thread,
};

#[test]
fn a_client_arrives_with_its_segment_and_is_welcomed() {
    let mut target = Target::with(options());
    let client = good_client(&target.path);
    let arrival = target.arrival();
    assert_eq!(arrival.hello, hello());
    assert_eq!(arrival.mapping.len() as u64, LEN);
    assert_eq!(arrival.peer.pid, std::process::id() as i32);
    arrival.welcome(&welcome()).unwrap();
    assert_eq!(answer(&client), welcome());
    assert!(target.listener.accept().is_none());
    drop(arrival);
    assert_eq!(
        receive_with_descriptor(client.as_fd(), &mut [0; 1])
            .unwrap()
            .len,
        0
    );
}

#[test]
fn an_arrival_can_be_refused_by_its_owner() {
    let mut target = Target::with(options());
    let client = good_client(&target.path);
    target.arrival().refuse(Refusal::Join);
    assert_eq!(
        Refusal::from_code(answer(&client).code),
        Some(Refusal::Join)
    );
}

#[test]
fn an_arrival_whose_client_has_left_is_a_hang_up() {
    let mut target = Target::with(options());
    drop(good_client(&target.path));
    assert!(matches!(
        target.arrival().welcome(&welcome()),
        Err(ShmError::HungUp)
    ));
    target.assert_serves();
}

#[test]
fn rings_sent_behind_the_hello_stay_for_the_pair() {
    let mut target = Target::with(options());
    let segment = sgring_shm::memfd::create(LEN).unwrap();
    let mut bytes = hello().encode().to_vec();
    bytes.extend([1, 1, 1]);
    let _client = target.client(&bytes, &[&segment]);
    let arrival = target.arrival();
    assert_eq!(
        receive_with_descriptor(arrival.socket.as_fd(), &mut [0; 8])
            .unwrap()
            .len,
        3
    );
}

#[test]
fn no_arrival_is_missed_by_reading_the_bell_and_then_accepting() {
    const EACH: usize = 200;
    let mut options = options();
    options.max_pending = 4 * EACH;
    let mut target = Target::with(options);
    thread::scope(|scope| {
        for _ in 0..4 {
            let path = target.path.clone();
            scope.spawn(move || {
                for _ in 0..EACH {
                    good_client(&path);
                }
            });
        }
        for _ in 0..4 * EACH {
            target.arrival();
        }
    });
    assert!(target.listener.accept().is_none());
    assert_eq!(target.listener.stats().connections, 4 * EACH as u64);
}

#[test]
fn closing_refuses_who_waits_and_removes_the_socket_and_its_lock() {
    let target = Target::with(options());
    let whole = good_client(&target.path);
    let partial = target.client(b"SGRING", &[]);
    wait_readable(&target.bell);
    let Target {
        listener,
        mut bell,
        path,
        ..
    } = target;
    let directory = path.parent().unwrap().to_owned();
    // Whoever was not accepted yet is no client of ours; wait until both are.
    while listener.stats().connections < 2 {
        thread::yield_now();
    }
    listener.close();
    for client in [&whole, &partial] {
        assert_eq!(
            Refusal::from_code(answer(client).code),
            Some(Refusal::Closing)
        );
    }
    assert_eq!(fs::read_dir(directory).unwrap().count(), 0);
    assert_eq!(bell.read(&mut [0; 8]).unwrap(), 1);
    assert_eq!(
        bell.read(&mut [0; 8]).unwrap(),
        0,
        "the bell ends with the listener"
    );
}

#[test]
fn the_socket_has_the_permissions_asked_for_whatever_the_umask() {
    for mode in [0o600, 0o660, 0o666] {
        let mut options = options();
        options.file.mode = mode;
        let target = Target::with(options);
        let found = fs::metadata(&target.path).unwrap().permissions().mode();
        assert_eq!(found & 0o777, mode);
    }
}

#[test]
fn a_second_target_is_refused_while_the_first_lives() {
    let mut target = Target::with(options());
    assert!(matches!(
        Listener::bind(&target.path, options()),
        Err(ShmError::AddressInUse)
    ));
    target.assert_serves();
}

#[test]
fn a_held_lock_keeps_others_away_before_there_is_a_socket() {
    let dir = Dir::new();
    let path = dir.join("s");
    let lock = File::create(dir.join("s.lock")).unwrap();
    // SAFETY: a plain call on an open descriptor; shared, so that only an exclusive lock is refused.
    let locked = unsafe { libc::flock(lock.as_raw_fd(), libc::LOCK_SH) };
    assert_eq!(locked, 0);
    assert!(matches!(
        Listener::bind(&path, options()),
        Err(ShmError::AddressInUse)
    ));
    assert!(!path.exists());
    drop(lock);
    let (_listener, _bell) = Listener::bind(&path, options()).unwrap();
}

#[test]
fn a_living_server_without_our_lock_is_left_alone() {
    let dir = Dir::new();
    let path = dir.join("s");
    let other = UnixListener::bind(&path).unwrap();
    assert!(matches!(
        Listener::bind(&path, options()),
        Err(ShmError::AddressInUse)
    ));
    UnixStream::connect(&path).unwrap();
    other.accept().unwrap();
}

#[test]
fn what_is_no_socket_is_left_alone() {
    let dir = Dir::new();
    let path = dir.join("s");
    fs::write(&path, "precious").unwrap();
    let refused = Listener::bind(&path, options());
    assert!(matches!(&refused, Err(ShmError::NotASocket)));
    assert_eq!(fs::read(&path).unwrap(), b"precious");
    let link = dir.join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert!(matches!(
        Listener::bind(&link, options()),
        Err(ShmError::NotASocket)
    ));
    assert_eq!(
        fs::read_dir(path.parent().unwrap()).unwrap().count(),
        2,
        "no lock is left"
    );
}

#[test]
fn a_path_that_is_no_longer_ours_is_not_removed() {
    let target = Target::with(options());
    fs::remove_file(&target.path).unwrap();
    let _other = UnixListener::bind(&target.path).unwrap();
    target.listener.close();
    UnixStream::connect(&target.path).unwrap();
}

#[test]
fn one_of_many_that_start_at_once_wins_and_the_stale_socket_goes() {
    let dir = Dir::new();
    let path = dir.join("s");
    drop(UnixListener::bind(&path).unwrap());
    let bound: Vec<_> = thread::scope(|scope| {
        let starts: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| Listener::bind(&path, options())))
            .collect();
        starts
            .into_iter()
            .map(|start| start.join().unwrap())
            .collect()
    });
    assert_eq!(bound.iter().filter(|bound| bound.is_ok()).count(), 1);
    assert!(
        bound
            .iter()
            .all(|bound| matches!(bound, Ok(_) | Err(ShmError::AddressInUse)))
    );
    good_client(&path);
}
