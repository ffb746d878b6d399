//! Limits, checked and named.

use sgring_scatterlist::{Limit, LimitError, Limits};

#[test]
fn no_limit_at_all_is_valid() {
    assert_eq!(Limits::NONE.check(), Ok(()));
}

#[test]
fn a_limit_out_of_range_is_named_with_its_value() {
    let none = Limits::NONE;
    let cases = [
        (
            Limits {
                max_segments: 0,
                ..none
            },
            Limit::MaxSegments,
            0,
            "max_segments",
        ),
        (
            Limits {
                alignment: 0,
                ..none
            },
            Limit::Alignment,
            0,
            "alignment",
        ),
        (
            Limits {
                alignment: 6,
                ..none
            },
            Limit::Alignment,
            6,
            "alignment",
        ),
        (
            Limits {
                max_segment_len: 0,
                ..none
            },
            Limit::MaxSegmentLen,
            0,
            "max_segment_len",
        ),
        (
            Limits {
                max_segment_len: 7,
                alignment: 8,
                ..none
            },
            Limit::MaxSegmentLen,
            7,
            "max_segment_len",
        ),
        (
            Limits {
                seg_boundary_mask: 6,
                ..none
            },
            Limit::SegBoundaryMask,
            6,
            "seg_boundary_mask",
        ),
        (
            Limits {
                seg_boundary_mask: 3,
                alignment: 8,
                ..none
            },
            Limit::SegBoundaryMask,
            3,
            "seg_boundary_mask",
        ),
        (
            Limits {
                virt_boundary_mask: 5,
                ..none
            },
            Limit::VirtBoundaryMask,
            5,
            "virt_boundary_mask",
        ),
        (
            Limits {
                max_total: 0,
                ..none
            },
            Limit::MaxTotal,
            0,
            "max_total",
        ),
        (
            Limits {
                block_len: 0,
                ..none
            },
            Limit::BlockLen,
            0,
            "block_len",
        ),
    ];
    for (limits, limit, value, name) in cases {
        let error = LimitError::Invalid { limit, value };
        assert_eq!(limits.check(), Err(error));
        assert_eq!(error.code(), "limit_invalid");
        assert_eq!(error.to_string(), format!("{name} cannot be {value}"));
    }
}

#[test]
fn a_broken_limit_is_named_with_its_value() {
    let exceeded = LimitError::Exceeded {
        limit: Limit::MaxSegments,
        value: 127,
        needed: 128,
    };
    assert_eq!(exceeded.code(), "limit_exceeded");
    assert_eq!(
        exceeded.to_string(),
        "max_segments is 127, at least 128 is needed"
    );
    let partial = LimitError::PartialBlock {
        total_len: 700,
        block_len: 512,
    };
    assert_eq!(partial.code(), "limit_partial_block");
    assert_eq!(
        partial.to_string(),
        "700 bytes are no whole number of blocks of 512"
    );
}
