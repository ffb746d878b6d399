//! What a peer can do wrong.

use core::fmt;
use sgring_ring::Corrupt;

/// The peer broke the protocol. The pair is worthless from then on, and its nexus ends with this reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Violation {
    /// A queue word that no producer would have stored.
    Entry,
    /// A slot number beyond the last.
    Slot,
    /// A submission of a slot that was not answered yet, or a completion of one that was not submitted.
    SlotState,
    /// An entry of another attachment of this segment.
    Epoch,
    /// A generation that is not the slot's next, or not the one submitted.
    Generation,
    /// A CDB shorter than 6 or longer than 260 bytes.
    CdbLen,
    /// A task attribute that SAM-5 does not know.
    Attribute,
    /// More than 256 segments in one direction.
    SegmentCount,
    /// A segment of no bytes.
    SegmentEmpty,
    /// A segment, or a table of segments, beyond the arena's end or badly aligned.
    SegmentOutside,
    /// Two segments of one task that share bytes.
    SegmentOverlap,
    /// A data length that is not the sum of its segments.
    DataLen,
    /// A task management function with data.
    Function,
}

impl Violation {
    /// All of them; a violation's number is its place here, and 0 is none.
    pub const ALL: [Self; 13] = [
        Self::Entry,
        Self::Slot,
        Self::SlotState,
        Self::Epoch,
        Self::Generation,
        Self::CdbLen,
        Self::Attribute,
        Self::SegmentCount,
        Self::SegmentEmpty,
        Self::SegmentOutside,
        Self::SegmentOverlap,
        Self::DataLen,
        Self::Function,
    ];

    /// A stable name.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Entry => "ENTRY",
            Self::Slot => "SLOT",
            Self::SlotState => "SLOT_STATE",
            Self::Epoch => "EPOCH",
            Self::Generation => "GENERATION",
            Self::CdbLen => "CDB_LEN",
            Self::Attribute => "ATTRIBUTE",
            Self::SegmentCount => "SEGMENT_COUNT",
            Self::SegmentEmpty => "SEGMENT_EMPTY",
            Self::SegmentOutside => "SEGMENT_OUTSIDE",
            Self::SegmentOverlap => "SEGMENT_OVERLAP",
            Self::DataLen => "DATA_LEN",
            Self::Function => "FUNCTION",
        }
    }

    /// Its number: 1 and up.
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8 + 1
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Entry => "a queue entry that is neither the next nor the last",
            Self::Slot => "a slot number beyond the last slot",
            Self::SlotState => "a slot that was not its to submit or complete",
            Self::Epoch => "an entry of another epoch",
            Self::Generation => "an entry of another generation of its slot",
            Self::CdbLen => "a CDB shorter than 6 or longer than 260 bytes",
            Self::Attribute => "an unknown task attribute",
            Self::SegmentCount => "more than 256 data segments",
            Self::SegmentEmpty => "a data segment of no bytes",
            Self::SegmentOutside => "a data segment beyond the arena",
            Self::SegmentOverlap => "data segments that overlap",
            Self::DataLen => "a data length that is not the sum of its segments",
            Self::Function => "a task management function with data",
        })
    }
}

impl std::error::Error for Violation {}

impl From<Corrupt> for Violation {
    fn from(_: Corrupt) -> Self {
        Self::Entry
    }
}
