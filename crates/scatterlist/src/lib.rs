//! Scatterlists: where the bytes of a transfer lie, under the limits of what moves them.
//!
//! | module     | holds                                                                             |
//! |------------|-----------------------------------------------------------------------------------|
//! | `list`     | [`List`]: segments in transfer order, checked and merged as they are pushed       |
//! | `limits`   | [`Limits`] of a device, which others read from its queue in sysfs                 |
//! | `fit`      | [`List::fit`] into one command, [`List::split`] into several: [`Part`], [`Piece`] |
//! | `memory`   | [`Memory`], its [`Span`]s, [`List::copy_in`] and [`List::copy_out`]               |
//! | [`iovec`]  | the two layouts of `struct iovec`, parsed and emitted as bytes                    |
//! | `cut`      | the one walk over segments that `fit` and `memory` share                          |
//!
//! **A list is a sequence of bytes**; how it is cut is nobody's concern until a device's limits make it so.
//! Neighbours in the list that are also neighbours in memory become one run:
//!
//! ```text
//! pushed   [0x1000 +0x800] [0x1800 +0x800] [0x5000 +0x400]
//! list     [0x1000       +0x1000         ] [0x5000 +0x400]
//! ```
//!
//! **Limits cut runs into pieces**, here by `seg_boundary_mask` 0xfff and `max_segment_len` 0x800:
//!
//! ```text
//! run      [0x0c00                          +0x1800]
//! pieces   [0x0c00 +0x400][0x1000 +0x800][0x1800 +0x800][0x2000 +0x400]
//!                         ^ boundary     ^ length       ^ boundary
//! ```
//!
//! **Commands end at block boundaries**, here with `max_segments` 2 and `block_len` 0x200:
//!
//! ```text
//! pieces   [   0x300   ][  0x280  ][   0x280   ]
//! parts    [   0x300   ][0x100]                      0x400 = 2 blocks
//!                              [0x180][   0x280   ]  0x400 = 2 blocks
//! ```
//!
//! **A piece bounces** when the device cannot reach it where it lies: its address, its length or its place in the
//! command is not on the alignment. Pieces that bounce next to each other share one bounce buffer, in order, so that
//! what the device sees is aligned again:
//!
//! ```text
//! pieces   [0x1002 +2][0x2000 +6][0x3000 +8]   alignment 4
//! bounce    yes        yes        no
//! device   [bounce           +8][0x3000 +8]
//! ```
//!
//! Nothing here makes a system call or knows SCSI. A list allocates when it is made and never again; fitting, splitting
//! and copying do not allocate at all.

mod cut;
mod fit;
pub mod iovec;
mod limits;
mod list;
mod memory;

pub use fit::{Part, Piece, Pieces, Split};
pub use limits::{Limit, LimitError, Limits};
pub use list::{List, SegmentError};
pub use memory::{Memory, Span, Spans};

/// Where some bytes of a transfer lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The first byte: an offset into an arena, or an address; which of the two, its [`List`] says.
    pub address: u64,
    /// Its length in bytes.
    pub len: u64,
}

impl Segment {
    /// The address after its last byte, or `None` where that wraps.
    #[must_use]
    pub const fn end(self) -> Option<u64> {
        self.address.checked_add(self.len)
    }
}
