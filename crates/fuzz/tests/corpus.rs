//! Every input of the corpora, without a fuzzer: what they have once reached is reached by each test run, and held against the targets' rules.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

fn replay(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    let mut inputs = 0;
    for entry in fs::read_dir(folder).unwrap() {
        run(&fs::read(entry.unwrap().path()).unwrap());
        inputs += 1;
    }
    assert!(inputs > 0, "{target} has a corpus");
    run(&[]);
}

macro_rules! corpora {
    ($($test:ident: $target:ident),+ $(,)?) => {
        $(#[test]
        fn $test() {
            replay(stringify!($target), sgring_fuzz::$target::run);
        })+
    };
}

corpora! {
    what_a_hostile_initiator_wrote_keeps_the_rules: submissions,
    what_a_dead_target_left_keeps_the_rules: ledger,
    what_a_hostile_target_wrote_keeps_the_rules: completions,
    what_is_read_of_records_keeps_the_rules: handshake,
    letting_in_keeps_the_rules: arrivals,
    what_lists_hold_keeps_the_rules: scatterlists,
    what_the_kernel_wrote_keeps_the_rules: kernel,
}

/// A history of deaths is long, and most of its bytes do not matter to how far it comes: those that a fuzzer keeps are too few.
#[test]
fn what_is_left_by_targets_that_die_at_any_time_keeps_the_rules() {
    let mut state = 7_u64;
    let mut byte = || {
        // splitmix64
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed >> 40) as u8
    };
    for round in 0..800 {
        // The lowest bit of the first byte says whether it is a file or a history.
        let input = std::iter::once(round as u8).chain((0..600).map(|_| byte()));
        sgring_fuzz::ledger::run(&input.collect::<Vec<u8>>());
    }
}
