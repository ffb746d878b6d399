//! Any words of the kernel make an outcome, and none is out of range.

use proptest::prelude::*;
use sgring_sg::abi::{Plain, Res2, SgIoHdr, SgIoV4};
use sgring_sg::decode::{Asked, sense_data, was_direct};
use sgring_sg::{Data, Outcome, Request, Span};

const ASKED: Asked = Asked {
    slot: 7,
    out_len: 0,
    in_len: 512,
};

fn asked() -> impl Strategy<Value = Asked> {
    (any::<u16>(), any::<u32>(), any::<bool>()).prop_map(|(slot, len, out)| Asked {
        slot,
        out_len: if out { len } else { 0 },
        in_len: if out { 0 } else { len },
    })
}

fn in_range(asked: Asked, (outcome, sense_len): (Outcome, usize)) -> Result<(), TestCaseError> {
    prop_assert_eq!(outcome.slot, asked.slot);
    prop_assert!(sense_len <= 96);
    for (residual, len) in [
        (outcome.out_residual, asked.out_len),
        (outcome.in_residual, asked.in_len),
    ] {
        prop_assert!(i64::from(residual) <= i64::from(len));
        prop_assert!(len > 0 || residual == 0);
    }
    if outcome.errno != 0 {
        prop_assert!(outcome.errno > 0 && sense_len == 0);
        prop_assert_eq!((outcome.status, outcome.host_status), (0, 0));
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_v3_header_makes_an_outcome_in_range(
        asked in asked(),
        bytes in prop::collection::vec(any::<u8>(), size_of::<SgIoHdr>()),
    ) {
        let header = SgIoHdr::from_bytes(&bytes).unwrap();
        in_range(asked, asked.v3(&header))?;
        let _either = was_direct(&header);
    }

    #[test]
    fn any_v4_header_makes_an_outcome_in_range(
        asked in asked(),
        bytes in prop::collection::vec(any::<u8>(), size_of::<SgIoV4>()),
    ) {
        in_range(asked, asked.v4(&SgIoV4::from_bytes(&bytes).unwrap()))?;
    }

    #[test]
    fn any_completion_makes_an_outcome_in_range(
        asked in asked(),
        res in prop_oneof![any::<i32>(), Just(0), Just(i32::MIN), -4095..0i32],
        res2 in any::<u64>(),
    ) {
        in_range(asked, asked.uring(res, Res2(res2)))?;
    }
}

#[test]
fn the_three_layers_stand_apart() {
    let mut header = SgIoHdr::zeroed();
    header.status = 0x02;
    header.host_status = 0x07;
    header.driver_status = 0x06;
    header.sb_len_wr = 18;
    header.resid = 512;
    let (outcome, sense_len) = ASKED.v3(&header);
    assert_eq!(sense_len, 18);
    assert_eq!((outcome.status, outcome.host_status), (2, 7));
    assert_eq!((outcome.driver_status, outcome.errno), (6, 0));
    assert_eq!((outcome.in_residual, outcome.out_residual), (512, 0));
}

#[test]
fn that_there_is_sense_data_is_no_driver_status() {
    let (outcome, sense_len) = ASKED.uring(0, Res2(0x0000_0000_1200_0802));
    assert_eq!((outcome.driver_status, sense_len), (0, 18));
    // A GOOD status has sense data only where the kernel says so.
    assert_eq!(ASKED.uring(0, Res2(0x1200_0000)).1, 0);
    assert_eq!(ASKED.uring(0, Res2(0x1200_0800)).1, 18);
}

#[test]
fn what_does_not_begin_as_sense_data_is_none() {
    for first in [0x70, 0x71, 0x72, 0x73, 0x7f, 0xf0] {
        assert_eq!(sense_data(&[first, 0, 5]), [first, 0, 5]);
    }
    for first in [0x00, 0x6f, 0x80] {
        assert!(sense_data(&[first, 0, 5]).is_empty());
    }
    assert!(sense_data(&[]).is_empty());
}

#[test]
fn sense_data_of_a_command_without_an_answer_is_not_believed() {
    let mut header = SgIoHdr::zeroed();
    header.host_status = 0x03;
    header.driver_status = 0x08;
    header.sb_len_wr = 18;
    let (outcome, sense_len) = ASKED.v3(&header);
    assert_eq!((outcome.host_status, sense_len), (3, 0));
}

#[test]
fn an_error_of_the_kernel_is_its_number_and_nothing_else() {
    let (outcome, sense_len) = ASKED.uring(-1, Res2(u64::MAX));
    assert_eq!((outcome, sense_len), (ASKED.refused(1), 0));
    assert_eq!(ASKED.uring(i32::MIN, Res2(0)).0.errno, i32::MAX);
}

#[test]
fn a_residual_of_more_than_was_asked_for_is_all_of_it_and_an_overrun_stays_negative() {
    let residual = |reported: u32| {
        ASKED
            .uring(0, Res2(u64::from(reported) << 32))
            .0
            .in_residual
    };
    assert_eq!(residual(511), 511);
    assert_eq!(residual(513), 512);
    assert_eq!(residual((-24i32).cast_unsigned()), -24);
}

#[test]
fn a_request_asks_for_the_bytes_of_its_spans_in_its_direction() {
    let span = |len| Span {
        ptr: std::ptr::dangling_mut(),
        len,
    };
    let (small, large) = ([span(512), span(4)], [span(usize::MAX >> 1)]);
    let asked = |data| {
        Asked::of(&Request {
            slot: 9,
            generation: 0,
            cdb: &[0; 6],
            data,
            timeout_ms: 1,
        })
        .map(|asked| (asked.out_len, asked.in_len))
    };
    assert_eq!(asked(Data::None), Some((0, 0)));
    assert_eq!(asked(Data::In(&small)), Some((0, 516)));
    assert_eq!(asked(Data::Out(&small)), Some((516, 0)));
    assert_eq!(asked(Data::In(&large)), None);
}
