//! A transfer between a task's data and a backing, in the list that a target's JavaScript hands over once a batch: eight 32-bit words.
//!
//! ```text
//! 0 slot | 1 op | 2 backing | 3 offset, low half | 4 offset, high half | 5 length in bytes | 6 errno (the result) | 7 reserved
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

/// A thread does it: the result comes later.
pub const UNDER_WAY: i32 = -1;
