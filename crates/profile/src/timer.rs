//! A timer of a thread's own processor time, whose signal that very thread gets.

use crate::samples::Samples;
use crate::{fail, worked};
use std::io;

/// The kernel rounds it up to its tick.
const INTERVAL_NS: libc::c_long = 1_000_000;

/// Sets the handler. Most system calls that it interrupts are begun anew.
pub(crate) fn handle() -> io::Result<()> {
    let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) = look;
    // SAFETY: a record of integers, for which zeros are a value.
    let mut action: libc::sigaction = unsafe { core::mem::zeroed() };
    action.sa_sigaction = handler as libc::sighandler_t;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
    // SAFETY: `action` is readable. The handler makes no call at all, and writes atomics only.
    worked(unsafe { libc::sigaction(libc::SIGPROF, &raw const action, core::ptr::null_mut()) })
}

extern "C" fn look(_: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: with SA_SIGINFO the kernel hands over a record of the signal.
    let info = unsafe { &*info };
    if info.si_code != libc::SI_TIMER {
        return;
    }
    // SAFETY: the signal is a timer's, and has the value that the timer was made with.
    let samples: *const Samples = unsafe { info.si_value() }.sival_ptr.cast();
    // SAFETY: every timer is made with samples, which are never given back.
    let samples = unsafe { &*samples };
    // SAFETY: with SA_SIGINFO the kernel hands over what the thread was at.
    samples.take(interrupted(unsafe { &*context.cast() }));
}

/// The instruction that the thread was at.
#[cfg(target_arch = "x86_64")]
fn interrupted(context: &libc::ucontext_t) -> usize {
    context.uc_mcontext.gregs[libc::REG_RIP as usize] as usize
}

/// The instruction that the thread was at.
#[cfg(target_arch = "aarch64")]
fn interrupted(context: &libc::ucontext_t) -> usize {
    context.uc_mcontext.pc as usize
}

/// The calling thread's processor time.
pub(crate) fn cpu_ns() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is writable and of the type that the call expects.
    worked(unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) })
        .unwrap_or_else(|error| fail(error));
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// A timer that goes on until it is dropped.
pub(crate) struct Timer(libc::timer_t);

impl Timer {
    /// The calling thread's.
    pub(crate) fn start(samples: &'static Samples) -> io::Result<Self> {
        // SAFETY: a record of integers and pointers, for which zeros are a value.
        let mut event: libc::sigevent = unsafe { core::mem::zeroed() };
        event.sigev_notify = libc::SIGEV_THREAD_ID;
        event.sigev_signo = libc::SIGPROF;
        event.sigev_value.sival_ptr = core::ptr::from_ref(samples).cast_mut().cast();
        // SAFETY: a plain call.
        event.sigev_notify_thread_id = unsafe { libc::gettid() };
        let clock = libc::CLOCK_THREAD_CPUTIME_ID;
        let mut timer = core::ptr::null_mut();
        // SAFETY: `event` is readable, `timer` writable.
        worked(unsafe { libc::timer_create(clock, &raw mut event, &raw mut timer) })?;
        let timer = Self(timer);
        let interval = libc::timespec {
            tv_sec: 0,
            tv_nsec: INTERVAL_NS,
        };
        let times = libc::itimerspec {
            it_interval: interval,
            it_value: interval,
        };
        let (new, old) = (&raw const times, core::ptr::null_mut());
        // SAFETY: the timer is our own, `times` readable; nobody wants to know the old ones.
        worked(unsafe { libc::timer_settime(timer.0, 0, new, old) })?;
        Ok(timer)
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        // SAFETY: our own timer, used no more.
        unsafe { libc::timer_delete(self.0) };
    }
}
