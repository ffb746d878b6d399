//! What the library itself never makes or sends: memory files with any seals, and messages with any descriptors.

use std::{
    io,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
    ptr,
};

/// sendmsg(2) with as many descriptors as one likes, which the library itself never does.
pub(crate) fn send_with_descriptors(
    socket: &OwnedFd,
    bytes: &[u8],
    descriptors: &[&OwnedFd],
) -> io::Result<usize> {
    const HEADER: usize = size_of::<libc::cmsghdr>();
    let mut control = [0u64; 128];
    let data = descriptors.len() * size_of::<libc::c_int>();
    let mut part = libc::iovec {
        iov_base: bytes.as_ptr().cast_mut().cast(),
        iov_len: bytes.len(),
    };
    // SAFETY: all zeros is a message without address, parts or control data.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    if !descriptors.is_empty() {
        assert!(HEADER + data <= size_of_val(&control));
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = (HEADER + data) as _;
        // SAFETY: all zeros is a header, and of musl's padding the only value that can be given.
        let mut header: libc::cmsghdr = unsafe { std::mem::zeroed() };
        header.cmsg_len = (HEADER + data) as _;
        header.cmsg_level = libc::SOL_SOCKET;
        header.cmsg_type = libc::SCM_RIGHTS;
        let raw: Vec<libc::c_int> = descriptors.iter().map(|fd| fd.as_raw_fd()).collect();
        // SAFETY: `control` is aligned for a header and has room for one.
        unsafe { control.as_mut_ptr().cast::<libc::cmsghdr>().write(header) };
        let to = control.as_mut_ptr().cast::<u8>().wrapping_add(HEADER);
        // SAFETY: `control` has room for `data` bytes behind the header, as asserted; `raw` has as many.
        unsafe { ptr::copy_nonoverlapping(raw.as_ptr().cast(), to, data) };
    }
    // SAFETY: `message` names `part` and `control`, which live.
    let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const message, libc::MSG_NOSIGNAL) };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

/// A memory file with any flags, size and seals.
pub(crate) fn memory_file(flags: libc::c_uint, len: i64, seals: libc::c_int) -> Option<OwnedFd> {
    // SAFETY: the name is a NUL-terminated constant.
    let fd = unsafe { libc::memfd_create(c"any".as_ptr(), flags | libc::MFD_ALLOW_SEALING) };
    if fd < 0 {
        return None;
    }
    // SAFETY: memfd_create has just made this descriptor, and nobody else knows it.
    let file = unsafe { OwnedFd::from_raw_fd(fd) };
    // SAFETY: a plain call on an open descriptor.
    let result = unsafe { libc::ftruncate(fd, len) };
    assert_eq!(result, 0, "{}", io::Error::last_os_error());
    // SAFETY: a plain call on an open descriptor.
    let sealed = unsafe { libc::fcntl(fd, libc::F_ADD_SEALS, seals) };
    assert_eq!(sealed, 0, "{}", io::Error::last_os_error());
    Some(file)
}
