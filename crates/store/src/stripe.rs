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
//! - no thread waits for a stripe while it holds one of a higher number: there is no deadlock;
//! - a transfer over several chunks is not atomic as a whole, as no SCSI transfer is but COMPARE AND WRITE, which holds the stripes of all its
//!   chunks at once, taken in the order of their numbers.

use sgring_sync::{Owned, RwLock, Shared};
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

    /// The stripes of a whole range at once.
    pub(crate) fn own_all(&self, pieces: &Pieces) -> Vec<Owned<'_>> {
        let mut numbers: Vec<usize> = pieces.clone().map(number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers.iter().map(|&n| self.0[n].0.own()).collect()
    }

    /// All there are.
    pub(crate) fn own_every(&self) -> Vec<Owned<'_>> {
        self.0.iter().map(|stripe| stripe.0.own()).collect()
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
        &self.0[number(piece)].0
    }
}

/// Which stripe a piece has.
fn number(piece: Piece) -> usize {
    (piece.offset / CHUNK) as usize % STRIPES
}

/// A part of a range that lies in one chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) offset: u64,
    /// 1 to [`CHUNK`].
    pub(crate) len: usize,
}

impl Piece {
    /// Itself, in parts of at most `max` bytes.
    pub(crate) fn parts(self, max: usize) -> impl Iterator<Item = Self> {
        (0..self.len).step_by(max).map(move |at| Self {
            offset: self.offset + at as u64,
            len: max.min(self.len - at),
        })
    }
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
    fn a_piece_in_parts_is_itself() {
        let piece = Piece { offset: 7, len: 10 };
        let parts: Vec<_> = piece.parts(4).map(|part| (part.offset, part.len)).collect();
        assert_eq!(parts, [(7, 4), (11, 4), (15, 2)]);
    }

    #[test]
    fn the_stripes_of_a_range_are_taken_once_each() {
        let stripes = Stripes::new();
        let far = (STRIPES as u64 + 2) * CHUNK;
        let all = Pieces::new(CHUNK / 2, far, u64::MAX).unwrap();
        assert_eq!(stripes.own_all(&all).len(), STRIPES);
        let two = Pieces::new(STRIPES as u64 * CHUNK - 1, 2, u64::MAX).unwrap();
        let held = stripes.own_all(&two);
        assert_eq!(held.len(), 2);
        let first = Piece { offset: 0, len: 1 };
        assert!(stripes.try_share(first).is_none());
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
