//! The one walk over segments: from any byte of a list, in pieces no longer than allowed.

use crate::Segment;

/// What is left of a list, and where it must be cut. As an iterator it gives the pieces.
#[derive(Clone, Debug)]
pub(crate) struct Cut<'a> {
    /// The runs that are not done; of the first, `done` bytes are.
    runs: &'a [Segment],
    done: u64,
    left: u64,
    max_len: u64,
    boundary_mask: u64,
}

impl<'a> Cut<'a> {
    /// The first `len` bytes of `runs`, cut after `max_len` bytes (never 0), and where an address has all bits of
    /// `boundary_mask` (one less than a power of two) clear.
    pub(crate) const fn new(
        runs: &'a [Segment],
        len: u64,
        max_len: u64,
        boundary_mask: u64,
    ) -> Self {
        Self {
            runs,
            done: 0,
            left: len,
            max_len,
            boundary_mask,
        }
    }

    /// The bytes of `runs` from `offset` on, `len` of them, cut nowhere but between runs.
    pub(crate) fn at(mut runs: &'a [Segment], mut offset: u64, len: u64) -> Self {
        while let Some((first, rest)) = runs.split_first()
            && offset >= first.len
        {
            offset -= first.len;
            runs = rest;
        }
        Self {
            runs,
            done: offset,
            left: len,
            max_len: u64::MAX,
            boundary_mask: u64::MAX,
        }
    }

    /// How many bytes are still to come, if the runs have them.
    pub(crate) const fn left(&self) -> u64 {
        self.left
    }

    /// The same walk, over at most `len` bytes.
    pub(crate) fn first(&self, len: u64) -> Self {
        Self {
            left: self.left.min(len),
            ..self.clone()
        }
    }

    /// The same walk after `len` bytes, which must not be more than are left.
    pub(crate) fn after(&self, len: u64) -> Self {
        let mut first = self.first(len);
        first.by_ref().for_each(drop);
        Self {
            left: self.left - len,
            ..first
        }
    }
}

impl Iterator for Cut<'_> {
    type Item = Segment;

    fn next(&mut self) -> Option<Segment> {
        let (run, rest) = self.runs.split_first()?;
        if self.left == 0 {
            return None;
        }
        let address = run.address + self.done;
        // Saturates only where the mask has all bits, and then nothing is cut.
        let to_boundary = (self.boundary_mask - (address & self.boundary_mask)).saturating_add(1);
        let in_run = run.len - self.done;
        let len = in_run.min(self.left).min(self.max_len).min(to_boundary);

        self.left -= len;
        if len == in_run {
            self.runs = rest;
            self.done = 0;
        } else {
            self.done += len;
        }
        Some(Segment { address, len })
    }
}
