//! What the kernel and its drivers write: headers, completions and tables.

use arbitrary::{Arbitrary, Result, Unstructured};
use sgring_sg::abi::{
    BsgUringCmd, Plain, Res2, SgIoHdr, SgIoHdr32, SgIoV4, SgReqInfo32, SgReqInfo64, SgScsiId,
    driver_status_name, host_status_name,
};
use sgring_sg::decode::{Asked, sense_data, was_direct};
use sgring_sg::transport::SENSE_BUFFER_LEN;
use sgring_sg::{Data, Outcome, Request};

/// A structure of the kernel's, by its first byte, and what was asked for.
pub fn run(data: &[u8]) {
    let _ended = read(Unstructured::new(data));
}

fn read(mut input: Unstructured<'_>) -> Result<()> {
    let kind = u8::arbitrary(&mut input)? % 5;
    let len = u32::arbitrary(&mut input)?;
    let out = bool::arbitrary(&mut input)?;
    let asked = Asked {
        slot: input.arbitrary()?,
        out_len: if out { len } else { 0 },
        in_len: if out { 0 } else { len },
    };
    // What the kernel says of device and host is told as it stands, unless it took no command.
    let mut said = None;
    let told = match kind {
        0 => {
            let header: SgIoHdr = structure(&mut input)?;
            let told = asked.v3(&header);
            said = Some((header.status, header.host_status));
            assert!(told.1 <= usize::from(header.sb_len_wr));
            assert_eq!(was_direct(&header), header.info & 0x6 == 0x2);
            told
        }
        1 => {
            let header: SgIoV4 = structure(&mut input)?;
            said = Some((header.device_status as u8, header.transport_status as u16));
            asked.v4(&header)
        }
        2 => {
            let res = i32::arbitrary(&mut input)?;
            let told = asked.uring(res, Res2(input.arbitrary()?));
            assert_eq!(told.0.errno != 0, res < 0);
            told
        }
        3 => {
            let key = u32::arbitrary(&mut input)?;
            let request = Request {
                slot: (key & 0x0fff) as u16,
                generation: (key >> 16) as u16,
                cdb: &[0; 6],
                data: Data::None,
                timeout_ms: 1,
            };
            assert_eq!(Request::slot_of(request.key()), request.slot);
            assert!(request.key() <= i32::MAX as u32, "a pack_id has a sign");
            (asked.refused(1), 0)
        }
        _ => {
            structure::<SgIoHdr32>(&mut input)?;
            structure::<SgReqInfo64>(&mut input)?;
            structure::<SgReqInfo32>(&mut input)?;
            structure::<SgScsiId>(&mut input)?;
            structure::<BsgUringCmd>(&mut input)?;
            (asked.refused(1), 0)
        }
    };
    in_range(asked, told);
    if let Some(said) = said {
        assert_eq!((told.0.status, told.0.host_status), said);
        let sensed = told.0.driver_status == 0;
        assert!(told.1 == 0 || said.0 == 0x02 || (sensed && said.1 == 0));
    }
    let bytes = input.take_rest();
    let sense = sense_data(&bytes[..bytes.len().min(told.1)]);
    assert!(sense.is_empty() || sense[0] & 0x70 == 0x70);
    Ok(())
}

/// A structure of any bytes: its bytes are those, and no others make one.
fn structure<T: Plain>(input: &mut Unstructured<'_>) -> Result<T> {
    let mut bytes = vec![0; size_of::<T>()];
    input.fill_buffer(&mut bytes)?;
    let value = T::from_bytes(&bytes).expect("as many bytes as it has");
    assert_eq!(value.as_bytes(), bytes);
    assert!(T::from_bytes(&bytes[1..]).is_none());
    Ok(value)
}

fn in_range(asked: Asked, (outcome, sense_len): (Outcome, usize)) {
    assert_eq!(outcome.slot, asked.slot);
    assert!(sense_len <= SENSE_BUFFER_LEN);
    for (residual, len) in [
        (outcome.out_residual, asked.out_len),
        (outcome.in_residual, asked.in_len),
    ] {
        assert!(i64::from(residual) <= i64::from(len));
        assert!(len > 0 || residual == 0);
    }
    if outcome.errno != 0 {
        assert!(outcome.errno > 0 && sense_len == 0);
        assert_eq!((outcome.status, outcome.host_status), (0, 0));
    }
    for name in [
        host_status_name(outcome.host_status),
        driver_status_name(outcome.driver_status),
    ] {
        assert!(name.is_none_or(|name| !name.is_empty()));
    }
}
