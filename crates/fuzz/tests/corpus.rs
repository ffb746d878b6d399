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
    what_a_hostile_target_wrote_keeps_the_rules: completions,
    what_is_read_of_records_keeps_the_rules: handshake,
    letting_in_keeps_the_rules: arrivals,
    what_lists_hold_keeps_the_rules: scatterlists,
    what_the_kernel_wrote_keeps_the_rules: kernel,
}
