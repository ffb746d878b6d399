//! Lists under limits, against cutting byte by byte.

mod model;

use model::command::{check_part, limits, naive_pieces};
use proptest::prelude::*;
use sgring_scatterlist::{Limit, LimitError, Limits, List, Part, Piece, Segment};

const fn seg(address: u64, len: u64) -> Segment {
    Segment { address, len }
}

/// Where the device's segments end in the command, once pieces that bounce together share a buffer.
fn device_ends(part: &Part<'_>) -> Vec<u64> {
    let mut ends = Vec::new();
    let mut before = None;
    for Piece { segment, bounce } in part.pieces() {
        let at = ends.last().copied().unwrap_or(0);
        if bounce && before == Some(true) {
            ends.pop();
        }
        ends.push(at + segment.len);
        before = Some(bounce);
    }
    ends
}

proptest! {
    #[test]
    fn fit_obeys_every_limit_and_keeps_the_bytes(
        segments in model::segments(),
        limits in limits(),
    ) {
        let list = model::list(&segments);
        let bytes = model::bytes(segments);
        let (total, pieces) = (bytes.len() as u64, naive_pieces(&bytes, &limits).len() as u64);
        match list.fit(&limits) {
            Ok(part) => check_part(&part, &bytes, &limits)?,
            Err(LimitError::Exceeded { limit: Limit::MaxTotal, value, needed }) => {
                prop_assert_eq!((value, needed), (limits.max_total, total));
                prop_assert!(total > limits.max_total);
            }
            Err(LimitError::Exceeded { limit: Limit::MaxSegments, value, needed }) => {
                prop_assert_eq!((value, needed), (limits.max_segments, limits.max_segments + 1));
                prop_assert!(total <= limits.max_total && pieces > limits.max_segments);
            }
            Err(other) => prop_assert!(false, "{}", other),
        }
    }

    #[test]
    fn what_the_device_sees_is_aligned_up_to_the_last_byte(
        segments in model::segments(),
        limits in limits(),
    ) {
        let list = model::list(&segments);
        let limits = Limits { max_segments: u64::MAX, max_total: u64::MAX, ..limits };
        let part = list.fit(&limits).unwrap();
        let mut ends = device_ends(&part);
        prop_assert_eq!(ends.pop().unwrap_or(0), list.total_len());
        prop_assert!(ends.iter().all(|end| end % limits.alignment == 0));
        for Piece { segment, bounce } in part.pieces() {
            prop_assert!(bounce || (segment.address | segment.len) % limits.alignment == 0);
        }
    }

    #[test]
    fn any_limits_are_obeyed_or_refused(
        segments in model::segments(),
        mut limits in limits(),
        which in 0..7_usize,
        value in prop_oneof![any::<u64>(), 0..9_u64, Just(u64::MAX)],
    ) {
        let fields = [
            &mut limits.max_segments,
            &mut limits.max_segment_len,
            &mut limits.seg_boundary_mask,
            &mut limits.virt_boundary_mask,
            &mut limits.alignment,
            &mut limits.max_total,
            &mut limits.block_len,
        ];
        *fields[which] = value;
        let list = model::list(&segments);
        let valid = limits.check();
        match list.fit(&limits) {
            Ok(part) => check_part(&part, &model::bytes(segments), &limits)?,
            Err(error @ LimitError::Invalid { .. }) => prop_assert_eq!(Err(error), valid),
            Err(_) => prop_assert_eq!(valid, Ok(())),
        }
        match list.split(&limits) {
            Ok(split) => prop_assert_eq!(
                split.map(|part| part.total_len()).sum::<u64>(),
                list.total_len()
            ),
            Err(error @ LimitError::Invalid { .. }) => prop_assert_eq!(Err(error), valid),
            Err(_) => prop_assert_eq!(valid, Ok(())),
        }
    }
}

#[test]
fn the_pictures_of_the_crate_are_true() {
    let limits = Limits {
        seg_boundary_mask: 0xfff,
        max_segment_len: 0x800,
        ..Limits::NONE
    };
    let list = model::list(&[seg(0xc00, 0x1800)]);
    let segments = |part: Part<'_>| part.pieces().map(|piece| piece.segment).collect::<Vec<_>>();
    assert_eq!(
        segments(list.fit(&limits).unwrap()),
        [
            seg(0xc00, 0x400),
            seg(0x1000, 0x800),
            seg(0x1800, 0x800),
            seg(0x2000, 0x400)
        ]
    );

    let limits = Limits {
        max_segments: 2,
        block_len: 0x200,
        ..Limits::NONE
    };
    let list = model::list(&[seg(0x1000, 0x300), seg(0x2000, 0x280), seg(0x3000, 0x280)]);
    let parts: Vec<_> = list.split(&limits).unwrap().map(segments).collect();
    assert_eq!(parts[0], [seg(0x1000, 0x300), seg(0x2000, 0x100)]);
    assert_eq!(parts[1], [seg(0x2100, 0x180), seg(0x3000, 0x280)]);
    assert_eq!(parts.len(), 2);

    let limits = Limits {
        alignment: 4,
        ..Limits::NONE
    };
    let list = model::list(&[seg(0x1002, 2), seg(0x2000, 6), seg(0x3000, 8)]);
    let part = list.fit(&limits).unwrap();
    assert_eq!(
        part.pieces().map(|piece| piece.bounce).collect::<Vec<_>>(),
        [true, true, false]
    );
    assert_eq!((part.bounced(), part.bounce_len()), (2, 8));
}

#[test]
fn nearly_the_whole_address_space_is_one_piece_without_limits() {
    let all = seg(1, u64::MAX - 1);
    let list = model::list(&[all]);
    let part = list.fit(&Limits::NONE).unwrap();
    assert_eq!(
        part.pieces().collect::<Vec<_>>(),
        [Piece {
            segment: all,
            bounce: false
        }]
    );
}

#[test]
fn an_empty_list_fits_as_nothing() {
    assert_eq!(List::arena(64, 1).fit(&Limits::NONE).unwrap().segments(), 0);
}
