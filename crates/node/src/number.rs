//! Numbers that come from JavaScript, which may have them from the other side: here they become what they are meant to be, or a typed error.

use crate::error::{self, Coded};
use sgring_shm::PairNumber;

/// Bytes, or blocks: a whole number, exactly.
pub(crate) fn whole(number: f64) -> Result<u64, Coded> {
    /// `Number.MAX_SAFE_INTEGER`.
    const MOST: f64 = 9_007_199_254_740_991.0;
    if number.fract() == 0.0 && (0.0..=MOST).contains(&number) {
        Ok(number as u64)
    } else {
        Err(error::argument("no safe integer"))
    }
}

/// A pair's number in its nexus.
pub(crate) fn pair(number: u32) -> Result<PairNumber, Coded> {
    PairNumber::new(number).ok_or_else(|| error::argument("a pair's number has 31 bits"))
}
