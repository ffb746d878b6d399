//! A fault to be found: a byte is read behind a buffer, and only where four bytes are what nobody guesses. A run that does not find it, by
//! following comparisons, or does not see it, by AddressSanitizer, shows nothing about the others either.
#![no_main]

use std::hint::black_box;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if data.first_chunk() == Some(&u32::to_le_bytes(0x5347_5249)) {
        let copy = data.to_vec();
        let behind = black_box(copy.as_ptr()).wrapping_add(copy.len());
        // SAFETY: none: this is the fault.
        black_box(unsafe { behind.read() });
    }
});
