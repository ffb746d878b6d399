//! Any sequence of reads and writes does to a store what it does to a `Vec<u8>`.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use common::{Directory, create, create_mapped, read, read_vec, try_read, try_write, write};
use proptest::prelude::*;
use sgring_store::{Durability, Errno, Span, Store};

/// A little over three chunks of 1 MiB, so that ranges cross their borders, and no multiple of any block.
const LEN: usize = (3 << 20) + 777;

#[derive(Clone, Debug)]
enum Step {
    Read {
        offset: usize,
        cuts: Vec<usize>,
        tried: bool,
    },
    Write {
        offset: usize,
        cuts: Vec<usize>,
        tried: bool,
        durability: Durability,
        seed: u8,
    },
    Flush,
}

fn offset() -> impl Strategy<Value = usize> {
    let near_a_border = (0usize..=3, 0usize..4096)
        .prop_map(|(chunk, by)| ((chunk << 20) + by).saturating_sub(2048).min(LEN));
    prop_oneof![near_a_border, 0..=LEN]
}

/// The lengths of the spans of one transfer. Empty ones are among them, and more than one batch of 64.
fn cuts() -> impl Strategy<Value = Vec<usize>> {
    let len = prop_oneof![Just(0), 1usize..600, Just(512), Just(4096)];
    prop_oneof![
        8 => prop::collection::vec(len, 0..8),
        3 => prop::collection::vec(0usize..64, 60..300),
        1 => prop::collection::vec(500_000usize..1_500_000, 1..3),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let durability = prop_oneof![4 => Just(Durability::Cached), 1 => Just(Durability::Medium)];
    prop_oneof![
        8 => (offset(), cuts(), any::<bool>())
            .prop_map(|(offset, cuts, tried)| Step::Read { offset, cuts, tried }),
        8 => (offset(), cuts(), any::<bool>(), durability, any::<u8>()).prop_map(
            |(offset, cuts, tried, durability, seed)| Step::Write { offset, cuts, tried, durability, seed }
        ),
        1 => Just(Step::Flush),
    ]
}

/// The bytes that a write with this seed brings.
fn pattern(seed: u8, len: usize) -> Vec<u8> {
    (0..len)
        .map(|at| (at as u8).wrapping_mul(31) ^ seed)
        .collect()
}

/// `bytes` in parts of these lengths.
fn parts<'a>(mut bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    cuts.iter()
        .map(|&len| bytes.split_off(..len).unwrap())
        .collect()
}

/// As [`parts`], to be written.
fn parts_mut<'a>(mut bytes: &'a mut [u8], cuts: &[usize]) -> Vec<&'a mut [u8]> {
    cuts.iter()
        .map(|&len| bytes.split_off_mut(..len).unwrap())
        .collect()
}

fn agrees(store: &Store, steps: &[Step]) -> Result<(), TestCaseError> {
    let mut model = vec![0u8; LEN];
    for step in steps {
        match step {
            Step::Read {
                offset,
                cuts,
                tried,
            } => {
                let mut bytes = vec![0xa5; cuts.iter().sum()];
                let mut into = parts_mut(&mut bytes, cuts);
                let from = *offset as u64;
                let done = if *tried {
                    try_read(store, from, &mut into)
                } else {
                    None
                };
                let result = done.unwrap_or_else(|| read(store, from, &mut into));
                match model.get(*offset..*offset + bytes.len()) {
                    Some(expected) => {
                        prop_assert_eq!(result, Ok(()));
                        prop_assert!(bytes == expected, "other bytes than were written");
                    }
                    None => prop_assert_eq!(result, Err(Errno(libc::EINVAL))),
                }
            }
            Step::Write {
                offset,
                cuts,
                tried,
                durability,
                seed,
            } => {
                let bytes = pattern(*seed, cuts.iter().sum());
                let from = parts(&bytes, cuts);
                let to = *offset as u64;
                let done = if *tried {
                    try_write(store, to, &from)
                } else {
                    None
                };
                let result = done.unwrap_or_else(|| write(store, to, &from, *durability));
                match model.get_mut(*offset..*offset + bytes.len()) {
                    Some(range) => {
                        prop_assert_eq!(result, Ok(()));
                        range.copy_from_slice(&bytes);
                    }
                    None => prop_assert_eq!(result, Err(Errno(libc::EINVAL))),
                }
            }
            Step::Flush => prop_assert_eq!(store.flush(), Ok(())),
        }
    }
    prop_assert!(
        read_vec(store, 0, LEN) == Ok(model),
        "the whole image differs"
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn memory_matches_oracle(steps in prop::collection::vec(step(), 1..24)) {
        agrees(&Store::memory(LEN as u64).unwrap(), &steps)?;
    }

    #[test]
    fn a_file_matches_oracle(steps in prop::collection::vec(step(), 1..24)) {
        let directory = Directory::new();
        agrees(&create(&directory.join("image"), LEN as u64), &steps)?;
    }

    #[test]
    fn a_mapped_file_matches_oracle(steps in prop::collection::vec(step(), 1..24)) {
        let directory = Directory::in_memory();
        if let Some(store) = create_mapped(&directory.join("image"), LEN as u64) {
            agrees(&store, &steps)?;
        }
    }
}

#[test]
fn only_memory_is_tried_and_only_up_to_two_chunks() {
    let directory = Directory::new();
    let file = create(&directory.join("image"), 4 << 20);
    let memory = Store::memory(4 << 20).unwrap();
    let mut bytes = vec![1u8; 2 << 20];
    let mut tried = |store: &Store, offset: u64, len: usize| {
        let read = try_read(store, offset, &mut [&mut bytes[..len]]).is_some();
        let written = try_write(store, offset, &[&bytes[..len]]).is_some();
        (read, written)
    };
    assert_eq!(tried(&file, 0, 512), (false, false));
    assert_eq!(tried(&memory, 0, 512), (true, true));
    assert_eq!(tried(&memory, 512, 1 << 20), (true, true));
    assert_eq!(tried(&memory, 0, 2 << 20), (true, true));
    assert_eq!(tried(&memory, 512, 2 << 20), (false, false));
}

#[test]
fn ranges_that_wrap_or_pass_the_end_are_refused() {
    let store = Store::memory(4096).unwrap();
    let refused = Err(Errno(libc::EINVAL));
    for offset in [4096 - 511, 4097, u64::MAX - 511, u64::MAX] {
        assert_eq!(
            read(&store, offset, &mut [&mut [0; 512]]),
            refused,
            "{offset}"
        );
        let written = write(&store, offset, &[&[0; 512]], Durability::Cached);
        assert_eq!(written, refused, "{offset}");
    }
    let endless = Span {
        ptr: std::ptr::dangling_mut(),
        len: usize::MAX,
    };
    // SAFETY: the range is refused before the memory is touched.
    let result = unsafe { store.read(0, &[endless, endless]) };
    assert_eq!(result, refused);
}
