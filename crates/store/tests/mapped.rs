//! A file that is mapped: what is copied at once, what is not, and that a file system without room is an errno all the same.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use common::{
    Directory, create, create_mapped, intent_of, on_a_small_disk, open_mapped, read_vec, skip,
    try_read, try_write, write,
};
use sgring_store::{Durability, Errno, Store, StoreError};
use std::fs;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

const MIB: u64 = 1 << 20;
const GRANULE: u64 = 64 << 10;

/// 512 bytes of one `value` at `offset`, if that goes at once.
fn tried(store: &Store, offset: u64, value: u8) -> Option<Result<(), Errno>> {
    try_write(store, offset, &[&[value; 512]])
}

/// The same, however long it takes.
fn written(store: &Store, offset: u64, value: u8) -> Result<(), Errno> {
    write(store, offset, &[&[value; 512]], Durability::Cached)
}

/// `len` bytes that must be there at once.
fn read_at_once(store: &Store, offset: u64, len: usize) -> Vec<u8> {
    let mut bytes = vec![0xee; len];
    let result = try_read(store, offset, &mut [&mut bytes]);
    assert_eq!(result, Some(Ok(())), "at {offset}");
    bytes
}

#[test]
fn is_read_at_once_and_written_at_once_where_it_has_room() {
    let directory = Directory::in_memory();
    let path = directory.join("image");
    let Some(store) = create_mapped(&path, 4 * MIB) else {
        return;
    };
    assert_eq!(read_at_once(&store, 0, MIB as usize), vec![0; MIB as usize]);
    assert_eq!(tried(&store, 512, 1), None);
    assert_eq!(read_vec(&store, 512, 512), Ok(vec![0; 512]));
    assert_eq!(written(&store, 512, 1), Ok(()));
    // A thread has made room there, and a little around.
    assert_eq!(tried(&store, GRANULE - 512, 2), Some(Ok(())));
    assert_eq!(tried(&store, GRANULE - 256, 2), None);
    assert_eq!(tried(&store, GRANULE, 2), None);
    assert_eq!(read_vec(&store, GRANULE - 512, 512), Ok(vec![2; 512]));
    assert_eq!(read_at_once(&store, 512, 512), vec![1; 512]);
    assert_eq!(read_at_once(&store, 4 * MIB - 512, 512), vec![0; 512]);
    let medium = Durability::Medium;
    assert_eq!(write(&store, 512, &[&[3; 512]], medium), Ok(()));
    assert_eq!(read_at_once(&store, 512, 512), vec![3; 512]);
    assert_eq!(store.flush(), Ok(()));
    assert_eq!(&fs::read(&path).unwrap()[512..1024], [3; 512]);
    drop(store);

    let again = open_mapped(&path);
    assert_eq!(read_at_once(&again, GRANULE - 512, 512), vec![2; 512]);
    assert_eq!(tried(&again, 512, 4), None);
    assert_eq!(written(&again, 512, 4), Ok(()));
    assert_eq!(tried(&again, 512, 5), Some(Ok(())));
    // With its bytes its room is gone.
    assert_eq!(again.release(0, GRANULE), Ok(()));
    assert_eq!(read_at_once(&again, 0, GRANULE as usize), vec![0; 65_536]);
    assert_eq!(tried(&again, 512, 6), None);
}

/// A touch of its pages would wait for the disk, and a power failure leave an intent that is older than what was flushed over it.
#[test]
fn is_not_mapped_on_any_other_file_system_and_nothing_is_finished_there() {
    let directory = Directory::within(env!("CARGO_TARGET_TMPDIR").as_ref());
    let path = directory.join("image");
    if file_system_of(&directory.join("")) == "tmpfs" {
        return skip("needs a target folder that is on no tmpfs");
    }
    drop(create(&path, MIB));
    let number = fs::metadata(&path).unwrap().ino();
    fs::write(intent_of(&path), intent_words([1, number, 1024, 512])).unwrap();
    let store = open_mapped(&path);
    assert_eq!(try_read(&store, 0, &mut []), None);
    assert_eq!(written(&store, 512, 1), Ok(()));
    assert_eq!(tried(&store, 512, 2), None);
    assert_eq!(read_vec(&store, 512, 512), Ok(vec![1; 512]));
    assert_eq!(read_vec(&store, 1024, 512), Ok(vec![0; 512]));
    drop(store);
    fs::remove_file(intent_of(&path)).unwrap();
    drop(open_mapped(&path));
    assert!(!intent_of(&path).exists());
}

/// What stat(1) calls it.
fn file_system_of(folder: &Path) -> String {
    let told = Command::new("stat")
        .args(["-f", "-c", "%T"])
        .arg(folder)
        .output();
    String::from_utf8(told.unwrap().stdout)
        .unwrap()
        .trim()
        .to_owned()
}

#[test]
fn names_what_stands_where_its_intent_should() {
    let directory = Directory::in_memory();
    let path = directory.join("image");
    if create_mapped(&path, MIB).is_none() {
        return;
    }
    let intent = intent_of(&path);
    let refusal = || {
        let refused = Store::open_mapped(&path, &intent).unwrap_err();
        assert!(
            refused.to_string().contains(intent.to_str().unwrap()),
            "{refused}"
        );
        refused
    };
    fs::write(&intent, [0; 8193]).unwrap();
    assert!(matches!(refusal(), StoreError::NoIntent { .. }));
    fs::remove_file(&intent).unwrap();
    assert!(
        Command::new("mkfifo")
            .arg(&intent)
            .status()
            .unwrap()
            .success()
    );
    assert!(matches!(refusal(), StoreError::NoIntent { .. }));
    fs::remove_file(&intent).unwrap();
    symlink(&path, &intent).unwrap();
    let looped = Errno(libc::ELOOP);
    assert!(matches!(refusal(), StoreError::System { errno, .. } if errno == looped));
}

#[test]
fn has_no_room_behind_what_it_had_when_its_length_changes() {
    let directory = Directory::in_memory();
    let Some(store) = create_mapped(&directory.join("image"), MIB + 4096) else {
        return;
    };
    assert_eq!(written(&store, MIB, 1), Ok(()));
    assert_eq!(tried(&store, MIB, 2), Some(Ok(())));
    assert_eq!(store.resize(64 * MIB), Ok(()));
    assert_eq!(read_at_once(&store, MIB, 512), vec![2; 512]);
    assert_eq!(tried(&store, MIB + 4096, 3), None);
    assert_eq!(written(&store, 32 * MIB, 3), Ok(()));
    assert_eq!(store.resize(MIB + 512), Ok(()));
    assert_eq!(tried(&store, MIB, 4), None);
    assert_eq!(tried(&store, MIB + 512, 4), Some(Err(Errno(libc::EINVAL))));
    assert_eq!(store.resize(64 * MIB), Ok(()));
    assert_eq!(read_at_once(&store, MIB + 512, 4096), vec![0; 4096]);
    assert_eq!(read_at_once(&store, 32 * MIB, 512), vec![0; 512]);
}

/// A touch of a page that finds no room is a SIGBUS, which ends this process.
#[test]
fn on_a_full_file_system_is_enospc_and_what_had_room_goes_on() {
    let test = "on_a_full_file_system_is_enospc_and_what_had_room_goes_on";
    on_a_small_disk(test, |directory| {
        let store = create_mapped(&directory.join("image"), 4 * MIB).unwrap();
        assert_eq!(written(&store, 3 * MIB, 1), Ok(()));
        let filler = directory.join("filler");
        fill_up(&filler);
        for offset in (0..4 * MIB).step_by(4096) {
            let had_room = offset / GRANULE == 3 * MIB / GRANULE;
            let expected = if had_room { Some(Ok(())) } else { None };
            assert_eq!(tried(&store, offset, 2), expected, "at {offset}");
            if !had_room {
                assert_eq!(written(&store, offset, 2), Err(Errno(libc::ENOSPC)));
            }
        }
        for chunk in 0..4 {
            let bytes = read_at_once(&store, chunk * MIB, MIB as usize);
            let blocks = bytes.chunks(4096).filter(|block| block[0] == 2).count();
            assert_eq!(blocks, if chunk == 3 { 16 } else { 0 });
        }
        // Room that was given back is others', and this file's once they have none of it.
        assert_eq!(store.release(3 * MIB, GRANULE), Ok(()));
        fill_up(&directory.join("more"));
        assert_eq!(tried(&store, 3 * MIB, 3), None);
        assert_eq!(written(&store, 3 * MIB, 3), Err(Errno(libc::ENOSPC)));
        assert_eq!(read_at_once(&store, 3 * MIB, 512), vec![0; 512]);
        fs::remove_file(filler).unwrap();
        assert_eq!(written(&store, 3 * MIB, 4), Ok(()));
        assert_eq!(tried(&store, 3 * MIB, 5), Some(Ok(())));
    });
}

/// A file that takes all room that is left.
fn fill_up(path: &Path) {
    let store = create(path, 2 * MIB);
    let pages = (0..2 * MIB).step_by(4096);
    let full = pages.map(|offset| written(&store, offset, 9));
    assert!(full.into_iter().any(|outcome| outcome.is_err()));
}

#[test]
fn finishes_what_a_dead_process_was_copying_and_nothing_else() {
    let directory = Directory::in_memory();
    let path = directory.join("image");
    if create_mapped(&path, MIB).is_none() {
        return;
    }
    let number = fs::metadata(&path).unwrap().ino();
    for (set, file, offset, len, finished) in [
        (1, number, 1024, 512, true),
        (1, number, MIB - 4096, 4096, true),
        (0, number, 1024, 512, false),
        (1, number + 1, 1024, 512, false),
        (1, number, MIB - 511, 512, false),
        (1, number, u64::MAX, 512, false),
        (1, number, 1024, 4097, false),
    ] {
        let before = vec![1; MIB as usize];
        fs::write(&path, &before).unwrap();
        let intent = intent_words([set, file, offset, len]);
        fs::write(intent_of(&path), intent).unwrap();
        let store = open_mapped(&path);
        let mut expected = before;
        if finished {
            expected[offset as usize..][..len as usize].fill(2);
        }
        assert!(read_at_once(&store, 0, MIB as usize) == expected);
        assert_eq!(&fs::read(intent_of(&path)).unwrap()[..8], [0; 8]);
    }
}

/// What a process leaves that is killed while it copies twos: `set`, file, offset and length.
fn intent_words(words: [u64; 4]) -> Vec<u8> {
    let mut intent = vec![2; 8192];
    for (at, word) in words.into_iter().enumerate() {
        intent[8 * at..][..8].copy_from_slice(&u64::to_le_bytes(word));
    }
    intent
}

#[test]
fn has_no_block_torn_by_a_kill() {
    let test = "has_no_block_torn_by_a_kill";
    const BLOCK: usize = 4096;
    const BLOCKS: usize = 8;
    if let Some(path) = std::env::var_os("SGRING_STORE_KILLED") {
        let store = open_mapped(path.as_ref());
        let zeros = [0; BLOCK * BLOCKS];
        assert_eq!(write(&store, 0, &[&zeros], Durability::Cached), Ok(()));
        println!("writes");
        for value in (0..=u8::MAX).cycle() {
            let bytes = [value; BLOCK * BLOCKS];
            let done = try_write(&store, 0, &[&bytes]);
            assert_eq!(done, Some(Ok(())));
        }
    }
    let directory = Directory::in_memory();
    let path = directory.join("image");
    if create_mapped(&path, MIB).is_none() {
        return;
    }
    for round in 0..40 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env("SGRING_STORE_KILLED", &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = child.stdout.take().unwrap();
        let mut told = Vec::new();
        while !told.ends_with(b"writes\n") {
            let mut byte = [0];
            output.read_exact(&mut byte).unwrap();
            told.push(byte[0]);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let store = open_mapped(&path);
        let bytes = read_at_once(&store, 0, BLOCK * BLOCKS);
        for block in bytes.chunks_exact(BLOCK) {
            assert!(block.iter().all(|&byte| byte == block[0]), "round {round}");
        }
    }
}
