//! What a [`Store`] does besides reading and writing.
//!
//! Bytes on whose value something depends are a peer's to change at any time: they are copied first, and the copy is
//! what is compared, and what is written.

use crate::error::Errno;
use crate::span::{self, Cursor, Span};
use crate::store::{Durability, Image, Store};
use crate::stripe::{CHUNK, Piece};

/// Bytes that are worked on at a time, in private copies. Blocks divide it, unless they are larger.
const PART: usize = 256 << 10;

/// How far a store goes on as it begins at an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Bytes, at least one.
    pub len: u64,
    /// Whether these bytes take room. Those that do not are zeros.
    pub allocated: bool,
}

impl Extent {
    /// Both in one word: the length, and `allocated` in the lowest bit.
    #[must_use]
    pub fn packed(self) -> u64 {
        self.len << 1 | u64::from(self.allocated)
    }
}

/// What becomes of zeros that are to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zeros {
    /// They are written, as any other bytes.
    Written,
    /// Their room is given back, as by [`Store::release`].
    Released,
}

impl Store {
    /// Reads a range and keeps nothing of it: from the medium, if what was written there has been flushed.
    ///
    /// # Errors
    ///
    /// As [`Store::read`].
    pub fn verify(&self, offset: u64, len: u64) -> Result<(), Errno> {
        self.visit(offset, len, true)
    }

    /// Reads a range into the system's cache.
    ///
    /// # Errors
    ///
    /// As [`Store::read`].
    pub fn load(&self, offset: u64, len: u64) -> Result<(), Errno> {
        self.visit(offset, len, false)
    }

    fn visit(&self, offset: u64, len: u64, from_medium: bool) -> Result<(), Errno> {
        let pieces = self.range(offset, len)?;
        let Image::File(file) = &self.image else {
            return Ok(());
        };
        let mut bytes = scratch(len);
        for piece in pieces {
            if from_medium {
                file.forget(piece);
            }
            for part in piece.parts(PART) {
                let _shared = self.stripes.share(part);
                self.read_part(part, &mut bytes[..part.len])?;
            }
        }
        Ok(())
    }

    /// Compares a range with the spans' bytes, which are repeated if they are fewer.
    ///
    /// Returns how many bytes from the start are the same: `len` if all are.
    ///
    /// # Errors
    ///
    /// As [`Store::read`]; `EINVAL` if the spans have no bytes for a range that has some, or more than 1 MiB to repeat.
    ///
    /// # Safety
    ///
    /// The spans are readable and stay mapped until this returns; no exclusive reference to their bytes is used meanwhile.
    pub unsafe fn compare(&self, offset: u64, len: u64, with: &[Span]) -> Result<u64, Errno> {
        let pieces = self.range(offset, len)?;
        let total = span::total(with).ok_or(Errno(libc::EINVAL))?;
        let mut cursor = Cursor::new(with);
        let mut pattern = Vec::new();
        if total < len {
            // SAFETY: the contract is the caller's.
            pattern = unsafe { repeated(with, total) }?;
        }
        let (mut ours, mut theirs) = (scratch(len), scratch(len));
        let mut same = 0;
        for part in pieces.flat_map(|piece| piece.parts(PART)) {
            let theirs = &mut theirs[..part.len];
            let ours = &mut ours[..part.len];
            if pattern.is_empty() {
                // SAFETY: the contract is the caller's.
                unsafe { cursor.take(theirs) };
            } else {
                repeat_into(theirs, &pattern, same);
            }
            let _shared = self.stripes.share(part);
            self.read_part(part, ours)?;
            let equal = common_prefix(ours, theirs);
            same += equal as u64;
            if equal < part.len {
                break;
            }
        }
        Ok(same)
    }

    /// Compares a range with the first half of the spans' bytes, and writes the second half there if all are the same. Nobody
    /// else reads or writes the range between.
    ///
    /// Returns how many bytes from the start are the same: half of what there are, if it has written.
    ///
    /// # Errors
    ///
    /// As [`Store::write`]; `EINVAL` for more than 2 MiB, or an odd number of bytes.
    ///
    /// # Safety
    ///
    /// As [`Store::compare`].
    pub unsafe fn compare_and_write(
        &self,
        offset: u64,
        spans: &[Span],
        durability: Durability,
    ) -> Result<u64, Errno> {
        let halves = span::total(spans).filter(|&total| total <= 2 * CHUNK && total % 2 == 0);
        let len = halves.ok_or(Errno(libc::EINVAL))? / 2;
        let pieces = self.writable_range(offset, len)?;
        let mut theirs = vec![0; 2 * len as usize];
        // SAFETY: the contract is the caller's.
        unsafe { Cursor::new(spans).take(&mut theirs) };
        let (expected, new) = theirs.split_at(len as usize);
        let mut ours = vec![0; len as usize];
        let within = |piece: Piece| {
            let at = (piece.offset - offset) as usize;
            at..at + piece.len
        };

        let _owned = self.stripes.own_all(&pieces);
        for piece in pieces.clone() {
            self.read_part(piece, &mut ours[within(piece)])?;
        }
        let same = common_prefix(&ours, expected);
        if same == expected.len() {
            for piece in pieces {
                self.write_part(piece, &new[within(piece)], durability)?;
            }
        }
        Ok(same as u64)
    }

    /// Sets the bits of a range that are set in the spans' bytes.
    ///
    /// # Errors
    ///
    /// As [`Store::write`].
    ///
    /// # Safety
    ///
    /// As [`Store::compare`].
    pub unsafe fn or_write(
        &self,
        offset: u64,
        with: &[Span],
        durability: Durability,
    ) -> Result<(), Errno> {
        let len = span::total(with).ok_or(Errno(libc::EINVAL))?;
        let pieces = self.writable_range(offset, len)?;
        let mut cursor = Cursor::new(with);
        let (mut ours, mut theirs) = (scratch(len), scratch(len));
        for part in pieces.flat_map(|piece| piece.parts(PART)) {
            let theirs = &mut theirs[..part.len];
            let ours = &mut ours[..part.len];
            // SAFETY: the contract is the caller's.
            unsafe { cursor.take(theirs) };
            let _owned = self.stripes.own(part);
            self.read_part(part, ours)?;
            for (our, their) in ours.iter_mut().zip(theirs) {
                *our |= *their;
            }
            self.write_part(part, ours, durability)?;
        }
        Ok(())
    }

    /// Writes the spans' bytes as often as a range holds them, or zeros if there are none.
    ///
    /// # Errors
    ///
    /// As [`Store::write`]; `EINVAL` for more than 1 MiB to repeat.
    ///
    /// # Safety
    ///
    /// As [`Store::compare`].
    pub unsafe fn fill(
        &self,
        offset: u64,
        len: u64,
        with: &[Span],
        zeros: Zeros,
    ) -> Result<(), Errno> {
        let total = span::total(with).ok_or(Errno(libc::EINVAL))?;
        let mut pattern = vec![0];
        if total > 0 {
            // SAFETY: the contract is the caller's.
            pattern = unsafe { repeated(with, total) }?;
        }
        if zeros == Zeros::Released && pattern.iter().all(|&byte| byte == 0) {
            return self.release(offset, len);
        }
        let mut bytes = scratch(len);
        let pieces = self.writable_range(offset, len)?;
        for part in pieces.flat_map(|piece| piece.parts(PART)) {
            let bytes = &mut bytes[..part.len];
            repeat_into(bytes, &pattern, part.offset - offset);
            let _owned = self.stripes.own(part);
            self.write_part(part, bytes, Durability::Cached)?;
        }
        Ok(())
    }

    /// Makes a range zeros, and gives the room that they took back, where that can be: whole pages of memory, blocks of the file
    /// system. The rest is written.
    ///
    /// # Errors
    ///
    /// As [`Store::write`].
    pub fn release(&self, offset: u64, len: u64) -> Result<(), Errno> {
        for piece in self.writable_range(offset, len)? {
            let _owned = self.stripes.own(piece);
            match &self.image {
                // SAFETY: `_owned` keeps everybody else out.
                Image::Memory(memory) => unsafe { memory.release(piece) }?,
                Image::File(file) => {
                    let released = file.release(piece);
                    self.keep_cut(file, piece).and(released)?;
                }
            }
        }
        Ok(())
    }

    /// How far the store goes on as it begins at `offset`, at most to its end. What lies behind may be of the same kind.
    ///
    /// # Errors
    ///
    /// `EINVAL` for an offset outside the store; else what `lseek(2)` says.
    pub fn extent(&self, offset: u64) -> Result<Extent, Errno> {
        self.range(offset, 1)?;
        let (end, allocated) = match &self.image {
            Image::Memory(memory) => {
                let _shared = self.stripes.share(Piece { offset, len: 1 });
                memory.extent(offset)?
            }
            Image::File(file) => file.extent(offset, self.len_bytes())?,
        };
        let len = end - offset;
        Ok(Extent { len, allocated })
    }

    /// Reads a piece whose stripe the caller holds.
    fn read_part(&self, piece: Piece, into: &mut [u8]) -> Result<(), Errno> {
        debug_assert_eq!(piece.len, into.len());
        let spans = [Span {
            ptr: into.as_mut_ptr(),
            len: into.len(),
        }];
        let mut cursor = Cursor::new(&spans);
        match &self.image {
            // SAFETY: 1. The cursor is over `into`, an exclusive borrow. 2. The caller holds the stripe.
            Image::Memory(memory) => unsafe { memory.read(piece, &mut cursor) }?,
            // SAFETY: the cursor is over `into`, an exclusive borrow.
            Image::File(file) => unsafe { file.read(piece, &mut cursor) }?,
        }
        Ok(())
    }

    /// Writes a piece whose stripe the caller has to itself.
    fn write_part(&self, piece: Piece, from: &[u8], durability: Durability) -> Result<(), Errno> {
        debug_assert_eq!(piece.len, from.len());
        let spans = [Span {
            ptr: from.as_ptr().cast_mut(),
            len: from.len(),
        }];
        let mut cursor = Cursor::new(&spans);
        match &self.image {
            // SAFETY: 1. The cursor is over `from`, which is only read. 2. The caller owns the stripe.
            Image::Memory(memory) => unsafe { memory.write(piece, &mut cursor) }?,
            Image::File(file) => {
                // SAFETY: the cursor is over `from`, which is only read.
                let written = unsafe { file.write(piece, &mut cursor, durability) };
                self.keep_cut(file, piece).and(written)?;
            }
        }
        Ok(())
    }
}

/// Room for a part of a range.
fn scratch(len: u64) -> Vec<u8> {
    vec![0; len.min(PART as u64) as usize]
}

/// A private copy of bytes that are to be repeated.
///
/// # Safety
///
/// As [`Store::compare`].
unsafe fn repeated(spans: &[Span], total: u64) -> Result<Vec<u8>, Errno> {
    if total == 0 || total > CHUNK {
        return Err(Errno(libc::EINVAL));
    }
    let mut pattern = vec![0; total as usize];
    // SAFETY: the contract is the caller's.
    unsafe { Cursor::new(spans).take(&mut pattern) };
    Ok(pattern)
}

/// Fills `into` with what an endless repetition of `pattern` has from byte `from` on.
fn repeat_into(into: &mut [u8], pattern: &[u8], from: u64) {
    let mut rest = into;
    let mut at = (from % pattern.len() as u64) as usize;
    while !rest.is_empty() {
        let len = (pattern.len() - at).min(rest.len());
        let (part, behind) = rest.split_at_mut(len);
        part.copy_from_slice(&pattern[at..at + len]);
        rest = behind;
        at = 0;
    }
}

/// How many bytes are the same, from the start.
fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    if a == b {
        return a.len();
    }
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}
