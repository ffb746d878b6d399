//! Every input of the corpora, without a fuzzer: what they have once reached is reached by each test run.
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
    what_a_hostile_initiator_wrote_is_judged_as_before: submissions,
    what_a_hostile_target_wrote_is_judged_as_before: completions,
    records_are_read_and_written_as_before: handshake,
    who_is_let_in_is_let_in_as_before: arrivals,
    lists_hold_and_obey_as_before: scatterlists,
    what_the_kernel_wrote_is_in_range_as_before: kernel,
}
