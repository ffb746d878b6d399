//! One thread's memcpy: blocks at random places of an image, into the places of an arena in turn.
//!
//! Both are the kind of memory that a target has: the image anonymous and private, with huge pages where there are some, as
//! `sgring-store` makes it; the arena a sealed memory file, mapped shared, as `sgring-shm` makes it.

use crate::fail;
use sgring_shm::{Mapping, ShmError, memfd};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// Blocks start at multiples of this, as logical blocks do.
const GRAIN: usize = 512;

/// An image and an arena, both of real pages.
pub(crate) struct Copies {
    image: Vec<u8>,
    arena: Mapping,
    depth: usize,
    block_bytes: usize,
    random: u64,
}

impl Copies {
    pub(crate) fn new(image_bytes: usize, depth: usize, block_bytes: usize) -> Self {
        let whole = image_bytes.is_multiple_of(GRAIN) && block_bytes.is_multiple_of(GRAIN);
        if !whole || block_bytes == 0 || image_bytes < block_bytes || depth == 0 {
            fail("block and image are multiples of 512 bytes, and the image holds a block");
        }
        Self {
            image: image(image_bytes),
            arena: arena(depth * block_bytes).unwrap_or_else(|error| fail(error)),
            depth,
            block_bytes,
            random: 0x9e37_79b9_7f4a_7c15,
        }
    }

    /// Copies `count` blocks; the last one is looked at.
    pub(crate) fn run(&mut self, count: usize) -> Duration {
        let places = ((self.image.len() - self.block_bytes) / GRAIN + 1) as u64;
        let (mut grain, mut to) = (0, 0);
        let started = Instant::now();
        for index in 0..count {
            grain = self.random() % places;
            to = index % self.depth * self.block_bytes;
            let at = grain as usize * GRAIN;
            let from = &self.image[at..at + self.block_bytes];
            let into = self.place(to);
            // SAFETY: 1. `place` leads to a block's bytes of the arena. 2. The image lies elsewhere.
            unsafe { into.copy_from_nonoverlapping(from.as_ptr(), from.len()) };
        }
        let took = started.elapsed();
        // SAFETY: a block of the arena is longer than a word; nobody else has this mapping.
        let stamp = unsafe { self.place(to).cast::<u64>().read_unaligned() };
        if count > 0 && stamp != grain {
            fail(format_args!("block {grain} reads {stamp}"));
        }
        took
    }

    /// Where the arena's bytes from `at` stand.
    fn place(&self, at: usize) -> *mut u8 {
        assert!(at + self.block_bytes <= self.arena.len(), "in the arena");
        // SAFETY: in bounds, checked above.
        unsafe { self.arena.as_ptr().add(at) }
    }

    /// Xorshift (Marsaglia 2003): cheap beside the smallest copy.
    fn random(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }
}

/// Every grain begins with its number, and no page is the zero page.
fn image(len: usize) -> Vec<u8> {
    let mut image = Vec::<u8>::with_capacity(len);
    let start = image.as_mut_ptr();
    let page = start.addr().next_multiple_of(4096) - start.addr();
    // Advice: where there are no huge pages, it is refused and nothing is lost.
    // SAFETY: the range lies in the allocation, which is one of ours, and the advice changes no byte of it.
    unsafe {
        libc::madvise(
            start.wrapping_add(page).cast(),
            len - page,
            libc::MADV_HUGEPAGE,
        )
    };
    for grain in 0..(len / GRAIN) as u64 {
        image.extend_from_slice(&grain.to_le_bytes());
        image.resize(image.len() + GRAIN - 8, grain as u8 | 1);
    }
    image
}

fn arena(len: usize) -> Result<Mapping, ShmError> {
    let file = memfd::create(len.next_multiple_of(4096) as u64)?;
    let arena = Mapping::map(file.as_fd(), len.next_multiple_of(4096) as u64)?;
    arena.advise_huge(0..arena.len());
    // SAFETY: the whole mapping, which nobody else has.
    unsafe { arena.as_ptr().write_bytes(1, arena.len()) };
    Ok(arena)
}
