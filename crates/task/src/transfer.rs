//! A transfer between a task's data and a backing, in the list that a target's JavaScript hands over once a batch: eight 32-bit words.
//!
//! ```text
//! 0 slot | 1 op | 2 backing | 3 offset, low half | 4 offset, high half | 5 length in bytes | 6 errno (the result) | 7 data in bytes
//! ```

/// Bytes of a transfer.
pub const BYTES: usize = 32;
/// Word: the task's slot.
pub const SLOT: usize = 0;
/// Word: one of the operations below.
pub const OP: usize = 1;
/// Word: the number that the backing was given.
pub const BACKING: usize = 2;
/// Word: low half of the first byte's place in the backing.
pub const OFFSET_LOW: usize = 3;
/// Word: its high half.
pub const OFFSET_HIGH: usize = 4;
/// Word: how many bytes.
pub const LEN: usize = 5;
/// Word: how many bytes of data-out, for the operations from [`COMPARE`] to [`FILL_OR_RELEASE`].
pub const DATA: usize = 7;
/// Word: 0, an errno, or [`UNDER_WAY`].
pub const ERRNO: usize = 6;

/// From the backing to data-in.
pub const READ: u32 = 0;
/// From data-out to the backing, which may keep it in a cache.
pub const WRITE: u32 = 1;
/// From data-out to the backing's medium.
pub const WRITE_FUA: u32 = 2;
/// What was written so far to the backing's medium.
pub const FLUSH: u32 = 3;

/// The backing's medium is read, to nowhere.
pub const VERIFY: u32 = 4;
/// The backing is read into the system's cache.
pub const LOAD: u32 = 5;
/// The backing against data-out, of which there may be less, to be repeated: how many bytes are the same.
pub const COMPARE: u32 = 6;
/// The backing against the first half of data-out, which has the double length; the second half is written if it is the same: how many
/// bytes are the same.
pub const COMPARE_AND_WRITE: u32 = 7;
/// As that, to the backing's medium.
pub const COMPARE_AND_WRITE_FUA: u32 = 8;
/// The bits of data-out are set in the backing.
pub const OR_WRITE: u32 = 9;
/// As that, to the backing's medium.
pub const OR_WRITE_FUA: u32 = 10;
/// Data-out as often as it takes, or zeros without any.
pub const FILL: u32 = 11;
/// As that; zeros give their room back.
pub const FILL_OR_RELEASE: u32 = 12;
/// Zeros, whose room is given back.
pub const RELEASE: u32 = 13;
/// How far the backing goes on as it begins at the offset, in bytes, times two; the lowest bit is set where it takes room.
pub const EXTENT: u32 = 14;

/// A thread does it: the result comes later.
pub const UNDER_WAY: i32 = -1;
