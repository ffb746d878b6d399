//! Files that outlive their process, whenever that was killed over them.

use sgring_shm::{FileLock, KeptFile, ShmError};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;
use std::{env, process};

const LEN: usize = 8192;

/// A folder of the test's own, removed with all that is in it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("sgring-kept-{}-{name}", process::id()));
        fs::create_dir(&path).expect("a folder of its own");
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("kept")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).expect("the folder is there");
    }
}

fn bytes(file: &KeptFile) -> Vec<u8> {
    let mut copy = vec![0; file.len()];
    // SAFETY: mapped with its whole length, and nobody else writes it.
    unsafe { copy.as_mut_ptr().copy_from(file.as_ptr(), file.len()) };
    copy
}

#[test]
fn a_file_that_its_maker_did_not_live_to_fill_is_filled_with_zeros_behind_what_is_there() {
    let folder = Folder::new("filled");
    for there in [vec![], vec![7; 5], vec![7; LEN]] {
        fs::write(folder.file(), &there).expect("room");
        let kept = KeptFile::obtain(&folder.file(), LEN).expect("it is made to its end");
        let mut expected = there.clone();
        expected.resize(LEN, 0);
        assert_eq!(bytes(&kept), expected);
    }
}

#[test]
fn a_file_that_lost_its_blocks_when_it_was_copied_has_them_again() {
    let folder = Folder::new("sparse");
    type Opened = fn(&std::path::Path, usize) -> Result<KeptFile, ShmError>;
    let ways: [Opened; 2] = [KeptFile::obtain, KeptFile::open];
    for again in ways {
        let sparse = fs::File::create(folder.file()).expect("room");
        sparse.set_len(LEN as u64).expect("a hole");
        let blocks = || sparse.metadata().expect("there").blocks();
        assert_eq!(blocks(), 0);
        let kept = again(&folder.file(), LEN).expect("it is the same file");
        assert!(blocks() * 512 >= LEN as u64);
        assert_eq!(bytes(&kept), [0; LEN]);
        fs::remove_file(folder.file()).expect("it is there");
    }
}

#[test]
fn what_is_stored_is_there_for_the_next_mapping_and_a_new_file_is_its_owners_alone() {
    let folder = Folder::new("stored");
    let kept = KeptFile::obtain(&folder.file(), LEN).expect("a new file");
    // SAFETY: the first byte of the mapping.
    unsafe { kept.as_ptr().write(9) };
    drop(kept);
    let again = KeptFile::open(&folder.file(), LEN).expect("the same file");
    assert_eq!(bytes(&again)[0], 9);
    let mode = fs::metadata(folder.file())
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let other = KeptFile::open(&folder.file(), 2 * LEN);
    assert!(matches!(other, Err(ShmError::OutOfRange)));
}

#[test]
fn a_new_file_without_room_is_not_left_behind() {
    let folder = Folder::new("room");
    assert!(KeptFile::create(&folder.file(), 1 << 62).is_err());
    assert!(!folder.file().exists());
    KeptFile::create(&folder.file(), LEN).expect("the name is free");
}

#[test]
fn no_link_is_followed() {
    let folder = Folder::new("link");
    let elsewhere = folder.0.join("elsewhere");
    fs::write(&elsewhere, [7; LEN]).expect("room");
    symlink(&elsewhere, folder.file()).expect("a link");
    assert!(KeptFile::obtain(&folder.file(), LEN).is_err());
    assert!(KeptFile::open(&folder.file(), LEN).is_err());
    assert!(FileLock::take(&folder.file()).is_err());
    assert_eq!(fs::read(&elsewhere).expect("there"), [7; LEN]);
}

#[test]
fn a_lock_is_one_holders_at_a_time_and_its_file_needs_no_bytes() {
    let folder = Folder::new("lock");
    fs::write(folder.file(), []).expect("room");
    let first = FileLock::take(&folder.file()).expect("nobody has it");
    let second = FileLock::take(&folder.file());
    assert!(matches!(second, Err(ShmError::AddressInUse)));
    drop(first);
    FileLock::take(&folder.file()).expect("nobody has it any more");
}
