//! The two records with which a connection begins, and the segment's file that comes with the first.

use arbitrary::{Arbitrary, Unstructured};
use sgring_shm::{Hello, Mapping, PROTOCOL_VERSION, RECORD_BYTES, Refusal, Welcome, memfd};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

/// Where `Hello::version` and `Welcome::version` stand, and the welcome's code.
const VERSION: usize = 8;
const CODE: usize = 12;

/// A record, and behind it a file's size and seals.
pub fn run(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let mut record = [0; RECORD_BYTES];
    if input.fill_buffer(&mut record).is_err() {
        return;
    }
    hello(&record);
    welcome(&record);
    if let Ok(file) = File::arbitrary(&mut input) {
        segment(&file);
    }
}

fn hello(record: &[u8; RECORD_BYTES]) {
    match Hello::decode(record) {
        Ok(hello) => {
            assert_eq!(&hello.encode(), record, "every byte of it means something");
            assert_eq!(hello.version, PROTOCOL_VERSION);
        }
        Err(Refusal::Version) => assert_ne!(number(record, VERSION), PROTOCOL_VERSION),
        Err(Refusal::Malformed) => {}
        Err(other) => panic!("{other:?} is not of a record's spelling"),
    }
}

fn welcome(record: &[u8; RECORD_BYTES]) {
    let Ok(welcome) = Welcome::decode(record) else {
        return;
    };
    assert_eq!(welcome.version, number(record, VERSION));
    assert_eq!(welcome.code, number(record, CODE));
    if welcome.version == PROTOCOL_VERSION {
        assert_eq!(
            &welcome.encode(),
            record,
            "every byte of it means something"
        );
    }
    if let Some(refusal) = Refusal::from_code(welcome.code) {
        let refused = Welcome::refused(refusal, welcome.features);
        assert_eq!(refused.code, welcome.code);
        assert!(Welcome::decode(&refused.encode()).is_ok_and(|again| again == refused));
    }
}

fn number(record: &[u8; RECORD_BYTES], at: usize) -> u32 {
    let bytes = record[at..at + 4].try_into();
    u32::from_le_bytes(bytes.expect("four bytes"))
}

/// A memory file with any size and any seals.
#[derive(Arbitrary, Debug)]
struct File {
    pages: u8,
    odd_bytes: u8,
    seals: u8,
    asked_pages: u8,
}

fn segment(file: &File) {
    const ALL: libc::c_int = libc::F_SEAL_SEAL
        | libc::F_SEAL_SHRINK
        | libc::F_SEAL_GROW
        | libc::F_SEAL_WRITE
        | libc::F_SEAL_FUTURE_WRITE;
    const SIZE: libc::c_int = libc::F_SEAL_SEAL | libc::F_SEAL_SHRINK | libc::F_SEAL_GROW;
    let seals = libc::c_int::from(file.seals) & ALL;
    let len = 4096 * u64::from(file.pages % 4) + u64::from(file.odd_bytes % 8);
    let asked = 4096 * u64::from(file.asked_pages % 4);
    let file = memory_file(len, seals);
    let good = seals & SIZE == SIZE && seals & !SIZE == 0 && len == asked;
    assert_eq!(memfd::check(file.as_fd(), asked).is_ok(), good);
    match Mapping::map(file.as_fd(), asked) {
        Ok(mapping) => {
            assert!(good && mapping.len() as u64 == asked);
            let last = mapping.as_ptr().wrapping_add(mapping.len() - 1);
            // SAFETY: the last byte of the mapping, which nobody else writes.
            unsafe { last.write(1) };
        }
        // An empty one is whole, and cannot be mapped.
        Err(_) => assert!(!good || asked == 0),
    }
}

fn memory_file(len: u64, seals: libc::c_int) -> OwnedFd {
    let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
    // SAFETY: the name is a NUL-terminated constant.
    let fd = unsafe { libc::memfd_create(c"fuzz".as_ptr(), flags) };
    assert!(fd >= 0, "a memory file");
    // SAFETY: memfd_create has just made this descriptor, and nobody else knows it.
    let file = unsafe { OwnedFd::from_raw_fd(fd) };
    // SAFETY: a plain call on an open descriptor.
    let cut = unsafe { libc::ftruncate(file.as_raw_fd(), len as libc::off_t) };
    // SAFETY: a plain call on an open descriptor.
    let sealed = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, seals) };
    assert_eq!((cut, sealed), (0, 0));
    file
}
