//! A peer that changes a slot and its table while the target reads them: what was checked is what is used.

mod common;

use common::{Command, Server, Shared, pair_over, segment};
use sgring_task::Direction;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;

const PAGE: u32 = 4096;
const SLOTS: u32 = 4;
const TURNS: u32 = 5_000;
/// If the scribbling was not seen within so many turns, the test would say nothing.
const MOST_TURNS: u32 = 5_000_000;

fn pair(low: u32, high: u32) -> u64 {
    u64::from(low) | (u64::from(high) << 32)
}

/// Writes over words of the slots' first two lines and of the tables until it is told to stop, mostly by what may pass a check, and
/// counts them.
fn scribble(shared: &Shared, stop: &AtomicBool, written: &AtomicU64) {
    let mut random = 0x9e37_79b9_7f4a_7c15u64;
    while !stop.load(Relaxed) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let bits = (random >> 20) as u32;
        let slot = (random >> 8) as u16 % SLOTS as u16;
        let inline = shared.slot(slot, 64 + 8 * (bits as usize % 4));
        let table = shared.arena(8 * (bits % 64));
        let near = pair(bits % PAGE / 8 * 8, 8);
        let (at, value) = match random % 10 {
            0 => (shared.slot(slot, 16), pair(bits % 262, 24)),
            1 => (shared.slot(slot, 24), pair(24, bits & 0x0003_0003)),
            2 => (shared.slot(slot, 16), random),
            3 => (shared.slot(slot, 24), random),
            4 => (inline, near),
            5 => (inline, random),
            6 => (table, near),
            7 => (table, random),
            // Of these two together, a function without data.
            8 => (shared.slot(slot, 16), pair(8 | bits & 0xfff0_0000, 0)),
            _ => (shared.slot(slot, 24), 0),
        };
        shared.word(at).store(value, Relaxed);
        written.fetch_add(1, Relaxed);
    }
}

/// Tells the scribbling thread to stop, also when an assertion fails: the scope waits for it.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

#[test]
fn a_task_does_not_change_once_it_is_accepted() {
    // One mapping, so that ThreadSanitizer sees both sides at the same bytes.
    let [mapped, _] = segment(SLOTS, PAGE);
    let (client, mut server) = pair_over([mapped.clone(), mapped.clone()]);
    let shared = &client.shared;
    let (mut submissions, mut completions) = (shared.submissions(), shared.completions());
    let mut generations = [0u16; SLOTS as usize];
    let stop = &AtomicBool::new(false);
    let written = &AtomicU64::new(0);
    // Tasks that were refused, or accepted as something else than what was stored.
    let mut disturbed = 0;
    thread::scope(|scope| {
        let stopping = Stop(stop);
        let scribbling = scope.spawn(|| scribble(&mapped, stop, written));
        while written.load(Relaxed) == 0 {
            thread::yield_now();
        }
        let (out, r#in) = (
            [(1024, 8), (1032, 8), (1040, 8)],
            [(2048, 8), (2056, 8), (2064, 8)],
        );
        let honest = Command {
            tables: [0, 64],
            ..Command::new(&[0x28; 16]).with_data(&out, &r#in)
        };
        let clean = (
            (16, 0, 0),
            [24, 24],
            [Some(out.to_vec()), Some(r#in.to_vec())],
        );
        let mut turn = 0;
        while turn < TURNS || disturbed == 0 {
            assert!(turn < MOST_TURNS, "nothing was disturbed");
            turn += 1;
            let slot = turn as u16 % SLOTS as u16;
            let generation = &mut generations[usize::from(slot)];
            honest.store(shared, slot);
            // Where there is one CPU, the scribbling is done here.
            if turn % 8 == 0 {
                thread::yield_now();
            }
            submissions.submit(slot, generation.wrapping_add(1));
            let Ok(fetched) = server.fetch(false) else {
                disturbed += 1;
                server = Server::anew(shared);
                (submissions, completions) = (shared.submissions(), shared.completions());
                generations = Default::default();
                continue;
            };
            assert_eq!(fetched, [slot]);
            *generation = generation.wrapping_add(1);
            let task = || {
                let record = server.record(slot);
                let segments =
                    [Direction::Out, Direction::In].map(|way| server.segments(slot, way));
                let head = (record.cdb_len, record.attribute, record.function);
                let lens = [record.out_len, record.in_len];
                ((head, lens, segments), record.cdb)
            };
            let first = task();
            disturbed += u32::from(first.0 != clean);
            server.check_accepted(slot);
            thread::yield_now();
            server.check_accepted(slot);
            assert!(task() == first, "the record is a copy");
            server.complete(&[(slot, 0, 0)]);
            assert!(completions.consume().is_some());
        }
        drop(stopping);
        // By hand: how a scope waits stands in the standard library, which ThreadSanitizer does not see.
        scribbling.join().expect("the scribbling thread");
    });
}
