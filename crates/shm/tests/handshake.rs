//! The records: every byte sequence is read or refused, and what is read is what was written.

use proptest::prelude::*;
use sgring_shm::{
    HandshakeFault, Hello, PROTOCOL_VERSION, PairNumber, RECORD_BYTES, Refusal, ShmError, Welcome,
};

fn any_record() -> impl Strategy<Value = [u8; RECORD_BYTES]> {
    (any::<[u8; 32]>(), any::<[u8; 32]>(), 0..8u8).prop_map(|(front, back, valid)| {
        let mut record = [0; RECORD_BYTES];
        record[..32].copy_from_slice(&front);
        record[32..].copy_from_slice(&back);
        // Pure noise never gets past the magic: let some of it.
        match valid & 3 {
            1 => record[..8].copy_from_slice(b"SGRINGHI"),
            2 => record[..8].copy_from_slice(b"SGRINGOK"),
            _ => {}
        }
        if valid & 4 != 0 {
            record[8..12].copy_from_slice(&PROTOCOL_VERSION.to_le_bytes());
            record[48..].fill(0);
        }
        record
    })
}

fn any_pair() -> impl Strategy<Value = PairNumber> {
    (0..=PairNumber::MAX.number()).prop_map(|number| PairNumber::new(number).expect("31 bits"))
}

proptest! {
    #[test]
    fn whatever_decodes_encodes_to_the_same_bytes(record in any_record()) {
        match Hello::decode(&record) {
            Ok(hello) => prop_assert_eq!(hello.encode(), record),
            Err(refusal) => prop_assert!(matches!(refusal, Refusal::Malformed | Refusal::Version)),
        }
        match Welcome::decode(&record) {
            Ok(welcome) if welcome.version == PROTOCOL_VERSION => {
                prop_assert_eq!(welcome.encode(), record);
            }
            Ok(welcome) => prop_assert_eq!(&welcome.encode()[..28], &record[..28]),
            Err(error) => prop_assert_eq!(error.code(), "HANDSHAKE"),
        }
    }

    #[test]
    fn a_hello_survives_the_wire(
        slots: u32, required_features: u64, arena_bytes: u32, epoch: u32, token: [u8; 16],
        returning in proptest::option::of(any_pair()),
    ) {
        let version = PROTOCOL_VERSION;
        let hello = Hello {
            version, slots, required_features, arena_bytes, epoch, token, returning,
        };
        prop_assert_eq!(Hello::decode(&hello.encode()), Ok(hello));
    }

    #[test]
    fn a_welcome_survives_the_wire(
        version: u32, code: u32, features: u64, nexus: u32, pair in any_pair(), token: [u8; 16],
    ) {
        let welcome = Welcome { version, code, features, nexus, pair, token };
        prop_assert_eq!(Welcome::decode(&welcome.encode()).unwrap(), welcome);
    }
}

#[test]
fn the_bytes_of_a_hello_are_these() {
    let hello = Hello {
        version: 1,
        slots: 0x0403_0201,
        required_features: 0x0c0b_0a09_0807_0605,
        arena_bytes: 0x100f_0e0d,
        epoch: 0x1413_1211,
        token: std::array::from_fn(|i| 0x15 + i as u8),
        returning: PairNumber::new(0x2827_2624),
    };
    let mut expected = b"SGRINGHI\x01\0\0\0".to_vec();
    expected.extend(1..=0x28);
    expected.resize(RECORD_BYTES, 0);
    assert_eq!(hello.encode()[..], expected);
}

#[test]
fn the_bytes_of_a_welcome_are_these() {
    let welcome = Welcome {
        version: 1,
        code: 0x0403_0201,
        features: 0x0c0b_0a09_0807_0605,
        nexus: 0x100f_0e0d,
        pair: PairNumber::new(0x1413_1211).unwrap(),
        token: std::array::from_fn(|i| 0x15 + i as u8),
    };
    let mut expected = b"SGRINGOK\x01\0\0\0".to_vec();
    expected.extend(1..=0x24);
    expected.resize(RECORD_BYTES, 0);
    assert_eq!(welcome.encode()[..], expected);
}

#[test]
fn a_reserved_byte_is_refused_in_this_version_and_ignored_in_others() {
    let mut record = Welcome::refused(Refusal::Version, 5).encode();
    record[63] = 1;
    let refused = Welcome::decode(&record);
    assert!(matches!(
        refused,
        Err(ShmError::Handshake(HandshakeFault::Reserved))
    ));
    record[8] = 2;
    let later = Welcome::decode(&record).unwrap();
    assert_eq!(
        (later.version, Refusal::from_code(later.code)),
        (2, Some(Refusal::Version))
    );
}

#[test]
fn a_pair_s_number_beyond_its_bits_is_refused() {
    for number in [0x8000_0000_u32, u32::MAX] {
        let mut record = Welcome::refused(Refusal::Limit, 0).encode();
        record[28..32].copy_from_slice(&number.to_le_bytes());
        let welcome = Welcome::decode(&record);
        assert!(matches!(
            welcome,
            Err(ShmError::Handshake(HandshakeFault::PairNumber))
        ));
        record[8] = 2;
        assert_eq!(Welcome::decode(&record).unwrap().version, 2);
    }
    let hello = Hello {
        version: PROTOCOL_VERSION,
        slots: 1,
        required_features: 0,
        arena_bytes: 0,
        epoch: 2,
        token: [1; 16],
        returning: Some(PairNumber::MAX),
    };
    let mut record = hello.encode();
    assert_eq!(Hello::decode(&record), Ok(hello));
    for number in [0x8000_0001_u32, u32::MAX] {
        record[48..52].copy_from_slice(&number.to_le_bytes());
        assert_eq!(Hello::decode(&record), Err(Refusal::Malformed));
    }
}

#[test]
fn refusals_have_the_numbers_of_the_wire() {
    let codes: Vec<_> = (0..10)
        .map(|code| Refusal::from_code(code).map(Refusal::code))
        .collect();
    let expected = [
        None,
        Some("VERSION"),
        Some("FEATURE"),
        Some("PEER_NOT_ALLOWED"),
        Some("SEGMENT"),
        Some("LIMIT"),
        Some("JOIN"),
        Some("HANDSHAKE"),
        Some("NEXUS_LOST"),
        None,
    ];
    assert_eq!(codes, expected);
}
