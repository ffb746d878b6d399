// Generated from crates/task by its test `layout`; see there how to write it anew.
export const FEATURE_RETURNS = 1
export const FAREWELL_FOR_GOOD = 2
export const FAREWELL_RELEASED = 3
export const MAX_SLOTS = 4096
export const MAX_ARENA_BYTES = 2147479552
export const MIN_CDB_LEN = 6
export const MAX_CDB_LEN = 260
export const MAX_SENSE_LEN = 252
export const MAX_SEGMENTS = 256
export const INLINE_CDB = 32
export const SLOT_BYTES = 640
export const SLOT_LUN = 0
export const SLOT_TAG = 8
export const SLOT_CDB_LEN = 16
export const SLOT_ATTRIBUTE = 18
export const SLOT_FUNCTION = 19
export const SLOT_OUT_LEN = 20
export const SLOT_IN_LEN = 24
export const SLOT_OUT_SEGMENTS = 28
export const SLOT_IN_SEGMENTS = 30
export const SLOT_CDB = 32
export const SLOT_OUT = 64
export const SLOT_IN = 80
export const SLOT_OUT_RESIDUAL = 128
export const SLOT_IN_RESIDUAL = 132
export const SLOT_SENSE_LEN = 136
export const SLOT_HOST_STATUS = 138
export const SLOT_DRIVER_STATUS = 140
export const SLOT_ERRNO = 142
export const SLOT_SENSE = 144
export const SLOT_CDB_TAIL = 400
export const RECORD_BYTES = 576
export const RECORD_LUN = 0
export const RECORD_TAG = 8
export const RECORD_CDB_LEN = 16
export const RECORD_ATTRIBUTE = 18
export const RECORD_FUNCTION = 19
export const RECORD_OUT_LEN = 20
export const RECORD_IN_LEN = 24
export const RECORD_GENERATION = 28
export const RECORD_RESUBMITTED = 30
export const RECORD_CDB = 32
export const RECORD_OUT_RESIDUAL = 296
export const RECORD_IN_RESIDUAL = 300
export const RECORD_SENSE_LEN = 304
export const RECORD_SENSE = 312
export const FLAG_SERVICE_RESPONSE = 15
export const FLAG_SENSE = 16
export const FLAG_RESIDUAL = 32
export const FLAG_TRANSPORT = 64
export const FLAG_STARTED = 128
export const RESUBMITTED = 1
export const RESUBMITTED_STARTED = 2
export const RESUBMITTED_RERUN = 4
export const LEDGER_SLOTS = 8
export const LEDGER_USER = 16
export const LEDGER_UNITS = 20
export const LEDGER_PAIRS = 24
export const LEDGER_RECORDS = 64
export const LEDGER_RECORD_BYTES = 64
export const LEDGER_STARTED = 1
export const TRANSFER_WORDS = 8
export const TRANSFER_SLOT = 0
export const TRANSFER_OP = 1
export const TRANSFER_BACKING = 2
export const TRANSFER_OFFSET_LOW = 3
export const TRANSFER_OFFSET_HIGH = 4
export const TRANSFER_LEN = 5
export const TRANSFER_ERRNO = 6
export const TRANSFER_DATA = 7
export const TRANSFER_READ = 0
export const TRANSFER_WRITE = 1
export const TRANSFER_WRITE_FUA = 2
export const TRANSFER_FLUSH = 3
export const TRANSFER_VERIFY = 4
export const TRANSFER_LOAD = 5
export const TRANSFER_COMPARE = 6
export const TRANSFER_COMPARE_AND_WRITE = 7
export const TRANSFER_COMPARE_AND_WRITE_FUA = 8
export const TRANSFER_OR_WRITE = 9
export const TRANSFER_OR_WRITE_FUA = 10
export const TRANSFER_FILL = 11
export const TRANSFER_FILL_OR_RELEASE = 12
export const TRANSFER_RELEASE = 13
export const TRANSFER_EXTENT = 14
export const LEDGER_MAGIC = 'SGRINGLE'
export const TRANSFER_UNDER_WAY = -1
/** What a peer can do wrong, by number. */
export const VIOLATIONS: readonly { code: string; reason: string }[] = [
  { code: 'NONE', reason: 'nothing' },
  { code: 'ENTRY', reason: 'a queue entry that is neither the next nor the last' },
  { code: 'SLOT', reason: 'a slot number beyond the last slot' },
  { code: 'SLOT_STATE', reason: 'a slot that was not its to submit or complete' },
  { code: 'EPOCH', reason: 'an entry of another epoch' },
  { code: 'GENERATION', reason: 'an entry of another generation of its slot' },
  { code: 'CDB_LEN', reason: 'a CDB shorter than 6 or longer than 260 bytes' },
  { code: 'ATTRIBUTE', reason: 'an unknown task attribute' },
  { code: 'SEGMENT_COUNT', reason: 'more than 256 data segments' },
  { code: 'SEGMENT_EMPTY', reason: 'a data segment of no bytes' },
  { code: 'SEGMENT_OUTSIDE', reason: 'a data segment beyond the arena' },
  { code: 'SEGMENT_OVERLAP', reason: 'data segments that overlap' },
  { code: 'DATA_LEN', reason: 'a data length that is not the sum of its segments' },
  { code: 'FUNCTION', reason: 'a task management function with data' },
]
