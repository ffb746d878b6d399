//! iovecs as bytes: arbitrary ones in, the same ones out.

mod model;

use std::io::IoSlice;

use proptest::prelude::*;
use sgring_scatterlist::iovec::{self, IovecError, Layout};
use sgring_scatterlist::{List, Segment};

const fn seg(address: u64, len: u64) -> Segment {
    Segment { address, len }
}

fn layout() -> impl Strategy<Value = Layout> {
    prop_oneof![Just(Layout::Bits32), Just(Layout::Bits64)]
}

/// Whether the layout can hold the segment, in numbers that cannot overflow.
fn fits(layout: Layout, segment: Segment) -> bool {
    let end = u128::from(segment.address) + u128::from(segment.len);
    match layout {
        Layout::Bits32 => segment.address.max(segment.len) < 1 << 32 && end <= 1 << 32,
        Layout::Bits64 => end < 1 << 64,
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_parse_into_what_emits_the_same_bytes(
        layout in layout(),
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let entry_len = layout.entry_len();
        let Ok(entries) = iovec::parse(layout, &bytes) else {
            prop_assert!(bytes.len() % entry_len != 0);
            return Ok(());
        };
        prop_assert_eq!(entries.len() * entry_len, bytes.len());

        let mut out = vec![0; bytes.len()];
        match iovec::emit(layout, entries.clone(), &mut out) {
            Ok(len) => prop_assert_eq!(&out[..len], &bytes),
            Err(IovecError::TooWide { index, .. }) => {
                let wide: Vec<_> = entries.clone().map(|entry| !fits(layout, entry)).collect();
                prop_assert_eq!(wide.iter().position(|&wide| wide), Some(index));
                prop_assert_eq!(&out[..index * entry_len], &bytes[..index * entry_len]);
            }
            Err(other) => prop_assert!(false, "{}", other),
        }

        // A list of them is refused or holds them all; neither panics.
        let mut list = List::addresses(layout, entries.len());
        if list.try_extend(entries.clone()).is_ok() {
            prop_assert_eq!(list.total_len(), entries.map(|entry| entry.len).sum::<u64>());
        }
    }

    #[test]
    fn what_is_emitted_parses_into_the_same_segments(
        layout in layout(),
        segments in model::segments(),
        shift in 0..4_u32,
    ) {
        let shifted = |s: Segment| seg(s.address << (8 * shift), s.len << (8 * shift));
        let segments: Vec<_> = segments.into_iter().map(shifted).collect();
        let mut out = vec![0; segments.len() * layout.entry_len()];
        let emitted = iovec::emit(layout, segments.iter().copied(), &mut out);
        if segments.iter().all(|&segment| fits(layout, segment)) {
            prop_assert_eq!(emitted, Ok(out.len()));
            prop_assert_eq!(iovec::parse(layout, &out).unwrap().collect::<Vec<_>>(), segments);
        } else {
            let too_wide = matches!(emitted, Err(IovecError::TooWide { .. }));
            prop_assert!(too_wide);
        }
    }
}

#[cfg(unix)]
#[test]
fn the_native_layout_is_the_systems() {
    let (first, second) = ([0_u8; 3], [0_u8; 5]);
    let slices = [IoSlice::new(&first), IoSlice::new(&second)];
    // SAFETY: `IoSlice` is guaranteed to be `struct iovec` on Unix, two words without padding.
    let bytes = unsafe {
        std::slice::from_raw_parts(slices.as_ptr().cast::<u8>(), std::mem::size_of_val(&slices))
    };
    let of = |buffer: &[u8]| seg(buffer.as_ptr().addr() as u64, buffer.len() as u64);
    let expected = [of(&first), of(&second)];
    let entries = iovec::parse(Layout::NATIVE, bytes).unwrap();
    assert_eq!(entries.collect::<Vec<_>>(), expected);

    let mut out = vec![0; bytes.len()];
    assert_eq!(
        iovec::emit(Layout::NATIVE, expected, &mut out),
        Ok(bytes.len())
    );
    assert_eq!(out, bytes);
}

#[test]
fn what_32_bits_cannot_hold_is_refused() {
    let emit = |segment| iovec::emit(Layout::Bits32, [seg(0, 1), segment], &mut [0; 16]);
    let too_wide = Err(IovecError::TooWide {
        index: 1,
        layout: Layout::Bits32,
    });
    assert_eq!(emit(seg(0xffff_f000, 0x1000)), Ok(16));
    assert_eq!(emit(seg(0xffff_f000, 0x1001)), too_wide);
    assert_eq!(emit(seg(1 << 32, 1)), too_wide);
    assert_eq!(emit(seg(0, 1 << 32)), too_wide);
}

#[test]
fn lengths_that_do_not_match_are_refused() {
    let length = IovecError::Length {
        len: 17,
        entry_len: 16,
    };
    assert_eq!(iovec::parse(Layout::Bits64, &[0; 17]).err(), Some(length));
    let two = [seg(0, 1), seg(8, 1)];
    let mut out = [0; 31];
    assert_eq!(
        iovec::emit(Layout::Bits64, two, &mut out),
        Err(IovecError::NoRoom { index: 1 })
    );
}

#[test]
fn each_error_has_a_code_and_a_line() {
    let errors = [
        (
            IovecError::Length {
                len: 9,
                entry_len: 8,
            },
            "iovec_length",
            "9 bytes are no whole number of iovecs of 8",
        ),
        (
            IovecError::NoRoom { index: 3 },
            "iovec_no_room",
            "no room for iovec 3",
        ),
        (
            IovecError::TooWide {
                index: 3,
                layout: Layout::Bits32,
            },
            "iovec_too_wide",
            "segment 3 does not fit an iovec of 32 bits",
        ),
    ];
    for (error, code, line) in errors {
        assert_eq!((error.code(), error.to_string().as_str()), (code, line));
    }
}
