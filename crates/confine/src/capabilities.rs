//! Which capabilities are kept (capabilities(7)).

use crate::{error::ConfineError, fence::Access};
use caps::{CapSet, CapsHashSet};
use std::{ffi::CString, io, os::unix::ffi::OsStrExt, path::PathBuf};

pub use caps::Capability;

/// What lets a process pass by the permissions of files.
const OVERRIDES: [Capability; 2] = [
    Capability::CAP_DAC_OVERRIDE,
    Capability::CAP_DAC_READ_SEARCH,
];

/// Those of `wanted` that this thread has, and of [`OVERRIDES`] what it takes to open the paths: each is tried without them.
pub(crate) fn needed(
    wanted: &[Capability],
    paths: &[(PathBuf, Access)],
) -> Result<CapsHashSet, ConfineError> {
    let permitted = caps::read(None, CapSet::Permitted)?;
    let effective = caps::read(None, CapSet::Effective)?;
    let mut needed: CapsHashSet = wanted.iter().copied().collect();
    let plain = effective
        .iter()
        .copied()
        .filter(|capability| !OVERRIDES.contains(capability))
        .collect();
    caps::set(None, CapSet::Effective, &plain)?;
    for (path, access) in paths {
        let (mode, overrides) = match access {
            Access::Read => (libc::R_OK, Capability::CAP_DAC_READ_SEARCH),
            Access::Write | Access::Fill => (libc::R_OK | libc::W_OK, Capability::CAP_DAC_OVERRIDE),
            Access::Socket => (libc::W_OK | libc::X_OK, Capability::CAP_DAC_OVERRIDE),
        };
        if is_denied(path, mode) {
            needed.insert(overrides);
        }
    }
    caps::set(None, CapSet::Effective, &effective)?;
    Ok(needed.intersection(&permitted).copied().collect())
}

/// Whether the permissions of a file, or of a folder above it, are in the way of the calling thread as it is now.
fn is_denied(path: &std::path::Path, mode: libc::c_int) -> bool {
    let Ok(path) = CString::new(path.as_os_str().as_bytes()) else {
        return false;
    };
    // SAFETY: `path` ends in NUL. The bare call: libraries ask with other rights than these where the kernel does not know the flag.
    let found = unsafe {
        libc::syscall(
            libc::SYS_faccessat2,
            libc::AT_FDCWD,
            path.as_ptr(),
            mode,
            libc::AT_EACCESS,
        )
    };
    // Before Linux 5.8, and where a container's filter is older than that, nobody knows.
    let denied = [Some(libc::EACCES), Some(libc::ENOSYS), Some(libc::EPERM)];
    found < 0 && denied.contains(&io::Error::last_os_error().raw_os_error())
}

/// Gives up all others, here and in what is started from here: root gets no others back by execve(2), as nobody does with no_new_privs.
pub(crate) fn keep(kept: &CapsHashSet) -> Result<(), ConfineError> {
    if caps::has_cap(None, CapSet::Effective, Capability::CAP_SETPCAP)? {
        for capability in caps::read(None, CapSet::Bounding)?.difference(kept) {
            caps::drop(None, CapSet::Bounding, *capability)?;
        }
    }
    caps::set(None, CapSet::Effective, kept)?;
    caps::set(None, CapSet::Permitted, kept)?;
    // What another user than root keeps by execve(2) is the ambient set, which takes the inheritable one.
    caps::set(None, CapSet::Inheritable, kept)?;
    caps::set(None, CapSet::Ambient, kept)?;
    Ok(())
}
