//! Locks over the image, and ranges cut along them.
//!
//! ```text
//! offset   0        1 MiB      2 MiB      3 MiB             64 MiB
//! chunk    |---0----|----1-----|----2-----|--- ... ---|-----64---- ...
//! stripe       0         1          2                       0
//! ```
//!
//! A transfer holds the stripe of one chunk at a time: shared to read, exclusive to write. So
//! - a block, which never straddles a chunk (its size is a power of two, and it is aligned), is always read whole, as one write left it;
//! - no thread waits for a stripe while it holds another: there is nothing to order, and no deadlock;
//! - a transfer over several chunks is not atomic as a whole, as no SCSI transfer is but those of the atomic write commands.

use crate::sync::{Owned, RwLock, Shared};
use std::iter::FusedIterator;

/// What one stripe covers at a time, in bytes. Blocks divide it.
pub(crate) const CHUNK: u64 = 1 << 20;

/// Enough that a handful of threads rarely meets.
const STRIPES: usize = 64;

/// A lock on a cache line of its own: readers of different chunks share nothing.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Stripe(RwLock);

/// The locks of one store.
#[derive(Debug)]
pub(crate) struct Stripes(Box<[Stripe; STRIPES]>);

impl Stripes {
    pub(crate) fn new() -> Self {
        Self(Box::new(std::array::from_fn(|_| Stripe::default())))
    }

    pub(crate) fn share(&self, piece: Piece) -> Shared<'_> {
        self.of(piece).share()
    }

    pub(crate) fn own(&self, piece: Piece) -> Owned<'_> {
        self.of(piece).own()
    }

    /// `None` if it would wait.
    pub(crate) fn try_share(&self, piece: Piece) -> Option<Shared<'_>> {
        self.of(piece).try_share()
    }

    /// `None` if it would wait.
    pub(crate) fn try_own(&self, piece: Piece) -> Option<Owned<'_>> {
        self.of(piece).try_own()
    }

    fn of(&self, piece: Piece) -> &RwLock {
        &self.0[(piece.offset / CHUNK) as usize % STRIPES].0
    }
}

/// A part of a range that lies in one chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) offset: u64,
    /// 1 to [`CHUNK`].
    pub(crate) len: usize,
}

/// A range, cut along the chunks, in ascending order.
#[derive(Clone, Debug)]
pub(crate) struct Pieces {
    next: u64,
    end: u64,
}

impl Pieces {
    /// `None` if the range does not lie within `0..len_bytes`.
    pub(crate) fn new(offset: u64, total: u64, len_bytes: u64) -> Option<Self> {
        let end = offset.checked_add(total).filter(|&end| end <= len_bytes)?;
        Some(Self { next: offset, end })
    }
}

impl Iterator for Pieces {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        if self.next == self.end {
            return None;
        }
        let offset = self.next;
        let chunk_left = CHUNK - offset % CHUNK;
        let len = chunk_left.min(self.end - offset);
        self.next += len;
        Some(Piece {
            offset,
            len: len as usize,
        })
    }
}

impl FusedIterator for Pieces {}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(offset: u64, total: u64) -> Vec<(u64, usize)> {
        let pieces = Pieces::new(offset, total, u64::MAX).unwrap();
        pieces.map(|piece| (piece.offset, piece.len)).collect()
    }

    #[test]
    fn a_range_is_cut_at_chunks_and_nowhere_else() {
        let chunk = CHUNK as usize;
        assert_eq!(cut(0, 0), []);
        assert_eq!(cut(512, 512), [(512, 512)]);
        assert_eq!(cut(0, CHUNK), [(0, chunk)]);
        assert_eq!(cut(CHUNK - 1, 2), [(CHUNK - 1, 1), (CHUNK, 1)]);
        assert_eq!(
            cut(7, 2 * CHUNK),
            [(7, chunk - 7), (CHUNK, chunk), (2 * CHUNK, 7)]
        );
    }

    #[test]
    fn a_range_outside_is_refused() {
        assert!(Pieces::new(10, 0, 10).is_some());
        assert!(Pieces::new(10, 1, 10).is_none());
        assert!(Pieces::new(11, 0, 10).is_none());
        assert!(Pieces::new(u64::MAX, 2, u64::MAX).is_none());
    }

    #[test]
    fn a_stripe_that_is_held_is_not_waited_for() {
        let stripes = Stripes::new();
        let piece = |chunk: u64| Piece {
            offset: chunk * CHUNK,
            len: 1,
        };
        let shared = stripes.share(piece(1));
        assert!(stripes.try_share(piece(1)).is_some());
        assert!(stripes.try_own(piece(1)).is_none());
        assert!(stripes.try_own(piece(1 + STRIPES as u64)).is_none());
        assert!(stripes.try_own(piece(2)).is_some());
        drop(shared);
        let owned = stripes.own(piece(1));
        assert!(stripes.try_share(piece(1)).is_none());
        drop(owned);
        assert!(stripes.try_own(piece(1)).is_some());
    }
}
