//! Numbers of users and groups, by their names, from wherever this machine has them (nsswitch.conf(5)).

use crate::error::ShmError;
use std::{ffi::CString, io, mem, ptr};

/// Room for an entry's strings at first, and at most: a group's has all of its members.
const ROOM: usize = 1 << 10;
const MOST_ROOM: usize = 1 << 20;

/// The number of the user of this name, if there is one (getpwnam_r(3)).
///
/// # Errors
/// [`ShmError::System`] if that cannot be found out.
pub fn user_id(name: &str) -> Result<Option<u32>, ShmError> {
    // SAFETY: all zeros is an entry: null pointers and numbers.
    let mut entry: libc::passwd = unsafe { mem::zeroed() };
    let found = look_up("getpwnam_r", name, |name, room, found| {
        let mut at = ptr::null_mut();
        // SAFETY: 1. `name` ends in NUL; 2. `entry`, `room` and `at` are writable, `room` for its length.
        let error = unsafe {
            libc::getpwnam_r(
                name.as_ptr(),
                &raw mut entry,
                room.as_mut_ptr().cast(),
                room.len(),
                &raw mut at,
            )
        };
        *found = !at.is_null();
        error
    })?;
    Ok(found.then_some(entry.pw_uid))
}

/// The number of the group of this name, if there is one (getgrnam_r(3)).
///
/// # Errors
/// As [`user_id`].
pub fn group_id(name: &str) -> Result<Option<u32>, ShmError> {
    // SAFETY: all zeros is an entry: null pointers and numbers.
    let mut entry: libc::group = unsafe { mem::zeroed() };
    let found = look_up("getgrnam_r", name, |name, room, found| {
        let mut at = ptr::null_mut();
        // SAFETY: 1. `name` ends in NUL; 2. `entry`, `room` and `at` are writable, `room` for its length.
        let error = unsafe {
            libc::getgrnam_r(
                name.as_ptr(),
                &raw mut entry,
                room.as_mut_ptr().cast(),
                room.len(),
                &raw mut at,
            )
        };
        *found = !at.is_null();
        error
    })?;
    Ok(found.then_some(entry.gr_gid))
}

/// Asks with more room until there is enough of it. `ask` returns 0 or an errno, and says whether it has found an entry.
fn look_up(
    call: &'static str,
    name: &str,
    mut ask: impl FnMut(&CString, &mut [u8], &mut bool) -> libc::c_int,
) -> Result<bool, ShmError> {
    // No account's name has a NUL in it.
    let Ok(name) = CString::new(name) else {
        return Ok(false);
    };
    let mut room = vec![0; ROOM];
    loop {
        let mut found = false;
        match ask(&name, &mut room, &mut found) {
            0 => return Ok(found),
            libc::EINTR => {}
            libc::ERANGE if room.len() < MOST_ROOM => room.resize(2 * room.len(), 0),
            // What some sources say of a name that they do not have.
            libc::ENOENT | libc::ESRCH | libc::EBADF | libc::EPERM => return Ok(false),
            error => {
                return Err(ShmError::System {
                    call,
                    source: io::Error::from_raw_os_error(error),
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_0_and_nobody_has_a_name_that_cannot_be() {
        assert_eq!(user_id("root").expect("an answer"), Some(0));
        assert_eq!(group_id("root").expect("an answer"), Some(0));
        for name in ["", "no:such:name", "with\0nul"] {
            assert_eq!(user_id(name).expect("an answer"), None);
            assert_eq!(group_id(name).expect("an answer"), None);
        }
    }
}
