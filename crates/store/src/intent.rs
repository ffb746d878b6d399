//! What is being copied into a mapped file: the next process finds it if this one is killed in the middle, and finishes it.
//!
//! A kill may end a copy between any two instructions, and would leave a block half of one write and half of another, which no system call
//! does. So what a copy brings stands in a private file first, and then a word that says so, and only then is it copied to its place:
//!
//! ```text
//! 0     8      16      24   32            4096               8192
//! | set | file | offset | len |  ...       | bytes, up to a page |
//! ```
//!
//! It stands on tmpfs, as the mapped file does: no write-back takes up the one at another time than the other, and a power failure leaves neither.
//!
//! A process that is killed has carried out its instructions in their order up to one of them, and whoever looks at the file later
//! sees what they stored (`crates/task/src/ledger.rs` has the argument): the compiler alone must be kept from reordering.

use crate::error::StoreError;
use crate::open;
use crate::span::Cursor;
use sgring_kill_points::kill_point;
use sgring_shm::{KeptFile, ShmError};
use std::path::Path;
use std::ptr;
use std::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{Acquire, Relaxed, Release, SeqCst},
    compiler_fence,
};

/// What is copied at a time, and lies in one aligned part of this length: whole blocks.
pub(crate) const PART: usize = 4096;

/// The words at the file's start.
const SET: usize = 0;
const FILE: usize = 1;
const OFFSET: usize = 2;
const LEN: usize = 3;

/// The private file. One thread copies at a time.
#[derive(Debug)]
pub(crate) struct Intent {
    kept: KeptFile,
    busy: AtomicBool,
}

/// A copy that a dead process has not finished.
pub(crate) struct Unfinished {
    pub(crate) file: u64,
    pub(crate) offset: u64,
    pub(crate) bytes: Vec<u8>,
}

impl Intent {
    /// The one at `path`, or a new one: all zeros is one with nothing to finish.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoIntent`], [`StoreError::System`].
    pub(crate) fn obtain(path: &Path) -> Result<Self, StoreError> {
        let kept = KeptFile::obtain(path, 2 * PART).map_err(|error| match error {
            ShmError::System { call, source } => open::system(call, path)(source),
            _ => StoreError::NoIntent { path: path.into() },
        })?;
        let busy = AtomicBool::new(false);
        Ok(Self { kept, busy })
    }

    /// What was left here.
    pub(crate) fn unfinished(&self) -> Option<Unfinished> {
        let len = self.word(LEN).load(Relaxed) as usize;
        if self.word(SET).load(Relaxed) == 0 || len > PART {
            return None;
        }
        let mut bytes = vec![0; len];
        // SAFETY: both have `len` bytes, a part at most, and are apart. Nobody writes: a process has the file alone, and has not begun.
        unsafe { ptr::copy_nonoverlapping(self.bytes().cast_const(), bytes.as_mut_ptr(), len) };
        Some(Unfinished {
            file: self.word(FILE).load(Relaxed),
            offset: self.word(OFFSET).load(Relaxed),
            bytes,
        })
    }

    /// Nothing is left to finish.
    pub(crate) fn clear(&self) {
        self.word(SET).store(0, Release);
    }

    /// For as long as the claim lives, nobody else copies. `None` while somebody does.
    pub(crate) fn claim(&self) -> Option<Claim<'_>> {
        // Only a claim that was won may be dropped, and so be made at all.
        (!self.busy.swap(true, Acquire)).then(|| Claim(self))
    }

    fn word(&self, index: usize) -> &AtomicU64 {
        debug_assert!(index <= LEN);
        // SAFETY: within the first page of the mapping.
        let word = unsafe { self.kept.as_ptr().cast::<u64>().add(index) };
        // SAFETY: 1. aligned, and mapped as long as the borrow lives; 2. nobody touches it but as this atomic.
        unsafe { AtomicU64::from_ptr(word) }
    }

    fn bytes(&self) -> *mut u8 {
        // SAFETY: the mapping has two parts.
        unsafe { self.kept.as_ptr().add(PART) }
    }
}

/// The right to copy.
pub(crate) struct Claim<'a>(&'a Intent);

impl Claim<'_> {
    /// Copies `len` bytes, a part at most, from where the cursor stands to `to`, which is at `offset` of the file, and moves the cursor.
    ///
    /// # Safety
    ///
    /// 1. The cursor has so many bytes ahead, mapped and readable. 2. `to` has, writable, and nobody else reads or writes them meanwhile.
    pub(crate) unsafe fn copy(
        &self,
        from: &mut Cursor<'_>,
        len: usize,
        to: *mut u8,
        (file, offset): (u64, u64),
    ) {
        let intent = self.0;
        let bytes = intent.bytes();
        let mut done = 0;
        while let Some(span) = from.first(len - done).filter(|span| span.len > 0) {
            // SAFETY: `done` is less than `len`, which a part holds.
            let into = unsafe { bytes.add(done) };
            // SAFETY: both are mapped for `span.len` bytes, by 1 and above, and apart. What a peer changes meanwhile arrives torn, here and there
            // alike: nothing looks at it.
            unsafe { ptr::copy_nonoverlapping(span.ptr.cast_const(), into, span.len) };
            done += span.len;
            from.advance(span.len);
        }
        intent.word(FILE).store(file, Relaxed);
        intent.word(OFFSET).store(offset, Relaxed);
        intent.word(LEN).store(len as u64, Relaxed);
        intent.word(SET).store(1, Release);
        compiler_fence(SeqCst);
        kill_point();
        // SAFETY: `to` has `len` bytes by 2, and the part holds as many.
        unsafe { ptr::copy_nonoverlapping(bytes.cast_const(), to, len) };
        kill_point();
        intent.clear();
        compiler_fence(SeqCst);
        kill_point();
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.0.busy.store(false, Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_told_that_somebody_copies_does_not_end_that_ones_claim() {
        let path = std::env::temp_dir().join(format!("sgring-claim-{}", std::process::id()));
        let intent = Intent::obtain(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let claim = intent.claim().unwrap();
        assert!(intent.claim().is_none());
        assert!(intent.claim().is_none());
        drop(claim);
        assert!(intent.claim().is_some());
    }
}
