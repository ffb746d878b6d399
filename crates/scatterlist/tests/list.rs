//! Building lists: what is refused, what is merged.

mod model;

use proptest::prelude::*;
use sgring_scatterlist::iovec::Layout;
use sgring_scatterlist::{List, Segment, SegmentError};

const ARENA_LEN: u64 = 96;

const fn seg(address: u64, len: u64) -> Segment {
    Segment { address, len }
}

/// What the model says of pushing `next` after `accepted`, with O(n^2) comparisons.
fn verdict(accepted: &[Segment], next: Segment, capacity: usize) -> Result<(), SegmentError> {
    let index = accepted.len();
    let end = u128::from(next.address) + u128::from(next.len);
    if next.len == 0 {
        return Err(SegmentError::Empty { index });
    }
    if end >= 1 << 64 {
        return Err(SegmentError::Wraps { index });
    }
    if end > u128::from(ARENA_LEN) {
        return Err(SegmentError::Beyond {
            index,
            end: end as u64,
            bound: ARENA_LEN,
        });
    }
    let taken = model::bytes(accepted.iter().copied());
    if model::bytes([next]).iter().any(|byte| taken.contains(byte)) {
        return Err(SegmentError::Overlaps { index });
    }
    let all = model::bytes(accepted.iter().copied().chain([next]));
    if model::runs(&all, |_, _| false).len() > capacity {
        return Err(SegmentError::TooMany { index, capacity });
    }
    Ok(())
}

fn wild_segment() -> impl Strategy<Value = Segment> {
    let near = (0..ARENA_LEN + 4, 0..12_u64);
    let far = (any::<u64>(), prop_oneof![any::<u64>(), 0..12_u64]);
    prop_oneof![9 => near, 1 => far].prop_map(|(address, len)| seg(address, len))
}

proptest! {
    #[test]
    fn an_arena_list_takes_and_refuses_what_the_naive_model_does(
        pushes in prop::collection::vec(wild_segment(), 0..24),
        capacity in 0..10_usize,
    ) {
        let mut list = List::arena(ARENA_LEN, capacity);
        let mut accepted = Vec::new();
        for next in pushes {
            let expected = verdict(&accepted, next, capacity);
            let before = list.segments().to_vec();
            prop_assert_eq!(list.push(next), expected);
            match expected {
                Ok(()) => accepted.push(next),
                Err(_) => prop_assert_eq!(list.segments(), before, "a refusal changes nothing"),
            }
            let all = model::bytes(accepted.iter().copied());
            prop_assert_eq!(list.total_len(), all.len() as u64);
            prop_assert_eq!(list.is_empty(), all.is_empty());
            prop_assert_eq!(list.segments(), model::runs(&all, |_, _| false));
        }
    }

    #[test]
    fn merging_keeps_the_sequence_of_bytes(segments in model::segments()) {
        let list = model::list(&segments);
        let all = model::bytes(segments);
        prop_assert_eq!(&model::bytes(list.segments().iter().copied()), &all);
        prop_assert_eq!(list.segments(), model::runs(&all, |_, _| false));
    }

    #[test]
    fn a_list_of_addresses_takes_any_64_bit_numbers_or_says_why_not(
        pushes in prop::collection::vec((any::<u64>(), any::<u64>()), 0..6),
    ) {
        let mut list = List::addresses(Layout::Bits64, 6);
        let mut total = 0_u128;
        for (address, len) in pushes {
            let wraps = u128::from(address) + u128::from(len) >= 1 << 64;
            let overflows = total + u128::from(len) >= 1 << 64;
            match list.push(seg(address, len)) {
                Ok(()) => {
                    prop_assert!(len > 0 && !wraps && !overflows);
                    total += u128::from(len);
                }
                Err(SegmentError::Empty { .. }) => prop_assert_eq!(len, 0),
                Err(SegmentError::Wraps { .. }) => prop_assert!(wraps),
                Err(SegmentError::TotalOverflow { .. }) => prop_assert!(!wraps && overflows),
                Err(other) => prop_assert!(false, "{}", other),
            }
            prop_assert_eq!(u128::from(list.total_len()), total);
        }
    }
}

#[test]
fn addresses_may_overlap_and_arena_offsets_may_not() {
    let twice = [seg(0, 8), seg(0, 8)];
    let mut addresses = List::addresses(Layout::NATIVE, 2);
    assert_eq!(addresses.try_extend(twice), Ok(()));
    let mut arena = List::arena(64, 2);
    assert_eq!(
        arena.try_extend(twice),
        Err(SegmentError::Overlaps { index: 1 })
    );
}

#[test]
fn segments_that_touch_out_of_order_do_not_merge() {
    let mut list = List::arena(64, 2);
    list.try_extend([seg(8, 8), seg(0, 8)]).unwrap();
    assert_eq!(list.segments(), [seg(8, 8), seg(0, 8)]);
}

#[test]
fn a_total_of_two_to_the_64th_is_refused() {
    let half = seg(0, 1 << 63);
    let mut list = List::addresses(Layout::Bits64, 2);
    assert_eq!(list.push(half), Ok(()));
    assert_eq!(
        list.push(half),
        Err(SegmentError::TotalOverflow { index: 1 })
    );
}

#[test]
fn a_32_bit_address_space_ends_at_two_to_the_32nd() {
    let mut list = List::addresses(Layout::Bits32, 2);
    assert_eq!(list.push(seg(0xffff_f000, 0x1000)), Ok(()));
    let (end, bound) = (0x1_0000_0001, 1 << 32);
    let beyond = SegmentError::Beyond {
        index: 1,
        end,
        bound,
    };
    assert_eq!(list.push(seg(0xffff_f001, 0x1000)), Err(beyond));
}

#[test]
fn a_list_stays_in_the_memory_it_was_made_with() {
    let mut list = List::arena(1 << 20, 256);
    let made_with = list.segments().as_ptr();
    for _ in 0..2 {
        list.try_extend((0..256).map(|i| seg(i * 4096, 512)))
            .unwrap();
        assert_eq!(
            list.push(seg(600, 8)),
            Err(SegmentError::TooMany {
                index: 256,
                capacity: 256
            })
        );
        assert_eq!(
            list.push(seg(255 * 4096 + 512, 8)),
            Ok(()),
            "a neighbour needs no room"
        );
        assert_eq!(list.segments().as_ptr(), made_with);
        list.clear();
        assert!(list.is_empty() && list.segments().is_empty());
    }
}

#[test]
fn each_refusal_has_a_code_and_names_the_offender() {
    let refusals = [
        (SegmentError::Empty { index: 7 }, "segment_empty"),
        (SegmentError::Wraps { index: 7 }, "segment_wraps"),
        (
            SegmentError::Beyond {
                index: 7,
                end: 9,
                bound: 8,
            },
            "segment_beyond",
        ),
        (SegmentError::Overlaps { index: 7 }, "segment_overlaps"),
        (
            SegmentError::TooMany {
                index: 7,
                capacity: 7,
            },
            "segment_too_many",
        ),
        (
            SegmentError::TotalOverflow { index: 7 },
            "segment_total_overflow",
        ),
    ];
    for (refusal, code) in refusals {
        assert_eq!(refusal.code(), code);
        assert!(refusal.to_string().starts_with("segment 7 "), "{refusal}");
    }
}
