//! `struct iovec` as bytes, in the layout of a 64-bit and of a 32-bit caller.
//!
//! ```text
//! byte      0   4   8   12  16
//! Iovec64   | iov_base      | iov_len       |    struct iovec, sg_iovec, the iov[] of a TCMU entry
//! Iovec32   | base  | len   |                    compat_iovec: what a 32-bit caller hands a 64-bit kernel
//! ```
//!
//! All numbers are in the byte order of the machine. sg and block nodes take up to [`MAX_ENTRIES`] of them with a v3
//! header (`sg_io_hdr.iovec_count`); bsg and v4 headers take none.

use std::fmt;
use std::iter::FusedIterator;
use std::mem::{offset_of, size_of};

use crate::Segment;

/// How many entries the kernel takes at once (`UIO_MAXIOV`, include/uapi/linux/uio.h).
pub const MAX_ENTRIES: usize = 1024;

/// `struct iovec` and `sg_iovec` of a 64-bit process (include/uapi/linux/uio.h, include/scsi/sg.h).
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Iovec64 {
    /// `iov_base`: the first byte's address.
    pub base: u64,
    /// `iov_len`: bytes.
    pub len: u64,
}

/// `struct compat_iovec`: that of a 32-bit process (include/linux/compat.h).
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Iovec32 {
    /// `iov_base`: the first byte's address.
    pub base: u32,
    /// `iov_len`: bytes.
    pub len: u32,
}

const _: () = {
    assert!(size_of::<Iovec64>() == 16 && align_of::<Iovec64>() == 8);
    assert!(offset_of!(Iovec64, base) == 0 && offset_of!(Iovec64, len) == 8);
    assert!(size_of::<Iovec32>() == 8 && align_of::<Iovec32>() == 4);
    assert!(offset_of!(Iovec32, base) == 0 && offset_of!(Iovec32, len) == 4);
};

/// Which of the two layouts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// [`Iovec32`]
    Bits32,
    /// [`Iovec64`]
    Bits64,
}

impl Layout {
    /// That of this process.
    pub const NATIVE: Self = if size_of::<usize>() == size_of::<u64>() {
        Self::Bits64
    } else {
        Self::Bits32
    };

    /// How many bytes an entry has.
    #[must_use]
    pub const fn entry_len(self) -> usize {
        match self {
            Self::Bits32 => size_of::<Iovec32>(),
            Self::Bits64 => size_of::<Iovec64>(),
        }
    }

    /// Where a segment ends at the latest: 2^32, or 2^64 - 1 so that all ends are numbers.
    #[must_use]
    pub const fn address_bound(self) -> u64 {
        match self {
            Self::Bits32 => 1 << u32::BITS,
            Self::Bits64 => u64::MAX,
        }
    }
}

/// The entries in `bytes`, as they stand; a [`List`](crate::List) judges them as they are pushed.
///
/// # Errors
/// [`IovecError::Length`] where `bytes` is no whole number of entries.
pub fn parse(layout: Layout, bytes: &[u8]) -> Result<Entries<'_>, IovecError> {
    let entry_len = layout.entry_len();
    if !bytes.len().is_multiple_of(entry_len) {
        return Err(IovecError::Length {
            len: bytes.len(),
            entry_len,
        });
    }
    Ok(Entries { layout, bytes })
}

/// Writes `segments` as entries to the start of `out`; returns how many bytes that took.
///
/// # Errors
/// [`IovecError::TooWide`] and [`IovecError::NoRoom`], by the entry that was next; those before it are written.
pub fn emit(
    layout: Layout,
    segments: impl IntoIterator<Item = Segment>,
    out: &mut [u8],
) -> Result<usize, IovecError> {
    let mut len = 0;
    for (index, segment) in segments.into_iter().enumerate() {
        let end = len + layout.entry_len();
        let Some(entry) = out.get_mut(len..end) else {
            return Err(IovecError::NoRoom { index });
        };
        let too_wide = IovecError::TooWide { index, layout };
        if segment.end().is_none_or(|end| end > layout.address_bound()) {
            return Err(too_wide);
        }
        match layout {
            Layout::Bits32 => {
                let base = u32::try_from(segment.address).map_err(|_| too_wide)?;
                let len = u32::try_from(segment.len).map_err(|_| too_wide)?;
                entry[..4].copy_from_slice(&base.to_ne_bytes());
                entry[4..].copy_from_slice(&len.to_ne_bytes());
            }
            Layout::Bits64 => {
                entry[..8].copy_from_slice(&segment.address.to_ne_bytes());
                entry[8..].copy_from_slice(&segment.len.to_ne_bytes());
            }
        }
        len = end;
    }
    Ok(len)
}

/// The entries of [`parse`].
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    layout: Layout,
    bytes: &'a [u8],
}

impl Iterator for Entries<'_> {
    type Item = Segment;

    fn next(&mut self) -> Option<Segment> {
        let (address, len, rest) = match self.layout {
            Layout::Bits32 => {
                let (base, rest) = self.bytes.split_first_chunk()?;
                let (len, rest) = rest.split_first_chunk()?;
                (
                    u32::from_ne_bytes(*base).into(),
                    u32::from_ne_bytes(*len).into(),
                    rest,
                )
            }
            Layout::Bits64 => {
                let (base, rest) = self.bytes.split_first_chunk()?;
                let (len, rest) = rest.split_first_chunk()?;
                (u64::from_ne_bytes(*base), u64::from_ne_bytes(*len), rest)
            }
        };
        self.bytes = rest;
        Some(Segment { address, len })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let entries = self.bytes.len() / self.layout.entry_len();
        (entries, Some(entries))
    }
}

impl ExactSizeIterator for Entries<'_> {}
impl FusedIterator for Entries<'_> {}

/// Why bytes are no entries, or segments cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IovecError {
    /// The bytes are no whole number of entries.
    Length {
        /// How many bytes there are.
        len: usize,
        /// How many an entry has.
        entry_len: usize,
    },
    /// The output ends before this entry does.
    NoRoom {
        /// Which entry.
        index: usize,
    },
    /// A segment that the layout cannot hold: its address, its length or its end is too large.
    TooWide {
        /// Which segment.
        index: usize,
        /// The layout.
        layout: Layout,
    },
}

impl IovecError {
    /// A stable name for what is wrong.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Length { .. } => "iovec_length",
            Self::NoRoom { .. } => "iovec_no_room",
            Self::TooWide { .. } => "iovec_too_wide",
        }
    }
}

impl fmt::Display for IovecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { len, entry_len } => {
                write!(
                    f,
                    "{len} bytes are no whole number of iovecs of {entry_len}"
                )
            }
            Self::NoRoom { index } => write!(f, "no room for iovec {index}"),
            Self::TooWide { index, layout } => {
                let bits = if *layout == Layout::Bits32 { 32 } else { 64 };
                write!(f, "segment {index} does not fit an iovec of {bits} bits")
            }
        }
    }
}

impl std::error::Error for IovecError {}
