//! Copies between kernel nodes, which JavaScript looks at now and then.

use crate::error::{self, Coded};
use crate::number::whole;
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use sgring_sg::copy::{Part, Stage};
use sgring_sg::mover::{End, NodeMover};
use sgring_sg::{Copier, Errno};
use sgring_shm::bell_pair;
use std::os::fd::{IntoRawFd, OwnedFd};

/// An end of a copy.
#[napi(object)]
pub struct KernelCopyEnd {
    /// READ(16) or WRITE(16), whose LBA and number of blocks are filled in.
    pub cdb: Uint8Array,
    /// The block at which the copy begins.
    pub lba: f64,
    /// Bytes of a block.
    pub block_length: u32,
}

/// What is copied, and how.
#[napi(object)]
pub struct KernelCopyOptions {
    pub from: KernelCopyEnd,
    pub to: KernelCopyEnd,
    /// Bytes, as the next: whole blocks of both ends.
    pub length: f64,
    pub part_length: u32,
    /// Parts under way.
    pub depth: u32,
    /// When the kernel gives a command up, in milliseconds.
    pub timeout_ms: u32,
}

/// A part that was not moved, and the end of the command that failed: `sgring_sg::Outcome`.
#[napi(object)]
pub struct KernelCopyFailure {
    /// Bytes from the copy's beginning.
    pub at: f64,
    pub length: u32,
    /// The command was the WRITE.
    pub writing: bool,
    pub status: u32,
    pub host_status: u32,
    pub driver_status: u32,
    pub errno: i32,
    pub in_residual: i32,
    pub out_residual: i32,
    pub sense: Uint8Array,
}

/// A copy under way: `sgring_sg::Copier`. Its threads are waited for by nobody.
#[napi]
pub struct KernelCopy {
    copier: Copier<NodeMover>,
    bell: Option<OwnedFd>,
}

impl KernelCopy {
    pub(crate) fn start(ends: [&End; 2], options: &KernelCopyOptions) -> Result<Self, Coded> {
        let failed = |errno: Errno| Coded::new("SYSTEM", format!("a copy: {errno}"));
        let (len, part_len) = (whole(options.length)?, options.part_length);
        let depth = options.depth as usize;
        // First: movers may take what descriptors there are.
        let (bell, watched) = bell_pair().map_err(error::shm)?;
        let movers = NodeMover::new(ends, len, part_len, depth, options.timeout_ms);
        let wake = move || {
            // One that cannot be rung is hung up, which its watcher sees.
            if !bell.ring() {
                bell.hang_up();
            }
        };
        let copier = Copier::start(len, part_len, movers.map_err(failed)?, wake);
        Ok(Self {
            copier: copier.map_err(failed)?,
            bell: Some(watched),
        })
    }
}

#[napi]
impl KernelCopy {
    /// Hands the bell over, which rings for failures, and when no mover is at work any more: the caller watches and closes it. `-1` the second time.
    #[napi(catch_unwind)]
    pub fn take_bell(&mut self) -> i32 {
        self.bell.take().map_or(-1, IntoRawFd::into_raw_fd)
    }

    /// Bytes that were moved, the frontier before which all were, movers at work, READs and WRITEs that were sent and have not ended, and those of the WRITEs that were marked.
    #[napi(catch_unwind)]
    pub fn progress(&self) -> Vec<f64> {
        let progress = self.copier.progress();
        vec![
            progress.moved as f64,
            progress.frontier as f64,
            progress.at_work as f64,
            progress.reading as f64,
            progress.writing as f64,
            progress.marked as f64,
        ]
    }

    /// Marks the WRITEs that are under way.
    #[napi(catch_unwind)]
    pub fn mark(&self) {
        self.copier.mark();
    }

    /// Takes the next failure, if there is one.
    #[napi(catch_unwind)]
    pub fn failure(&self) -> Option<KernelCopyFailure> {
        let (part, failure) = self.copier.failure()?;
        let outcome = failure.outcome;
        Some(KernelCopyFailure {
            at: part.at as f64,
            length: part.len,
            writing: failure.stage == Stage::Write,
            status: outcome.status.into(),
            host_status: outcome.host_status.into(),
            driver_status: outcome.driver_status.into(),
            errno: outcome.errno,
            in_residual: outcome.in_residual,
            out_residual: outcome.out_residual,
            sense: failure.sense.into(),
        })
    }

    /// The part of a failure was moved otherwise.
    #[napi(catch_unwind)]
    pub fn go_on(&self, at: f64, length: u32) -> Result<(), Coded> {
        let part = Part {
            at: whole(at)?,
            len: length,
        };
        let gone_on = self.copier.go_on(part);
        gone_on.map_err(|errno| Coded::new("SYSTEM", format!("a thread: {errno}")))
    }

    /// No command is sent any more.
    #[napi(catch_unwind)]
    pub fn stop(&self) {
        self.copier.stop();
    }
}
