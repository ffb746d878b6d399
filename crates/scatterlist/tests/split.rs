//! Lists as several commands, against trying one block after another.

mod model;

use model::command::{check_part, limits, naive_blocks};
use proptest::prelude::*;
use sgring_scatterlist::{Limit, LimitError, Limits, List, Segment};

proptest! {
    #[test]
    fn split_parts_are_whole_blocks_and_together_the_whole(
        segments in model::segments(),
        limits in limits(),
    ) {
        let list = model::list(&segments);
        let bytes = model::bytes(segments);
        let block_len = limits.block_len as usize;
        let split = match list.split(&limits) {
            Ok(split) => split,
            Err(LimitError::PartialBlock { .. }) => {
                prop_assert!(bytes.len() % block_len != 0);
                return Ok(());
            }
            Err(LimitError::Exceeded { limit: Limit::MaxTotal, value, needed }) => {
                prop_assert_eq!((value, needed), (limits.max_total, limits.block_len));
                prop_assert!(needed > value);
                return Ok(());
            }
            Err(LimitError::Exceeded { limit: Limit::MaxSegments, .. }) => {
                let mut rest = &bytes[..];
                while naive_blocks(rest, &limits) > 0 {
                    rest = &rest[naive_blocks(rest, &limits) * block_len..];
                }
                prop_assert!(!rest.is_empty(), "the model could split it");
                return Ok(());
            }
            Err(other) => return Err(TestCaseError::fail(other.to_string())),
        };

        let count = split.len();
        let mut at = 0;
        let mut taken = 0;
        for part in split {
            let len = naive_blocks(&bytes[at..], &limits) * block_len;
            prop_assert_eq!((part.offset(), part.total_len()), (at as u64, len as u64));
            check_part(&part, &bytes[at..at + len], &limits)?;
            at += len;
            taken += 1;
        }
        prop_assert_eq!((at, taken), (bytes.len(), count));
    }
}

#[test]
fn a_block_in_too_many_segments_is_refused_before_any_command_is_taken() {
    let segment = |address| Segment { address, len: 256 };
    let list = model::list(&[0, 0x1000, 0x2000, 0x3080].map(segment));
    let limits = Limits {
        max_segments: 1,
        block_len: 512,
        ..Limits::NONE
    };
    let error = list.split(&limits).unwrap_err();
    let limit = Limit::MaxSegments;
    assert_eq!(
        error,
        LimitError::Exceeded {
            limit,
            value: 1,
            needed: 2
        }
    );
    assert_eq!(
        list.split(&Limits {
            max_segments: 2,
            ..limits
        })
        .unwrap()
        .len(),
        2
    );
}

#[test]
fn an_empty_list_splits_into_nothing() {
    let list = List::arena(64, 1);
    let limits = Limits {
        max_total: 1,
        block_len: 512,
        ..Limits::NONE
    };
    assert_eq!(list.split(&limits).unwrap().len(), 0);
}
