//! The naive model of a command: its bytes cut one by one, its blocks tried one by one.

#![allow(dead_code, reason = "each test file uses a part")]

use proptest::prelude::*;
use sgring_scatterlist::{Limits, Part, Piece, Segment};

/// Limits that bind now and then, all in range.
pub(crate) fn limits() -> impl Strategy<Value = Limits> {
    let of_pieces = (0..4_u32).prop_flat_map(|shift| {
        let alignment = 1_u64 << shift;
        let len = prop_oneof![alignment..alignment + 24, Just(u64::MAX)];
        let boundary = prop_oneof![(shift..8).prop_map(|bits| (1 << bits) - 1), Just(u64::MAX)];
        let virt_boundary = prop_oneof![4 => Just(0), 1 => Just(7), 1 => Just(15)];
        (Just(alignment), len, boundary, virt_boundary)
    });
    let max_segments = prop_oneof![1..12_u64, Just(u64::MAX)];
    let max_total = prop_oneof![1..200_u64, Just(u64::MAX)];
    let block_len = prop_oneof![Just(1), Just(4), Just(8), Just(16), 1..20_u64];
    let of_commands = (max_segments, max_total, block_len);
    (of_pieces, of_commands).prop_map(|(pieces, commands)| Limits {
        alignment: pieces.0,
        max_segment_len: pieces.1,
        seg_boundary_mask: pieces.2,
        virt_boundary_mask: pieces.3,
        max_segments: commands.0,
        max_total: commands.1,
        block_len: commands.2,
    })
}

/// The pieces of one command that moves `bytes`: cut byte by byte, then marked.
pub(crate) fn naive_pieces(bytes: &[u64], limits: &Limits) -> Vec<Piece> {
    let max_len = limits.max_segment_len - limits.max_segment_len % limits.alignment;
    let cut = |address, len| address & limits.seg_boundary_mask == 0 || len == max_len;
    let segments = super::runs(bytes, cut);

    let gap = segments.windows(2).any(|pair| {
        let (end, start) = (pair[0].address + pair[0].len, pair[1].address);
        end != start
            && [end, start]
                .iter()
                .any(|at| at & limits.virt_boundary_mask != 0)
    });

    let mut at = 0;
    let mark = |segment: Segment| {
        let aligned = [segment.address, segment.len, at]
            .iter()
            .all(|n| n % limits.alignment == 0);
        at += segment.len;
        Piece {
            segment,
            bounce: gap || !aligned,
        }
    };
    segments.into_iter().map(mark).collect()
}

/// The most blocks of `bytes` that go into one command, tried one after another.
pub(crate) fn naive_blocks(bytes: &[u64], limits: &Limits) -> usize {
    let fits = |blocks: &usize| {
        let len = blocks * limits.block_len as usize;
        len as u64 <= limits.max_total
            && naive_pieces(&bytes[..len], limits).len() as u64 <= limits.max_segments
    };
    (1..=bytes.len() / limits.block_len as usize)
        .take_while(fits)
        .last()
        .unwrap_or(0)
}

/// Whether a command that moves `bytes` is what the model makes of it, and under the limits.
pub(crate) fn check_part(
    part: &Part<'_>,
    bytes: &[u64],
    limits: &Limits,
) -> Result<(), TestCaseError> {
    let pieces: Vec<Piece> = part.pieces().collect();
    prop_assert_eq!(&pieces, &naive_pieces(bytes, limits));

    let bounced: Vec<_> = pieces.iter().filter(|piece| piece.bounce).collect();
    prop_assert_eq!(part.total_len(), bytes.len() as u64);
    prop_assert_eq!(part.segments(), pieces.len() as u64);
    prop_assert_eq!(part.bounced(), bounced.len() as u64);
    prop_assert_eq!(
        part.bounce_len(),
        bounced.iter().map(|piece| piece.segment.len).sum::<u64>()
    );

    prop_assert!(part.total_len() <= limits.max_total);
    prop_assert!(part.segments() <= limits.max_segments);
    for Piece { segment, .. } in &pieces {
        let last = segment.address + segment.len - 1;
        prop_assert!(segment.len <= limits.max_segment_len);
        prop_assert_eq!(
            segment.address | limits.seg_boundary_mask,
            last | limits.seg_boundary_mask
        );
    }
    Ok(())
}
