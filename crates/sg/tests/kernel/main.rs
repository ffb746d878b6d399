//! The transports on a real kernel's scsi_debug disks, on both kernels (`npm run test:kernel -- crates/sg`). Ignored outside a guest.

mod commands;
mod driver;
mod faults;
mod nodes;
mod sense_lengths;
mod sg;
mod uring;
