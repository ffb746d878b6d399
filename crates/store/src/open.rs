//! Finding, creating and locking a file or block device.

use crate::error::StoreError;
use crate::file::{FileImage, LANES};
use crate::lock::Locked;
use crate::store::Kind;
use sgring_kill_points::kill_point;
use std::fs::{self, File, FileType, Metadata, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

/// How a file or device is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// What is there, to read and write. Nobody else may have it open through a store, and no mount may hold it.
    ///
    /// The claim on a device ends when its last descriptor is closed, and the kernel knows no other end: while a process is being
    /// started, from its fork to its exec, a device that was closed may still be [in use](StoreError::InUse).
    ReadWrite,
    /// What is there, to read. Other readers may have it too.
    ReadOnly,
    /// A new sparse file of this many zero bytes, to read and write, for its owner alone (mode 0600). What exists is
    /// never touched.
    Create {
        /// Its length.
        len_bytes: u64,
    },
}

/// An opened image and its length in bytes.
pub(crate) fn open(path: &Path, access: Access) -> Result<(FileImage, u64), StoreError> {
    match access {
        Access::ReadWrite => open_existing(path, true),
        Access::ReadOnly => open_existing(path, false),
        Access::Create { len_bytes } => create(path, len_bytes),
    }
}

fn open_existing(path: &Path, writable: bool) -> Result<(FileImage, u64), StoreError> {
    // Before it is opened: opening a fifo waits, and opening a tape may rewind it.
    let seen = fs::metadata(path).map_err(system("look at", path))?;
    refuse_other_kinds(path, seen.file_type())?;

    let mut options = OpenOptions::new();
    options.read(true).write(writable);
    if writable && seen.file_type().is_block_device() {
        // Claims the device from the kernel, which refuses while it is mounted (open(2), O_EXCL without O_CREAT).
        options.custom_flags(libc::O_EXCL);
    }
    let data = match options.open(path) {
        Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {
            return Err(StoreError::InUse { path: path.into() });
        }
        opened => opened.map_err(system("open", path))?,
    };
    let found = data.metadata().map_err(system("look at", path))?;
    if identity(&found) != identity(&seen) {
        return Err(StoreError::Replaced { path: path.into() });
    }
    let data = Locked::new(path, data, writable)?;
    assemble(path, data, &found, writable)
}

fn create(path: &Path, len_bytes: u64) -> Result<(FileImage, u64), StoreError> {
    if len_bytes == 0 || i64::try_from(len_bytes).is_err() {
        return Err(StoreError::Length { len_bytes });
    }
    let data = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    let data = match data {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(StoreError::Exists { path: path.into() });
        }
        opened => opened.map_err(system("create", path))?,
    };
    kill_point();
    let made = data.metadata().map_err(system("look at", path))?;
    fill_in(path, data, len_bytes).inspect_err(|_| remove_if_still(path, &made))
}

/// Removes the empty new file `made`, unless `path` has come to name something else: that is not ours.
fn remove_if_still(path: &Path, made: &Metadata) {
    let found = fs::symlink_metadata(path);
    if found.is_ok_and(|found| identity(&found) == identity(made)) {
        // What keeps it from going is less than what is reported already.
        let _ = fs::remove_file(path);
    }
}

/// Makes an empty new file into a backing that a crash does not take away again.
fn fill_in(path: &Path, data: File, len_bytes: u64) -> Result<(FileImage, u64), StoreError> {
    let data = Locked::new(path, data, true)?;
    data.set_len(len_bytes).map_err(system("size", path))?;
    kill_point();
    data.sync_all().map_err(system("write", path))?;
    // The file's name is its directory's data (fsync(2)).
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let directory = File::open(directory.unwrap_or(Path::new(".")));
    directory
        .and_then(|directory| directory.sync_all())
        .map_err(system("name", path))?;
    kill_point();
    let found = data.metadata().map_err(system("look at", path))?;
    assemble(path, data, &found, true)
}

fn assemble(
    path: &Path,
    data: Locked,
    found: &Metadata,
    writable: bool,
) -> Result<(FileImage, u64), StoreError> {
    let kind = if found.is_file() {
        Kind::File
    } else {
        Kind::BlockDevice
    };
    // The end of a block device is its size in bytes, as BLKGETSIZE64 has it.
    let len_bytes = match kind {
        Kind::File => Ok(found.len()),
        _ => (&*data).seek(SeekFrom::End(0)),
    };
    let len_bytes = len_bytes.map_err(system("size", path))?;
    if len_bytes == 0 {
        return Err(StoreError::Empty { path: path.into() });
    }
    if !writable {
        return Ok((FileImage::read_only(data, kind), len_bytes));
    }
    let mut lanes = Vec::with_capacity(LANES);
    for _ in 0..LANES {
        lanes.push(open_again(path, found)?);
    }
    let flusher = open_again(path, found)?;
    Ok((FileImage::writable(data, kind, lanes, flusher), len_bytes))
}

/// Another open file description of the same file, with its own memory of write-back errors.
fn open_again(path: &Path, found: &Metadata) -> Result<File, StoreError> {
    let again = OpenOptions::new()
        .write(true)
        .open(path)
        .map_err(system("open", path))?;
    let metadata = again.metadata().map_err(system("look at", path))?;
    if identity(&metadata) != identity(found) {
        return Err(StoreError::Replaced { path: path.into() });
    }
    Ok(again)
}

fn refuse_other_kinds(path: &Path, kind: FileType) -> Result<(), StoreError> {
    let found = match kind {
        _ if kind.is_file() || kind.is_block_device() => return Ok(()),
        _ if kind.is_dir() => "a directory",
        _ if kind.is_char_device() => "a character device",
        _ if kind.is_fifo() => "a fifo",
        _ if kind.is_socket() => "a socket",
        _ => "of a kind that keeps no bytes",
    };
    Err(StoreError::WrongKind {
        path: path.into(),
        found,
    })
}

/// What tells a file or device from any other.
fn identity(metadata: &Metadata) -> (u64, u64, u64) {
    (metadata.dev(), metadata.ino(), metadata.rdev())
}

pub(crate) fn system(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    move |error| StoreError::System {
        action,
        path: path.into(),
        errno: error.into(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]

    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_failed_creation_removes_its_own_file_and_nobody_elses() {
        let directory = std::env::temp_dir().join(format!("sgring-open-{}", std::process::id()));
        fs::create_dir(&directory).unwrap();
        let (path, aside) = (directory.join("image"), directory.join("aside"));
        let made = File::create(&path).unwrap().metadata().unwrap();

        fs::rename(&path, &aside).unwrap();
        fs::write(&path, b"precious").unwrap();
        remove_if_still(&path, &made);
        assert_eq!(fs::read(&path).unwrap(), b"precious");

        fs::remove_file(&path).unwrap();
        symlink(&aside, &path).unwrap();
        remove_if_still(&path, &made);
        assert!(path.is_symlink(), "somebody made this link");

        remove_if_still(&aside, &made);
        assert!(!aside.exists());
        fs::remove_dir_all(&directory).unwrap();
    }
}
