//! Which bytes of the arena a task owns.

use crate::Violation;
use crate::shared;
use crate::slot::{INLINE_SEGMENTS, MAX_SEGMENTS};

/// A run of bytes of the arena. In an accepted task it is not empty and lies within the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Bytes from the arena's start.
    pub offset: u32,
    /// Bytes.
    pub len: u32,
}

impl Segment {
    fn from_word(word: u64) -> Self {
        Self {
            offset: word as u32,
            len: (word >> 32) as u32,
        }
    }

    fn end(self) -> u64 {
        u64::from(self.offset) + u64::from(self.len)
    }
}

/// What a slot keeps room for from one task to the next. A task may have 512 segments and a pair 4096 slots: lists of such a size are
/// given back, or a client could make its target hold 16 MiB a pair for nothing.
const KEPT_SEGMENTS: usize = 8;

/// The checked segments of a task: data-out first, then data-in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Segments {
    list: Vec<Segment>,
    out_count: usize,
}

/// What a slot says of its data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DataDescriptor {
    pub(crate) out_len: u32,
    pub(crate) in_len: u32,
    pub(crate) out_count: u16,
    pub(crate) in_count: u16,
}

impl Segments {
    pub(crate) fn clear(&mut self) {
        self.list.clear();
        self.out_count = 0;
    }

    /// Forgets them when their task is over, and keeps room for a few.
    pub(crate) fn release(&mut self) {
        if self.list.capacity() > KEPT_SEGMENTS {
            self.list = Vec::new();
        }
        self.clear();
    }

    pub(crate) fn data_out(&self) -> &[Segment] {
        &self.list[..self.out_count]
    }

    pub(crate) fn data_in(&self) -> &[Segment] {
        &self.list[self.out_count..]
    }

    /// Takes the segments that `inline`, the private copy of the slot's second line, and tables in the arena name. `order` is scratch,
    /// which a target has once.
    ///
    /// # Safety
    ///
    /// `arena_len` bytes are mapped at `arena`, which is aligned to 8 bytes.
    pub(crate) unsafe fn read(
        &mut self,
        data: DataDescriptor,
        inline: &[u64; 2 * INLINE_SEGMENTS],
        arena: *mut u8,
        arena_len: usize,
        order: &mut Vec<Segment>,
    ) -> Result<(), Violation> {
        self.clear();
        let (out_inline, in_inline) = inline.split_at(INLINE_SEGMENTS);
        // SAFETY: the caller's promise, handed on.
        unsafe { self.append(data.out_count, data.out_len, out_inline, arena, arena_len) }?;
        self.out_count = self.list.len();
        // SAFETY: the caller's promise, handed on.
        unsafe { self.append(data.in_count, data.in_len, in_inline, arena, arena_len) }?;
        self.refuse_overlap(order)
    }

    /// # Safety
    ///
    /// As [`Self::read`].
    unsafe fn append(
        &mut self,
        count: u16,
        total: u32,
        inline: &[u64],
        arena: *mut u8,
        arena_len: usize,
    ) -> Result<(), Violation> {
        let count = usize::from(count);
        if count > MAX_SEGMENTS {
            return Err(Violation::SegmentCount);
        }
        if count <= INLINE_SEGMENTS {
            return self.extend(&inline[..count], total, arena_len);
        }
        let place = Segment {
            len: 8 * count as u32,
            ..Segment::from_word(inline[0])
        };
        if place.end() > arena_len as u64 || !place.offset.is_multiple_of(8) {
            return Err(Violation::SegmentOutside);
        }
        let mut table = [0; MAX_SEGMENTS];
        // SAFETY: the table lies in the arena, checked above.
        let from = unsafe { arena.add(place.offset as usize) };
        // SAFETY: 1. `8 * count` bytes of the arena from there, checked above. 2. Aligned, checked above.
        unsafe { shared::load(from, &mut table[..count]) };
        self.extend(&table[..count], total, arena_len)
    }

    fn extend(&mut self, words: &[u64], total: u32, arena_len: usize) -> Result<(), Violation> {
        let mut sum = 0;
        for &word in words {
            let segment = Segment::from_word(word);
            if segment.len == 0 {
                return Err(Violation::SegmentEmpty);
            }
            if segment.end() > arena_len as u64 {
                return Err(Violation::SegmentOutside);
            }
            sum += u64::from(segment.len);
            self.list.push(segment);
        }
        if sum == u64::from(total) {
            Ok(())
        } else {
            Err(Violation::DataLen)
        }
    }

    /// Bytes that belong to two segments would be read and written by one task at once, in no order.
    fn refuse_overlap(&self, order: &mut Vec<Segment>) -> Result<(), Violation> {
        if self.list.len() < 2 {
            return Ok(());
        }
        order.clone_from(&self.list);
        order.sort_unstable_by_key(|segment| segment.offset);
        let overlap = order
            .windows(2)
            .any(|pair| pair[0].end() > u64::from(pair[1].offset));
        if overlap {
            Err(Violation::SegmentOverlap)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The room that a slot has left after a task with `count` segments of one byte.
    fn room_after(count: u64) -> usize {
        let words: Vec<u64> = (0..count).map(|offset| offset | 1 << 32).collect();
        let mut segments = Segments::default();
        assert_eq!(segments.extend(&words, count as u32, 4096), Ok(()));
        assert_eq!(segments.data_in().len(), count as usize);
        segments.release();
        assert_eq!(segments.data_in(), []);
        segments.list.capacity()
    }

    #[test]
    fn a_slot_keeps_room_for_few_segments_and_never_for_many() {
        assert!((1..=KEPT_SEGMENTS).contains(&room_after(1)));
        assert!((4..=KEPT_SEGMENTS).contains(&room_after(4)));
        for count in [9, 256, 512] {
            assert_eq!(room_after(count), 0, "{count} segments");
        }
    }
}
