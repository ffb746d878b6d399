//! A list of segments: checked and merged as they are pushed.

use std::fmt;

use crate::Segment;
use crate::iovec::Layout;

/// Segments in transfer order, of one arena or of one address space.
///
/// Everything in it holds: no segment is empty, wraps or ends beyond the arena, the total fits 64 bits, and in a list of
/// an arena no two segments overlap (the device would write the same byte twice, in an order that nobody knows).
/// Neighbours are merged: where one segment ends and the next begins at the same address, they are one.
#[derive(Clone, Debug)]
pub struct List {
    segments: Vec<Segment>,
    /// The indices of `segments`, by address; used only where overlaps are refused.
    by_address: Vec<usize>,
    overlaps: Overlaps,
    /// No segment ends after this address.
    bound: u64,
    capacity: usize,
    pushed: usize,
    total_len: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Overlaps {
    Refused,
    Allowed,
}

impl List {
    /// An empty list of offsets into an arena of `arena_len` bytes, with room for `capacity` runs.
    #[must_use]
    pub fn arena(arena_len: u64, capacity: usize) -> Self {
        Self::new(arena_len, capacity, Overlaps::Refused)
    }

    /// An empty list of addresses, as wide as `layout` has them, with room for `capacity` runs.
    ///
    /// Segments may overlap: the same buffer may be written to a device twice, as by writev(2).
    #[must_use]
    pub fn addresses(layout: Layout, capacity: usize) -> Self {
        Self::new(layout.address_bound(), capacity, Overlaps::Allowed)
    }

    fn new(bound: u64, capacity: usize, overlaps: Overlaps) -> Self {
        let sorted = if overlaps == Overlaps::Refused {
            capacity
        } else {
            0
        };
        Self {
            segments: Vec::with_capacity(capacity),
            by_address: Vec::with_capacity(sorted),
            overlaps,
            bound,
            capacity,
            pushed: 0,
            total_len: 0,
        }
    }

    /// Appends a segment. Never allocates; takes O(log n) comparisons.
    ///
    /// # Errors
    /// The list is then as it was, and the error names the segment by the number of those accepted before it.
    pub fn push(&mut self, segment: Segment) -> Result<(), SegmentError> {
        let index = self.pushed;
        if segment.len == 0 {
            return Err(SegmentError::Empty { index });
        }
        let end = segment.end().ok_or(SegmentError::Wraps { index })?;
        if end > self.bound {
            return Err(SegmentError::Beyond {
                index,
                end,
                bound: self.bound,
            });
        }
        let total_len = self
            .total_len
            .checked_add(segment.len)
            .ok_or(SegmentError::TotalOverflow { index })?;
        let place = match self.overlaps {
            Overlaps::Refused => Some(self.free_place(index, segment.address, end)?),
            Overlaps::Allowed => None,
        };

        if let Some(last) = self.segments.last_mut()
            && last.end() == Some(segment.address)
        {
            // A run that grows keeps its first address, and so its place in `by_address`.
            last.len += segment.len;
        } else if self.segments.len() == self.capacity {
            return Err(SegmentError::TooMany {
                index,
                capacity: self.capacity,
            });
        } else {
            if let Some(place) = place {
                self.by_address.insert(place, self.segments.len());
            }
            self.segments.push(segment);
        }
        self.pushed += 1;
        self.total_len = total_len;
        Ok(())
    }

    /// Pushes segments up to the first that is refused; [`clear`](List::clear) a list that is then of no use.
    ///
    /// # Errors
    /// As [`push`](List::push); the list holds what came before the offender.
    pub fn try_extend(
        &mut self,
        segments: impl IntoIterator<Item = Segment>,
    ) -> Result<(), SegmentError> {
        segments
            .into_iter()
            .try_for_each(|segment| self.push(segment))
    }

    /// Empties the list and keeps its room.
    pub fn clear(&mut self) {
        self.segments.clear();
        self.by_address.clear();
        self.pushed = 0;
        self.total_len = 0;
    }

    /// The merged runs, in transfer order.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The length of the whole transfer in bytes.
    #[must_use]
    pub const fn total_len(&self) -> u64 {
        self.total_len
    }

    /// Whether it holds no byte.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.total_len == 0
    }

    /// The place among `by_address` of what lies at `address..end`, which must be free.
    fn free_place(&self, index: usize, address: u64, end: u64) -> Result<usize, SegmentError> {
        let place = self
            .by_address
            .partition_point(|&at| self.segments[at].address < address);
        let (before, after) = self.by_address.split_at(place);
        // The runs are disjoint, so only the nearest on each side can reach into this one.
        let below = before
            .last()
            .is_some_and(|&at| self.segments[at].end() > Some(address));
        let above = after
            .first()
            .is_some_and(|&at| self.segments[at].address < end);
        if below || above {
            Err(SegmentError::Overlaps { index })
        } else {
            Ok(place)
        }
    }
}

/// Why a segment was refused. `index` counts the segments accepted before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SegmentError {
    /// It has no bytes.
    Empty {
        /// Which segment.
        index: usize,
    },
    /// Its end is 2^64 or more.
    Wraps {
        /// Which segment.
        index: usize,
    },
    /// It ends after the arena or the address space.
    Beyond {
        /// Which segment.
        index: usize,
        /// Where it ends.
        end: u64,
        /// Where it must end at the latest.
        bound: u64,
    },
    /// It shares a byte with an earlier segment of the arena.
    Overlaps {
        /// Which segment.
        index: usize,
    },
    /// The list has no room for another run.
    TooMany {
        /// Which segment.
        index: usize,
        /// How many runs the list was made for.
        capacity: usize,
    },
    /// With it the total is 2^64 or more.
    TotalOverflow {
        /// Which segment.
        index: usize,
    },
}

impl SegmentError {
    /// A stable name for what is wrong.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Empty { .. } => "segment_empty",
            Self::Wraps { .. } => "segment_wraps",
            Self::Beyond { .. } => "segment_beyond",
            Self::Overlaps { .. } => "segment_overlaps",
            Self::TooMany { .. } => "segment_too_many",
            Self::TotalOverflow { .. } => "segment_total_overflow",
        }
    }
}

impl fmt::Display for SegmentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty { index } => write!(f, "segment {index} has no bytes"),
            Self::Wraps { index } => write!(f, "segment {index} wraps around 2^64"),
            Self::Beyond { index, end, bound } => {
                write!(f, "segment {index} ends at {end}, beyond {bound}")
            }
            Self::Overlaps { index } => write!(f, "segment {index} overlaps an earlier one"),
            Self::TooMany { index, capacity } => {
                write!(
                    f,
                    "segment {index} is one too many, the list has room for {capacity}"
                )
            }
            Self::TotalOverflow { index } => {
                write!(f, "segment {index} makes the total 2^64 bytes or more")
            }
        }
    }
}

impl std::error::Error for SegmentError {}
