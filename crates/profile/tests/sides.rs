//! A profile of threads that spin in one function, wait in another, and of a forked process. One test: what is under way is one for a process.

use core::arch::asm;
use sgring_profile::{Side, begin, end, watch};
use std::io::{Read, pipe};
use std::sync::Barrier;
use std::thread;

/// Some ticks of any kernel.
const TIME_NS: u64 = 150_000_000;

#[inline(never)]
fn spins_here() {
    let until = cpu_ns() + TIME_NS;
    while cpu_ns() < until {
        is_inlined();
    }
}

/// Without a call, so that all of its time is its own, however it is compiled.
#[inline(always)]
fn is_inlined() {
    let mut left = 100_000;
    while left > 0 {
        left -= 1;
        // SAFETY: does nothing.
        unsafe { asm!("nop", options(nomem, nostack, preserves_flags)) };
    }
}

/// The thread's own, so that nobody else's load matters.
fn cpu_ns() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is writable and of the type that the call expects.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(result, 0);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

fn child() {
    // SAFETY: the child makes no call that another thread could hold a lock for: this process has no thread that is at work.
    match unsafe { libc::fork() } {
        0 => {
            let watched = watch(Side::Target);
            spins_here();
            drop(watched);
            // SAFETY: ends the process at once.
            unsafe { libc::_exit(0) };
        }
        pid => {
            assert!(pid > 0);
            // SAFETY: our own child; nobody wants to know its status.
            unsafe { libc::waitpid(pid, core::ptr::null_mut(), 0) };
        }
    }
}

/// Of one side: nanoseconds of its processor and of the clock, and what else is told.
fn side<'a>(told: &'a str, name: &str) -> Option<(u64, u64, &'a str)> {
    let (_, told) = told.split_once(&format!(r#"{{"side":"{name}","cpuNs":"#))?;
    let (cpu, told) = told.split_once(r#","wallNs":"#)?;
    let (wall, told) = told.split_once(r#","functions":["#)?;
    Some((
        cpu.parse().ok()?,
        wall.parse().ok()?,
        told.split("]}").next()?,
    ))
}

fn samples(functions: &str) -> u64 {
    let counts = functions.split(r#""samples":"#).skip(1);
    counts
        .filter_map(|rest| rest.split('}').next()?.parse::<u64>().ok())
        .sum()
}

/// The inlined function is the first, by itself and where it stands, and of the time no more is missed than a slow kernel's ticks leave out.
fn spins(functions: &str, cpu_ns: u64) {
    let (first, _) = functions.split_once('}').expect(functions);
    let (name, place) = first.split_once(r#"","place":""#).expect(functions);
    assert!(name.ends_with("is_inlined"), "{functions}");
    assert!(
        place.starts_with("crates/profile/tests/sides.rs:"),
        "{functions}"
    );
    // ThreadSanitizer keeps a signal until the thread makes a call that it sees, and drops those that come meanwhile.
    assert!(
        cfg!(tsan) || samples(functions) >= cpu_ns / 50_000_000,
        "{functions}"
    );
}

#[test]
fn sides_have_the_functions_in_which_they_spin() {
    drop(watch(Side::Target));
    assert_eq!(end(), "[]", "nobody is looked at who did not ask for it");

    begin();
    child();
    let told = end();
    assert!(side(&told, "initiator").is_none(), "{told}");
    let (cpu, wall, functions) = side(&told, "target").expect(&told);
    assert!(TIME_NS <= cpu && TIME_NS / 10 * 9 <= wall, "{told}");
    spins(functions, cpu);

    begin();
    let watched_there = Barrier::new(2);
    let (mut waits_for, never) = pipe().expect("a pipe");
    thread::scope(|scope| {
        let watched_there = &watched_there;
        scope.spawn(move || {
            let _watched = watch(Side::Target);
            watched_there.wait();
            let _ = waits_for.read(&mut [0]);
        });
        watched_there.wait();
        let watched = watch(Side::Initiator);
        spins_here();
        drop((watched, never));
    });
    let told = end();
    let (cpu, wall, waited) = side(&told, "target").expect(&told);
    assert!(wall >= TIME_NS / 10 * 9 && cpu < wall / 2, "{told}");
    assert!(!waited.contains("is_inlined"), "{told}");
    assert!(
        samples(waited) <= 1 + cpu / 1_000_000,
        "one that waits is not woken: {told}"
    );
    let (cpu, _, functions) = side(&told, "initiator").expect(&told);
    spins(functions, cpu);

    drop(watch(Side::Initiator));
    assert_eq!(end(), "[]", "nor when it has ended");
}
