//! `ts/ring/layout.gen.ts` says in TypeScript what the types of this crate say in Rust.
//!
//! `SGRING_WRITE=1 cargo test -p sgring-task --test layout` writes it anew.

use sgring_shm::{Farewell, handshake::FEATURE_RETURNS};
use sgring_task::{
    Geometry, INLINE_CDB, LEDGER_MAGIC, LEDGER_PAIRS, LEDGER_RECORD_BYTES, LEDGER_RECORDS,
    LEDGER_SLOTS, LEDGER_STARTED, LEDGER_UNITS, LEDGER_USER, MAX_CDB_LEN, MAX_SEGMENTS,
    MAX_SENSE_LEN, MIN_CDB_LEN, Record, SLOT_BYTES, Slot, Violation, flags, resubmitted, transfer,
};
use std::mem::{offset_of, size_of};
use std::{env, fs, path::Path};

fn rendered() -> String {
    let mut text = String::from(
        "// Generated from crates/task by its test `layout`; see there how to write it anew.\n",
    );
    let constants = [
        ("FEATURE_RETURNS", FEATURE_RETURNS as usize),
        ("FAREWELL_FOR_GOOD", Farewell::ForGood as usize),
        ("FAREWELL_RELEASED", Farewell::Released as usize),
        ("MAX_SLOTS", Geometry::MAX_SLOTS as usize),
        ("MAX_ARENA_BYTES", Geometry::MAX_ARENA_BYTES as usize),
        ("MIN_CDB_LEN", MIN_CDB_LEN),
        ("MAX_CDB_LEN", MAX_CDB_LEN),
        ("MAX_SENSE_LEN", MAX_SENSE_LEN),
        ("MAX_SEGMENTS", MAX_SEGMENTS),
        ("INLINE_CDB", INLINE_CDB),
        ("SLOT_BYTES", SLOT_BYTES),
        ("SLOT_LUN", offset_of!(Slot, lun)),
        ("SLOT_TAG", offset_of!(Slot, tag)),
        ("SLOT_CDB_LEN", offset_of!(Slot, cdb_len)),
        ("SLOT_ATTRIBUTE", offset_of!(Slot, attribute)),
        ("SLOT_FUNCTION", offset_of!(Slot, function)),
        ("SLOT_OUT_LEN", offset_of!(Slot, out_len)),
        ("SLOT_IN_LEN", offset_of!(Slot, in_len)),
        ("SLOT_OUT_SEGMENTS", offset_of!(Slot, out_segments)),
        ("SLOT_IN_SEGMENTS", offset_of!(Slot, in_segments)),
        ("SLOT_CDB", offset_of!(Slot, cdb)),
        ("SLOT_OUT", offset_of!(Slot, out)),
        ("SLOT_IN", offset_of!(Slot, r#in)),
        ("SLOT_OUT_RESIDUAL", offset_of!(Slot, out_residual)),
        ("SLOT_IN_RESIDUAL", offset_of!(Slot, in_residual)),
        ("SLOT_SENSE_LEN", offset_of!(Slot, sense_len)),
        ("SLOT_HOST_STATUS", offset_of!(Slot, host_status)),
        ("SLOT_DRIVER_STATUS", offset_of!(Slot, driver_status)),
        ("SLOT_ERRNO", offset_of!(Slot, errno)),
        ("SLOT_SENSE", offset_of!(Slot, sense)),
        ("SLOT_CDB_TAIL", offset_of!(Slot, cdb_tail)),
        ("RECORD_BYTES", size_of::<Record>()),
        ("RECORD_LUN", offset_of!(Record, lun)),
        ("RECORD_TAG", offset_of!(Record, tag)),
        ("RECORD_CDB_LEN", offset_of!(Record, cdb_len)),
        ("RECORD_ATTRIBUTE", offset_of!(Record, attribute)),
        ("RECORD_FUNCTION", offset_of!(Record, function)),
        ("RECORD_OUT_LEN", offset_of!(Record, out_len)),
        ("RECORD_IN_LEN", offset_of!(Record, in_len)),
        ("RECORD_GENERATION", offset_of!(Record, generation)),
        ("RECORD_RESUBMITTED", offset_of!(Record, resubmitted)),
        ("RECORD_CDB", offset_of!(Record, cdb)),
        ("RECORD_OUT_RESIDUAL", offset_of!(Record, out_residual)),
        ("RECORD_IN_RESIDUAL", offset_of!(Record, in_residual)),
        ("RECORD_SENSE_LEN", offset_of!(Record, sense_len)),
        ("RECORD_SENSE", offset_of!(Record, sense)),
        (
            "FLAG_SERVICE_RESPONSE",
            usize::from(flags::SERVICE_RESPONSE),
        ),
        ("FLAG_SENSE", usize::from(flags::SENSE)),
        ("FLAG_RESIDUAL", usize::from(flags::RESIDUAL)),
        ("FLAG_TRANSPORT", usize::from(flags::TRANSPORT)),
        ("FLAG_STARTED", usize::from(flags::STARTED)),
        ("RESUBMITTED", usize::from(resubmitted::RESUBMITTED)),
        ("RESUBMITTED_STARTED", usize::from(resubmitted::STARTED)),
        ("RESUBMITTED_RERUN", usize::from(resubmitted::RERUN)),
        ("LEDGER_SLOTS", LEDGER_SLOTS),
        ("LEDGER_USER", LEDGER_USER),
        ("LEDGER_UNITS", LEDGER_UNITS),
        ("LEDGER_PAIRS", LEDGER_PAIRS),
        ("LEDGER_RECORDS", LEDGER_RECORDS),
        ("LEDGER_RECORD_BYTES", LEDGER_RECORD_BYTES),
        ("LEDGER_STARTED", usize::from(LEDGER_STARTED)),
        ("TRANSFER_WORDS", transfer::BYTES / 4),
        ("TRANSFER_SLOT", transfer::SLOT),
        ("TRANSFER_OP", transfer::OP),
        ("TRANSFER_BACKING", transfer::BACKING),
        ("TRANSFER_OFFSET_LOW", transfer::OFFSET_LOW),
        ("TRANSFER_OFFSET_HIGH", transfer::OFFSET_HIGH),
        ("TRANSFER_LEN", transfer::LEN),
        ("TRANSFER_ERRNO", transfer::ERRNO),
        ("TRANSFER_DATA", transfer::DATA),
        ("TRANSFER_READ", transfer::READ as usize),
        ("TRANSFER_WRITE", transfer::WRITE as usize),
        ("TRANSFER_WRITE_FUA", transfer::WRITE_FUA as usize),
        ("TRANSFER_FLUSH", transfer::FLUSH as usize),
        ("TRANSFER_VERIFY", transfer::VERIFY as usize),
        ("TRANSFER_LOAD", transfer::LOAD as usize),
        ("TRANSFER_COMPARE", transfer::COMPARE as usize),
        (
            "TRANSFER_COMPARE_AND_WRITE",
            transfer::COMPARE_AND_WRITE as usize,
        ),
        (
            "TRANSFER_COMPARE_AND_WRITE_FUA",
            transfer::COMPARE_AND_WRITE_FUA as usize,
        ),
        ("TRANSFER_OR_WRITE", transfer::OR_WRITE as usize),
        ("TRANSFER_OR_WRITE_FUA", transfer::OR_WRITE_FUA as usize),
        ("TRANSFER_FILL", transfer::FILL as usize),
        (
            "TRANSFER_FILL_OR_RELEASE",
            transfer::FILL_OR_RELEASE as usize,
        ),
        ("TRANSFER_RELEASE", transfer::RELEASE as usize),
        ("TRANSFER_EXTENT", transfer::EXTENT as usize),
    ];
    for (name, value) in constants {
        text += &format!("export const {name} = {value}\n");
    }
    let magic = LEDGER_MAGIC.to_le_bytes().escape_ascii().to_string();
    text += &format!("export const LEDGER_MAGIC = '{magic}'\n");
    let under_way = transfer::UNDER_WAY;
    text += &format!("export const TRANSFER_UNDER_WAY = {under_way}\n");
    text += "/** What a peer can do wrong, by number. */\n";
    text += "export const VIOLATIONS: readonly { code: string; reason: string }[] = [\n";
    text += "  { code: 'NONE', reason: 'nothing' },\n";
    for violation in Violation::ALL {
        let number = usize::from(violation.number());
        assert_eq!(Violation::ALL[number - 1], violation);
        let code = violation.code();
        text += &format!("  {{ code: '{code}', reason: '{violation}' }},\n");
    }
    text += "]\n";
    text
}

#[test]
fn the_typescript_constants_are_those_of_the_rust_types() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ts/ring/layout.gen.ts");
    if env::var_os("SGRING_WRITE").is_some() {
        fs::write(&path, rendered()).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(committed, rendered(), "stale: see this file's first lines");
}
