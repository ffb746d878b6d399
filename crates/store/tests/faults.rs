//! Backings that fill up, vanish and fail, and what a caller hears of it.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use common::{Directory, Loop, create, on_a_small_disk, read_vec, report, write};
use sgring_store::{Access, Durability, Errno, Store};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::thread;

const EIO: Result<(), Errno> = Err(Errno(libc::EIO));

/// `len` bytes of one `value` at `offset`.
fn fill(
    store: &Store,
    offset: u64,
    len: usize,
    value: u8,
    durability: Durability,
) -> Result<(), Errno> {
    write(store, offset, &[&vec![value; len]], durability)
}

#[test]
fn bytes_that_were_cut_off_are_an_error_and_no_zeros() {
    let directory = Directory::new();
    let path = directory.join("image");
    let store = create(&path, 8192);
    assert_eq!(fill(&store, 0, 8192, 1, Durability::Cached), Ok(()));
    OpenOptions::new()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(4096 + 100)
        .unwrap();
    assert_eq!(read_vec(&store, 4096, 512), EIO.map(|()| vec![]));
    assert_eq!(read_vec(&store, 8192 - 512, 512), EIO.map(|()| vec![]));
    for durability in [Durability::Cached, Durability::Medium] {
        assert_eq!(fill(&store, 8192 - 512, 512, 2, durability), EIO);
    }
    assert_eq!(fs::metadata(&path).unwrap().len(), 4096 + 100);
    assert_eq!(read_vec(&store, 0, 4096), Ok(vec![1; 4096]));
    assert_eq!(store.len_bytes(), 8192);
}

#[test]
fn a_full_file_system_is_enospc_and_room_made_is_used() {
    on_a_small_disk(
        "a_full_file_system_is_enospc_and_room_made_is_used",
        |directory| {
            let store = create(&directory.join("image"), 4 << 20);
            let filler = directory.join("filler");
            fs::write(&filler, vec![0u8; 512 << 10]).unwrap();
            let full = Err(Errno(libc::ENOSPC));
            assert_eq!(fill(&store, 0, 2 << 20, 1, Durability::Cached), full);
            assert_eq!(fill(&store, 3 << 20, 4096, 1, Durability::Medium), full);
            assert_eq!(read_vec(&store, 0, 4096), Ok(vec![1; 4096]));
            // A write that failed at once lost nothing that had been accepted.
            assert_eq!(store.flush(), Ok(()));
            fs::remove_file(&filler).unwrap();
            assert_eq!(fill(&store, 3 << 20, 4096, 2, Durability::Medium), Ok(()));
            assert_eq!(store.flush(), Ok(()));
        },
    );
}

#[test]
fn a_limit_on_file_sizes_is_efbig() {
    let test = "a_limit_on_file_sizes_is_efbig";
    if let Some(path) = std::env::var_os("SGRING_STORE_LIMITED") {
        let store = Store::open(path.as_ref(), Access::ReadWrite).unwrap();
        assert_eq!(fill(&store, 0, 4096, 1, Durability::Cached), Ok(()));
        let too_big = Err(Errno(libc::EFBIG));
        assert_eq!(fill(&store, 1 << 20, 4096, 1, Durability::Cached), too_big);
        assert_eq!(fill(&store, 1 << 20, 4096, 1, Durability::Medium), too_big);
        return;
    }
    let directory = Directory::new();
    let image = directory.join("image");
    drop(create(&image, 2 << 20));
    let limited = "trap '' XFSZ; ulimit -f 1024; exec \"$@\"";
    let mut command = Command::new("sh");
    command
        .args(["-c", limited, "sh"])
        .arg(std::env::current_exe().unwrap());
    command
        .args(["--exact", test, "--nocapture"])
        .env("SGRING_STORE_LIMITED", image);
    report(command.output().unwrap());
}

/// The device promises 4 MiB, and its file system has 1.
#[test]
fn a_flush_that_lost_bytes_never_succeeds_again() {
    on_a_small_disk(
        "a_flush_that_lost_bytes_never_succeeds_again",
        |directory| {
            let image = directory.join("image");
            drop(create(&image, 4 << 20));
            let Some(device) = Loop::over(&image) else {
                return;
            };
            let store = Store::open(device.path(), Access::ReadWrite).unwrap();
            assert_eq!(fill(&store, 0, 4096, 1, Durability::Cached), Ok(()));
            assert_eq!(store.flush(), Ok(()));
            // The cache takes it.
            assert_eq!(fill(&store, 0, 4 << 20, 2, Durability::Cached), Ok(()));
            // A FUA write that hears of the loss first does not take the report from the flush.
            let _ = fill(&store, 0, 4096, 3, Durability::Medium);
            for _ in 0..3 {
                assert_eq!(store.flush(), EIO);
            }
            // Nothing else stops.
            assert_eq!(read_vec(&store, 0, 4096), Ok(vec![3; 4096]));
            assert_eq!(fill(&store, 0, 4096, 4, Durability::Cached), Ok(()));
        },
    );
}

/// Write-back errors are reported once to each open file description, so threads that share one miss some.
#[test]
fn each_fua_write_hears_of_its_own_lost_bytes() {
    on_a_small_disk("each_fua_write_hears_of_its_own_lost_bytes", |directory| {
        let image = directory.join("image");
        drop(create(&image, 64 << 20));
        let Some(device) = Loop::over(&image) else {
            return;
        };
        fill_up(directory);
        let store = &Store::open(device.path(), Access::ReadWrite).unwrap();
        let write_some = |first: u64| {
            for n in 0..40u64 {
                let offset = (first << 20) + n * 8192;
                let written = fill(store, offset, 4096, 5, Durability::Medium);
                assert_eq!(written, EIO, "at {offset}");
            }
        };
        thread::scope(|scope| {
            let threads =
                [0, 8, 16, 24, 32, 40, 48, 56].map(|first| scope.spawn(move || write_some(first)));
            let ended = threads.map(|thread| thread.join());
            assert!(ended.iter().all(Result::is_ok));
        });
        assert_eq!(store.flush(), EIO);
    });
}

/// Takes all room that is left.
fn fill_up(directory: &Path) {
    let mut filler = File::create(directory.join("filler")).unwrap();
    while filler.write_all(&[0; 4096]).is_ok() {}
}

#[test]
fn a_device_that_vanished_is_eio() {
    let directory = Directory::new();
    let image = directory.join("image");
    drop(create(&image, 4 << 20));
    let Some(device) = Loop::over(&image) else {
        return;
    };
    let store = Store::open(device.path(), Access::ReadWrite).unwrap();
    OpenOptions::new()
        .write(true)
        .open(&image)
        .unwrap()
        .set_len(0)
        .unwrap();
    assert_eq!(read_vec(&store, 2 << 20, 4096), EIO.map(|()| vec![]));
}

/// Where the kernel cannot move the bytes (`EFAULT` stands for any errno that nobody thought of), the errno comes out.
#[test]
fn spans_that_are_not_mapped_are_an_errno_on_files() {
    let directory = Directory::new();
    let store = create(&directory.join("image"), 4096);
    let nowhere = [sgring_store::Span {
        ptr: std::ptr::without_provenance_mut(4096),
        len: 512,
    }];
    // SAFETY: the kernel checks the addresses, and nothing else touches them.
    let read = unsafe { store.read(0, &nowhere) };
    assert_eq!(read, Err(Errno(libc::EFAULT)));
    // SAFETY: as above.
    let written = unsafe { store.write(0, &nowhere, Durability::Cached) };
    assert_eq!(written, Err(Errno(libc::EFAULT)));
}
