//! What all of them do with a command.

/// Bytes of a CDB that are carried.
pub(crate) const CDB_BYTES: usize = 32;

const TEST_UNIT_READY: u8 = 0;
const GOOD: u8 = 0;
const CHECK_CONDITION: u8 = 2;

/// The SCSI status of a command.
pub(crate) fn status(cdb: &[u8]) -> u8 {
    if cdb.first() == Some(&TEST_UNIT_READY) {
        GOOD
    } else {
        CHECK_CONDITION
    }
}
