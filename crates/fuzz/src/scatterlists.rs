//! iovecs, segments and limits, against the plainest reading of each.

use arbitrary::{Arbitrary, Result, Unstructured};
use sgring_scatterlist::iovec::{self, IovecError, Layout};
use sgring_scatterlist::{Limit, LimitError, Limits, List, Memory, Part, Segment, SegmentError};

/// No walk here is longer than this: limits of one byte would make as many pieces as there are bytes.
const MOST_PIECES: u64 = 256;
/// Bytes of an arena that is really there.
const ARENA: usize = 8192;

/// Segments from iovecs, in a list, under limits, and over memory.
pub fn run(data: &[u8]) {
    let _ended = play(Unstructured::new(data));
}

fn play(mut input: Unstructured<'_>) -> Result<()> {
    let layout = if bool::arbitrary(&mut input)? {
        Layout::Bits32
    } else {
        Layout::Bits64
    };
    let small = bool::arbitrary(&mut input)?;
    let arena = bool::arbitrary(&mut input)?;
    let capacity = usize::from(u8::arbitrary(&mut input)? % 40);
    let limits = limits(&mut input)?;
    let (offset, len) = (u16::arbitrary(&mut input)?, u16::arbitrary(&mut input)?);
    let segments = iovecs(layout, input.take_rest());

    let segments: Vec<Segment> = segments
        .into_iter()
        .map(|Segment { address, len }| match small {
            true => Segment {
                address: address % (ARENA as u64 + 64),
                len: len % 700,
            },
            false => Segment { address, len },
        })
        .collect();
    let bound = if arena {
        ARENA as u64
    } else {
        layout.address_bound()
    };
    let mut list = match arena {
        true => List::arena(bound, capacity),
        false => List::addresses(layout, capacity),
    };
    push_all(&mut list, &segments, bound, arena, capacity);
    commands(&list, &limits);
    if arena {
        copies(&list, u64::from(offset), usize::from(len));
    }
    Ok(())
}

/// The entries, which make the same bytes again.
fn iovecs(layout: Layout, bytes: &[u8]) -> Vec<Segment> {
    let whole = bytes.len() - bytes.len() % layout.entry_len();
    assert_eq!(iovec::parse(layout, bytes).is_ok(), whole == bytes.len());
    let entries = iovec::parse(layout, &bytes[..whole]).expect("whole entries");
    assert_eq!(entries.len(), whole / layout.entry_len());
    let segments: Vec<Segment> = entries.collect();
    let mut again = vec![0; whole];
    match iovec::emit(layout, segments.iter().copied(), &mut again) {
        Ok(len) => assert_eq!((len, &again[..]), (whole, &bytes[..whole])),
        Err(IovecError::TooWide { index, .. }) => {
            let end = segments[index].end();
            assert!(end.is_none_or(|end| end > layout.address_bound()));
        }
        Err(other) => panic!("{other}"),
    }
    segments
}

/// Pushes each, and holds the answer against a list of runs that is searched from end to end.
fn push_all(list: &mut List, segments: &[Segment], bound: u64, arena: bool, capacity: usize) {
    let mut runs: Vec<Segment> = Vec::new();
    let mut total = 0u64;
    for &segment in segments {
        let end = u128::from(segment.address) + u128::from(segment.len);
        let overlaps = arena
            && runs.iter().any(|run| {
                u128::from(run.address) < end
                    && u128::from(segment.address) < u128::from(run.address + run.len)
            });
        let joins = runs
            .last()
            .is_some_and(|last| last.address + last.len == segment.address);
        let expected = match list.push(segment) {
            Ok(()) => {
                assert!(segment.len > 0 && end <= u128::from(bound) && !overlaps);
                total += segment.len;
                match runs.last_mut().filter(|_| joins) {
                    Some(last) => last.len += segment.len,
                    None => runs.push(segment),
                }
                true
            }
            Err(SegmentError::Empty { .. }) => segment.len == 0,
            Err(SegmentError::Wraps { .. }) => end > u128::from(u64::MAX),
            Err(SegmentError::Beyond { .. }) => end > u128::from(bound),
            Err(SegmentError::Overlaps { .. }) => overlaps,
            Err(SegmentError::TooMany { .. }) => !joins && runs.len() == capacity,
            Err(SegmentError::TotalOverflow { .. }) => total.checked_add(segment.len).is_none(),
            Err(other) => panic!("{other}"),
        };
        assert!(expected, "{segment:?} after {runs:?}");
        assert_eq!((list.segments(), list.total_len()), (&runs[..], total));
    }
}

/// Limits that are mostly in their range.
fn limits(input: &mut Unstructured<'_>) -> Result<Limits> {
    let mut small = |none: u64| -> Result<u64> {
        Ok(match u8::arbitrary(input)? {
            0..32 => none,
            value => u64::from(value - 31),
        })
    };
    let mut limits = Limits {
        max_segments: small(u64::MAX)?,
        max_segment_len: 64 * small(u64::MAX / 64)?,
        seg_boundary_mask: small(u64::MAX)?
            .saturating_mul(128)
            .checked_next_power_of_two()
            .map_or(u64::MAX, |power| power - 1),
        virt_boundary_mask: small(1)?.next_power_of_two() - 1,
        alignment: 1 << (small(1)? % 7),
        max_total: small(u64::MAX)?.saturating_mul(64),
        block_len: small(1)?,
    };
    if u8::arbitrary(input)? < 16 {
        limits.alignment = input.arbitrary()?;
        limits.seg_boundary_mask = input.arbitrary()?;
    }
    Ok(limits)
}

/// The list as one command and as several: each obeys the limits, and together they are the list.
fn commands(list: &List, limits: &Limits) {
    let valid = limits.check();
    let step = limits
        .max_segment_len
        .min(limits.seg_boundary_mask.saturating_add(1));
    let block = limits.block_len.max(1).min(step.max(1));
    if valid.is_ok() && list.total_len() / block > MOST_PIECES {
        return;
    }
    match list.fit(limits) {
        Ok(part) => {
            assert!(valid.is_ok() && part.total_len() <= limits.max_total);
            obeys(&part, limits);
            assert_eq!((part.offset(), part.total_len()), (0, list.total_len()));
            same_bytes(list, [part]);
        }
        Err(LimitError::Exceeded {
            limit,
            value,
            needed,
        }) => {
            assert!(needed > value || value == u64::MAX);
            assert!(matches!(limit, Limit::MaxTotal | Limit::MaxSegments));
        }
        Err(error) => assert_eq!(Err(error), valid),
    }
    match list.split(limits) {
        Ok(split) => {
            let (count, parts) = (split.len(), split.collect::<Vec<_>>());
            assert_eq!(parts.len(), count);
            let mut at = 0;
            for part in &parts {
                assert_eq!(part.offset(), at);
                assert!(part.total_len() > 0 && part.total_len() <= limits.max_total);
                assert!(part.total_len().is_multiple_of(limits.block_len));
                obeys(part, limits);
                at += part.total_len();
            }
            same_bytes(list, parts);
        }
        Err(LimitError::PartialBlock { .. }) => {
            assert!(!list.total_len().is_multiple_of(limits.block_len));
        }
        Err(LimitError::Exceeded { .. }) => {}
        Err(error) => assert_eq!(Err(error), valid),
    }
}

fn obeys(part: &Part<'_>, limits: &Limits) {
    let (mut pieces, mut bounced, mut len) = (0, 0, 0);
    for piece in part.pieces() {
        let Segment {
            address,
            len: bytes,
        } = piece.segment;
        assert!(bytes > 0 && bytes <= limits.max_segment_len);
        let last = address + (bytes - 1);
        let mask = limits.seg_boundary_mask;
        assert_eq!(address & !mask, last & !mask, "crosses a boundary");
        let aligned = (address | bytes) & (limits.alignment - 1) == 0;
        assert!(piece.bounce || aligned);
        pieces += 1;
        bounced += u64::from(piece.bounce);
        len += bytes;
    }
    assert!(pieces <= limits.max_segments);
    assert_eq!(
        (pieces, bounced, len),
        (part.segments(), part.bounced(), part.total_len())
    );
}

/// The pieces are the list's runs, cut.
fn same_bytes<'a>(list: &List, parts: impl IntoIterator<Item = Part<'a>>) {
    let mut runs: Vec<Segment> = Vec::new();
    for piece in parts.into_iter().flat_map(|part| part.pieces()) {
        let Segment { address, len } = piece.segment;
        match runs.last_mut() {
            Some(last) if last.address + last.len == address => last.len += len,
            _ => runs.push(piece.segment),
        }
    }
    assert_eq!(runs, list.segments());
}

/// What is copied in is copied out, and no other byte is touched.
fn copies(list: &List, offset: u64, len: usize) {
    let mut memory = vec![0u8; ARENA];
    let bytes: Vec<u8> = (0..len).map(|at| (at % 255) as u8 + 1).collect();
    let mut expected = memory.clone();
    let places = list
        .segments()
        .iter()
        .flat_map(|segment| segment.address..segment.address + segment.len);
    let mut there = 0;
    for (place, byte) in places.skip(offset as usize).zip(&bytes) {
        expected[place as usize] = *byte;
        there += 1;
    }
    // SAFETY: 1. one allocation of this length, which lives; 2. nothing else refers to it until the last copy.
    let arena = unsafe { Memory::new(memory.as_mut_ptr(), memory.len()) };
    assert_eq!(list.copy_in(arena, offset, &bytes), there);
    let mut back = vec![0; len];
    assert_eq!(list.copy_out(arena, offset, &mut back), there);
    assert_eq!(back[..there], bytes[..there]);
    assert_eq!(memory, expected);
}
