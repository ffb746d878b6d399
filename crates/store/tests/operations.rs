//! Comparing, filling, mixing and releasing do to a store what they do to a `Vec<u8>`; and what takes room is told.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use common::{
    Directory, compare, compare_and_write, create, create_mapped, fill, on_a_small_disk, or_write,
    read_vec, try_read, try_write, write,
};
use proptest::prelude::*;
use sgring_store::{Access, Durability, Errno, Extent, Store, Zeros};
use std::fs::OpenOptions;
use std::path::Path;
use std::sync::atomic::{
    AtomicBool, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};
use std::thread;

const MIB: usize = 1 << 20;
const BLOCK: usize = 512;
/// Three chunks of 1 MiB and a little.
const BLOCKS: usize = 3 * MIB / BLOCK + 5;

#[derive(Clone, Debug)]
enum Step {
    /// All the same, or one byte changed, as a fraction of the length.
    Compare {
        first: usize,
        blocks: usize,
        wrong: Option<prop::sample::Index>,
    },
    CompareAndWrite {
        first: usize,
        blocks: usize,
        wrong: Option<prop::sample::Index>,
        seed: u8,
    },
    OrWrite {
        first: usize,
        blocks: usize,
        seed: u8,
    },
    Fill {
        first: usize,
        blocks: usize,
        seed: u8,
        zeros: Zeros,
    },
    Release {
        first: usize,
        blocks: usize,
    },
    Write {
        first: usize,
        blocks: usize,
        seed: u8,
    },
}

fn range() -> impl Strategy<Value = (usize, usize)> {
    let near_a_border = (0usize..=3, 0usize..64).prop_map(|(chunk, by)| {
        (chunk * MIB / BLOCK + by)
            .saturating_sub(32)
            .min(BLOCKS - 1)
    });
    let blocks = prop_oneof![4 => 0usize..20, 2 => 20usize..600, 1 => 1500usize..4500];
    (prop_oneof![near_a_border, 0..BLOCKS], blocks)
        .prop_map(|(first, blocks)| (first, blocks.min(BLOCKS - first)))
}

fn step() -> impl Strategy<Value = Step> {
    let wrong = || prop::option::of(any::<prop::sample::Index>());
    let zeros = prop_oneof![Just(Zeros::Written), Just(Zeros::Released)];
    prop_oneof![
        (range(), wrong()).prop_map(|((first, blocks), wrong)| Step::Compare {
            first,
            blocks,
            wrong
        }),
        (range(), wrong(), any::<u8>()).prop_map(|((first, blocks), wrong, seed)| {
            Step::CompareAndWrite {
                first,
                blocks: blocks.min(255),
                wrong,
                seed,
            }
        }),
        (range(), any::<u8>()).prop_map(|((first, blocks), seed)| Step::OrWrite {
            first,
            blocks,
            seed
        }),
        (range(), 0u8..4, zeros).prop_map(|((first, blocks), seed, zeros)| Step::Fill {
            first,
            blocks,
            seed,
            zeros
        }),
        range().prop_map(|(first, blocks)| Step::Release { first, blocks }),
        (range(), any::<u8>()).prop_map(|((first, blocks), seed)| Step::Write {
            first,
            blocks,
            seed
        }),
    ]
}

/// Bytes of this seed; those of seed 0 are zeros.
fn pattern(seed: u8, len: usize) -> Vec<u8> {
    (0..len)
        .map(|at| (at as u8 | 1).wrapping_mul(seed))
        .collect()
}

/// `bytes` with one of them changed, and how many from the start are the same.
fn spoiled(bytes: &[u8], wrong: Option<prop::sample::Index>) -> (Vec<u8>, u64) {
    let mut bytes = bytes.to_vec();
    match wrong.filter(|_| !bytes.is_empty()) {
        None => (bytes.clone(), bytes.len() as u64),
        Some(index) => {
            let at = index.index(bytes.len());
            bytes[at] ^= 0x40;
            (bytes, at as u64)
        }
    }
}

fn agrees(store: &Store, steps: &[Step]) -> Result<(), TestCaseError> {
    let mut model = vec![0u8; BLOCKS * BLOCK];
    let at = |first: usize| (first * BLOCK) as u64;
    for step in steps {
        match *step {
            Step::Compare {
                first,
                blocks,
                wrong,
            } => {
                let range = &model[first * BLOCK..][..blocks * BLOCK];
                let (bytes, same) = spoiled(range, wrong);
                // The spans' borders are no block's.
                let (a, b) = bytes.split_at(bytes.len() / 3);
                let len = bytes.len() as u64;
                prop_assert_eq!(compare(store, at(first), len, &[a, b]), Ok(same));
            }
            Step::CompareAndWrite {
                first,
                blocks,
                wrong,
                seed,
            } => {
                let range = &mut model[first * BLOCK..][..blocks * BLOCK];
                let (expected, same) = spoiled(range, wrong);
                let new = pattern(seed, expected.len());
                let result =
                    compare_and_write(store, at(first), &[&expected, &new], Durability::Cached);
                prop_assert_eq!(result, Ok(same));
                if same == range.len() as u64 {
                    range.copy_from_slice(&new);
                }
            }
            Step::OrWrite {
                first,
                blocks,
                seed,
            } => {
                let bits = pattern(seed, blocks * BLOCK);
                let (a, b) = bits.split_at(bits.len() / 2);
                prop_assert_eq!(
                    or_write(store, at(first), &[a, b], Durability::Cached),
                    Ok(())
                );
                for (ours, theirs) in model[first * BLOCK..].iter_mut().zip(&bits) {
                    *ours |= theirs;
                }
            }
            Step::Fill {
                first,
                blocks,
                seed,
                zeros,
            } => {
                let block = pattern(seed, BLOCK);
                let (a, b) = block.split_at(100);
                let len = (blocks * BLOCK) as u64;
                prop_assert_eq!(fill(store, at(first), len, &[a, b], zeros), Ok(()));
                for ours in model[first * BLOCK..][..blocks * BLOCK].chunks_exact_mut(BLOCK) {
                    ours.copy_from_slice(&block);
                }
                // What was filled compares as the block, repeated.
                prop_assert_eq!(compare(store, at(first), len, &[&block]), Ok(len));
            }
            Step::Release { first, blocks } => {
                let len = blocks * BLOCK;
                prop_assert_eq!(store.release(at(first), len as u64), Ok(()));
                model[first * BLOCK..][..len].fill(0);
            }
            Step::Write {
                first,
                blocks,
                seed,
            } => {
                let bytes = pattern(seed, blocks * BLOCK);
                let cached = Durability::Cached;
                let done = try_write(store, at(first), &[&bytes]);
                let result = done.unwrap_or_else(|| write(store, at(first), &[&bytes], cached));
                prop_assert_eq!(result, Ok(()));
                model[first * BLOCK..][..bytes.len()].copy_from_slice(&bytes);
            }
        }
    }
    prop_assert!(
        read_vec(store, 0, model.len()) == Ok(model.clone()),
        "other bytes than the model's"
    );
    for (chunk, expected) in model.chunks(MIB).enumerate() {
        let mut bytes = vec![0xee; expected.len()];
        match try_read(store, (chunk * MIB) as u64, &mut [&mut bytes]) {
            None => {}
            Some(result) => {
                prop_assert_eq!(result, Ok(()));
                prop_assert!(bytes == expected, "other bytes at once than the model's");
            }
        }
    }
    told_of_all(store, &model)
}

/// The extents cover the store, and those that take no room are zeros.
fn told_of_all(store: &Store, model: &[u8]) -> Result<(), TestCaseError> {
    let mut at = 0;
    while at < model.len() {
        let Extent { len, allocated } = store.extent(at as u64).unwrap();
        prop_assert!(len > 0);
        let bytes = &model[at..at + len as usize];
        prop_assert!(
            allocated || bytes.iter().all(|&byte| byte == 0),
            "bytes without room at {}",
            at
        );
        at += bytes.len();
    }
    prop_assert_eq!(at, model.len());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn memory_agrees_with_a_vector(steps in prop::collection::vec(step(), 1..16)) {
        agrees(&Store::memory((BLOCKS * BLOCK) as u64).unwrap(), &steps)?;
    }

    #[test]
    fn a_file_agrees_with_a_vector(steps in prop::collection::vec(step(), 1..12)) {
        let directory = Directory::new();
        agrees(&create(&directory.join("image"), (BLOCKS * BLOCK) as u64), &steps)?;
    }

    #[test]
    fn a_mapped_file_agrees_with_a_vector(steps in prop::collection::vec(step(), 1..16)) {
        let directory = Directory::in_memory();
        if let Some(store) = create_mapped(&directory.join("image"), (BLOCKS * BLOCK) as u64) {
            agrees(&store, &steps)?;
        }
    }
}

/// What is written takes room, page by page, and no room any more when it is released.
fn takes_room_where_it_was_written(store: &Store) {
    let page = |n: u64| n * 4096;
    let extents = || {
        let mut found: Vec<(u64, bool)> = Vec::new();
        let mut at = 0;
        while at < store.len_bytes() {
            let Extent { len, allocated } = store.extent(at).unwrap();
            match found.last_mut().filter(|last| last.1 == allocated) {
                Some(last) => last.0 += len,
                None => found.push((len, allocated)),
            }
            at += len;
        }
        found
    };
    let len = store.len_bytes();
    assert_eq!(extents(), [(len, false)]);
    assert_eq!(
        write(store, page(300), &[&[1; 8192]], Durability::Cached),
        Ok(())
    );
    let rest = len - page(302);
    assert_eq!(
        extents(),
        [(page(300), false), (page(2), true), (rest, false)]
    );
    assert_eq!(store.release(page(300), 4096), Ok(()));
    assert_eq!(
        extents(),
        [(page(301), false), (page(1), true), (rest, false)]
    );
    // A part of a page is zeroed, and stays.
    assert_eq!(store.release(page(301), 512), Ok(()));
    assert_eq!(read_vec(store, page(301), 513).unwrap()[511..], [0, 1]);
    assert_eq!(
        extents(),
        [(page(301), false), (page(1), true), (rest, false)]
    );
    assert_eq!(fill(store, 0, len, &[], Zeros::Released), Ok(()));
    assert_eq!(extents(), [(len, false)]);
    assert_eq!(fill(store, page(1), page(1), &[], Zeros::Written), Ok(()));
    assert_eq!(
        extents(),
        [(page(1), false), (page(1), true), (len - page(2), false)]
    );
}

#[test]
fn memory_takes_room_where_it_was_written() {
    takes_room_where_it_was_written(&Store::memory((2 * MIB) as u64).unwrap());
    // A last page that is not whole goes with the rest.
    takes_room_where_it_was_written(&Store::memory((2 * MIB + 700) as u64).unwrap());
}

#[test]
fn a_file_on_tmpfs_takes_room_where_it_was_written() {
    let test = "a_file_on_tmpfs_takes_room_where_it_was_written";
    on_a_small_disk(test, |directory| {
        takes_room_where_it_was_written(&create(&directory.join("image"), (2 * MIB) as u64));
        let mapped = create_mapped(&directory.join("mapped"), (2 * MIB) as u64);
        takes_room_where_it_was_written(&mapped.unwrap());
    });
}

#[test]
fn room_that_is_released_can_be_used_again() {
    on_a_small_disk("room_that_is_released_can_be_used_again", |directory| {
        let store = create(&directory.join("image"), 8 << 20);
        let half = vec![7u8; MIB / 2];
        for n in 0..20 {
            let offset = n % 8 * MIB as u64;
            assert_eq!(
                write(&store, offset, &[&half], Durability::Cached),
                Ok(()),
                "{n}"
            );
            assert_eq!(store.release(offset, half.len() as u64), Ok(()));
        }
        let full = Err(Errno(libc::ENOSPC));
        assert_eq!(fill(&store, 0, 8 << 20, &[&[1; 512]], Zeros::Written), full);
        assert_eq!(store.release(0, 8 << 20), Ok(()));
    });
}

/// Increments of one counter by many threads: each that is told of success has happened, and nothing between.
fn compare_and_write_is_one_step(store: &Store) {
    const ROUNDS: u64 = 400;
    // The counter's copies stand at both sides of a border between two chunks.
    let offset = (MIB - BLOCK) as u64;
    let counter = |n: u64| n.to_le_bytes().repeat(2 * BLOCK / 8);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let adders = [(); 3].map(|()| {
            scope.spawn(|| {
                let mut n = 0;
                for _ in 0..ROUNDS {
                    loop {
                        let spans = [&*counter(n), &*counter(n + 1)];
                        let same = compare_and_write(store, offset, &spans, Durability::Cached);
                        if same.unwrap() == 2 * BLOCK as u64 {
                            break;
                        }
                        let seen = read_vec(store, offset, 8).unwrap();
                        n = u64::from_le_bytes(seen.try_into().unwrap());
                    }
                }
            })
        });
        let reader = scope.spawn(|| {
            while !over.load(Relaxed) {
                for offset in [offset, offset + BLOCK as u64] {
                    let block = read_vec(store, offset, BLOCK).unwrap();
                    assert!(
                        block.chunks_exact(8).all(|word| *word == block[..8]),
                        "torn"
                    );
                }
            }
        });
        let ended = adders.map(|thread| thread.join());
        over.store(true, Relaxed);
        assert!(reader.join().is_ok() && ended.iter().all(Result::is_ok));
    });
    assert!(read_vec(store, offset, 2 * BLOCK).unwrap() == counter(3 * ROUNDS));
}

#[test]
fn compare_and_write_in_memory_is_one_step() {
    compare_and_write_is_one_step(&Store::memory(2 * MIB as u64).unwrap());
}

#[test]
fn compare_and_write_in_a_file_is_one_step() {
    let directory = Directory::new();
    compare_and_write_is_one_step(&create(&directory.join("image"), 2 * MIB as u64));
}

#[test]
fn what_cannot_be_is_an_errno() {
    let directory = Directory::new();
    let path = directory.join("image");
    let store = create(&path, 8192);
    let invalid = || Errno(libc::EINVAL);
    assert_eq!(store.release(8192 - 511, 512), Err(invalid()));
    assert_eq!(store.verify(u64::MAX, 2), Err(invalid()));
    assert_eq!(store.extent(8192), Err(invalid()));
    assert_eq!(compare(&store, 0, 512, &[]), Err(invalid()));
    assert_eq!(
        compare_and_write(&store, 0, &[&[0; 3]], Durability::Cached),
        Err(invalid())
    );
    let huge = vec![0; 2 * MIB + 2];
    assert_eq!(
        compare_and_write(&store, 0, &[&huge], Durability::Cached),
        Err(invalid())
    );
    OpenOptions::new()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(4096)
        .unwrap();
    let cut = || Errno(libc::EIO);
    assert_eq!(store.verify(0, 8192), Err(cut()));
    assert_eq!(store.load(4096, 512), Err(cut()));
    assert_eq!(store.release(4096, 512), Err(cut()));
    assert_eq!(compare(&store, 0, 8192, &[&[0; 8192]]), Err(cut()));
    assert_eq!(store.verify(0, 4096), Ok(()));
    drop(store);
    let store = Store::open(&path, Access::ReadOnly).unwrap();
    let read_only = || Errno(libc::EROFS);
    assert_eq!(store.release(0, 512), Err(read_only()));
    assert_eq!(fill(&store, 0, 512, &[], Zeros::Written), Err(read_only()));
    assert_eq!(
        or_write(&store, 0, &[&[0; 512]], Durability::Cached),
        Err(read_only())
    );
    let same = compare_and_write(&store, 0, &[&[0; 1024]], Durability::Cached);
    assert_eq!(same, Err(read_only()));
    assert_eq!(compare(&store, 0, 512, &[&[0; 512]]), Ok(512));
}

#[test]
fn a_file_is_made_longer_and_shorter_and_nothing_else_is() {
    let directory = Directory::new();
    let path = directory.join("image");
    changes_its_length(create(&path, 8192));
    let read_only = Store::open(&path, Access::ReadOnly).unwrap();
    assert_eq!(read_only.resize(4096), Err(Errno(libc::EROFS)));
    let shared = Directory::in_memory();
    if let Some(mapped) = create_mapped(&shared.join("mapped"), 8192) {
        changes_its_length(mapped);
    }
}

fn changes_its_length(store: Store) {
    assert_eq!(
        write(&store, 4096, &[&[7; 4096]], Durability::Cached),
        Ok(())
    );
    assert_eq!(store.resize(1 << 20), Ok(()));
    assert_eq!(store.len_bytes(), 1 << 20);
    assert_eq!(read_vec(&store, 8191, 3), Ok(vec![7, 0, 0]));
    assert_eq!(store.resize(4608), Ok(()));
    assert_eq!(read_vec(&store, 4096, 512), Ok(vec![7; 512]));
    assert_eq!(store.release(4096, 1024), Err(Errno(libc::EINVAL)));
    assert_eq!(store.resize(8192), Ok(()));
    assert_eq!(read_vec(&store, 4608, 512), Ok(vec![0; 512]));
    for len_bytes in [0, u64::MAX] {
        assert_eq!(store.resize(len_bytes), Err(Errno(libc::EINVAL)));
    }
    assert_eq!(store.len_bytes(), 8192);
}

#[test]
fn a_file_that_is_cut_under_writes_stays_cut() {
    let directory = Directory::new();
    let path = directory.join("image");
    stays_cut(&path, &create(&path, 8192));
    let shared = Directory::in_memory();
    let path = shared.join("mapped");
    if let Some(mapped) = create_mapped(&path, 8192) {
        stays_cut(&path, &mapped);
    }
}

fn stays_cut(path: &Path, store: &Store) {
    let (writes, done) = (AtomicUsize::new(0), AtomicBool::new(false));
    // Joined by hand: ThreadSanitizer sees that, and not how a scope waits.
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            while !done.load(Relaxed) {
                let cached = Durability::Cached;
                let tried = try_write(store, 4096, &[&[7; 4096]]);
                let outcome = tried.unwrap_or_else(|| write(store, 4096, &[&[7; 4096]], cached));
                let refused = |errno| matches!(errno, Errno(libc::EIO | libc::EINVAL));
                assert!(outcome.map_or_else(refused, |()| true));
                writes.fetch_add(1, Release);
            }
        });
        let lengths: Vec<u64> = (0..500)
            .map(|_| {
                let more = |than: usize| {
                    let from = writes.load(Acquire);
                    while writes.load(Acquire) - from < than {
                        thread::yield_now();
                    }
                };
                store.resize(8192).unwrap();
                more(1);
                store.resize(4096).unwrap();
                // The write that was under way is over by the second.
                more(2);
                path.metadata().unwrap().len()
            })
            .collect();
        done.store(true, Relaxed);
        writer.join().unwrap();
        assert_eq!(lengths.iter().find(|len| **len != 4096), None);
    });
}

#[test]
fn memory_is_made_longer_and_shorter_and_what_was_cut_off_does_not_come_back() {
    let store = Store::memory(6000).unwrap();
    assert_eq!(fill(&store, 0, 6000, &[&[7]], Zeros::Written), Ok(()));
    assert_eq!(store.resize(64 * MIB as u64), Ok(()));
    assert_eq!(read_vec(&store, 5999, 3), Ok(vec![7, 0, 0]));
    let written = |allocated, len| Ok(Extent { len, allocated });
    assert_eq!(store.extent(0), written(true, 8192));
    assert_eq!(store.extent(8192), written(false, 64 * MIB as u64 - 8192));
    assert_eq!(
        write(&store, 63 * MIB as u64, &[&[9; 512]], Durability::Cached),
        Ok(())
    );
    assert_eq!(store.resize(100), Ok(()));
    assert_eq!(read_vec(&store, 99, 1), Ok(vec![7]));
    assert_eq!(read_vec(&store, 99, 2), Err(Errno(libc::EINVAL)));
    assert_eq!(store.resize(64 * MIB as u64), Ok(()));
    assert_eq!(
        read_vec(&store, 99, 6000),
        Ok([vec![7], vec![0; 5999]].concat())
    );
    assert_eq!(read_vec(&store, 63 * MIB as u64, 512), Ok(vec![0; 512]));
    assert_eq!(store.extent(4096), written(false, 64 * MIB as u64 - 4096));
    for len_bytes in [0, u64::MAX] {
        assert_eq!(store.resize(len_bytes), Err(Errno(libc::EINVAL)));
    }
    // More than any address space has.
    assert!(store.resize(1 << 62).is_err());
    assert_eq!(store.len_bytes(), 64 * MIB as u64);
    assert_eq!(read_vec(&store, 99, 1), Ok(vec![7]));
}

#[test]
fn memory_moves_under_transfers_and_each_of_them_is_whole_or_refused() {
    let long = 8 * MIB as u64;
    let store = Store::memory(long).unwrap();
    let done = AtomicBool::new(false);
    let refused = |errno| matches!(errno, Errno(libc::EIO | libc::EINVAL));
    // Joined by hand: ThreadSanitizer sees that, and not how a scope waits.
    thread::scope(|scope| {
        let movers = [1u8, 2].map(|seed| {
            let (store, done) = (&store, &done);
            scope.spawn(move || {
                // The first blocks are there at any length; the others come and go.
                let home = u64::from(seed) * 4096;
                while !done.load(Relaxed) {
                    let mine = [seed; 4096];
                    assert_eq!(write(store, home, &[&mine], Durability::Cached), Ok(()));
                    assert_eq!(read_vec(store, home, 4096), Ok(mine.to_vec()));
                    assert!(store.extent(home).unwrap().allocated);
                    let range = (3 * MIB as u64, 4 * MIB as u64);
                    for outcome in [
                        fill(store, range.0, range.1, &[&[seed]], Zeros::Written),
                        store.release(range.0, range.1),
                        store.extent(range.0).map(|_| ()),
                    ] {
                        assert!(outcome.map_or_else(refused, |()| true));
                    }
                }
            })
        });
        for round in 0..200u64 {
            let len_bytes = if round % 2 == 0 {
                MIB as u64
            } else {
                long << (round % 3)
            };
            assert_eq!(store.resize(len_bytes), Ok(()));
        }
        done.store(true, Relaxed);
        for mover in movers {
            mover.join().unwrap();
        }
    });
    assert_eq!(store.len_bytes(), long << 1);
}
