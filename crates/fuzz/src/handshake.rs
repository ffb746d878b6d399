//! The two records with which a connection begins, and the segment's file that comes with the first.

use crate::descriptors::memory_file;
use arbitrary::{Arbitrary, Unstructured};
use sgring_shm::{Hello, Mapping, PROTOCOL_VERSION, RECORD_BYTES, Refusal, Welcome, memfd};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::FileExt;

const PAGE: u64 = 4096;
/// Where what stands in every version stands, by the table of the records' layout; and the first that means nothing.
const VERSION: usize = 8;
const CODE: usize = 12;
const PAIR: usize = 28;
const TOKEN: usize = 32;
const RETURNING: usize = 48;
const HELLO_ZEROS: usize = 52;
const WELCOME_ZEROS: usize = 48;
/// 31 bits.
const MOST_PAIR: u32 = 0x7fff_ffff;

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

/// What is in it stands where the table says, in any version; it is refused for what is wrong with it first.
fn hello(record: &[u8; RECORD_BYTES]) {
    let expected = if !record.starts_with(b"SGRINGHI") {
        Some(Refusal::Malformed)
    } else if number(record, VERSION) != PROTOCOL_VERSION {
        Some(Refusal::Version)
    } else if record[HELLO_ZEROS..].iter().any(|&byte| byte != 0)
        || number(record, RETURNING) > 1 + MOST_PAIR
    {
        Some(Refusal::Malformed)
    } else {
        None
    };
    let read = Hello::decode(record);
    assert_eq!(read.err(), expected);
    let Ok(hello) = read else { return };
    let features = u64::from(number(record, 20)) << 32 | u64::from(number(record, 16));
    assert_eq!(hello.required_features, features);
    let returning = hello.returning.map_or(0, |pair| pair.number() + 1);
    let numbers = [hello.slots, hello.arena_bytes, hello.epoch, returning];
    assert_eq!(
        numbers,
        [12, 24, 28, RETURNING].map(|at| number(record, at))
    );
    assert!(record[TOKEN..].starts_with(&hello.token));
    assert_eq!(&hello.encode(), record, "every byte of it means something");
}

fn welcome(record: &[u8; RECORD_BYTES]) {
    let zeros = record[WELCOME_ZEROS..].iter().all(|&byte| byte == 0);
    let known = number(record, VERSION) == PROTOCOL_VERSION;
    let meant = zeros && number(record, PAIR) <= MOST_PAIR;
    let good = record.starts_with(b"SGRINGOK") && (meant || !known);
    let read = Welcome::decode(record);
    assert_eq!(read.is_ok(), good);
    let Ok(welcome) = read else { return };
    assert_eq!(welcome.version, number(record, VERSION));
    assert_eq!(welcome.code, number(record, CODE));
    if known {
        let features = u64::from(number(record, 20)) << 32 | u64::from(number(record, 16));
        assert_eq!(welcome.features, features);
        let numbers = [welcome.nexus, welcome.pair.number()];
        assert_eq!(numbers, [24, PAIR].map(|at| number(record, at)));
        assert!(record[TOKEN..].starts_with(&welcome.token));
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

/// It is taken just when it is what a target may rely on: of the size, writable, and so for good. What its owner can still do to it is tried.
fn segment(file: &File) {
    const ALL: libc::c_int = libc::F_SEAL_SEAL
        | libc::F_SEAL_SHRINK
        | libc::F_SEAL_GROW
        | libc::F_SEAL_WRITE
        | libc::F_SEAL_FUTURE_WRITE;
    let seals = libc::c_int::from(file.seals) & ALL;
    let len = PAGE * u64::from(file.pages % 4) + u64::from(file.odd_bytes % 8);
    let asked = PAGE * u64::from(file.asked_pages % 4);
    let file = memory_file(libc::MFD_CLOEXEC, len as i64, seals);
    let file = file.expect("a memory file");
    let checked = memfd::check(file.as_fd(), asked).is_ok();
    match Mapping::map(file.as_fd(), asked) {
        Ok(mapping) => {
            assert!(checked && mapping.len() as u64 == asked);
            let last = mapping.as_ptr().wrapping_add(mapping.len() - 1);
            // SAFETY: the last byte of the mapping, which nobody else writes.
            unsafe { last.write(1) };
        }
        // An empty one is whole, and cannot be mapped.
        Err(_) => assert!(!checked || asked == 0),
    }
    let file = std::fs::File::from(file);
    let writable = file.write_at(&[1], 0).is_ok();
    let grows = file.set_len(len + PAGE).is_ok();
    let shrinks = file.set_len(0).is_ok();
    // SAFETY: a plain call on an open descriptor.
    let seals_more = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, 0) } == 0;
    let reliable = len == asked && !grows && !shrinks && !seals_more;
    if len > 0 {
        assert_eq!(checked, reliable && writable);
    } else {
        // Nothing of an empty one can be cut off, nor written.
        assert!(!checked || !grows && !seals_more && asked == 0);
    }
}
