//! Segments: what is made, what is refused, and what a peer cannot do to a mapping.

mod common;

use common::{LEN, memory_file};
use sgring_shm::{Mapping, SegmentFault, ShmError, memfd};
use std::{
    fs::{self, File, OpenOptions},
    io,
    os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd},
    process::Command,
};

const SEALS: libc::c_int = libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_SEAL;

fn fault(file: &impl AsFd, len: u64) -> SegmentFault {
    match memfd::check(file.as_fd(), len) {
        Err(error @ ShmError::Segment(fault)) => {
            assert_eq!(error.code(), "SEGMENT");
            let mapped = Mapping::map(file.as_fd(), len);
            assert!(matches!(mapped, Err(ShmError::Segment(mapped)) if mapped == fault));
            fault
        }
        other => panic!("{other:?}"),
    }
}

/// One relaxed byte, as a peer-shared byte must be read.
fn load(mapping: &Mapping, at: usize) -> u8 {
    assert!(at < mapping.len());
    // SAFETY: within the mapping, which lives.
    unsafe { mapping.as_ptr().wrapping_add(at).read_volatile() }
}

fn store(mapping: &Mapping, at: usize, byte: u8) {
    assert!(at < mapping.len());
    // SAFETY: within the mapping, which lives.
    unsafe { mapping.as_ptr().wrapping_add(at).write_volatile(byte) };
}

#[test]
fn a_created_segment_passes_the_check_and_two_mappings_share_it() {
    let file = memfd::create(LEN).unwrap();
    memfd::check(file.as_fd(), LEN).unwrap();
    let ours = Mapping::map(file.as_fd(), LEN).unwrap();
    let theirs = Mapping::map(file.as_fd(), LEN).unwrap();
    drop(file);
    assert_eq!((ours.len() as u64, load(&ours, LEN as usize - 1)), (LEN, 0));
    store(&ours, LEN as usize - 1, 7);
    assert_eq!(load(&theirs, LEN as usize - 1), 7);
}

#[test]
fn a_sealed_segment_can_be_neither_cut_nor_grown_nor_unsealed() {
    let file = memfd::create(LEN).unwrap();
    for len in [0, LEN as i64 - 1, LEN as i64 + 1] {
        // SAFETY: a plain call on an open descriptor.
        let result = unsafe { libc::ftruncate(file.as_raw_fd(), len) };
        assert_eq!(result, -1);
        assert_eq!(io::Error::last_os_error().raw_os_error(), Some(libc::EPERM));
    }
    // SAFETY: a plain call on an open descriptor.
    let sealed = unsafe {
        libc::fcntl(
            file.as_raw_fd(),
            libc::F_ADD_SEALS,
            libc::F_SEAL_FUTURE_WRITE,
        )
    };
    assert_eq!(
        (sealed, io::Error::last_os_error().raw_os_error()),
        (-1, Some(libc::EPERM))
    );
}

#[test]
fn a_hole_punched_by_the_peer_reads_as_zeros_on_both_sides() {
    let file = memfd::create(LEN).unwrap();
    let ours = Mapping::map(file.as_fd(), LEN).unwrap();
    let theirs = Mapping::map(file.as_fd(), LEN).unwrap();
    for at in 0..LEN as usize {
        store(&ours, at, 0xA5);
    }
    assert_eq!(theirs.give_back(0..LEN as usize).unwrap(), LEN as usize);
    assert!((0..LEN as usize).all(|at| load(&ours, at) == 0));
    store(&ours, 5, 9);
    assert_eq!(load(&theirs, 5), 9);
}

#[test]
fn only_whole_pages_are_given_back_and_only_within_the_mapping() {
    let file = memfd::create(LEN).unwrap();
    let mapping = Mapping::map(file.as_fd(), LEN).unwrap();
    // SAFETY: sysconf has no preconditions.
    let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap();
    for at in 0..3 * page {
        store(&mapping, at, 1);
    }
    assert_eq!(mapping.give_back(1..2 * page + 1).unwrap(), page);
    let kept: Vec<usize> = (0..3 * page)
        .filter(|at| load(&mapping, *at) == 1)
        .collect();
    assert_eq!(
        kept,
        (0..page).chain(2 * page..3 * page).collect::<Vec<_>>()
    );
    assert_eq!(mapping.give_back(1..page).unwrap(), 0);
    assert_eq!(mapping.give_back(7..7).unwrap(), 0);
    let beyond = LEN as usize + 1;
    let wrong = [
        0..beyond,
        beyond..beyond,
        usize::MAX..usize::MAX,
        2 * page..page,
    ];
    for range in wrong {
        assert!(matches!(
            mapping.give_back(range),
            Err(ShmError::OutOfRange)
        ));
    }
    mapping.advise_huge(0..LEN as usize);
    mapping.advise_huge(0..usize::MAX);
    assert_eq!(load(&mapping, 0), 1, "advice changes no byte");
}

#[test]
fn private_memory_is_zeroed_and_again_once_it_was_given_back() {
    let mapping = Mapping::private(LEN as usize).unwrap();
    let is_zeroed = || (0..LEN as usize).all(|at| load(&mapping, at) == 0);
    assert_eq!(mapping.len() as u64, LEN);
    assert!(is_zeroed());
    mapping.advise_huge(0..LEN as usize);
    for at in 0..LEN as usize {
        store(&mapping, at, 0xA5);
    }
    assert_eq!(mapping.give_back(0..LEN as usize).unwrap(), LEN as usize);
    assert!(is_zeroed());
    assert_eq!(Mapping::private(0).unwrap_err().code(), "SYSTEM");
}

#[test]
fn a_child_does_not_inherit_a_mapping() {
    let file = memfd::create(LEN).unwrap();
    let shared = Mapping::map(file.as_fd(), LEN).unwrap();
    for mapping in [shared, Mapping::private(LEN as usize).unwrap()] {
        let smaps = fs::read_to_string("/proc/self/smaps").unwrap();
        let start = format!("{:x}-", mapping.as_ptr().addr());
        let mut ours = smaps.lines().skip_while(|line| !line.starts_with(&start));
        let flags = ours.find(|line| line.starts_with("VmFlags:")).unwrap();
        assert!(
            flags.split_whitespace().any(|flag| flag == "dc"),
            "do not copy: {flags}"
        );
    }
}

#[test]
fn each_wrong_descriptor_is_refused_by_name() {
    let file = |seals| memory_file(0, LEN as i64, seals).unwrap();
    assert_eq!(fault(&io::pipe().unwrap().0, LEN), SegmentFault::NotAFile);
    assert_eq!(
        fault(&File::open("/dev/zero").unwrap(), LEN),
        SegmentFault::NotAFile
    );
    assert_eq!(
        fault(&File::open("/proc/self/status").unwrap(), LEN),
        SegmentFault::FileSystem
    );
    assert_eq!(fault(&file(0), LEN), SegmentFault::Unsealed);
    for missing in [libc::F_SEAL_SHRINK, libc::F_SEAL_GROW, libc::F_SEAL_SEAL] {
        assert_eq!(fault(&file(SEALS & !missing), LEN), SegmentFault::Unsealed);
    }
    for write in [libc::F_SEAL_WRITE, libc::F_SEAL_FUTURE_WRITE] {
        assert_eq!(fault(&file(SEALS | write), LEN), SegmentFault::ReadOnly);
    }
    let actual = LEN;
    for expected in [0, LEN - 1, LEN + 1, u64::MAX] {
        assert_eq!(
            fault(&file(SEALS), expected),
            SegmentFault::Size { actual, expected }
        );
    }
}

#[test]
fn a_segment_open_for_less_than_both_ways_is_refused() {
    let file = memfd::create(LEN).unwrap();
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    assert_eq!(
        fault(&File::open(&path).unwrap(), LEN),
        SegmentFault::ReadOnly
    );
    let write = OpenOptions::new().write(true).open(&path).unwrap();
    assert_eq!(fault(&write, LEN), SegmentFault::ReadOnly);
    let name = std::ffi::CString::new(path).unwrap();
    // SAFETY: `name` is NUL-terminated.
    let fd = unsafe { libc::open(name.as_ptr(), libc::O_PATH | libc::O_CLOEXEC) };
    assert!(fd >= 0);
    // SAFETY: open has just made this descriptor, and nobody else knows it.
    let handle = unsafe { OwnedFd::from_raw_fd(fd) };
    assert_eq!(fault(&handle, LEN), SegmentFault::ReadOnly);
}

#[test]
fn a_sparse_giant_is_refused_by_its_size() {
    let giant = memory_file(0, i64::MAX, SEALS).unwrap();
    let actual = i64::MAX as u64;
    assert_eq!(
        fault(&giant, LEN),
        SegmentFault::Size {
            actual,
            expected: LEN
        }
    );
    // Even agreed upon it cannot be mapped: an error, nothing worse.
    match Mapping::map(giant.as_fd(), actual) {
        Err(ShmError::System {
            call: "mmap",
            source,
        }) => {
            assert!(matches!(
                source.raw_os_error(),
                Some(libc::ENOMEM | libc::EOVERFLOW)
            ));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn huge_pages_are_refused() {
    let Some(file) = memory_file(libc::MFD_HUGETLB, 0, SEALS) else {
        eprintln!("skipped: this kernel has no hugetlbfs (CONFIG_HUGETLBFS)");
        return;
    };
    assert_eq!(fault(&file, 0), SegmentFault::HugePages);
}

#[test]
fn lengths_that_no_file_has_are_errors() {
    let code = |len| memfd::create(len).unwrap_err().code();
    assert_eq!(code(u64::MAX), "SYSTEM");
    assert_eq!(code(1 << 63), "SYSTEM");
    let empty = memfd::create(0).unwrap();
    assert_eq!(Mapping::map(empty.as_fd(), 0).unwrap_err().code(), "SYSTEM");
}

#[test]
fn another_process_writes_and_this_one_reads() {
    let file = memfd::create(LEN).unwrap();
    let mapping = Mapping::map(file.as_fd(), LEN).unwrap();
    let wrote = Command::new("sh")
        .args([
            "-c",
            "printf x | dd of=/proc/$0/fd/$1 bs=1 seek=9 conv=notrunc status=none",
        ])
        .args([std::process::id().to_string(), file.as_raw_fd().to_string()])
        .status()
        .unwrap();
    assert!(wrote.success());
    assert_eq!(load(&mapping, 9), b'x');
}
