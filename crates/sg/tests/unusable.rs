//! A node that offers a transport to nobody is refused by name, before anything is sent to it.

use std::fs::OpenOptions;
use std::os::fd::OwnedFd;

use sgring_sg::sg::Options;
use sgring_sg::{Errno, Sg, Unusable, Uring, sg_io, uring};

fn null(write: bool) -> OwnedFd {
    let file = OpenOptions::new().read(true).write(write).open("/dev/null");
    file.expect("/dev/null").into()
}

#[test]
fn what_is_no_sg_node_is_refused_as_such() {
    let refused = Sg::new(null(true), 4, Options::default()).err();
    assert_eq!(refused, Some(Unusable::NotSg(Errno(libc::ENOTTY))));
}

#[test]
fn a_node_opened_read_only_takes_no_commands_by_write() {
    let refused = Sg::new(null(false), 4, Options::default()).err();
    assert_eq!(refused, Some(Unusable::ReadOnly));
}

#[test]
fn what_takes_no_scsi_commands_over_io_uring_is_refused_with_the_reason() {
    // SAFETY: nothing is pinned.
    let refused = unsafe { Uring::new(null(true), 4, uring::Options::default()) }.err();
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let refused = refused.expect("no uring on /dev/null");
    match &refused {
        Unusable::KernelTooOld { release: named } => assert_eq!(named, release.trim()),
        Unusable::NodeWithoutIoUring => {}
        // Where io_uring is forbidden or missing, that is the reason.
        Unusable::IoUringDisabled { .. } | Unusable::IoUringMissing => {}
        other => panic!("{other}"),
    }
    assert!(!refused.to_string().is_empty());
}

#[test]
fn a_reset_is_refused_by_what_has_none() {
    let node = null(true);
    let refused = sg_io::reset(
        std::os::fd::AsFd::as_fd(&node),
        sgring_sg::abi::Reset::Device,
        true,
    );
    assert_eq!(refused, Err(Errno(libc::ENOTTY)));
}
