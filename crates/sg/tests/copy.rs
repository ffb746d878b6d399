//! [`sgring_sg::Copier`] with movers that do what the test says, and over a node that knows no commands.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use sgring_sg::copy::{Failure, Mover, Part, Progress, Stage};
use sgring_sg::mover::{CDB_LEN, End};
use sgring_sg::{Copier, Errno, Header, NodeMover, Outcome};
use std::fs::File;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

const PART: u32 = 4096;
/// Long enough for a mover that is not held.
const QUIET: Duration = Duration::from_millis(50);

/// Tells of each command, and ends it as `answers` say, one after the other.
struct Told {
    sent: Sender<(Stage, Part)>,
    answers: Arc<Mutex<Receiver<Result<(), Failure>>>>,
}

impl Mover for Told {
    fn send(&mut self, stage: Stage, part: Part) -> Result<(), Failure> {
        let _told = self.sent.send((stage, part));
        // A test that is over lets everything end.
        let answer = self.answers.lock().unwrap().recv();
        answer.unwrap_or(Ok(()))
    }
}

/// A copy, and the test's ends of everything.
struct Rig {
    copier: Copier<Told>,
    sent: Receiver<(Stage, Part)>,
    answers: Sender<Result<(), Failure>>,
    wakes: Receiver<()>,
}

fn rig(len: u64, movers: usize) -> Rig {
    let (tell, sent) = mpsc::channel();
    let (answers, answered) = mpsc::channel();
    let answered = Arc::new(Mutex::new(answered));
    let movers = (0..movers).map(|_| Told {
        sent: tell.clone(),
        answers: Arc::clone(&answered),
    });
    let (wake, wakes) = mpsc::channel();
    let wake = Mutex::new(wake);
    let copier = Copier::start(len, PART, movers.collect(), move || {
        // Nobody may listen any more.
        let _told = wake.lock().unwrap().send(());
    });
    Rig {
        copier: copier.unwrap(),
        sent,
        answers,
        wakes,
    }
}

impl Rig {
    fn next(&self) -> (Stage, Part) {
        self.sent.recv_timeout(Duration::from_secs(60)).unwrap()
    }

    /// Waits until the copy is as it is to be: it rings for each end of a mover.
    fn until(&self, is: impl Fn(Progress) -> bool) -> Progress {
        loop {
            let progress = self.copier.progress();
            if is(progress) {
                return progress;
            }
            self.wakes.recv_timeout(Duration::from_secs(60)).unwrap();
        }
    }

    /// The same for what it does not ring for.
    fn until_polled(&self, is: impl Fn(Progress) -> bool) {
        let begun = Instant::now();
        while !is(self.copier.progress()) {
            assert!(begun.elapsed() < Duration::from_secs(60));
            thread::yield_now();
        }
    }
}

/// READs and WRITEs: each command is one node's.
fn under_way(rig: &Rig) -> (usize, usize) {
    let Progress {
        reading, writing, ..
    } = rig.copier.progress();
    (reading, writing)
}

fn part(index: u64) -> Part {
    Part {
        at: index * u64::from(PART),
        len: PART,
    }
}

fn failure(stage: Stage) -> Failure {
    let outcome = Outcome {
        status: 2,
        ..Outcome::default()
    };
    Failure {
        stage,
        outcome,
        sense: vec![0x70],
    }
}

#[test]
fn each_part_is_read_and_then_written_and_the_last_one_is_what_is_left() {
    let rig = rig(u64::from(PART) * 2 + 512, 1);
    let last = Part {
        at: u64::from(PART) * 2,
        len: 512,
    };
    for part in [part(0), part(1), last] {
        assert_eq!(rig.next(), (Stage::Read, part));
        assert_eq!(under_way(&rig), (1, 0));
        rig.answers.send(Ok(())).unwrap();
        assert_eq!(rig.next(), (Stage::Write, part));
        assert_eq!(under_way(&rig), (0, 1));
        rig.answers.send(Ok(())).unwrap();
    }
    let done = Progress {
        moved: u64::from(PART) * 2 + 512,
        frontier: u64::from(PART) * 2 + 512,
        at_work: 0,
        reading: 0,
        writing: 0,
        marked: 0,
    };
    assert_eq!(rig.until(|progress| progress.at_work == 0), done);
    assert_eq!(rig.copier.failure(), None);
}

#[test]
fn writes_that_were_marked_are_counted_until_they_have_ended() {
    // One mover: of two, nobody knows which takes an answer.
    let rig = rig(u64::from(PART) * 2, 1);
    let marked = || rig.copier.progress().marked;
    assert_eq!(rig.next(), (Stage::Read, part(0)));
    rig.copier.mark();
    assert_eq!(marked(), 0, "it is no write");
    rig.answers.send(Ok(())).unwrap();
    assert_eq!(rig.next(), (Stage::Write, part(0)));
    assert_eq!(marked(), 0, "it began after that");
    rig.copier.mark();
    assert_eq!(marked(), 1);
    rig.answers.send(Ok(())).unwrap();
    assert_eq!(rig.next(), (Stage::Read, part(1)));
    assert_eq!(marked(), 0);
    rig.answers.send(Ok(())).unwrap();
    assert_eq!(rig.next(), (Stage::Write, part(1)));
    rig.copier.mark();
    assert_eq!(marked(), 1);
    rig.answers.send(Err(failure(Stage::Write))).unwrap();
    rig.until(|progress| progress.at_work == 0);
    assert_eq!(marked(), 0, "one that failed has ended, too");
}

#[test]
fn it_rings_when_the_last_write_that_was_marked_has_ended() {
    let (tell, sent) = mpsc::channel();
    // Each has answers of its own: one READ hangs.
    let (answers, movers): (Vec<_>, Vec<_>) = (0..3)
        .map(|_| {
            let (answers, answered) = mpsc::channel();
            let mover = Told {
                sent: tell.clone(),
                answers: Arc::new(Mutex::new(answered)),
            };
            (answers, mover)
        })
        .unzip();
    let (wake, wakes) = mpsc::channel();
    let wake = Mutex::new(wake);
    let copier = Copier::start(u64::from(PART) * 3, PART, movers, move || {
        let _told = wake.lock().unwrap().send(());
    })
    .unwrap();
    let next = || sent.recv_timeout(Duration::from_secs(60)).unwrap().0;
    assert_eq!([next(), next(), next()], [Stage::Read; 3]);
    for answers in &answers[..2] {
        answers.send(Ok(())).unwrap();
        assert_eq!(next(), Stage::Write);
    }
    copier.mark();
    copier.stop();
    answers[0].send(Ok(())).unwrap();
    assert_eq!(
        wakes.recv_timeout(QUIET),
        Err(RecvTimeoutError::Timeout),
        "another one is under way"
    );
    answers[1].send(Ok(())).unwrap();
    wakes.recv_timeout(Duration::from_secs(60)).unwrap();
    let progress = copier.progress();
    assert_eq!((progress.marked, progress.reading), (0, 1));
}

#[test]
fn a_part_that_failed_rests_its_mover_until_it_was_moved_otherwise() {
    let rig = rig(u64::from(PART) * 3, 1);
    assert_eq!(rig.next(), (Stage::Read, part(0)));
    rig.answers.send(Err(failure(Stage::Read))).unwrap();
    let progress = rig.until(|progress| progress.at_work == 0);
    assert_eq!((progress.moved, progress.frontier), (0, 0));
    assert_eq!(rig.copier.failure(), Some((part(0), failure(Stage::Read))));
    assert_eq!(rig.copier.failure(), None);
    assert!(rig.sent.try_recv().is_err(), "nothing was written");
    rig.copier.go_on(part(0)).unwrap();
    assert_eq!(rig.next(), (Stage::Read, part(1)));
    assert_eq!(rig.copier.progress().frontier, u64::from(PART));
    rig.answers.send(Ok(())).unwrap();
    assert_eq!(rig.next(), (Stage::Write, part(1)));
    rig.answers.send(Err(failure(Stage::Write))).unwrap();
    rig.until(|progress| progress.at_work == 0);
    assert_eq!(rig.copier.failure(), Some((part(1), failure(Stage::Write))));
    assert_eq!(under_way(&rig), (0, 0));
}

#[test]
fn others_go_on_and_what_they_move_counts_once_all_before_it_is_moved() {
    let rig = rig(u64::from(PART) * 3, 2);
    let mut begun = [rig.next(), rig.next()];
    begun.sort_by_key(|(_, part)| part.at);
    assert_eq!(begun, [(Stage::Read, part(0)), (Stage::Read, part(1))]);
    // Whichever it is that fails, the other one moves the rest.
    rig.answers.send(Err(failure(Stage::Read))).unwrap();
    for _ in 0..4 {
        rig.answers.send(Ok(())).unwrap();
    }
    let progress = rig.until(|progress| progress.at_work == 0);
    assert_eq!(progress.moved, u64::from(PART) * 2);
    let (failed, _) = rig.copier.failure().unwrap();
    assert_eq!(progress.frontier, failed.at);
    rig.copier.go_on(failed).unwrap();
    let progress = rig.until(|progress| progress.at_work == 0);
    assert_eq!(progress.moved, u64::from(PART) * 3);
    assert_eq!(progress.frontier, u64::from(PART) * 3);
}

#[test]
fn a_copy_that_is_stopped_waits_for_none_and_sends_no_write_of_what_was_read() {
    let rig = rig(u64::from(PART) * 3, 2);
    let _begun = [rig.next(), rig.next()];
    rig.copier.stop();
    assert_eq!(rig.copier.progress().at_work, 2);
    assert_eq!(under_way(&rig), (2, 0));
    for _ in 0..2 {
        rig.answers.send(Ok(())).unwrap();
    }
    let progress = rig.until(|progress| progress.at_work == 0);
    assert_eq!(progress, Progress::default());
    assert!(rig.sent.try_recv().is_err(), "nothing was written");
    assert_eq!(rig.copier.failure(), None);
}

/// Its sense data says UNIT ATTENTION.
fn attention(sense: &[u8]) -> Failure {
    Failure {
        sense: sense.to_vec(),
        ..failure(Stage::Read)
    }
}

#[test]
fn a_unit_attention_holds_the_others_until_its_part_was_moved_otherwise() {
    let fixed = [0x70, 0, 6, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x2a, 9];
    let descriptor = [0x72, 6, 0x2a, 9, 0, 0, 0, 0];
    for sense in [&fixed[..], &descriptor] {
        let rig = rig(u64::from(PART) * 3, 2);
        let _begun = [rig.next(), rig.next()];
        rig.answers.send(Err(attention(sense))).unwrap();
        rig.until_polled(|progress| progress.at_work == 1);
        // The other one's READ ends: it neither writes nor begins another part.
        rig.answers.send(Ok(())).unwrap();
        rig.until_polled(|progress| progress.reading == 0);
        let (failed, _) = rig.copier.failure().unwrap();
        assert!(rig.sent.recv_timeout(QUIET).is_err(), "it is held");
        rig.copier.go_on(failed).unwrap();
        for _ in 0..3 {
            rig.answers.send(Ok(())).unwrap();
        }
        let done = rig.until(|progress| progress.at_work == 0);
        assert_eq!(done.frontier, u64::from(PART) * 3);
    }
}

#[test]
fn what_a_unit_attention_holds_goes_when_the_copy_is_stopped() {
    let rig = rig(u64::from(PART) * 3, 2);
    let _begun = [rig.next(), rig.next()];
    rig.answers.send(Err(attention(&[0x72, 6]))).unwrap();
    rig.until_polled(|progress| progress.at_work == 1);
    rig.answers.send(Ok(())).unwrap();
    rig.until_polled(|progress| progress.reading == 0);
    rig.copier.stop();
    let progress = rig.until(|progress| progress.at_work == 0);
    assert_eq!(progress, Progress::default());
    assert!(rig.sent.try_recv().is_err(), "nothing was written");
}

#[test]
fn only_parts_whose_failure_was_taken_go_on_and_only_once() {
    let refused = Err(Errno(libc::EINVAL));
    let rig = rig(u64::from(PART), 1);
    assert_eq!(rig.next(), (Stage::Read, part(0)));
    assert_eq!(rig.copier.go_on(part(0)), refused, "it is being read");
    rig.answers.send(Err(failure(Stage::Read))).unwrap();
    rig.until(|progress| progress.at_work == 0);
    assert_eq!(rig.copier.go_on(part(0)), refused, "nobody knows of it");
    assert!(rig.copier.failure().is_some());
    let huge = Part {
        at: u64::MAX,
        len: u32::MAX,
    };
    assert_eq!(rig.copier.go_on(huge), refused);
    rig.copier.go_on(part(0)).unwrap();
    assert_eq!(rig.copier.go_on(part(0)), refused);
    let progress = rig.copier.progress();
    let all = u64::from(PART);
    assert_eq!((progress.moved, progress.frontier), (all, all));
    // Nothing is left for its mover.
    assert_eq!(progress.at_work, 0);
}

#[test]
fn a_mover_that_panics_fails_its_part_at_either_stage() {
    struct Panics(Stage);
    impl Mover for Panics {
        fn send(&mut self, stage: Stage, _: Part) -> Result<(), Failure> {
            assert_ne!(stage, self.0, "as the test wants it");
            Ok(())
        }
    }
    for stage in [Stage::Read, Stage::Write] {
        let (wake, wakes) = mpsc::channel();
        let wake = Mutex::new(wake);
        let ring = move || wake.lock().unwrap().send(()).unwrap();
        let copier = Copier::start(1, 1, vec![Panics(stage)], ring).unwrap();
        while copier.progress().at_work > 0 {
            wakes.recv_timeout(Duration::from_secs(60)).unwrap();
        }
        assert_eq!(copier.progress(), Progress::default());
        let (_, failure) = copier.failure().unwrap();
        assert_eq!(failure.stage, stage);
        assert_eq!(failure.outcome.errno, libc::ENOTRECOVERABLE);
    }
}

#[test]
fn nothing_cannot_be_copied() {
    struct Idle;
    impl Mover for Idle {
        fn send(&mut self, _: Stage, _: Part) -> Result<(), Failure> {
            Ok(())
        }
    }
    for (len, part_len) in [(0, PART), (1, 0)] {
        let started = Copier::start(len, part_len, vec![Idle], || {});
        assert_eq!(started.err(), Some(Errno(libc::EINVAL)));
    }
    let started = Copier::start(1, 1, Vec::<Told>::new(), || {});
    assert_eq!(started.err(), Some(Errno(libc::EINVAL)), "by nobody");
}

#[test]
fn a_node_that_takes_no_commands_fails_the_read_of_each_mover() {
    let end = |header| End {
        node: Arc::new(File::open("/dev/null").unwrap().into()),
        header,
        cdb: [0; CDB_LEN],
        lba: 0,
        block_len: 512,
    };
    for header in [Header::V3, Header::V4] {
        let movers = NodeMover::new([&end(header), &end(header)], 8 << 12, PART, 3, 1000).unwrap();
        let (wake, wakes) = mpsc::channel();
        let wake = Mutex::new(wake);
        let ring = move || wake.lock().unwrap().send(()).unwrap();
        let copier = Copier::start(8 << 12, PART, movers, ring).unwrap();
        while copier.progress().at_work > 0 {
            wakes.recv_timeout(Duration::from_secs(60)).unwrap();
        }
        for _ in 0..3 {
            let (_, failure) = copier.failure().unwrap();
            assert_eq!(failure.stage, Stage::Read);
            assert_eq!(failure.outcome.errno, libc::ENOTTY);
        }
        assert_eq!(copier.failure(), None);
    }
}
