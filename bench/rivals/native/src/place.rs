//! Where the sides run, and what they cost beside time.

use crate::fail;
use core::mem::size_of;
use sgring_profile::Side;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::thread;
use std::time::{Duration, Instant};

/// What a side cost.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct Usage {
    /// System calls, by the contestant's own count.
    pub(crate) calls: u64,
    /// Times that another thread got its CPU, because it waited or because its time was over.
    pub(crate) switches: u64,
    /// Processor time in nanoseconds.
    pub(crate) cpu_ns: u64,
}

impl Usage {
    /// The calling thread's since its start, with as many calls as it says.
    pub(crate) fn of_this_thread(calls: u64) -> Self {
        // SAFETY: a record of integers, for which zeros are a value.
        let mut usage: libc::rusage = unsafe { core::mem::zeroed() };
        // SAFETY: `usage` is writable and of the type that the call expects.
        if unsafe { libc::getrusage(libc::RUSAGE_THREAD, &raw mut usage) } != 0 {
            fail(io::Error::last_os_error());
        }
        // SAFETY: a record of integers, for which zeros are a value.
        let mut time: libc::timespec = unsafe { core::mem::zeroed() };
        // SAFETY: `time` is writable and of the type that the call expects.
        if unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) } != 0 {
            fail(io::Error::last_os_error());
        }
        Self {
            calls,
            switches: (usage.ru_nvcsw + usage.ru_nivcsw) as u64,
            cpu_ns: time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64,
        }
    }

    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            calls: self.calls - before.calls,
            switches: self.switches - before.switches,
            cpu_ns: self.cpu_ns - before.cpu_ns,
        }
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            calls: self.calls + other.calls,
            switches: self.switches + other.switches,
            cpu_ns: self.cpu_ns + other.cpu_ns,
        }
    }
}

/// The other side, in a thread or in a process of its own.
pub(crate) enum Far {
    Thread(thread::JoinHandle<Usage>),
    Process { pid: libc::pid_t, report: OwnedFd },
}

impl Far {
    /// Runs `side` there, the target's. A process of its own has a copy of everything, as fork(2) makes it.
    pub(crate) fn start(process: bool, side: impl FnOnce() -> Usage + Send + 'static) -> Self {
        let side = || {
            let _watched = sgring_profile::watch(Side::Target);
            side()
        };
        if process {
            Self::fork(side)
        } else {
            Self::Thread(thread::spawn(side))
        }
    }

    fn fork(side: impl FnOnce() -> Usage) -> Self {
        let handler: extern "C" fn(libc::c_int) = child_ended;
        // SAFETY: the handler makes only calls that a handler may make (signal-safety(7)).
        if unsafe { libc::signal(libc::SIGCHLD, handler as libc::sighandler_t) } == libc::SIG_ERR {
            fail(io::Error::last_os_error());
        }
        let (report, into) = pipe(0);
        // SAFETY: a plain call.
        let parent = unsafe { libc::getpid() };
        // SAFETY: this process has one thread now: servers are forked before clients are started, and those of earlier samples are joined.
        match unsafe { libc::fork() } {
            -1 => fail(io::Error::last_os_error()),
            0 => {
                end_with(parent);
                let usage = side();
                let (from, len) = (&raw const usage, size_of::<Usage>());
                // SAFETY: `usage` is a record of integers, readable with its whole size.
                let wrote = unsafe { libc::write(into.as_raw_fd(), from.cast(), len) };
                // SAFETY: ends the process at once; what the parent owns, too, is the parent's to tidy up.
                unsafe { libc::_exit(i32::from(wrote != len as isize)) }
            }
            pid => Self::Process { pid, report },
        }
    }

    /// Waits for its end.
    pub(crate) fn end(self) -> Usage {
        match self {
            Self::Thread(thread) => thread
                .join()
                .unwrap_or_else(|_| fail("the other side panicked")),
            Self::Process { pid, report } => {
                let mut usage = Usage::default();
                let (into, len) = (&raw mut usage, size_of::<Usage>());
                // SAFETY: `usage` is a record of integers, writable with its whole size; any bytes are a value.
                let read = unsafe { libc::read(report.as_raw_fd(), into.cast(), len) };
                let mut status = 0;
                // SAFETY: our own child; `status` is writable.
                unsafe { libc::waitpid(pid, &raw mut status, 0) };
                if read != len as isize || status != 0 {
                    fail(format_args!("the other side ended with status {status}"));
                }
                usage
            }
        }
    }
}

/// Ends this process when its parent ends: a peer of nobody would spin for ever.
fn end_with(parent: libc::pid_t) {
    // SAFETY: plain numbers.
    if unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) } != 0 {
        fail(io::Error::last_os_error());
    }
    // SAFETY: a plain call. A parent that ended before the call above is not noticed by it.
    if unsafe { libc::getppid() } != parent {
        fail("the other side is gone");
    }
}

/// A child that ends in any way but its own answers nothing more, and whoever waits for it would do so for ever.
extern "C" fn child_ended(_signal: libc::c_int) {
    const MESSAGE: &[u8] = b"sgring-rivals: the other side died\n";
    // SAFETY: a record of integers, for which zeros are a value.
    let mut info: libc::siginfo_t = unsafe { core::mem::zeroed() };
    let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: `info` is writable; the call may be made in a handler.
    if unsafe { libc::waitid(libc::P_ALL, 0, &raw mut info, flags) } != 0 {
        return;
    }
    // SAFETY: the record is that of a child's end, or all zeros.
    let (code, status) = (info.si_code, unsafe { info.si_status() });
    if code == 0 || code == libc::CLD_EXITED && status == 0 {
        return;
    }
    // SAFETY: the message is readable with its whole length; the call may be made in a handler.
    unsafe { libc::write(2, MESSAGE.as_ptr().cast(), MESSAGE.len()) };
    // SAFETY: ends the process, and may be called in a handler.
    unsafe { libc::_exit(1) };
}

/// A pipe's end to read, and its end to write; closed by `exec`.
pub(crate) fn pipe(flags: libc::c_int) -> (OwnedFd, OwnedFd) {
    let mut ends = [-1; 2];
    // SAFETY: `ends` holds the two descriptors that the call writes.
    let result = unsafe { libc::pipe2(ends.as_mut_ptr(), flags | libc::O_CLOEXEC) };
    both(result, ends)
}

/// A call's two new descriptors.
pub(crate) fn both(result: libc::c_int, ends: [libc::c_int; 2]) -> (OwnedFd, OwnedFd) {
    if result != 0 {
        fail(io::Error::last_os_error());
    }
    // SAFETY: just made, and nobody else's.
    let one = unsafe { OwnedFd::from_raw_fd(ends[0]) };
    // SAFETY: as above.
    (one, unsafe { OwnedFd::from_raw_fd(ends[1]) })
}

/// The CPUs that this thread may run on: `first` before all others.
pub(crate) fn cpus(first: &[usize]) -> Vec<usize> {
    // SAFETY: a set of integers, for which all zeros is the empty set.
    let mut set: libc::cpu_set_t = unsafe { core::mem::zeroed() };
    // SAFETY: the set is writable and of the size named; 0 is the calling thread.
    if unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut set) } != 0 {
        fail(io::Error::last_os_error());
    }
    let others = (0..libc::CPU_SETSIZE as usize).filter(|&cpu| {
        // SAFETY: it indexes the set's array, within its length.
        let allowed = unsafe { libc::CPU_ISSET(cpu, &set) };
        allowed && !first.contains(&cpu)
    });
    first.iter().copied().chain(others).collect()
}

/// Keeps the calling thread on one CPU.
pub(crate) fn pin(cpu: usize) {
    // SAFETY: a set of integers, for which all zeros is the empty set.
    let mut set: libc::cpu_set_t = unsafe { core::mem::zeroed() };
    // SAFETY: it indexes the set's array, and panics beyond its end.
    unsafe { libc::CPU_SET(cpu, &mut set) };
    // SAFETY: the set is readable and of the size named; 0 is the calling thread.
    if unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set) } != 0 {
        fail(format_args!("CPU {cpu}: {}", io::Error::last_os_error()));
    }
}

/// Stands for work of this length.
pub(crate) fn work_for(nanoseconds: u64) {
    if nanoseconds == 0 {
        return;
    }
    let until = Instant::now() + Duration::from_nanos(nanoseconds);
    while Instant::now() < until {
        core::hint::spin_loop();
    }
}
