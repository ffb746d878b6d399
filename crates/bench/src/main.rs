//! What the benchmarks measure without JavaScript; `bench/native.ts` drives it.
//!
//! ```text
//! sgring-bench trips CPU CPU                            round trips between two threads, each on its CPU, both spinning
//! sgring-bench copies IMAGE_BYTES DEPTH BLOCK_BYTES     one thread's memcpy from an image into an arena of DEPTH blocks
//! sgring-bench device NS                                a device's service time by itself, as `target` spends it
//! sgring-bench target FOLDER NS                         a target whose tasks take NS nanoseconds, at sockets in FOLDER
//!
//! trips.rs     the ring's round trip, and that of a bare ping-pong
//! copies.rs    memcpy
//! target.rs    a target that is native code, for initiators in JavaScript
//! ```
//!
//! `target` says `ready`. To the others, one line in is one sample to take, `CONTESTANT COUNT`; one line out is how many nanoseconds it took.
//! `profile CONTESTANT COUNT` takes one as well, and what comes out is where the time went (`sgring_profile::end`). All end with their input.
//! Every operation is checked; a wrong one ends the process with a message.

mod copies;
mod target;
mod trips;

use copies::Copies;
use sgring_profile::Side;
use std::fmt::Display;
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::process;
use std::time::{Duration, Instant};
use trips::Trips;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["trips", here, there] => {
            let mut trips = Trips::new(number(here), number(there));
            serve(|contestant, count| match contestant {
                "ring" => trips.ring(count),
                "ping-pong" => trips.ping_pong(count),
                _ => fail(format_args!("no contestant {contestant}")),
            });
        }
        ["copies", image_bytes, depth, block_bytes] => {
            let mut copies = Copies::new(number(image_bytes), number(depth), number(block_bytes));
            serve(|contestant, count| match contestant {
                "memcpy" => copies.run(count),
                _ => fail(format_args!("no contestant {contestant}")),
            });
        }
        ["device", ns] => {
            let service = Duration::from_nanos(number(ns) as u64);
            serve(|contestant, count| match contestant {
                "device" => device(service, count),
                _ => fail(format_args!("no contestant {contestant}")),
            });
        }
        ["target", folder, ns] => {
            target::serve(Path::new(folder), Duration::from_nanos(number(ns) as u64));
        }
        _ => fail("usage: sgring-bench trips … | copies … | device … | target …, see its source"),
    }
}

/// Takes the samples that the lines of the input ask for.
fn serve(mut sample: impl FnMut(&str, usize) -> Duration) {
    let mut output = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let line = line.unwrap_or_else(|error| fail(error));
        let words: Vec<&str> = line.split(' ').collect();
        let answer = match words[..] {
            ["profile", contestant, count] => {
                sgring_profile::begin();
                let watched = sgring_profile::watch(Side::Initiator);
                sample(contestant, number(count));
                drop(watched);
                sgring_profile::end()
            }
            [contestant, count] => sample(contestant, number(count)).as_nanos().to_string(),
            _ => fail(format_args!("not CONTESTANT COUNT: {line}")),
        };
        if writeln!(output, "{answer}").is_err() {
            return;
        }
    }
}

/// `count` times a service time.
fn device(service: Duration, count: usize) -> Duration {
    let started = Instant::now();
    (0..count).for_each(|_| target::work(service));
    started.elapsed()
}

fn number(text: &str) -> usize {
    text.parse()
        .unwrap_or_else(|error| fail(format_args!("{text}: {error}")))
}

/// Ends the process, from any thread: a benchmark that went wrong has no numbers.
fn fail(message: impl Display) -> ! {
    eprintln!("sgring-bench: {message}");
    process::exit(1)
}
