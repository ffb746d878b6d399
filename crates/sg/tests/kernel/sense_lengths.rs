//! A sense buffer of every length that a header can say: which bytes the kernel writes, and what it says that it wrote. The headers are made here, since the
//! transports ask for [`SENSE_BUFFER_LEN`] always.

use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use io_uring::{IoUring, cqueue, opcode, squeue, types};
use sgring_sg::abi::{
    BsgUringCmd, Plain, Res2, SG_DXFER_NONE, SG_INTERFACE_ID, SG_IO, SG_V4_GUARD, SgIoHdr, SgIoV4,
};
use sgring_sg::transport::SENSE_BUFFER_LEN;

use crate::driver::{Arena, Driver};
use crate::nodes::{Disk, Parameter, disk, open, transports};

/// Where the sense buffer stands: bytes before and behind it are watched.
const AT: usize = 512;
const WATCHED: usize = 2048;
const CHECK_CONDITION: u32 = 2;
const TIMEOUT_MS: u32 = 30_000;

/// An operation code that no device has, and INQUIRY with the obsolete CMDDT bit, which scsi_debug points at in its sense data.
const UNKNOWN: [u8; 6] = [0xff; 6];
const CMDDT: [u8; 6] = [0x12, 0x02, 0, 0, 0, 0];

/// `dsense` of scsi_debug, a command and how many bytes of sense data it gets: fixed format; descriptor format without descriptors, and with one (SPC-5 4.4).
const CASES: [(&str, [u8; 6], usize); 3] =
    [("0", UNKNOWN, 18), ("1", UNKNOWN, 8), ("1", CMDDT, 16)];

/// A way to send a command with a sense buffer of any length: the status and how many bytes of sense data the kernel says that it wrote.
type Ask = Box<dyn FnMut(&[u8; 6], *mut u8, u32) -> (u32, usize)>;

#[test]
#[ignore = "needs a kernel's SCSI nodes: npm run test:kernel"]
fn no_ioctl_and_no_read_writes_beyond_a_sense_buffer_of_any_length_and_all_say_what_they_wrote() {
    let disk = disk();
    settle(&disk);
    let v3: Vec<u32> = (0..=u8::MAX.into()).collect();
    let v4: Vec<u32> = (0..=256).chain([4096, u32::MAX]).collect();
    let ways: [(&str, Ask, &[u32]); 4] = [
        ("SG_IO v4 on bsg", sg_io_v4(open(&disk.bsg)), &v4),
        ("SG_IO v3 on sg", sg_io_v3(open(&disk.sg)), &v3),
        (
            "SG_IO v3 on a block node",
            sg_io_v3(open(Path::new(&block(&disk)))),
            &v3,
        ),
        ("write and read on sg", write_and_read(open(&disk.sg)), &v3),
    ];
    for (name, mut ask, lens) in ways {
        for (dsense, cdb, sense_len) in CASES {
            let _format = Parameter::of_scsi_debug("dsense", dsense);
            for len in lens {
                let expected = sense_len.min(*len as usize);
                let written = written(&mut ask, &cdb, *len);
                assert_eq!(
                    written.len(),
                    expected,
                    "{name}: {len} bytes for {sense_len}"
                );
            }
        }
    }
}

/// Linux 7.1 and the first 7.2 know no length of a sense buffer.
#[test]
#[ignore = "needs a kernel's SCSI nodes: npm run test:kernel"]
fn io_uring_may_write_beyond_a_sense_buffer_but_never_beyond_96_bytes_and_says_what_it_wrote() {
    const { assert!(SENSE_BUFFER_LEN >= 96) };
    let disk = disk();
    if crate::nodes::uring(&disk).is_none() {
        return;
    }
    settle(&disk);
    let mut ask = uring(open(&disk.bsg));
    let keeps_to_it = written(&mut ask, &UNKNOWN, 1).len() == 1;
    eprintln!("this kernel keeps to max_response_len: {keeps_to_it}");
    for (dsense, cdb, sense_len) in CASES {
        let _format = Parameter::of_scsi_debug("dsense", dsense);
        for len in (0..=256).chain([4096, u32::MAX]) {
            let written = written(&mut ask, &cdb, len);
            let expected = match keeps_to_it {
                true => sense_len.min(len as usize),
                false => sense_len,
            };
            assert_eq!(written.len(), expected, "{len} bytes for {sense_len}");
        }
    }
}

/// Asks over two fillings, so that what is written is told from what is not, whatever it is; returns the bytes that were, which are the buffer's first.
#[track_caller]
fn written(ask: &mut Ask, cdb: &[u8; 6], len: u32) -> Vec<u8> {
    let arena = Arena::new(WATCHED);
    let [one, other] = [0xee, 0x11].map(|fill| {
        arena.put(0, &[fill; WATCHED]);
        let (status, told) = ask(cdb, arena.span(AT, 1).ptr, len);
        assert_eq!(status, CHECK_CONDITION, "{len}");
        let bytes = arena.bytes(0, WATCHED);
        let touched = bytes.clone().into_iter().map(move |byte| byte != fill);
        (told, bytes, touched)
    });
    assert_eq!(one.0, other.0, "{len}");
    let touched: Vec<usize> = (one.2.zip(other.2).enumerate())
        .filter_map(|(at, (one, other))| (one || other).then_some(at))
        .collect();
    let said: Vec<usize> = (AT..AT + one.0).collect();
    assert_eq!(touched, said, "{len}: what was written, and what was told");
    let sense = &one.1[AT..AT + one.0];
    assert_eq!(sense, &other.1[AT..AT + one.0], "{len}");
    sense.to_vec()
}

/// Takes the unit attention conditions that are there.
fn settle(disk: &Disk) {
    let (_, mut transport) = transports(disk).swap_remove(0);
    Driver::ready(&mut *transport);
}

fn block(disk: &Disk) -> String {
    let folder = format!("/sys/class/scsi_device/{}/device/block", disk.address);
    let mut entries = fs::read_dir(folder).expect("a disk");
    let name = entries
        .next()
        .expect("its block node")
        .expect("an entry")
        .file_name();
    format!("/dev/{}", name.display())
}

fn sg_io_v4(node: OwnedFd) -> Ask {
    Box::new(move |cdb, response, len| {
        let mut header = SgIoV4 {
            guard: SG_V4_GUARD,
            request_len: cdb.len() as u32,
            request: cdb.as_ptr().expose_provenance() as u64,
            max_response_len: len,
            response: response.expose_provenance() as u64,
            timeout: TIMEOUT_MS,
            ..SgIoV4::zeroed()
        };
        sg_io(&node, (&raw mut header).cast());
        (header.device_status, header.response_len as usize)
    })
}

fn sg_io_v3(node: OwnedFd) -> Ask {
    Box::new(move |cdb, response, len| {
        let mut header = v3_header(cdb, response, len);
        sg_io(&node, (&raw mut header).cast());
        (header.status.into(), header.sb_len_wr.into())
    })
}

fn sg_io(node: &OwnedFd, header: *mut libc::c_void) {
    // SAFETY: 1. the callers' headers are those that their nodes take; 2. what they point at outlives the call.
    let done = unsafe { libc::ioctl(node.as_raw_fd(), SG_IO as libc::Ioctl, header) };
    assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
}

fn write_and_read(node: OwnedFd) -> Ask {
    Box::new(move |cdb, response, len| {
        let mut header = v3_header(cdb, response, len);
        let size = size_of_val(&header);
        let bytes = header.as_bytes();
        // SAFETY: as many bytes; what the header points at lives until it was read back.
        let sent = unsafe { libc::write(node.as_raw_fd(), bytes.as_ptr().cast(), size) };
        assert_eq!(sent, size as isize, "{}", std::io::Error::last_os_error());
        let bytes = header.as_bytes_mut();
        // SAFETY: as many bytes, borrowed during the call.
        let back = unsafe { libc::read(node.as_raw_fd(), bytes.as_mut_ptr().cast(), size) };
        assert_eq!(back, size as isize, "{}", std::io::Error::last_os_error());
        (header.status.into(), header.sb_len_wr.into())
    })
}

fn v3_header(cdb: &[u8; 6], response: *mut u8, len: u32) -> SgIoHdr {
    SgIoHdr {
        interface_id: SG_INTERFACE_ID,
        dxfer_direction: SG_DXFER_NONE,
        cmd_len: cdb.len() as u8,
        mx_sb_len: u8::try_from(len).expect("a byte"),
        cmdp: cdb.as_ptr().expose_provenance() as _,
        sbp: response.expose_provenance() as _,
        timeout: TIMEOUT_MS,
        ..SgIoHdr::zeroed()
    }
}

fn uring(node: OwnedFd) -> Ask {
    let mut ring: IoUring<squeue::Entry128, cqueue::Entry32> =
        IoUring::builder().build(4).expect("a ring");
    Box::new(move |cdb, response, len| {
        let command = BsgUringCmd {
            request: cdb.as_ptr().expose_provenance() as u64,
            request_len: cdb.len() as u32,
            max_response_len: len,
            response: response.expose_provenance() as u64,
            timeout_ms: TIMEOUT_MS,
            ..BsgUringCmd::zeroed()
        };
        let mut bytes = [0; size_of::<BsgUringCmd>()];
        bytes.copy_from_slice(command.as_bytes());
        let entry = opcode::UringCmd80::new(types::Fd(node.as_raw_fd()), 0)
            .cmd(bytes)
            .build();
        // SAFETY: what the command points at lives until its completion, which is waited for.
        unsafe { ring.submission().push(&entry) }.expect("room");
        ring.submit_and_wait(1).expect("a completion");
        let end = ring.completion().next().expect("a completion");
        assert_eq!(end.result(), 0);
        let res2 = Res2(end.big_cqe()[0]);
        (res2.device_status().into(), res2.sense_len().into())
    })
}
