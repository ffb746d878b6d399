//! What one could use instead of sgring's ring, without JavaScript; `bench/native.ts` drives it.
//!
//! ```text
//! sgring-rivals [NAME=VALUE...]
//!
//! cpus=0,1       kept on them: the first client, its server; others then on all that are left
//! payload=512    bytes of a request
//! depth=32       requests that a client has under way
//! process=no     whether servers are processes of their own, and not only threads
//! sleep=no       whether who finds nothing sleeps, and does not spin
//! producers=1    clients of a server
//! pairs=1        servers
//! client-ns=0    what a client does beside each response, in nanoseconds
//! server-ns=0    what a server does for each request, in nanoseconds
//!
//! contestants.rs  who takes part, and in what
//! exchange.rs     request and response, the same for all; and what a sample is
//! place.rs        CPUs, threads, processes, and what they cost
//! memory.rs       shared memory for payloads
//! queues.rs       one exchange on any queue of numbers
//! rings.rs        entries that publish themselves, two counters, a shared tail
//! registry.rs     rtrb, crossbeam
//! sgring.rs       sgring's pair, with all that it checks
//! channels.rs     pipe, stream, seqpacket, message queue: write() and read() of the bytes
//! eventfd.rs      shared memory and an eventfd
//! uring.rs        io_uring's messages, and its NOP
//! iceoryx.rs      iceoryx2
//! limits.rs       ping-pong, memcpy, one call into the kernel
//! ```
//!
//! The first line of its output is how many threads run at once, and who takes part. Then one line in is one sample to take,
//! `CONTESTANT COUNT`; one line out is what it took: nanoseconds, system calls, context switches, nanoseconds of processor time, the last
//! three of all sides together. `profile CONTESTANT COUNT` takes one as well, and what comes out is where the time of both sides went
//! (`sgring_profile::end`). It ends with its input. A wrong answer, or a side that dies, ends the process with a message and 1, wrong
//! arguments with 2.

mod channels;
mod contestants;
mod eventfd;
mod exchange;
mod iceoryx;
mod limits;
mod memory;
mod place;
mod queues;
mod registry;
mod rings;
mod sgring;
mod uring;

use contestants::CONTESTANTS;
use exchange::{Sample, Setting};
use std::fmt::Display;
use std::io::{self, BufRead, Write};
use std::process;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let setting = setting(&arguments).unwrap_or_else(|message| {
        eprintln!("sgring-rivals: {message}");
        process::exit(2)
    });
    let here = CONTESTANTS.iter().filter(|one| one.takes_part(&setting));
    let here: Vec<_> = here.collect();
    let names: Vec<_> = here.iter().map(|one| one.name).collect();
    print(format_args!("{} {}", setting.threads(), names.join(" ")));
    for line in io::stdin().lock().lines() {
        let line = line.unwrap_or_else(|error| fail(error));
        let (profile, asked) = match line.strip_prefix("profile ") {
            Some(asked) => (true, asked),
            None => (false, &*line),
        };
        let asked = asked
            .split_once(' ')
            .and_then(|(name, count)| Some((name, count.parse().ok()?)));
        let Some((name, count)) = asked else {
            fail(format_args!("not CONTESTANT COUNT: {line}"));
        };
        let Some(contestant) = here.iter().find(|one| one.name == name) else {
            fail(format_args!("{name} takes no part in this"));
        };
        if profile {
            sgring_profile::begin();
        }
        let Sample { took, usage } = (contestant.run)(&setting, count);
        if profile {
            print(sgring_profile::end());
            continue;
        }
        let (calls, switches, cpu) = (usage.calls, usage.switches, usage.cpu_ns);
        print(format_args!("{} {calls} {switches} {cpu}", took.as_nanos()));
    }
}

/// Who asked may be gone: then there is nobody to tell.
fn print(line: impl Display) {
    if writeln!(io::stdout(), "{line}").is_err() {
        process::exit(1);
    }
}

/// What the arguments change about the base point.
fn setting(arguments: &[String]) -> Result<Setting, String> {
    let mut setting = Setting {
        cpus: vec![0, 1],
        payload: 512,
        depth: 32,
        process: false,
        sleep: false,
        producers: 1,
        pairs: 1,
        client_ns: 0,
        server_ns: 0,
    };
    for argument in arguments {
        let (name, value) = argument
            .split_once('=')
            .ok_or(format!("not NAME=VALUE: {argument}"))?;
        let number = |least: usize, most: usize| match value.parse() {
            Ok(number) if (least..=most).contains(&number) => Ok(number),
            _ => Err(format!("{name} is a number from {least} to {most}")),
        };
        let yes = || match value {
            "yes" => Ok(true),
            "no" => Ok(false),
            _ => Err(format!("{name} is yes or no")),
        };
        match name {
            "cpus" => setting.cpus = numbers(value)?,
            "payload" => setting.payload = number(0, 16 << 20)?,
            "depth" => setting.depth = number(1, 4096)?,
            "process" => setting.process = yes()?,
            "sleep" => setting.sleep = yes()?,
            "producers" => setting.producers = number(1, 64)?,
            "pairs" => setting.pairs = number(1, 64)?,
            "client-ns" => setting.client_ns = number(0, 1_000_000_000)? as u64,
            "server-ns" => setting.server_ns = number(0, 1_000_000_000)? as u64,
            _ => return Err(format!("there is no {name}")),
        }
    }
    if setting.producers > 1 && setting.sleep {
        return Err("a server of several clients does not sleep".into());
    }
    if setting.pairs > 1 && setting.process {
        return Err("several servers are threads".into());
    }
    setting.cpus = place::cpus(&setting.cpus);
    Ok(setting)
}

fn numbers(list: &str) -> Result<Vec<usize>, String> {
    let most = libc::CPU_SETSIZE as usize;
    let number = |text: &str| text.parse().ok().filter(|number| *number < most);
    let found: Option<Vec<_>> = list.split(',').map(number).collect();
    found.ok_or(format!("cpus are numbers below {most}: {list}"))
}

/// Ends the process, from any thread: a benchmark that went wrong has no numbers.
fn fail(message: impl Display) -> ! {
    eprintln!("sgring-rivals: {message}");
    process::exit(1)
}
