//! Which files and folders can be opened (Landlock, Documentation/userspace-api/landlock.rst).
//!
//! A rule holds for a file, or for whatever is below a folder, by its inode and not by its name. Files that are open stay so.

use crate::error::ConfineError;
use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, Scope,
};
use std::{fs, os::unix::fs::FileTypeExt, path::PathBuf};

/// The newest that is known here. What an older kernel cannot deny, it allows.
const KNOWN: ABI = ABI::V9;

/// What something is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Files are read and executed, folders listed. A device that is named takes ioctls, too.
    Read,
    /// Files are read, written and cut. A device that is named takes ioctls, too.
    Write,
    /// A folder: files below are read, written, cut, made and removed.
    Fill,
    /// A folder: sockets are made there and connected to, and names removed; nothing there is opened.
    Socket,
}

impl Access {
    fn rights(self) -> BitFlags<AccessFs> {
        let read = AccessFs::Execute | AccessFs::ReadFile | AccessFs::ReadDir;
        let write = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::Truncate;
        match self {
            Self::Read => read,
            Self::Write => write,
            Self::Fill => write | AccessFs::ReadDir | AccessFs::MakeReg | AccessFs::RemoveFile,
            Self::Socket => AccessFs::MakeSock | AccessFs::RemoveFile | AccessFs::ResolveUnix,
        }
    }
}

/// The version of Landlock's interface that this kernel has, as far as it is known here; 0 if there is none, or it was not enabled at boot.
#[must_use]
pub fn landlock_abi() -> u32 {
    const LANDLOCK_CREATE_RULESET_VERSION: libc::c_uint = 1;
    // SAFETY: with this flag there is nothing to read, and no ruleset is made (landlock_create_ruleset(2)).
    let version = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            std::ptr::null::<libc::c_void>(),
            0usize,
            LANDLOCK_CREATE_RULESET_VERSION,
        )
    };
    u32::try_from(version).unwrap_or(0).min(KNOWN as u32)
}

/// A fence that nobody stands in yet.
pub(crate) struct Fence(RulesetCreated);

impl Fence {
    /// Around these paths. What is not there is passed over, and so is what this user cannot reach.
    pub(crate) fn around(paths: &[(PathBuf, Access)]) -> Result<Self, ConfineError> {
        let mut ruleset = Ruleset::default()
            .handle_access(AccessFs::from_all(KNOWN))?
            .handle_access(AccessNet::from_all(KNOWN))?
            .scope(Scope::from_all(KNOWN))?
            .create()?;
        for (path, access) in paths {
            let (Ok(file), Ok(found)) = (PathFd::new(path), fs::metadata(path)) else {
                continue;
            };
            let kind = found.file_type();
            let mut rights = access.rights();
            if !kind.is_dir() {
                rights &= AccessFs::from_file(KNOWN);
            }
            if kind.is_block_device() || kind.is_char_device() {
                rights |= AccessFs::IoctlDev;
            }
            ruleset = ruleset.add_rule(PathBeneath::new(file, rights))?;
        }
        Ok(Self(ruleset))
    }

    /// The calling thread, and what it starts later, is inside from now on, and can gain no privileges.
    pub(crate) fn close(self) -> Result<(), ConfineError> {
        self.0.restrict_self()?;
        Ok(())
    }
}
