//! The naive model: a transfer is the addresses of its bytes, one by one.

#![allow(dead_code, reason = "each test file uses a part")]

pub(crate) mod command;

use proptest::prelude::*;
use sgring_scatterlist::iovec::Layout;
use sgring_scatterlist::{List, Segment};

/// The address of each byte, in transfer order.
pub(crate) fn bytes(segments: impl IntoIterator<Item = Segment>) -> Vec<u64> {
    segments
        .into_iter()
        .flat_map(|s| s.address..s.address + s.len)
        .collect()
}

/// The runs of `bytes`, each as long as can be, and cut where `cut(address, length so far)` says so.
pub(crate) fn runs(bytes: &[u64], cut: impl Fn(u64, u64) -> bool) -> Vec<Segment> {
    let mut runs: Vec<Segment> = Vec::new();
    for &address in bytes {
        match runs.last_mut() {
            Some(run) if run.address + run.len == address && !cut(address, run.len) => run.len += 1,
            _ => runs.push(Segment { address, len: 1 }),
        }
    }
    runs
}

/// Segments that often touch and are often aligned, as those of real transfers are.
pub(crate) fn segments() -> impl Strategy<Value = Vec<Segment>> {
    let gap = prop_oneof![3 => Just(0), 2 => Just(16), 1 => 1..40_u64];
    let len = prop_oneof![2 => Just(8), 2 => Just(16), 1 => 1..40_u64];
    let first = prop_oneof![Just(0), 0..64_u64];
    (first, prop::collection::vec((gap, len), 0..16)).prop_map(|(mut at, shapes)| {
        let place = |(gap, len)| {
            let segment = Segment {
                address: at + gap,
                len,
            };
            at = segment.address + len;
            segment
        };
        shapes.into_iter().map(place).collect()
    })
}

/// A list of addresses that holds `segments`.
pub(crate) fn list(segments: &[Segment]) -> List {
    let mut list = List::addresses(Layout::Bits64, segments.len());
    list.try_extend(segments.iter().copied())
        .expect("made valid");
    list
}
