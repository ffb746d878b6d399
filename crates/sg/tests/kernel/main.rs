//! The transports on a real kernel's scsi_debug disks. They are ignored outside a guest, which runs them all:
//!
//! ```text
//! cargo test -p sgring-sg --test kernel --no-run
//! node scripts/kernel.js --kernel newest -- target/debug/deps/kernel-… --ignored --test-threads=1
//! ```

mod commands;
mod driver;
mod faults;
mod nodes;
mod sg;
mod uring;
