//! Where the time of a benchmark's native threads goes: a sampling profiler of the program that it is part of. Nothing that is shipped has it.
//!
//! ```text
//! lib.rs         begin, watch, end
//! samples.rs     what was seen: memory that forked processes share
//! timer.rs       a timer of the thread's own processor time, and the handler that keeps where the thread was
//! function.rs    from addresses to functions, the inlined ones too
//! ```
//!
//! Until [`begin`] is called there is neither memory nor handler nor timer, and [`watch`] is a load and a comparison. From then on each thread
//! that is watched has a timer of its own, so that one does not take another's samples, as it can where a process has one timer for all
//! (`setitimer`). The kernel looks at such timers in its tick, most often 250 times a second. A thread that waits takes no processor time, and is
//! not woken, but by a tick that it took on its way to sleep: a sample in a system call is seen when the call returns.

mod function;
mod samples;
mod timer;

use core::fmt::{Display, Write};
use core::sync::atomic::{AtomicPtr, Ordering::Acquire, Ordering::Release};
use function::{Function, functions};
use samples::{SIDES, Samples};
use std::io;
use std::process;
use std::ptr::null_mut;
use std::sync::OnceLock;
use std::time::Instant;
use timer::Timer;

/// Whose thread it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Who asks.
    Initiator,
    /// Who answers.
    Target,
}

/// The samples of all sides, while they are taken.
static UNDER_WAY: AtomicPtr<[Samples; SIDES]> = AtomicPtr::new(null_mut());

/// Begins: threads and processes that start from now on, and call [`watch`], are looked at.
pub fn begin() {
    static MEMORY: OnceLock<&'static [Samples; SIDES]> = OnceLock::new();
    let all = *MEMORY.get_or_init(|| samples::shared().unwrap_or_else(|error| fail(error)));
    all.iter().for_each(Samples::clear);
    timer::handle().unwrap_or_else(|error| fail(error));
    UNDER_WAY.store(core::ptr::from_ref(all).cast_mut(), Release);
}

/// Looks at the calling thread, if [`begin`] was called, until what this returns is dropped.
///
/// The thread has to bear `EINTR` meanwhile, of system calls that no handler lets begin anew (signal(7)).
#[must_use = "the thread is looked at until this is dropped"]
pub fn watch(side: Side) -> Watched {
    Watched(of(side).map(|samples| Watch {
        since: (Instant::now(), timer::cpu_ns()),
        samples,
        timer: Timer::start(samples).unwrap_or_else(|error| fail(error)),
    }))
}

/// A thread that is looked at.
pub struct Watched(Option<Watch>);

struct Watch {
    since: (Instant, u64),
    samples: &'static Samples,
    timer: Timer,
}

impl Drop for Watched {
    fn drop(&mut self) {
        let Some(Watch {
            since: (then, cpu_ns),
            samples,
            timer,
        }) = self.0.take()
        else {
            return;
        };
        drop(timer);
        let wall_ns = then.elapsed().as_nanos() as u64;
        samples.spent(timer::cpu_ns() - cpu_ns, wall_ns);
    }
}

/// Ends. Returns a line of JSON: of each side that was watched `{side, cpuNs, wallNs, functions: [{name, place, samples}]}`, the function
/// with the most samples first. Whoever was watched has ended. Of each side the first 65,536 samples are kept, a minute's of four threads that spin.
pub fn end() -> String {
    let all = [Side::Initiator, Side::Target].map(|side| (side, of(side)));
    UNDER_WAY.store(null_mut(), Release);
    let sides = all.into_iter().filter_map(|(side, samples)| {
        let samples = samples.filter(|samples| samples.wall_ns() > 0)?;
        let (cpu, wall) = (samples.cpu_ns(), samples.wall_ns());
        let functions = functions(samples.addresses());
        let functions = list(functions.iter().map(one));
        let side = match side {
            Side::Initiator => "initiator",
            Side::Target => "target",
        };
        Some(format!(
            r#"{{"side":"{side}","cpuNs":{cpu},"wallNs":{wall},"functions":{functions}}}"#
        ))
    });
    list(sides)
}

fn of(side: Side) -> Option<&'static Samples> {
    // SAFETY: null, or what `begin` stored: memory that is never given back.
    let all = unsafe { UNDER_WAY.load(Acquire).as_ref() };
    all.map(|all| &all[side as usize])
}

fn one(
    Function {
        name,
        place,
        samples,
    }: &Function,
) -> String {
    let (name, place) = (quoted(name), quoted(place));
    format!(r#"{{"name":{name},"place":{place},"samples":{samples}}}"#)
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

/// As JSON has it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control < ' ' => {
                // Writing to a string cannot fail.
                let _ = write!(quoted, "\\u{:04x}", control as u32);
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// Ends the process, from any thread: whoever spins for this one would do so for ever.
fn fail(message: impl Display) -> ! {
    eprintln!("sgring-profile: {message}");
    process::exit(1)
}

/// What a call's result says.
fn worked(result: libc::c_int) -> io::Result<()> {
    match result {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_name_is_quoted_as_json_has_it() {
        assert_eq!(
            quoted("f<\"a\\b\", 'é'>\n"),
            "\"f<\\\"a\\\\b\\\", 'é'>\\u000a\""
        );
    }
}
