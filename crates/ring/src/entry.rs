//! The bits of an entry.
//!
//! ```text
//! 63        48 47                                   0
//! +-----------+--------------------------------------+
//! |    lap    |               payload                |
//! +-----------+--------------------------------------+
//! ```
//!
//! Position `p` of a queue of `2^b` entries stands at index `p mod 2^b` and has lap `p / 2^b + 1`, both modulo 2^16. Fresh memory is
//! zero, which is lap 0: the lap before the first. Sixteen bits would be fifteen more than an honest peer needs; the rest makes a
//! word that was scribbled over show itself.

/// How many bits of an entry are the caller's.
pub const PAYLOAD_BITS: u32 = 48;

/// The caller's bits of an entry.
pub const PAYLOAD_MASK: u64 = (1 << PAYLOAD_BITS) - 1;

/// Where position `position` stands in a queue of `len` entries, a power of two.
pub(crate) fn index(position: u64, len: usize) -> usize {
    position as usize & (len - 1)
}

/// The lap of `position` in a queue of `len` entries, a power of two.
pub(crate) fn lap(position: u64, len: usize) -> u16 {
    (position >> len.trailing_zeros()).wrapping_add(1) as u16
}

/// The lap that a word carries.
pub(crate) fn lap_of(word: u64) -> u16 {
    (word >> PAYLOAD_BITS) as u16
}

/// The word that publishes `payload` in `lap`. Bits beyond the payload's are dropped.
pub(crate) fn word(lap: u16, payload: u64) -> u64 {
    u64::from(lap) << PAYLOAD_BITS | payload & PAYLOAD_MASK
}
