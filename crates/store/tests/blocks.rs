//! A block is read whole, as one write left it, while others write it.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use common::{Directory, create, create_mapped, read, try_read, try_write, write};
use sgring_store::{Durability, Store};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

const BLOCK: usize = 4096;
/// Around the border between two chunks, so that many transfers take two locks.
const BASE: u64 = (1 << 20) - 16 * BLOCK as u64;
const BLOCKS: usize = 32;
const WRITES: usize = 3000;

/// Two threads fill overlapping runs of blocks, each write with one byte value of its own; two others read.
/// `tried` makes them try first, as an event loop does.
fn never_tears(store: &Store, tried: bool) {
    let over = AtomicBool::new(false);
    // All are joined by hand: ThreadSanitizer sees that, and not how a scope waits.
    thread::scope(|scope| {
        let writers = [0usize, 1].map(|writer| {
            scope.spawn(move || {
                let mut bytes = [0u8; BLOCKS * BLOCK];
                for n in 0..WRITES {
                    let first = (n * 7 + writer * 3) % BLOCKS;
                    let len = ((n * 5 + writer) % (BLOCKS - first) + 1) * BLOCK;
                    bytes[..len].fill((2 * n + writer) as u8);
                    // The spans' borders are no block's.
                    let (a, b) = bytes[..len].split_at(len / 3);
                    let offset = BASE + (first * BLOCK) as u64;
                    let cached = Durability::Cached;
                    let done = if tried {
                        try_write(store, offset, &[a, b])
                    } else {
                        None
                    };
                    let result = done.unwrap_or_else(|| write(store, offset, &[a, b], cached));
                    assert_eq!(result, Ok(()));
                }
            })
        });
        let over = &over;
        let readers = [(); 2].map(|()| {
            scope.spawn(move || {
                let mut bytes = [0u8; BLOCKS * BLOCK];
                while !over.load(Relaxed) {
                    let (a, b) = bytes.split_at_mut(5 * BLOCK + 100);
                    let mut into = [a, b];
                    let done = if tried {
                        try_read(store, BASE, &mut into)
                    } else {
                        None
                    };
                    let result = done.unwrap_or_else(|| read(store, BASE, &mut into));
                    assert_eq!(result, Ok(()));
                    for (n, block) in bytes.chunks_exact(BLOCK).enumerate() {
                        assert!(
                            block.iter().all(|&byte| byte == block[0]),
                            "block {n} is torn"
                        );
                    }
                }
            })
        });
        let ended = writers.map(|writer| writer.join());
        over.store(true, Relaxed);
        let read = readers.map(|reader| reader.join());
        assert!(ended.iter().chain(&read).all(Result::is_ok));
    });
}

#[test]
fn blocks_in_memory_never_tear() {
    never_tears(&Store::memory(2 << 20).unwrap(), false);
}

#[test]
fn blocks_in_memory_never_tear_when_tried_first() {
    never_tears(&Store::memory(2 << 20).unwrap(), true);
}

/// Not every file system keeps readers of a page from its writers; the store does it for all.
#[test]
fn blocks_in_a_file_never_tear() {
    let directory = Directory::new();
    never_tears(&create(&directory.join("image"), 2 << 20), false);
}

/// Some by system calls, the others by copies.
#[test]
fn blocks_in_a_mapped_file_never_tear() {
    let directory = Directory::in_memory();
    if let Some(store) = create_mapped(&directory.join("image"), 2 << 20) {
        never_tears(&store, true);
    }
}
