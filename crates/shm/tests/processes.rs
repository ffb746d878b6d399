//! Real processes that are killed.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{Dir, Target, answer, good_client, options, wait_readable, welcome};
use sgring_shm::{
    Listener, ShmError,
    socket::{connect, receive_with_descriptor},
};
use std::{
    env,
    io::{BufRead, BufReader, Read},
    os::{fd::AsFd, unix::net::UnixStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
};

#[test]
fn a_killed_target_leaves_a_stale_socket_that_the_next_one_replaces() {
    let dir = Dir::new();
    let path = dir.join("s");
    let mut target = child("child_serves", &path);
    let client = good_client(&path);
    assert_eq!(answer(&client).code, 0);
    target.kill().unwrap();
    target.wait().unwrap();
    wait_readable(&client);
    assert_eq!(
        receive_with_descriptor(client.as_fd(), &mut [0; 1])
            .unwrap()
            .len,
        0
    );
    assert!(matches!(
        connect(&path),
        Err(ShmError::NoTarget { stale: true })
    ));
    let (_listener, _bell) = Listener::bind(&path, options()).unwrap();
    good_client(&path);
}

#[test]
fn a_killed_client_is_a_hang_up_and_its_segment_stays_mapped() {
    let mut target = Target::with(options());
    let mut client = child("child_connects", &target.path);
    let arrival = target.arrival();
    assert_eq!(arrival.peer.pid, client.id() as i32);
    client.kill().unwrap();
    client.wait().unwrap();
    wait_readable(&arrival.socket);
    assert_eq!(
        receive_with_descriptor(arrival.socket.as_fd(), &mut [0; 1])
            .unwrap()
            .len,
        0
    );
    let last = arrival
        .mapping
        .as_ptr()
        .wrapping_add(arrival.mapping.len() - 1);
    // SAFETY: the last byte of a mapping that lives.
    unsafe { last.write_volatile(1) };
}

/// Runs one of the tests below in a process of its own, and waits until it says that it is ready.
fn child(test: &str, path: &Path) -> Child {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", test])
        .env("SGRING_TEST_SOCKET", path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    assert!(
        output.lines().any(|line| line.unwrap().ends_with("ready")),
        "the child came up"
    );
    child
}

fn socket_path() -> PathBuf {
    env::var_os("SGRING_TEST_SOCKET")
        .expect("started by another test")
        .into()
}

/// Says so, and stays until it is killed or its parent has gone.
fn ready() {
    println!("ready");
    let mut nothing = Vec::new();
    std::io::stdin().read_to_end(&mut nothing).unwrap();
}

#[test]
#[ignore = "the other process of a test above"]
fn child_serves() {
    let (listener, bell) = Listener::bind(&socket_path(), options()).unwrap();
    thread::spawn(move || {
        let mut bell = UnixStream::from(bell);
        loop {
            wait_readable(&bell);
            assert_ne!(bell.read(&mut [0; 64]).unwrap(), 0);
            while let Some(arrival) = listener.accept() {
                arrival.welcome(&welcome()).unwrap();
                std::mem::forget(arrival);
            }
        }
    });
    ready();
}

#[test]
#[ignore = "the other process of a test above"]
fn child_connects() {
    let _client = good_client(&socket_path());
    ready();
}
