//! What can be opened, by whom, and what the refusals say.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use common::{Directory, Loop, create, read_vec, write};
use sgring_store::{Access, Durability, Errno, Kind, Store, StoreError};
use std::ffi::CString;
use std::fs;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

fn refused(path: &Path, access: Access) -> StoreError {
    Store::open(path, access).map(|_| ()).unwrap_err()
}

#[test]
fn a_created_file_is_sparse_private_and_zero() {
    let directory = Directory::new();
    let path = directory.join("image");
    let store = create(&path, 1 << 40);
    assert_eq!(
        (store.len_bytes(), store.kind(), store.read_only()),
        (1 << 40, Kind::File, false)
    );
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(read_vec(&store, (1 << 40) - 4096, 4096), Ok(vec![0; 4096]));
}

#[test]
fn memory_may_be_larger_than_the_machine_but_not_than_the_address_space() {
    assert_eq!(Store::memory(1 << 42).unwrap().kind(), Kind::Memory);
    assert!(matches!(
        Store::memory(0),
        Err(StoreError::Length { len_bytes: 0 })
    ));
    assert!(matches!(
        Store::memory(u64::MAX),
        Err(StoreError::Length { .. })
    ));
    let error = Store::memory(1 << 62).map(|_| ()).unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::Memory {
                errno: Errno(libc::ENOMEM),
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn creating_never_touches_what_exists() {
    let directory = Directory::new();
    let path = directory.join("image");
    fs::write(&path, b"precious").unwrap();
    let error = refused(&path, Access::Create { len_bytes: 4096 });
    assert_eq!(error, StoreError::Exists { path: path.clone() });
    assert_eq!(error.code(), "BACKING");
    assert_eq!(fs::read(&path).unwrap(), b"precious");
}

#[test]
fn a_creation_that_fails_leaves_nothing_behind() {
    let directory = Directory::new();
    let path = directory.join("image");
    for len_bytes in [0, 1 << 63] {
        let error = refused(&path, Access::Create { len_bytes });
        assert_eq!(error, StoreError::Length { len_bytes });
        assert_eq!(error.code(), "INVALID_ARGUMENT");
    }
    // No file system of Linux holds a file of 2^63 - 1 bytes and its metadata, but some say so only when written.
    if Store::open(
        &path,
        Access::Create {
            len_bytes: (1 << 63) - 1,
        },
    )
    .is_err()
    {
        assert!(!path.exists());
    } else {
        common::skip("this file system takes a file of any length");
    }
}

#[test]
fn a_second_opening_is_refused_until_the_first_ends() {
    let directory = Directory::new();
    let path = directory.join("image");
    let first = create(&path, 4096);
    for access in [Access::ReadWrite, Access::ReadOnly] {
        let error = refused(&path, access);
        assert_eq!(error, StoreError::InUse { path: path.clone() });
        assert!(
            error
                .to_string()
                .contains("already in use by another process"),
            "{error}"
        );
    }
    drop(first);
    let reader = Store::open(&path, Access::ReadOnly).unwrap();
    let second_reader = Store::open(&path, Access::ReadOnly).unwrap();
    assert_eq!(
        refused(&path, Access::ReadWrite),
        StoreError::InUse { path: path.clone() }
    );
    drop((reader, second_reader));
    assert!(Store::open(&path, Access::ReadWrite).is_ok());
}

/// As a process that is being started has them, from its fork to its exec.
fn duplicates(path: &Path) -> Vec<OwnedFd> {
    let path = path.canonicalize().unwrap();
    let descriptors = fs::read_dir("/proc/self/fd").unwrap();
    let names = descriptors.map(|entry| entry.unwrap().path());
    names
        .filter(|name| fs::read_link(name).is_ok_and(|target| target == path))
        .map(|name| {
            let number = name.file_name().unwrap().to_str().unwrap();
            // SAFETY: of the files at `path` this test alone opens and closes descriptors.
            let descriptor = unsafe { BorrowedFd::borrow_raw(number.parse().unwrap()) };
            descriptor.try_clone_to_owned().unwrap()
        })
        .collect()
}

#[test]
fn a_process_that_is_being_started_does_not_keep_the_lock_of_a_closed_store() {
    let directory = Directory::new();
    let path = directory.join("image");
    drop(create(&path, 4096));
    for (held, next) in [
        (Access::ReadWrite, Access::ReadOnly),
        (Access::ReadOnly, Access::ReadWrite),
    ] {
        let store = Store::open(&path, held).unwrap();
        let duplicates = duplicates(&path);
        assert!(!duplicates.is_empty());
        assert_eq!(
            refused(&path, Access::ReadWrite),
            StoreError::InUse { path: path.clone() }
        );
        drop(store);
        assert!(Store::open(&path, next).is_ok());
        drop(duplicates);
    }
}

#[test]
fn a_read_only_store_reads_and_refuses_to_write() {
    let directory = Directory::new();
    let path = directory.join("image");
    fs::write(&path, [7u8; 1000]).unwrap();
    let store = Store::open(&path, Access::ReadOnly).unwrap();
    assert_eq!((store.len_bytes(), store.read_only()), (1000, true));
    assert_eq!(read_vec(&store, 0, 1000), Ok(vec![7; 1000]));
    let written = write(&store, 0, &[&[8; 512]], Durability::Cached);
    assert_eq!(written, Err(Errno(libc::EROFS)));
    assert_eq!(store.flush(), Ok(()));
}

#[test]
fn what_keeps_no_bytes_is_refused_by_name() {
    let directory = Directory::new();
    let fifo = directory.join("fifo");
    let name = CString::new(fifo.as_os_str().as_bytes()).unwrap();
    // SAFETY: `name` is a C string.
    let made = unsafe { libc::mkfifo(name.as_ptr(), 0o600) };
    assert_eq!(made, 0);
    let socket = directory.join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let kinds = [
        (directory.join("."), "a directory"),
        (fifo, "a fifo"),
        (socket, "a socket"),
        ("/dev/zero".into(), "a character device"),
    ];
    for (path, kind) in kinds {
        for access in [Access::ReadWrite, Access::ReadOnly] {
            let error = refused(&path, access);
            assert_eq!(
                error,
                StoreError::WrongKind {
                    path: path.clone(),
                    found: kind
                }
            );
            assert!(error.to_string().contains(kind));
        }
    }
    let empty = directory.join("empty");
    fs::write(&empty, b"").unwrap();
    assert_eq!(
        refused(&empty, Access::ReadWrite),
        StoreError::Empty { path: empty }
    );
}

#[test]
fn an_error_says_what_to_do() {
    let missing = Path::new("/nonexistent/image");
    let error = refused(missing, Access::ReadWrite);
    assert!(matches!(
        error,
        StoreError::System {
            errno: Errno(libc::ENOENT),
            ..
        }
    ));
    assert_eq!(
        error.to_string(),
        "cannot look at /nonexistent/image: No such file or directory (os error 2); \
         check the path, or give a size to create it"
    );
    let error = refused(Path::new("a\0b"), Access::ReadWrite);
    assert!(matches!(
        error,
        StoreError::System {
            errno: Errno(libc::EINVAL),
            ..
        }
    ));
}

#[test]
fn a_file_whose_name_is_gone_goes_on_working() {
    let directory = Directory::new();
    let path = directory.join("image");
    let store = create(&path, 4096);
    fs::remove_file(&path).unwrap();
    assert_eq!(write(&store, 512, &[&[9; 512]], Durability::Medium), Ok(()));
    assert_eq!(read_vec(&store, 512, 512), Ok(vec![9; 512]));
    assert_eq!(store.flush(), Ok(()));
}

#[test]
fn a_block_device_has_its_length_and_is_claimed() {
    let directory = Directory::new();
    let image = directory.join("image");
    drop(create(&image, 3 << 20));
    let Some(device) = Loop::over(&image) else {
        return;
    };
    let store = Store::open(device.path(), Access::ReadWrite).unwrap();
    assert_eq!(
        (store.len_bytes(), store.kind()),
        (3 << 20, Kind::BlockDevice)
    );
    let bytes = [3u8; 8192];
    let written = write(&store, (3 << 20) - 8192, &[&bytes], Durability::Medium);
    assert_eq!(written, Ok(()));
    assert_eq!(store.flush(), Ok(()));
    assert_eq!(fs::read(&image).unwrap()[(3 << 20) - 8192..], bytes);
    for access in [Access::ReadWrite, Access::ReadOnly] {
        let in_use = StoreError::InUse {
            path: device.path().into(),
        };
        assert_eq!(refused(device.path(), access), in_use);
    }
    drop(store);
    assert!(
        Store::open(device.path(), Access::ReadOnly)
            .unwrap()
            .read_only()
    );
}
