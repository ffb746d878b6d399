//! What io_uring has of its own.

use sgring_sg::{Start, Uring, uring};

use crate::driver::{Arena, Driver, TEST_UNIT_READY, command, read_10, write_10};
use crate::nodes::{Parameter, SLOTS, disk, open};

#[test]
#[ignore = "needs a kernel's SCSI nodes: npm run test:kernel"]
fn pinned_memory_is_used_and_what_lies_outside_it_as_well() {
    let disk = disk();
    if crate::nodes::uring(&disk).is_none() {
        return;
    }
    let (arena, outside) = (Arena::new(1 << 20), Arena::new(1 << 16));
    let options = uring::Options {
        pin: Some(arena.span(0, 1 << 20)),
    };
    // SAFETY: the arena lives longer.
    let mut uring = unsafe { Uring::new(open(&disk.bsg), SLOTS, options) }.expect("a bsg node");
    assert_eq!(uring.pinned(), Ok(true));
    let mut driver = Driver::ready(&mut uring);
    let bytes: Vec<u8> = (0..64 << 10).map(|at: usize| (at % 253) as u8).collect();
    outside.put(0, &bytes);
    driver
        .run(write_10(32, 128, vec![outside.span(0, 64 << 10)]))
        .good("outside");
    // Its end, in the middle at an odd address, and its start.
    for at in [(1 << 20) - (64 << 10), 12_345, 0] {
        arena.put(at, &[0; 64 << 10]);
        driver
            .run(read_10(32, 128, vec![arena.span(at, 64 << 10)]))
            .good("pinned");
        assert!(arena.bytes(at, 64 << 10) == bytes, "{at}");
    }
    arena.put(512, &[0x5a; 512]);
    driver
        .run(write_10(33, 1, vec![arena.span(512, 512)]))
        .good("pinned");
    driver
        .run(read_10(33, 1, vec![outside.span(0, 512)]))
        .good("outside");
    assert_eq!(outside.bytes(0, 512), [0x5a; 512]);
}

#[test]
#[ignore = "needs a kernel's SCSI nodes: npm run test:kernel"]
fn what_cannot_be_pinned_is_said_and_done_without() {
    let disk = disk();
    if crate::nodes::uring(&disk).is_none() {
        return;
    }
    let (arena, barred) = (Arena::new(4096), Arena::new(1 << 16));
    barred.bar();
    let options = uring::Options {
        pin: Some(barred.span(0, 1 << 16)),
    };
    // SAFETY: the arena lives longer.
    let mut uring = unsafe { Uring::new(open(&disk.bsg), SLOTS, options) }.expect("a bsg node");
    assert_eq!(uring.pinned().map_err(|errno| errno.0), Err(libc::EFAULT));
    let mut driver = Driver::ready(&mut uring);
    driver
        .run(read_10(0, 1, vec![arena.span(0, 512)]))
        .good("not pinned");
}

#[test]
#[ignore = "needs a kernel's SCSI nodes: npm run test:kernel"]
fn a_batch_goes_when_it_is_flushed_and_not_before() {
    let disk = disk();
    let Some(mut uring) = crate::nodes::uring(&disk) else {
        return;
    };
    let mut driver = Driver::ready(&mut uring);
    for slot in 0..40 {
        let started = driver.start(slot, &command(&TEST_UNIT_READY));
        assert_eq!(started, Ok(Start::Started));
    }
    driver.flush();
    let mut ended = 0;
    while ended < 40 {
        ended += driver.reap().len();
    }
    assert!(
        driver
            .start(SLOTS as u16, &command(&TEST_UNIT_READY))
            .is_err()
    );
}

#[test]
#[ignore = "needs a kernel's SCSI nodes: npm run test:kernel"]
fn a_ring_that_is_dropped_with_commands_in_flight_does_not_wait_and_what_it_has_issued_goes_on() {
    let disk = disk();
    if crate::nodes::uring(&disk).is_none() {
        return;
    }
    let _slow = Parameter::of_scsi_debug("ndelay", "900000000");
    let busy = format!("/sys/class/scsi_device/{}/device/device_busy", disk.address);
    let busy = move || {
        let count = std::fs::read_to_string(&busy).expect("how many are in flight");
        count.trim().to_owned()
    };
    let of_disk = busy.clone();
    let arena = Arena::new(1 << 16);
    // Its end has sense data.
    let read = read_10(u32::MAX, 1, vec![arena.span(0, 512)]);
    let in_flight = std::thread::spawn(move || {
        let mut uring = crate::nodes::uring(&disk).expect("as before");
        let mut driver = Driver::ready(&mut uring);
        assert_eq!(driver.start(0, &read), Ok(Start::Started));
        driver.flush();
        drop(uring);
        of_disk()
    });
    let in_flight = in_flight.join().expect("no panic");
    assert_ne!(in_flight, "0", "closing has waited");
    assert_ne!(busy(), "0", "the end of the thread has waited");
}
