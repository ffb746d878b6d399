//! A pair between two threads: what ThreadSanitizer is run on.
//!
//! Both sides use one mapping, since it tells bytes apart by their addresses, and write slots and data plainly: the queues are all
//! that orders them. With `--cfg weaken="publish"` or `"consume"` it must report races here.

mod common;

use common::{Client, Command, Server, pair_over, segment};
use sgring_task::Direction;
use std::thread;
use std::time::{Duration, Instant};

const PAGE: u32 = 4096;
/// After this long without its peer a side gives up, and the test fails.
const DEADLINE: Duration = Duration::from_secs(60);
/// Bytes of data in each direction.
const DATA: u32 = 16;

#[derive(Clone, Copy, PartialEq)]
enum Waiting {
    Sleeps,
    Spins,
}

/// Tries `take` until it brings something.
fn next<T>(
    waiting: Waiting,
    side: &mut T,
    take: impl Fn(&mut T, bool) -> Vec<(u16, u8, u8)>,
    sleep: impl Fn(&mut T),
) -> Vec<(u16, u8, u8)> {
    let started = Instant::now();
    loop {
        let taken = take(side, waiting == Waiting::Sleeps);
        if !taken.is_empty() {
            return taken;
        }
        match waiting {
            Waiting::Sleeps => sleep(side),
            Waiting::Spins => {
                assert!(started.elapsed() < DEADLINE, "nothing came");
                thread::yield_now();
            }
        }
    }
}

fn serve(server: &mut Server, waiting: Waiting, commands: usize) {
    let mut left = commands;
    while left > 0 {
        let take = |server: &mut Server, arm| {
            let slots = server.fetch(arm).expect("an honest initiator");
            slots.into_iter().map(|slot| (slot, 0, 0)).collect()
        };
        let mut found = next(waiting, server, take, |server| server.bell.wait(DEADLINE));
        for (slot, status, _) in &mut found {
            let cdb = server.record(*slot).cdb;
            let data = server.data(*slot, Direction::Out);
            assert_eq!(data, [cdb[0]; DATA as usize], "data-out is of this command");
            server.write_in(*slot, &[!cdb[0]; DATA as usize]);
            *status = cdb[1];
        }
        found.reverse();
        server.complete(&found);
        left -= found.len();
    }
}

fn send(client: &mut Client, slot: u16, number: usize) {
    let out = u32::from(slot) * 2 * DATA;
    let command = Command::new(&[number as u8, (number >> 8) as u8, 0, 0, 0, 0])
        .with_data(&[(out, DATA)], &[(out + DATA, DATA)]);
    let at = client.shared.arena(out);
    client.shared.write(at, &[number as u8; DATA as usize]);
    command.put(&client.shared, slot);
    client.submit(&[slot]);
}

/// Keeps all slots busy until `commands` are answered, and checks each answer.
fn drive(client: &mut Client, waiting: Waiting, commands: usize) {
    let slots = client.shared.geometry.slots();
    let mut outstanding: Vec<usize> = (0..slots).collect();
    for slot in 0..slots {
        send(client, slot as u16, slot);
    }
    let mut sent = slots;
    let mut left = commands;
    while left > 0 {
        let take = |client: &mut Client, arm| client.reap(arm).expect("an honest target");
        for (slot, status, _) in next(waiting, client, take, |client| client.bell.wait(DEADLINE)) {
            left -= 1;
            let number = outstanding[usize::from(slot)];
            assert_eq!(status, (number >> 8) as u8);
            let at = client.shared.arena(u32::from(slot) * 2 * DATA + DATA);
            let data = client.shared.read(at, DATA as usize);
            assert_eq!(
                data,
                [!(number as u8); DATA as usize],
                "data-in is the answer"
            );
            if sent < commands {
                outstanding[usize::from(slot)] = sent;
                send(client, slot, sent);
                sent += 1;
            }
        }
    }
}

fn converse(slots: u32, commands: usize, waits: [Waiting; 2]) {
    let [mapped, _] = segment(slots, PAGE);
    let (mut client, mut server) = pair_over([mapped.clone(), mapped]);
    thread::scope(|scope| {
        let serving = scope.spawn(|| serve(&mut server, waits[1], commands));
        drive(&mut client, waits[0], commands);
        // By hand: how a scope waits stands in the standard library, which ThreadSanitizer does not see.
        serving.join().expect("the target's thread");
    });
}

#[test]
fn threads_that_spin_see_each_others_bytes() {
    converse(1, 5_000, [Waiting::Spins; 2]);
    converse(32, 50_000, [Waiting::Spins; 2]);
}

#[test]
fn threads_that_sleep_lose_no_wake() {
    for slots in [1, 2, 32] {
        converse(slots, 10_000, [Waiting::Sleeps; 2]);
    }
}

#[test]
fn a_sleeper_and_a_spinner_understand_each_other() {
    converse(4, 10_000, [Waiting::Sleeps, Waiting::Spins]);
    converse(4, 10_000, [Waiting::Spins, Waiting::Sleeps]);
}
