//! Copies in and out, against moving byte by byte.

mod model;

use proptest::prelude::*;
use sgring_scatterlist::iovec::Layout;
use sgring_scatterlist::{List, Memory, Segment};

/// Where each byte of a copy of `len` from `offset` on goes, until one lies outside of `memory_len`.
fn naive_places(bytes: &[u64], offset: u64, len: usize, memory_len: usize) -> Vec<usize> {
    let offset = bytes.len().min(offset as usize);
    let wanted = bytes[offset..]
        .iter()
        .take(len)
        .map(|&address| address as usize);
    wanted.take_while(|&address| address < memory_len).collect()
}

/// The segments in another order, which is the transfer's.
fn arena_of(segments: &[Segment], order: &[prop::sample::Index]) -> List {
    let mut rest = segments.to_vec();
    let mut list = List::arena(1 << 20, rest.len());
    for index in order.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let next = rest.swap_remove(index.index(rest.len()));
        assert_eq!(list.push(next), Ok(()));
    }
    list
}

fn order() -> impl Strategy<Value = Vec<prop::sample::Index>> {
    prop::collection::vec(any::<prop::sample::Index>(), 1..8)
}

fn offset() -> impl Strategy<Value = u64> {
    prop_oneof![9 => 0..400_u64, 1 => any::<u64>()]
}

proptest! {
    #[test]
    fn copy_in_equals_storing_byte_by_byte(
        segments in model::segments(),
        order in order(),
        offset in offset(),
        data in prop::collection::vec(any::<u8>(), 0..300),
        memory_len in 0..900_usize,
    ) {
        let list = arena_of(&segments, &order);
        let bytes = model::bytes(list.segments().iter().copied());
        let mut expected = vec![0xa5; memory_len];
        let places = naive_places(&bytes, offset, data.len(), memory_len);
        for (&place, &byte) in places.iter().zip(&data) {
            expected[place] = byte;
        }

        let mut shared = vec![0xa5; memory_len];
        // SAFETY: `shared` outlives the copy and is not touched otherwise until after it.
        let memory = unsafe { Memory::new(shared.as_mut_ptr(), memory_len) };
        prop_assert_eq!(list.copy_in(memory, offset, &data), places.len());
        prop_assert_eq!(shared, expected);
    }

    #[test]
    fn copy_out_equals_loading_byte_by_byte(
        segments in model::segments(),
        order in order(),
        offset in offset(),
        len in 0..300_usize,
        mut shared in prop::collection::vec(any::<u8>(), 0..900),
    ) {
        let list = arena_of(&segments, &order);
        let bytes = model::bytes(list.segments().iter().copied());
        let mut expected = vec![0xa5; len];
        let places = naive_places(&bytes, offset, len, shared.len());
        for (&place, byte) in places.iter().zip(&mut expected) {
            *byte = shared[place];
        }

        let mut copied = vec![0xa5; len];
        // SAFETY: `shared` outlives the copy and is not touched otherwise until after it.
        let memory = unsafe { Memory::new(shared.as_mut_ptr(), shared.len()) };
        prop_assert_eq!(list.copy_out(memory, offset, &mut copied), places.len());
        prop_assert_eq!(copied, expected);
    }

    #[test]
    fn spans_are_the_bytes_in_order_and_end_at_the_first_hole(
        segments in model::segments(),
        order in order(),
        offset in offset(),
        len in 0..300_usize,
        memory_len in 0..900_usize,
    ) {
        let list = arena_of(&segments, &order);
        let bytes = model::bytes(list.segments().iter().copied());
        let mut shared = vec![0_u8; memory_len];
        let base = shared.as_mut_ptr();
        // SAFETY: `shared` outlives the spans, whose bytes nobody touches.
        let memory = unsafe { Memory::new(base, memory_len) };

        let mut spans = list.spans(memory, offset, len as u64);
        let mut places = Vec::new();
        for span in spans.by_ref() {
            let start = span.ptr.addr() - base.addr();
            places.extend(start..start + span.len);
        }
        prop_assert!(spans.next().is_none());
        prop_assert_eq!(places, naive_places(&bytes, offset, len, memory_len));
    }
}

#[test]
fn any_address_is_outside_of_memory_or_copied() {
    let mut list = List::addresses(Layout::Bits64, 3);
    let far = Segment {
        address: u64::MAX - 8,
        len: 8,
    };
    list.try_extend([
        Segment { address: 2, len: 2 },
        far,
        Segment { address: 0, len: 2 },
    ])
    .unwrap();
    let mut shared = *b"abcd";
    // SAFETY: `shared` outlives the copies and is not touched otherwise.
    let memory = unsafe { Memory::new(shared.as_mut_ptr(), shared.len()) };
    let mut out = [0; 12];
    assert_eq!(list.copy_out(memory, 0, &mut out), 2);
    assert_eq!(list.copy_out(memory, 2, &mut out[2..]), 0);
    assert_eq!(list.copy_out(memory, 10, &mut out[2..]), 2);
    assert_eq!(&out[..4], b"cdab");
}
