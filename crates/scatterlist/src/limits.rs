//! What a device asks of a scatterlist.

use std::fmt;

/// The limits of a device, by the kernel's names where it has them (`struct queue_limits`, include/linux/blkdev.h).
///
/// Addresses are what the list holds, so virtual ones: a buffer that is one run here may lie in as many physical
/// segments as it has pages. Where `max_segments` must hold for certain, set `seg_boundary_mask` to the page size less one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many segments a command may have; at least 1.
    pub max_segments: u64,
    /// How many bytes a segment may have; at least `alignment`.
    pub max_segment_len: u64,
    /// No segment crosses an address that has these bits clear; one less than a power of two, at least
    /// `alignment - 1`. `u64::MAX` is no limit.
    pub seg_boundary_mask: u64,
    /// Where two segments of a command do not touch, the end of the first and the start of the second have these
    /// bits clear; one less than a power of two. 0 is no limit.
    pub virt_boundary_mask: u64,
    /// A power of two that addresses and lengths are multiples of; 1 is no limit.
    pub alignment: u64,
    /// How many bytes a command may move; at least 1.
    pub max_total: u64,
    /// The logical block length in bytes, at least 1: where a transfer may be split into commands.
    pub block_len: u64,
}

impl Limits {
    /// No limit at all.
    pub const NONE: Self = Self {
        max_segments: u64::MAX,
        max_segment_len: u64::MAX,
        seg_boundary_mask: u64::MAX,
        virt_boundary_mask: 0,
        alignment: 1,
        max_total: u64::MAX,
        block_len: 1,
    };

    /// Whether each limit is in the range that its field names.
    ///
    /// # Errors
    /// [`LimitError::Invalid`] with the first that is not.
    pub fn check(&self) -> Result<(), LimitError> {
        let is_mask = |mask: u64| mask & mask.wrapping_add(1) == 0;
        let valid = [
            (Limit::MaxSegments, self.max_segments, self.max_segments > 0),
            (
                Limit::Alignment,
                self.alignment,
                self.alignment.is_power_of_two(),
            ),
            (
                Limit::MaxSegmentLen,
                self.max_segment_len,
                self.max_segment_len >= self.alignment,
            ),
            (
                Limit::SegBoundaryMask,
                self.seg_boundary_mask,
                is_mask(self.seg_boundary_mask)
                    && self.seg_boundary_mask >= self.alignment.saturating_sub(1),
            ),
            (
                Limit::VirtBoundaryMask,
                self.virt_boundary_mask,
                is_mask(self.virt_boundary_mask),
            ),
            (Limit::MaxTotal, self.max_total, self.max_total > 0),
            (Limit::BlockLen, self.block_len, self.block_len > 0),
        ];
        match valid.into_iter().find(|&(_, _, valid)| !valid) {
            Some((limit, value, _)) => Err(LimitError::Invalid { limit, value }),
            None => Ok(()),
        }
    }

    /// The longest segment that leaves the one after it aligned.
    pub(crate) const fn aligned_segment_len(&self) -> u64 {
        self.max_segment_len & !(self.alignment - 1)
    }
}

/// One of [`Limits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// `max_segments`
    MaxSegments,
    /// `max_segment_len`
    MaxSegmentLen,
    /// `seg_boundary_mask`
    SegBoundaryMask,
    /// `virt_boundary_mask`
    VirtBoundaryMask,
    /// `alignment`
    Alignment,
    /// `max_total`
    MaxTotal,
    /// `block_len`
    BlockLen,
}

impl Limit {
    /// The name of its field.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MaxSegments => "max_segments",
            Self::MaxSegmentLen => "max_segment_len",
            Self::SegBoundaryMask => "seg_boundary_mask",
            Self::VirtBoundaryMask => "virt_boundary_mask",
            Self::Alignment => "alignment",
            Self::MaxTotal => "max_total",
            Self::BlockLen => "block_len",
        }
    }
}

/// Why a list cannot be brought under limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LimitError {
    /// A command, or in a split a single block, needs more than the limit allows.
    Exceeded {
        /// The broken limit.
        limit: Limit,
        /// What it allows.
        value: u64,
        /// What is needed at least: exact in bytes, one more than allowed in segments.
        needed: u64,
    },
    /// The transfer to be split is no whole number of blocks.
    PartialBlock {
        /// Its length in bytes.
        total_len: u64,
        /// The length of a block.
        block_len: u64,
    },
    /// The limit itself is out of its range, see [`Limits`].
    Invalid {
        /// Which limit.
        limit: Limit,
        /// Its value.
        value: u64,
    },
}

impl LimitError {
    /// A stable name for what is wrong.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Exceeded { .. } => "limit_exceeded",
            Self::PartialBlock { .. } => "limit_partial_block",
            Self::Invalid { .. } => "limit_invalid",
        }
    }
}

impl fmt::Display for LimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exceeded {
                limit,
                value,
                needed,
            } => {
                write!(
                    f,
                    "{} is {value}, at least {needed} is needed",
                    limit.name()
                )
            }
            Self::PartialBlock {
                total_len,
                block_len,
            } => {
                write!(
                    f,
                    "{total_len} bytes are no whole number of blocks of {block_len}"
                )
            }
            Self::Invalid { limit, value } => write!(f, "{} cannot be {value}", limit.name()),
        }
    }
}

impl std::error::Error for LimitError {}
