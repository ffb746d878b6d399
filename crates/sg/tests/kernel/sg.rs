//! What sg nodes have of their own.

use std::os::fd::AsFd;

use sgring_sg::abi::Reset;
use sgring_sg::sg::{Counts, DataPath, Options, direct_io_allowed};
use sgring_sg::{Data, Request, Start, Transport, sg_io};

use crate::driver::{Arena, Driver, TEST_UNIT_READY, command, read_10, write_10};
use crate::nodes::{Parameter, disk, open, sg};

#[test]
#[ignore = "needs a kernel's SCSI nodes: npm run test:kernel"]
fn more_than_sixteen_commands_take_more_files_up_to_the_limit_and_then_wait() {
    let _slow = Parameter::of_scsi_debug("ndelay", "200000000");
    let options = Options {
        max_files: 3,
        ..Options::default()
    };
    let mut sg = sg(&disk(), options);
    let mut driver = Driver::ready(&mut sg);
    for slot in 0..48 {
        let started = driver.start(slot, &command(&TEST_UNIT_READY));
        assert_eq!(started, Ok(Start::Started), "{slot}");
    }
    assert_eq!(
        driver.start(48, &command(&TEST_UNIT_READY)),
        Ok(Start::Full)
    );
    let mut ended = 0;
    while ended < 48 {
        ended += driver.reap().len();
    }
    assert_eq!(
        driver.start(48, &command(&TEST_UNIT_READY)),
        Ok(Start::Started)
    );
    assert_eq!(driver.reap().len(), 1);
    assert_eq!(sg.files(), 3);
}

#[test]
#[ignore = "needs a kernel's SCSI nodes: npm run test:kernel"]
fn an_exclusive_open_has_sixteen_commands_and_no_more() {
    use std::os::unix::fs::OpenOptionsExt;
    let mut exclusive = std::fs::OpenOptions::new();
    exclusive.read(true).write(true);
    exclusive.custom_flags(libc::O_EXCL | libc::O_NONBLOCK);
    let node = exclusive.open(disk().sg).expect("nobody else has it");
    let mut sg = sgring_sg::Sg::new(node.into(), 64, Options::default()).expect("an sg node");
    let mut driver = Driver::ready(&mut sg);
    for ended in driver.run_all(&vec![command(&TEST_UNIT_READY); 60]) {
        ended.good("exclusive");
    }
    assert_eq!(sg.files(), 1);
}

#[test]
#[ignore = "needs a kernel's SCSI nodes: npm run test:kernel"]
fn direct_io_is_taken_where_root_allows_it_and_the_span_is_aligned_and_it_is_told() {
    let arena = Arena::new(1 << 16);
    let disk = disk();
    for (allowed, expected) in [("0", [0, 2]), ("1", [1, 1])] {
        let _allow = Parameter::of_sg("allow_dio", allowed);
        assert_eq!(direct_io_allowed(), Some(allowed == "1"));
        let mut sg = sg(&disk, Options::default());
        let mut driver = Driver::ready(&mut sg);
        driver
            .run(read_10(0, 8, vec![arena.span(0, 4096)]))
            .good(allowed);
        driver
            .run(read_10(0, 8, vec![arena.span(8193, 4096)]))
            .good(allowed);
        assert!(arena.bytes(0, 4096) == arena.bytes(8193, 4096));
        let [direct, copied] = expected;
        let mapped = 0;
        assert_eq!(
            sg.counts(),
            Counts {
                direct,
                copied,
                mapped
            }
        );
    }
}

#[test]
#[ignore = "needs a kernel's SCSI nodes: npm run test:kernel"]
fn a_mapped_buffer_carries_what_fits_and_the_kernel_copies_the_rest() {
    let arena = Arena::new(1 << 18);
    let options = Options {
        data: DataPath::Mapped { len: 32 << 10 },
        ..Options::default()
    };
    let mut sg = sg(&disk(), options);
    let mut driver = Driver::ready(&mut sg);
    let bytes: Vec<u8> = (0..128 << 10).map(|at: usize| (at % 251) as u8).collect();
    arena.put(0, &bytes);
    driver
        .run(write_10(0, 256, vec![arena.span(0, 128 << 10)]))
        .good("large");
    driver
        .run(read_10(0, 64, vec![arena.span(128 << 10, 32 << 10)]))
        .good("small");
    assert!(arena.bytes(128 << 10, 32 << 10) == bytes[..32 << 10]);
    let Counts {
        direct,
        copied,
        mapped,
    } = sg.counts();
    assert_eq!((direct, copied, mapped), (0, 1, 1));
}

#[test]
#[ignore = "needs a kernel's SCSI nodes: npm run test:kernel"]
fn a_node_that_is_closed_before_its_commands_have_ended_writes_nothing_any_more() {
    let _slow = Parameter::of_scsi_debug("ndelay", "300000000");
    let (disk, arena) = (disk(), Arena::new(1 << 16));
    arena.put(0, &[0xee; 4096]);
    let mut closed = sg(&disk, Options::default());
    let mut witness = sg(&disk, Options::default());
    let mut witness = Driver::ready(&mut witness);
    let mut driver = Driver::ready(&mut closed);
    let started = driver.start(0, &read_10(0, 8, vec![arena.span(0, 4096)]));
    assert_eq!(started, Ok(Start::Started));
    drop(closed);
    // It was sent later, and takes as long.
    witness
        .run(command(&TEST_UNIT_READY))
        .good("the other file");
    assert_eq!(arena.bytes(0, 4096), [0xee; 4096]);
}

#[test]
#[ignore = "needs a kernel's SCSI nodes: npm run test:kernel"]
fn a_slot_is_taken_once_and_one_beyond_the_last_never() {
    let mut sg = sg(&disk(), Options::default());
    let mut driver = Driver::ready(&mut sg);
    assert_eq!(
        driver.start(5, &command(&TEST_UNIT_READY)),
        Ok(Start::Started)
    );
    assert!(driver.start(5, &command(&TEST_UNIT_READY)).is_err());
    assert!(driver.start(96, &command(&TEST_UNIT_READY)).is_err());
    assert_eq!(driver.reap().len(), 1);
}

#[test]
#[ignore = "needs a kernel's SCSI nodes: npm run test:kernel"]
fn sg_io_waits_for_the_end_of_a_command() {
    let (node, arena) = (open(&disk().sg), Arena::new(4096));
    let mut sense = [0; 96];
    let request = |cdb, data| Request {
        slot: 1,
        generation: 1,
        cdb,
        data,
        timeout_ms: 10_000,
    };
    let spans = [arena.span(0, 252)];
    let inquiry = request(&[0x12, 0, 0, 0, 252, 0], Data::In(&spans));
    // SAFETY: the arena is mapped.
    let ended = unsafe { sg_io::sg_io(node.as_fd(), &inquiry, &mut sense) };
    let (outcome, sense_len) = ended.expect("an end");
    assert_eq!((outcome.status, sense_len), (0, 0));
    assert_eq!(arena.bytes(8, 8), b"Linux   ");
    let unknown = request(&[0xff; 6], Data::None);
    // SAFETY: no data.
    let ended = unsafe { sg_io::sg_io(node.as_fd(), &unknown, &mut sense) };
    let (outcome, sense_len) = ended.expect("an end");
    assert_eq!((outcome.status, sense_len, sense[2]), (2, 18, 5));
}

#[test]
#[ignore = "needs a kernel's SCSI nodes: npm run test:kernel"]
fn a_reset_of_the_unit_leaves_a_unit_attention() {
    let disk = disk();
    let mut sg = sg(&disk, Options::default());
    Driver::ready(&mut sg);
    sg_io::reset(open(&disk.sg).as_fd(), Reset::Device, true).expect("root may");
    let ended = Driver::new(&mut sg).run(command(&TEST_UNIT_READY));
    assert_eq!((ended.outcome.status, ended.sense[2]), (2, 6));
    // POWER ON, RESET, OR BUS DEVICE RESET OCCURRED.
    assert_eq!(ended.sense[12], 0x29);
    // bsg has no such ioctl.
    let refused = sg_io::reset(open(&disk.bsg).as_fd(), Reset::Device, true);
    assert_eq!(refused.map_err(|errno| errno.0), Err(libc::ENOTTY));
    let id = sg_io::scsi_id(open(&disk.sg).as_fd()).expect("an sg node");
    let address = [id.host_no, id.channel, id.scsi_id, id.lun].map(|part| part.to_string());
    assert_eq!(address.join(":"), disk.address);
    let _transport: &dyn Transport = &sg;
}
