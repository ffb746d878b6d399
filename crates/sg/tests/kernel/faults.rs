//! Faults that scsi_debug injects.

use std::fs;
use std::path::Path;

use sgring_sg::Start;

use crate::driver::{Arena, Command, Driver, TEST_UNIT_READY, command, read_10};
use crate::nodes::{Disk, Parameter, disk, disks, transports, until};

const BLOCK: usize = 512;
const DID_TIME_OUT: u16 = 3;

#[test]
#[ignore = "needs a kernel's SCSI nodes: npm run test:kernel"]
fn a_medium_error_has_its_address_in_the_sense_data() {
    let arena = Arena::new(1 << 14);
    let disk = disk();
    // 2: medium errors, at 0x1234 and the next nine blocks.
    for (name, mut transport) in transports(&disk) {
        let mut driver = Driver::ready(&mut *transport);
        let opts = Parameter::of_scsi_debug("opts", "2");
        let ended = driver.run(read_10(0x1230, 8, vec![arena.span(0, 8 * BLOCK)]));
        drop(opts);
        assert_eq!(
            (ended.outcome.status, ended.sense[2] & 0x0f),
            (2, 3),
            "{name}"
        );
        // The information field is valid (SPC-5 4.4.3).
        assert_eq!(ended.sense[0], 0xf0, "{name}");
        assert_eq!(ended.sense[3..7], [0, 0, 0x12, 0x34], "{name}");
    }
}

#[test]
#[ignore = "needs a kernel's SCSI nodes: npm run test:kernel"]
fn a_short_transfer_has_its_residual() {
    let arena = Arena::new(1 << 14);
    for (name, mut transport) in transports(&disk()) {
        let mut driver = Driver::ready(&mut *transport);
        let every = Parameter::of_scsi_debug("every_nth", "1");
        let opts = Parameter::of_scsi_debug("opts", "0x100");
        let ended = driver.run(read_10(0, 8, vec![arena.span(0, 8 * BLOCK)]));
        drop((opts, every));
        ended.good(name);
        assert_eq!(ended.outcome.in_residual, 4 * BLOCK as i32, "{name}");
    }
}

#[test]
#[ignore = "needs a kernel's SCSI nodes: npm run test:kernel"]
fn a_command_that_times_out_has_a_host_status_and_no_sense_data() {
    for (name, mut transport) in transports(&disk()) {
        if name.starts_with("ioctl on bsg") {
            // Its floor of 7 s is another test's.
            continue;
        }
        let mut driver = Driver::ready(&mut *transport);
        let every = Parameter::of_scsi_debug("every_nth", "1");
        let opts = Parameter::of_scsi_debug("opts", "4");
        let ended = driver.run(Command {
            timeout_ms: 500,
            ..command(&TEST_UNIT_READY)
        });
        drop((opts, every));
        assert_eq!(
            (ended.outcome.errno, ended.outcome.status),
            (0, 0),
            "{name}"
        );
        assert_eq!(ended.outcome.host_status, DID_TIME_OUT, "{name}: {ended:?}");
        assert_eq!(ended.sense.len(), 0, "{name}: {ended:?}");
    }
}

#[test]
#[ignore = "needs a kernel's SCSI nodes: npm run test:kernel"]
fn a_device_that_vanishes_ends_what_is_in_flight_and_refuses_the_rest() {
    let arena = Arena::new(1 << 16);
    let kinds = transports(&disk()).len();
    for kind in 0..kinds {
        // A host of its own, since what is deleted does not come back.
        let before: Vec<_> = disks().into_iter().map(|disk| disk.address).collect();
        fs::write("/sys/bus/pseudo/drivers/scsi_debug/add_host", "1").expect("a new host");
        let is_new = |disk: &Disk| !before.contains(&disk.address) && disk.bsg.exists();
        let victim = until(|| disks().into_iter().find(is_new));
        let slow = Parameter::of_scsi_debug("ndelay", "300000000");
        let (name, mut transport) = transports(&victim).swap_remove(kind);
        let mut driver = Driver::ready(&mut *transport);
        for slot in 0..4 {
            let read = read_10(0, 1, vec![arena.span(usize::from(slot) * BLOCK, BLOCK)]);
            assert_eq!(driver.start(slot, &read), Ok(Start::Started), "{name}");
        }
        driver.flush();
        // By another thread: it may wait until what is in flight has been brought home.
        let delete = Path::new("/sys/class/scsi_device").join(&victim.address);
        let deleted = std::thread::spawn(move || fs::write(delete.join("device/delete"), "1"));
        let mut ended = 0;
        while ended < 4 {
            for end in driver.reap() {
                // SG_IO on an sg node comes back at once, and the command's end is nobody's.
                let left = name == "ioctl on sg" && end.outcome.errno == libc::ENODEV;
                assert!(left || end.outcome.errno == 0, "{name}: {end:?}");
                ended += 1;
            }
        }
        deleted.join().expect("no panic").expect("root may");
        // Refused at once, or by its end.
        let gone = [libc::ENODEV, libc::ENXIO];
        match driver.start(7, &command(&TEST_UNIT_READY)) {
            Err(errno) => assert!(gone.contains(&errno.0), "{name}: {errno}"),
            Ok(_) => {
                driver.flush();
                let outcome = driver.reap()[0].outcome;
                let refused = gone.contains(&outcome.errno) || outcome.host_status != 0;
                assert!(refused, "{name}: {outcome:?}");
            }
        }
        drop(transport);
        drop(slow);
        fs::write("/sys/bus/pseudo/drivers/scsi_debug/add_host", "-1").expect("one host less");
        until(|| (disks().len() == before.len()).then_some(()));
    }
}
