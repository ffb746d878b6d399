//! The kernel's structures as bytes. The expected ones were written down from the headers by hand, as a little-endian machine has them.
#![cfg(target_endian = "little")]

use proptest::prelude::*;
use sgring_sg::abi::{
    BsgUringCmd, Plain, Res2, SgIoHdr32, SgIoHdr64, SgIoV4, SgReqInfo32, SgReqInfo64, SgScsiId,
    driver_status_name, host_status_name,
};

/// Bytes from rows of hexadecimal digits.
fn hex(rows: &[&str]) -> Vec<u8> {
    let digits: String = rows.concat().split_whitespace().collect();
    let value = |digit: u8| (digit as char).to_digit(16).expect("a hexadecimal digit") as u8;
    let pairs = digits.as_bytes().chunks_exact(2);
    pairs
        .map(|pair| value(pair[0]) << 4 | value(pair[1]))
        .collect()
}

#[test]
fn a_v4_header_has_the_bytes_of_linux_bsg_h() {
    let header = SgIoV4 {
        guard: i32::from(b'Q'),
        protocol: 0x0101_0101,
        subprotocol: 0x0202_0202,
        request_len: 16,
        request: 0x1111_2222_3333_4444,
        request_tag: 0x0807_0605_0403_0201,
        request_attr: 0x31,
        request_priority: 0x32,
        request_extra: 0x33,
        max_response_len: 96,
        response: 0x5555_6666_7777_8888,
        dout_iovec_count: 0x41,
        dout_xfer_len: 0x42,
        din_iovec_count: 0x43,
        din_xfer_len: 0x44,
        dout_xferp: 0x5150_4f4e_4d4c_4b4a,
        din_xferp: 0x6160_5f5e_5d5c_5b5a,
        timeout: 0x71,
        flags: 0x10,
        usr_ptr: 0x9998_9796_9594_9392,
        spare_in: 0x81,
        driver_status: 0x82,
        transport_status: 0x83,
        device_status: 0x84,
        retry_delay: 0x85,
        info: 0x86,
        duration: 0x87,
        response_len: 0x88,
        din_resid: -1,
        dout_resid: -2,
        generated_tag: 0xa8a7_a6a5_a4a3_a2a1,
        spare_out: 0x8b,
        padding: 0,
    };
    let bytes = hex(&[
        "51000000 01010101 02020202 10000000 4444333322221111 0102030405060708",
        "31000000 32000000 33000000 60000000 8888777766665555",
        "41000000 42000000 43000000 44000000 4a4b4c4d4e4f5051 5a5b5c5d5e5f6061",
        "71000000 10000000 9293949596979899 81000000",
        "82000000 83000000 84000000 85000000 86000000 87000000 88000000 ffffffff feffffff",
        "a1a2a3a4a5a6a7a8 8b000000 00000000",
    ]);
    assert_eq!(header.as_bytes(), bytes);
    assert_eq!(SgIoV4::from_bytes(&bytes), Some(header));
}

#[test]
fn a_v3_header_has_the_bytes_of_scsi_sg_h_in_a_64_bit_process() {
    let header = SgIoHdr64 {
        interface_id: i32::from(b'S'),
        dxfer_direction: -3,
        cmd_len: 10,
        mx_sb_len: 96,
        iovec_count: 0x0302,
        dxfer_len: 0x1000,
        dxferp: 0x1111_2222_3333_4444,
        cmdp: 0x5555_6666_7777_8888,
        sbp: 0x9999_aaaa_bbbb_cccc,
        timeout: 0x4e20,
        flags: 0x11,
        pack_id: 0x0700_0005,
        pad1: 0,
        usr_ptr: 0x0807_0605_0403_0201,
        status: 2,
        masked_status: 1,
        msg_status: 0,
        sb_len_wr: 18,
        host_status: 0x0b0a,
        driver_status: 8,
        resid: 0x200,
        duration: 0x33,
        info: 3,
        pad2: 0,
    };
    let bytes = hex(&[
        "53000000 fdffffff 0a 60 0203 00100000 4444333322221111 8888777766665555 ccccbbbbaaaa9999",
        "204e0000 11000000 05000007 00000000 0102030405060708",
        "02 01 00 12 0a0b 0800 00020000 33000000 03000000 00000000",
    ]);
    assert_eq!(header.as_bytes(), bytes);
    assert_eq!(SgIoHdr64::from_bytes(&bytes), Some(header));
}

#[test]
fn a_v3_header_has_the_bytes_of_scsi_sg_h_in_a_32_bit_process() {
    let header = SgIoHdr32 {
        interface_id: i32::from(b'S'),
        dxfer_direction: -2,
        cmd_len: 6,
        mx_sb_len: 32,
        iovec_count: 0,
        dxfer_len: 0x200,
        dxferp: 0x1111_2222,
        cmdp: 0x3333_4444,
        sbp: 0x5555_6666,
        timeout: 1000,
        flags: 0x20,
        pack_id: 7,
        usr_ptr: 0x0403_0201,
        status: 0x28,
        masked_status: 0x14,
        msg_status: 0,
        sb_len_wr: 0,
        host_status: 3,
        driver_status: 6,
        resid: -1,
        duration: 9,
        info: 1,
    };
    let bytes = hex(&[
        "53000000 feffffff 06 20 0000 00020000 22221111 44443333 66665555",
        "e8030000 20000000 07000000 01020304 28 14 00 00 0300 0600 ffffffff 09000000 01000000",
    ]);
    assert_eq!(header.as_bytes(), bytes);
    assert_eq!(SgIoHdr32::from_bytes(&bytes), Some(header));
}

#[test]
fn a_uring_command_has_the_bytes_of_linux_bsg_h() {
    let command = BsgUringCmd {
        request: 0x1111_2222_3333_4444,
        request_len: 6,
        protocol: 0x0101_0101,
        subprotocol: 0x0202_0202,
        max_response_len: 96,
        response: 0x5555_6666_7777_8888,
        dout_xferp: 0x5150_4f4e_4d4c_4b4a,
        dout_xfer_len: 0x42,
        dout_iovec_count: 0x41,
        din_xferp: 0x6160_5f5e_5d5c_5b5a,
        din_xfer_len: 0x44,
        din_iovec_count: 0x43,
        timeout_ms: 0x7530,
        reserved: [0x0c; 12],
    };
    let bytes = hex(&[
        "4444333322221111 06000000 01010101 02020202 60000000 8888777766665555",
        "4a4b4c4d4e4f5051 42000000 41000000 5a5b5c5d5e5f6061 44000000 43000000",
        "30750000 0c0c0c0c0c0c0c0c0c0c0c0c",
    ]);
    assert_eq!(command.as_bytes(), bytes);
    assert_eq!(BsgUringCmd::from_bytes(&bytes), Some(command));
}

#[test]
fn a_result_of_io_uring_has_status_driver_host_sense_and_residual_from_the_low_byte_up() {
    let result = Res2(0x0000_0e00_1203_0802);
    assert_eq!(result.device_status(), 0x02);
    assert_eq!(result.driver_status(), 0x08);
    assert_eq!(result.host_status(), 0x03);
    assert_eq!(result.sense_len(), 0x12);
    assert_eq!(result.residual(), 0x0e00);
    assert_eq!(Res2(u64::MAX << 32).residual(), -1);
}

#[test]
fn what_an_sg_node_tells_about_itself_has_the_bytes_of_scsi_sg_h() {
    let id = SgScsiId {
        host_no: 2,
        channel: 1,
        scsi_id: 5,
        lun: 0x0102,
        scsi_type: 0x0d,
        h_cmd_per_lun: 3,
        d_queue_depth: 32,
        unused: [0; 2],
    };
    let bytes = hex(&["02000000 01000000 05000000 02010000 0d000000 0300 2000 0000000000000000"]);
    assert_eq!(id.as_bytes(), bytes);
    assert_eq!(SgScsiId::from_bytes(&bytes), Some(id));

    let head = hex(&["02 01 00 01 07000000"]);
    let tail = hex(&["e8030000 00000000"]);
    let wide = SgReqInfo64::from_bytes(&[&head[..], &[9; 8], &tail].concat()).unwrap();
    assert_eq!((wide.req_state, wide.orphan, wide.sg_io_owned), (2, 1, 0));
    assert_eq!((wide.problem, wide.pack_id, wide.duration), (1, 7, 1000));
    assert_eq!(wide.usr_ptr, 0x0909_0909_0909_0909);
    let narrow = SgReqInfo32::from_bytes(&[&head[..], &[9; 4], &tail].concat()).unwrap();
    assert_eq!((narrow.problem, narrow.pack_id), (1, 7));
    assert_eq!((narrow.usr_ptr, narrow.duration), (0x0909_0909, 1000));
}

#[test]
fn host_and_driver_status_have_the_names_of_scsi_status_h() {
    assert_eq!(host_status_name(0x00), Some("DID_OK"));
    assert_eq!(host_status_name(0x03), Some("DID_TIME_OUT"));
    assert_eq!(host_status_name(0x08), Some("DID_RESET"));
    assert_eq!(host_status_name(0x14), Some("DID_TRANSPORT_MARGINAL"));
    assert_eq!(host_status_name(0x15), None);
    assert_eq!(driver_status_name(0x06), Some("DRIVER_TIMEOUT"));
    assert_eq!(driver_status_name(0x28), Some("DRIVER_SENSE"));
    assert_eq!(driver_status_name(0x09), None);
}

fn survives<T: Plain>(bytes: &[u8]) -> Result<(), TestCaseError> {
    match T::from_bytes(bytes) {
        Some(value) => {
            prop_assert_eq!(value.as_bytes(), bytes);
            let mut copy = T::zeroed();
            copy.as_bytes_mut().copy_from_slice(bytes);
            prop_assert_eq!(copy.as_bytes(), bytes);
        }
        None => prop_assert_ne!(bytes.len(), size_of::<T>()),
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_bytes_of_the_right_number_are_a_structure_and_the_same_bytes_again(
        bytes in prop::sample::select(vec![20usize, 24, 32, 64, 80, 88, 160, 161, 0])
            .prop_flat_map(|len| prop::collection::vec(any::<u8>(), len)),
    ) {
        survives::<SgIoV4>(&bytes)?;
        survives::<SgIoHdr64>(&bytes)?;
        survives::<SgIoHdr32>(&bytes)?;
        survives::<BsgUringCmd>(&bytes)?;
        survives::<SgScsiId>(&bytes)?;
        survives::<SgReqInfo64>(&bytes)?;
        survives::<SgReqInfo32>(&bytes)?;
    }
}
