//! Lists under limits: one command, or several that end at block boundaries.

use std::iter::FusedIterator;

use crate::cut::Cut;
use crate::{Limit, LimitError, Limits, List, Segment};

impl List {
    /// The whole list as one command, of any length: `block_len` does not matter here.
    ///
    /// Takes time in the number of pieces, at most `max_segments`, and allocates nothing.
    ///
    /// # Errors
    /// [`LimitError`] names the limit that is broken, `max_total` before `max_segments`, or that is invalid.
    pub fn fit(&self, limits: &Limits) -> Result<Part<'_>, LimitError> {
        let rest = Rest::new(self, limits)?;
        let needed = self.total_len();
        if needed > limits.max_total {
            return Err(exceeded(Limit::MaxTotal, limits.max_total, needed));
        }
        if rest.reach() < needed {
            return Err(too_many_segments(limits));
        }
        Ok(rest.part(needed))
    }

    /// The list as as few commands as go in order, each a whole number of blocks; none for an empty list.
    ///
    /// All limits are checked here and not as the commands are taken, so nothing need be sent before it is known that
    /// everything can be. Takes time in the number of pieces and allocates nothing.
    ///
    /// # Errors
    /// [`LimitError`] where the list is no whole number of blocks, where not even one block goes into a command, or
    /// where a limit is invalid.
    pub fn split(&self, limits: &Limits) -> Result<Split<'_>, LimitError> {
        let rest = Rest::new(self, limits)?;
        let (total_len, block_len) = (self.total_len(), limits.block_len);
        if !total_len.is_multiple_of(block_len) {
            return Err(LimitError::PartialBlock {
                total_len,
                block_len,
            });
        }
        if total_len > 0 && block_len > limits.max_total {
            return Err(exceeded(Limit::MaxTotal, limits.max_total, block_len));
        }

        let mut count = 0;
        let mut ahead = rest.clone();
        while ahead.cut.left() > 0 {
            let len = ahead.whole_blocks();
            if len == 0 {
                return Err(too_many_segments(limits));
            }
            ahead.advance(len);
            count += 1;
        }
        Ok(Split { rest, count })
    }
}

const fn exceeded(limit: Limit, value: u64, needed: u64) -> LimitError {
    LimitError::Exceeded {
        limit,
        value,
        needed,
    }
}

const fn too_many_segments(limits: &Limits) -> LimitError {
    // Pieces are not counted beyond the limit; where the limit is u64::MAX, they cannot be too many.
    exceeded(
        Limit::MaxSegments,
        limits.max_segments,
        limits.max_segments.saturating_add(1),
    )
}

/// What one command moves: some bytes of a list, in pieces that obey the limits.
#[derive(Clone, Debug)]
pub struct Part<'a> {
    pieces: Pieces<'a>,
    offset: u64,
    len: u64,
    segments: u64,
    bounced: u64,
    bounce_len: u64,
}

impl<'a> Part<'a> {
    /// The pieces, in transfer order.
    #[must_use]
    pub fn pieces(&self) -> Pieces<'a> {
        self.pieces.clone()
    }

    /// Where it begins in the whole transfer, in bytes.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Its length in bytes.
    #[must_use]
    pub const fn total_len(&self) -> u64 {
        self.len
    }

    /// How many pieces it has.
    #[must_use]
    pub const fn segments(&self) -> u64 {
        self.segments
    }

    /// How many of the pieces bounce.
    #[must_use]
    pub const fn bounced(&self) -> u64 {
        self.bounced
    }

    /// How many bytes bounce.
    #[must_use]
    pub const fn bounce_len(&self) -> u64 {
        self.bounce_len
    }
}

/// A segment that the device takes in one go, or that bounces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Where the bytes lie.
    pub segment: Segment,
    /// Whether they must go through an aligned buffer.
    ///
    /// Pieces that bounce next to each other go into one buffer, in order. If that begins at an address with
    /// `seg_boundary_mask` clear and crosses no other, it needs no more segments than it replaces.
    pub bounce: bool,
}

/// The [`Piece`]s of a [`Part`], cut as they are asked for.
#[derive(Clone, Debug)]
pub struct Pieces<'a> {
    cut: Cut<'a>,
    /// Where in the command the next piece begins.
    offset: u64,
    alignment: u64,
    bounce_all: bool,
}

impl Iterator for Pieces<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        let segment = self.cut.next()?;
        // The place in the command counts as well: a piece that is aligned itself but comes after an odd number of
        // bytes would leave the bounce buffer before it with an odd end. Bouncing it too keeps all lengths on the
        // alignment, up to the last, which is the transfer's own.
        let bits = segment.address | segment.len | self.offset;
        self.offset += segment.len;
        Some(Piece {
            segment,
            bounce: self.bounce_all || bits & (self.alignment - 1) != 0,
        })
    }
}

impl FusedIterator for Pieces<'_> {}

/// The commands of a [`List::split`], in transfer order.
#[derive(Clone, Debug)]
pub struct Split<'a> {
    rest: Rest<'a>,
    count: usize,
}

impl<'a> Iterator for Split<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        self.count = self.count.checked_sub(1)?;
        let len = self.rest.whole_blocks();
        let part = self.rest.part(len);
        self.rest.advance(len);
        Some(part)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.count, Some(self.count))
    }
}

impl ExactSizeIterator for Split<'_> {}
impl FusedIterator for Split<'_> {}

/// What no command has yet.
#[derive(Clone, Debug)]
struct Rest<'a> {
    cut: Cut<'a>,
    offset: u64,
    limits: Limits,
}

impl<'a> Rest<'a> {
    fn new(list: &'a List, limits: &Limits) -> Result<Self, LimitError> {
        limits.check()?;
        let max_len = limits.aligned_segment_len();
        let cut = Cut::new(
            list.segments(),
            list.total_len(),
            max_len,
            limits.seg_boundary_mask,
        );
        Ok(Self {
            cut,
            offset: 0,
            limits: *limits,
        })
    }

    /// How many bytes the next command could move, were there no blocks.
    fn reach(&self) -> u64 {
        let max_segments = usize::try_from(self.limits.max_segments).unwrap_or(usize::MAX);
        self.cut
            .first(self.limits.max_total)
            .take(max_segments)
            .map(|piece| piece.len)
            .sum()
    }

    /// The same in whole blocks.
    fn whole_blocks(&self) -> u64 {
        let reach = self.reach();
        reach - reach % self.limits.block_len
    }

    /// The next `len` bytes as a command. A prefix of what is in reach has no more pieces, so it is in reach too.
    fn part(&self, len: u64) -> Part<'a> {
        let cut = self.cut.first(len);
        let bounce_all = has_gap(cut.clone(), self.limits.virt_boundary_mask);
        let pieces = Pieces {
            cut,
            offset: 0,
            alignment: self.limits.alignment,
            bounce_all,
        };

        let (mut segments, mut bounced, mut bounce_len) = (0, 0, 0);
        for piece in pieces.clone() {
            segments += 1;
            if piece.bounce {
                bounced += 1;
                bounce_len += piece.segment.len;
            }
        }
        Part {
            pieces,
            offset: self.offset,
            len,
            segments,
            bounced,
            bounce_len,
        }
    }

    fn advance(&mut self, len: u64) {
        self.cut = self.cut.after(len);
        self.offset += len;
    }
}

/// Whether two pieces do not touch and leave a gap within `virt_boundary_mask`. The whole command then bounces, as the
/// kernel has it (`iov_iter_gap_alignment` in blk_rq_map_user_iov, block/blk-map.c).
fn has_gap(pieces: Cut<'_>, virt_boundary_mask: u64) -> bool {
    let mut previous_end = None;
    pieces.into_iter().any(|piece| {
        let gap = previous_end.is_some_and(|end| {
            end != piece.address && (end | piece.address) & virt_boundary_mask != 0
        });
        previous_end = piece.end();
        gap
    })
}
