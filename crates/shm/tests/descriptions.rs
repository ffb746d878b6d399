//! What a client may still do to the open file description that it has sent: it is the same one on both sides.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{LEN, Target, answer, hello, options, welcome};
use sgring_shm::memfd;
use std::{
    fs::File,
    io::{Seek, SeekFrom},
    os::fd::{AsRawFd, OwnedFd},
};

#[test]
fn flags_locks_and_places_of_a_shared_description_change_nothing_for_the_target() {
    let mut target = Target::with(options());
    let segment = memfd::create(LEN).unwrap();
    let client = target.client(&hello().encode(), &[&segment]);
    let arrival = target.arrival();

    let flags = libc::O_APPEND | libc::O_NONBLOCK | libc::O_ASYNC | libc::O_NOATIME;
    // SAFETY: a plain call on an open descriptor.
    let set = unsafe { libc::fcntl(segment.as_raw_fd(), libc::F_SETFL, flags) };
    assert_eq!(set, 0, "{}", std::io::Error::last_os_error());
    // SAFETY: a plain call on an open descriptor.
    let locked = unsafe { libc::flock(segment.as_raw_fd(), libc::LOCK_EX) };
    assert_eq!(locked, 0, "{}", std::io::Error::last_os_error());
    let mut file = File::from(segment);
    file.seek(SeekFrom::Start(1 << 40)).unwrap();

    let byte = arrival.mapping.as_ptr();
    // SAFETY: the first byte of a mapping, which nobody else writes now.
    unsafe { byte.write(7) };
    arrival.welcome(&welcome()).unwrap();
    assert_eq!(answer(&client).code, 0);
    let segment = OwnedFd::from(file);
    // The same description again, as it now is, makes a nexus as before.
    let again = target.client(&hello().encode(), &[&segment]);
    let arrival = target.arrival();
    // SAFETY: as above; the other mapping is of the same file.
    assert_eq!(unsafe { arrival.mapping.as_ptr().read() }, 7);
    arrival.welcome(&welcome()).unwrap();
    assert_eq!(answer(&again).code, 0);
    target.assert_serves();
}
