//! The program as `bench/native.ts` drives it: every answer is checked in there, so that a count comes back only from what is right.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};

struct Program {
    child: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
    contestants: Vec<String>,
}

impl Program {
    fn start(settings: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sgring-rivals"))
            .args(settings)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let asks = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        let mut program = Self {
            child,
            asks,
            answers,
            contestants: Vec::new(),
        };
        let first = program.line();
        program.contestants = first.split(' ').skip(1).map(String::from).collect();
        program
    }

    fn ask(&mut self, contestant: &str, count: usize) {
        writeln!(self.asks, "{contestant} {count}").unwrap();
    }

    /// Empty at its end.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Nanoseconds, system calls, context switches, nanoseconds of processor time.
    fn sample(&mut self, contestant: &str, count: usize) -> [u64; 4] {
        self.ask(contestant, count);
        let line = self.line();
        let numbers: Vec<u64> = line.split(' ').map(|word| word.parse().unwrap()).collect();
        numbers.try_into().expect(contestant)
    }

    fn end(mut self) -> ExitStatus {
        drop(self.asks);
        self.child.wait().unwrap()
    }
}

/// One of everybody who takes part.
fn all_in(settings: &[&str], count: usize) -> Vec<String> {
    let mut program = Program::start(settings);
    for contestant in program.contestants.clone() {
        let [ns, _, _, cpu_ns] = program.sample(&contestant, count);
        assert!(ns > 0 && cpu_ns > 0, "{contestant} takes time");
    }
    let contestants = program.contestants.clone();
    assert!(program.end().success());
    contestants
}

#[test]
fn everybody_answers_in_two_threads() {
    let contestants = all_in(&[], 300);
    for name in [
        "sgring",
        "entries",
        "rtrb-chunks",
        "crossbeam",
        "pipe",
        "iceoryx2",
    ] {
        assert!(contestants.iter().any(|known| known == name), "{name}");
    }
}

#[test]
fn everybody_who_can_answers_in_two_processes() {
    let contestants = all_in(&["process=yes", "depth=1", "payload=0"], 300);
    assert!(contestants.iter().any(|name| name == "ping-pong"));
    assert!(!contestants.iter().any(|name| name == "rtrb"));
}

#[test]
fn everybody_who_can_sleeps() {
    all_in(&["sleep=yes"], 300);
    all_in(&["sleep=yes", "process=yes", "depth=1"], 100);
}

#[test]
fn payloads_of_any_length_arrive() {
    for payload in ["payload=0", "payload=1", "payload=15", "payload=65537"] {
        all_in(&[payload, "depth=3"], 50);
    }
}

#[test]
fn several_clients_and_several_servers_are_all_answered() {
    all_in(&["producers=3", "depth=5"], 100);
    all_in(&["pairs=2", "depth=5"], 100);
}

/// A ring's side that finds its answer there before it sleeps makes no call for it, and the other none to wake it, so four is the most that a
/// command takes; a stream makes its four whoever is faster.
#[test]
fn one_command_at_a_time_takes_four_calls_where_both_sides_sleep() {
    let mut program = Program::start(&["sleep=yes", "process=yes", "depth=1", "payload=0"]);
    for (name, least) in [("sgring", 0.1), ("stream", 3.5)] {
        let count = 200;
        let [_, calls, ..] = program.sample(name, count);
        let calls_each = calls as f64 / count as f64;
        assert!((least..=4.5).contains(&calls_each), "{name}: {calls_each}");
    }
}

#[test]
fn a_profile_says_where_the_time_of_both_sides_goes() {
    for setting in ["process=no", "process=yes"] {
        let mut program = Program::start(&[setting, "depth=8"]);
        // Until the kernel has looked at both often enough.
        let mut counts = (12..24).map(|power| 1 << power);
        assert!(
            counts.any(|count| {
                program.ask("profile sgring", count);
                let profile = program.line();
                let (initiator, target) = profile.split_once(r#"{"side":"target""#).unwrap();
                assert!(
                    initiator.starts_with(r#"[{"side":"initiator""#),
                    "{profile}"
                );
                let ours = |side: &str| side.contains(r#""place":"crates/task/src/"#);
                ours(initiator) && ours(target)
            }),
            "{setting}: functions of the pair's are told of both sides"
        );
        program.sample("sgring", 10);
        assert!(program.end().success());
    }
}

#[test]
fn nobody_waits_for_a_process_that_was_killed() {
    for contestant in ["sgring", "ping-pong", "stream"] {
        let mut program = Program::start(&["process=yes", "depth=1", "payload=0"]);
        program.ask(contestant, usize::MAX >> 20);
        let peer = child_of(program.child.id());
        // SAFETY: a plain call; it is the program's child, which the program has not waited for.
        assert_eq!(unsafe { libc::kill(peer, libc::SIGKILL) }, 0);
        assert_eq!(program.line(), "", "{contestant} has no sample");
        assert_eq!(program.end().code(), Some(1));
    }
}

#[test]
fn wrong_arguments_end_it_with_2() {
    for argument in ["depth=0", "speed=1", "depth", "sleep=maybe", "cpus=a"] {
        let program = Command::new(env!("CARGO_BIN_EXE_sgring-rivals"))
            .arg(argument)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert_eq!(program.status.code(), Some(2), "{argument}");
        assert!(program.stdout.is_empty());
    }
}

/// Waits until a process has a child.
fn child_of(parent: u32) -> libc::pid_t {
    let path = format!("/proc/{parent}/task/{parent}/children");
    loop {
        let children = std::fs::read_to_string(&path).unwrap();
        if let Some(child) = children.split_whitespace().next() {
            return child.parse().unwrap();
        }
        std::thread::yield_now();
    }
}
