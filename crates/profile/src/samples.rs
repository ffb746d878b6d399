//! What was seen of a side: words that a handler may write, in memory that forked processes share.

use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::io;

/// Initiator and target.
pub(crate) const SIDES: usize = 2;
/// As many of a side are kept, the first that come: a minute of four threads, in a kernel that looks 250 times a second.
const MOST: usize = 1 << 16;

/// Where the threads of a side were, and for how long they were watched. Zeros are one that has seen nothing.
#[repr(C)]
pub(crate) struct Samples {
    taken: AtomicUsize,
    cpu_ns: AtomicU64,
    wall_ns: AtomicU64,
    addresses: [AtomicUsize; MOST],
}

/// Those of all sides. The memory is never given back: a timer's last signal may come late.
pub(crate) fn shared() -> io::Result<&'static [Samples; SIDES]> {
    let len = size_of::<[Samples; SIDES]>();
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
    // SAFETY: new memory, where the kernel has room for it.
    let memory = unsafe { libc::mmap(core::ptr::null_mut(), len, access, flags, -1, 0) };
    if memory == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: 1. As long as its type, and aligned, for it starts on a page. 2. It is all zeros, which is a value of these atomics. 3. It is
    // never unmapped. 4. It is accessed through atomics only, by forked processes too.
    Ok(unsafe { &*memory.cast() })
}

impl Samples {
    /// Nobody is watched meanwhile.
    pub(crate) fn clear(&self) {
        self.taken.store(0, Relaxed);
        self.cpu_ns.store(0, Relaxed);
        self.wall_ns.store(0, Relaxed);
    }

    /// Keeps where a thread is. May be called in a handler.
    pub(crate) fn take(&self, address: usize) {
        let index = self.taken.fetch_add(1, Relaxed);
        if let Some(kept) = self.addresses.get(index) {
            kept.store(address, Relaxed);
        }
    }

    /// A thread was watched for so long.
    pub(crate) fn spent(&self, cpu_ns: u64, wall_ns: u64) {
        self.cpu_ns.fetch_add(cpu_ns, Relaxed);
        self.wall_ns.fetch_add(wall_ns, Relaxed);
    }

    pub(crate) fn cpu_ns(&self) -> u64 {
        self.cpu_ns.load(Relaxed)
    }

    pub(crate) fn wall_ns(&self) -> u64 {
        self.wall_ns.load(Relaxed)
    }

    pub(crate) fn addresses(&self) -> impl Iterator<Item = usize> {
        let kept = self.addresses.iter().take(self.taken.load(Relaxed));
        kept.map(|address| address.load(Relaxed))
    }
}
