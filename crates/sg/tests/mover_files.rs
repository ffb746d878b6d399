//! [`NodeMover`]s of sg nodes where files run short: in a process of its own, whose limit counts for all of it.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use sgring_sg::mover::{CDB_LEN, End};
use sgring_sg::{Header, NodeMover};
use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// How many files this process may open from now on.
fn spare(files: u64) {
    // The folder's own, while it is read, is among them.
    let open = fs::read_dir("/proc/self/fd").unwrap().count() as u64 - 1;
    let limit = libc::rlimit {
        rlim_cur: open + files,
        rlim_max: open + files,
    };
    // SAFETY: the limits are valid for the call.
    let set = unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
    assert_eq!(set, 0);
}

#[test]
fn where_files_run_short_movers_leave_some_to_others() {
    let node: OwnedFd = File::open("/dev/null").unwrap().into();
    // As an sg node is one: a file of its own for each mover.
    let end = End {
        node: Arc::new(node),
        header: Header::V3,
        cdb: [0; CDB_LEN],
        lba: 0,
        block_len: 512,
    };
    spare(8);
    let movers = NodeMover::new([&end, &end], 1 << 20, 4096, 16, 1000).unwrap();
    assert_eq!(movers.len(), 3);
    File::open("/dev/null").unwrap();
}
