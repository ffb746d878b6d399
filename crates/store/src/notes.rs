//! What is known of the parts of an image: a bit for each, in a mapping that takes memory only where one was ever set.

use crate::error::Errno;
use crate::mapping::Mapping;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Parts that one word stands for.
const WORD_PARTS: usize = 64;

/// A bit for each of an image's parts of `PART` bytes; the last may be shorter.
///
/// The bits of a part are changed by whoever has its stripe to itself, and others may share the word.
#[derive(Debug)]
pub(crate) struct Notes<const PART: usize>(Mapping);

impl<const PART: usize> Notes<PART> {
    /// Those of an image of `image_len` bytes, none set.
    pub(crate) fn new(image_len: usize) -> Result<Self, Errno> {
        Ok(Self(Mapping::zeroed(Self::bytes(image_len))?))
    }

    fn bytes(image_len: usize) -> usize {
        image_len.div_ceil(PART * WORD_PARTS) * size_of::<u64>()
    }

    /// For an image of another length. Longer ones do no harm, whatever becomes of the image.
    ///
    /// # Safety
    ///
    /// The caller has every stripe to itself.
    pub(crate) unsafe fn resize(&self, image_len: usize) -> Result<(), Errno> {
        // SAFETY: notes are touched under a stripe, all of which the caller has.
        unsafe { self.0.resize(Self::bytes(image_len)) }
    }

    /// The caller holds a stripe, whichever.
    fn word(&self, index: usize) -> &AtomicU64 {
        debug_assert!(index < self.0.len() / size_of::<u64>());
        let words = self.0.base().cast::<u64>();
        // SAFETY: `index` is that of a part of the image, for each of which there is a bit in the mapping.
        let word = unsafe { words.add(index) };
        // SAFETY: 1. Aligned, as a page is, and mapped for as long as the caller has its stripe. 2. Nobody touches it but as this atomic.
        unsafe { AtomicU64::from_ptr(word) }
    }

    /// Notes this of `parts`. The caller has their stripe to itself.
    pub(crate) fn set(&self, parts: Range<usize>, to: bool) {
        for (index, mask) in masks(parts) {
            let word = self.word(index);
            let seen = word.load(Relaxed);
            // Most writes go where something was before: their line stays clean.
            if to && seen & mask != mask {
                word.fetch_or(mask, Relaxed);
            } else if !to && seen & mask != 0 {
                word.fetch_and(!mask, Relaxed);
            }
        }
    }

    /// Whether it is noted of each of `parts`. The caller holds their stripe.
    pub(crate) fn all(&self, parts: Range<usize>) -> bool {
        masks(parts).all(|(index, mask)| self.word(index).load(Relaxed) & mask == mask)
    }

    /// Whether it is noted of the part at `first`, and up to which part, `end` at most, that goes for those behind it. Others may
    /// change theirs meanwhile. The caller holds a stripe, whichever.
    pub(crate) fn run(&self, first: usize, end: usize) -> (bool, usize) {
        let noted = self.word(first / WORD_PARTS).load(Relaxed) >> (first % WORD_PARTS) & 1 == 1;
        let mut part = first;
        while part < end {
            let bit = part % WORD_PARTS;
            let word = self.word(part / WORD_PARTS).load(Relaxed) >> bit;
            let same = if noted {
                word.trailing_ones()
            } else {
                word.trailing_zeros()
            };
            let same = (same as usize).min(WORD_PARTS - bit);
            part += same;
            if same < WORD_PARTS - bit {
                break;
            }
        }
        (noted, part.min(end))
    }
}

/// The words of these parts, and their bits in each.
fn masks(parts: Range<usize>) -> impl Iterator<Item = (usize, u64)> {
    let mut part = parts.start;
    std::iter::from_fn(move || {
        if part >= parts.end {
            return None;
        }
        let bit = part % WORD_PARTS;
        let count = (WORD_PARTS - bit).min(parts.end - part);
        let mask = (u64::MAX >> (WORD_PARTS - count)) << bit;
        let index = part / WORD_PARTS;
        part += count;
        Some((index, mask))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]

    use super::*;

    #[test]
    fn what_is_noted_of_parts_is_noted_of_no_others() {
        let notes = Notes::<4096>::new(1 << 20).unwrap();
        notes.set(60..140, true);
        assert_eq!(notes.run(0, 256), (false, 60));
        assert_eq!(notes.run(60, 256), (true, 140));
        assert_eq!(notes.run(100, 120), (true, 120));
        assert_eq!(notes.run(140, 256), (false, 256));
        assert!(notes.all(60..140) && notes.all(70..70));
        assert!(!notes.all(59..61) && !notes.all(139..141));
        notes.set(100..128, false);
        assert_eq!(notes.run(60, 256), (true, 100));
        assert_eq!(notes.run(100, 256), (false, 128));
        assert!(!notes.all(60..140));
    }
}
