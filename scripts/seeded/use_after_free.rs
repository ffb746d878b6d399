//! A use after free, on purpose: AddressSanitizer must report it, or its silence about the crates means nothing.

use std::ptr;

fn main() {
    let word = Box::into_raw(Box::new(7_u64));
    // SAFETY: the box is whole, and was leaked just now.
    drop(unsafe { Box::from_raw(word) });
    // SAFETY: there is none, which is what must be reported.
    println!("{}", unsafe { ptr::read_volatile(word) });
}
