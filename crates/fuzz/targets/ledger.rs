#![no_main]
#![expect(missing_docs, reason = "the target is documented where its logic is")]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sgring_fuzz::ledger::run(data));
