//! Limits: read from a request queue, and checked.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use sgring_scatterlist::{AttributeError, Limit, LimitError, Limits};

/// The queue of an NVMe disk under Linux 6.
fn nvme(attribute: &str) -> Option<String> {
    let text = match attribute {
        "max_segments" => "127\n",
        "max_segment_size" => "4294967295\n",
        "virt_boundary_mask" => "4095\n",
        "dma_alignment" => "3\n",
        "max_hw_sectors_kb" => "512\n",
        "logical_block_size" => "512\n",
        _ => return None,
    };
    Some(text.into())
}

#[test]
fn a_queue_is_read_in_bytes() {
    let expected = Limits {
        max_segments: 127,
        max_segment_len: 0xffff_ffff,
        seg_boundary_mask: u64::MAX,
        virt_boundary_mask: 4095,
        alignment: 4,
        max_total: 512 * 1024,
        block_len: 512,
    };
    assert_eq!(Limits::from_queue(nvme), Ok(expected));
    assert_eq!(expected.check(), Ok(()));
}

#[test]
fn what_a_queue_does_not_show_is_not_limited() {
    assert_eq!(Limits::from_queue(|_| None), Ok(Limits::NONE));
    assert_eq!(Limits::NONE.check(), Ok(()));
}

#[test]
fn a_malformed_attribute_is_named() {
    let too_large = u64::MAX.to_string();
    let cases = [
        ("max_segments", "many"),
        ("dma_alignment", &*too_large),
        ("max_hw_sectors_kb", &too_large),
    ];
    for (broken, text) in cases {
        let read = |name| {
            if name == broken {
                Some(text.to_owned())
            } else {
                nvme(name)
            }
        };
        let error = Limits::from_queue(read).unwrap_err();
        assert_eq!((error.attribute, &*error.text), (broken, text));
        assert_eq!(error.code(), "attribute_malformed");
        assert_eq!(
            error.to_string(),
            format!("queue attribute {broken} is {text:?}, no number in range")
        );
    }
}

proptest! {
    #[test]
    fn any_text_is_a_number_or_refused(text in prop_oneof![".*", "[0-9]{1,22}\n?"]) {
        match Limits::from_queue(|_| Some(text.clone())) {
            Ok(limits) => prop_assert_eq!(limits.max_segments, text.trim().parse::<u64>().unwrap()),
            Err(AttributeError { text: refused, .. }) => prop_assert_eq!(refused, text),
        }
    }
}

#[test]
fn the_queues_of_this_machine_are_read_and_valid() {
    let disks =
        fs::read_dir("/sys/block").map(|dir| dir.filter_map(Result::ok).collect::<Vec<_>>());
    let disks = disks.unwrap_or_default();
    if disks.is_empty() {
        eprintln!("skip: no block device in /sys/block; modprobe loop or scsi_debug");
    }
    for disk in disks {
        let queue = disk.path().join("queue");
        let read = |name| fs::read_to_string(Path::new(&queue).join(name)).ok();
        let limits = Limits::from_queue(read).unwrap();
        assert_eq!(limits.check(), Ok(()), "{}", queue.display());
        if queue.exists() {
            assert!(
                limits.block_len >= 512 && limits.max_total < u64::MAX,
                "{}",
                queue.display()
            );
        }
    }
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
