//! A CDB and a sense buffer for each slot, where the kernel finds them while a command runs.

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use crate::Errno;
use crate::decode::sense_data;
use crate::transport::{MAX_CDB_LEN, SENSE_BUFFER_LEN};

/// Two cache lines of a slot.
#[repr(C, align(128))]
struct Cell {
    cdb: UnsafeCell<[u8; MAX_CDB_LEN]>,
    sense: UnsafeCell<[u8; SENSE_BUFFER_LEN]>,
}

/// The cells of all slots. The kernel writes into them behind the compiler's back: so they are reached by addresses alone, and a transport
/// that is dropped before its commands have ended [leaks](Self::leak) them.
pub(crate) struct Cells {
    cells: NonNull<[Cell]>,
}

impl Cells {
    pub(crate) fn new(slots: usize) -> Self {
        let cells: Box<[Cell]> = (0..slots)
            .map(|_| Cell {
                cdb: UnsafeCell::new([0; MAX_CDB_LEN]),
                sense: UnsafeCell::new([0; SENSE_BUFFER_LEN]),
            })
            .collect();
        Self {
            cells: NonNull::from(Box::leak(cells)),
        }
    }

    /// Writes a slot's CDB and says where it stands.
    ///
    /// # Errors
    ///
    /// `EMSGSIZE` if it is too long.
    pub(crate) fn put_cdb(&self, slot: u16, cdb: &[u8]) -> Result<u64, Errno> {
        if cdb.len() > MAX_CDB_LEN {
            return Err(Errno(libc::EMSGSIZE));
        }
        let at = self.cell(slot)?.cdb.get().cast::<u8>();
        // SAFETY: 1. both have as many bytes, by the check; 2. they are apart; 3. no command of this slot is outstanding, by the callers, so
        // the kernel does not read here.
        unsafe { std::ptr::copy_nonoverlapping(cdb.as_ptr(), at, cdb.len()) };
        Ok(at.expose_provenance() as u64)
    }

    /// Where a slot's sense data goes.
    pub(crate) fn sense_at(&self, slot: u16) -> Result<*mut u8, Errno> {
        Ok(self.cell(slot)?.sense.get().cast())
    }

    /// The first `len` bytes of a slot's sense data, at most all; call it after the slot's end.
    pub(crate) fn sense<'a>(
        &self,
        slot: u16,
        len: usize,
        copy: &'a mut MaybeUninit<[u8; SENSE_BUFFER_LEN]>,
    ) -> &'a [u8] {
        let Ok(from) = self.cell(slot) else {
            return &[];
        };
        // SAFETY: 1. the cell lives as long as `self`; 2. its command has ended, by the callers, so the kernel does not write here.
        let copy = copy.write(unsafe { from.sense.get().read() });
        sense_data(&copy[..len.min(SENSE_BUFFER_LEN)])
    }

    /// Keeps the cells for ever: the kernel may still write into them.
    pub(crate) fn leak(&mut self) {
        self.cells = NonNull::from(Box::leak(Box::<[Cell]>::default()));
    }

    fn cell(&self, slot: u16) -> Result<&Cell, Errno> {
        // SAFETY: the cells live until `self` is dropped, and all in them is `UnsafeCell`.
        let cells = unsafe { self.cells.as_ref() };
        cells.get(usize::from(slot)).ok_or(Errno(libc::EINVAL))
    }
}

impl Drop for Cells {
    fn drop(&mut self) {
        // SAFETY: made by `Box::leak`, and given back here alone.
        drop(unsafe { Box::from_raw(self.cells.as_ptr()) });
    }
}
