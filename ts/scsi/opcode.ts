/** Operation codes, and what the first byte of a CDB says of the rest (SPC-5 4.2). */

/** Operation codes (SPC-5 annex F), by the standards' names. */
export const Opcode = {
  TEST_UNIT_READY: 0x00,
  REQUEST_SENSE: 0x03,
  FORMAT_UNIT: 0x04,
  READ_6: 0x08,
  WRITE_6: 0x0a,
  INQUIRY: 0x12,
  MODE_SELECT_6: 0x15,
  MODE_SENSE_6: 0x1a,
  START_STOP_UNIT: 0x1b,
  RECEIVE_DIAGNOSTIC_RESULTS: 0x1c,
  SEND_DIAGNOSTIC: 0x1d,
  PREVENT_ALLOW_MEDIUM_REMOVAL: 0x1e,
  READ_CAPACITY_10: 0x25,
  READ_10: 0x28,
  WRITE_10: 0x2a,
  WRITE_AND_VERIFY_10: 0x2e,
  VERIFY_10: 0x2f,
  PRE_FETCH_10: 0x34,
  SYNCHRONIZE_CACHE_10: 0x35,
  READ_DEFECT_DATA_10: 0x37,
  WRITE_SAME_10: 0x41,
  UNMAP: 0x42,
  SANITIZE: 0x48,
  LOG_SELECT: 0x4c,
  LOG_SENSE: 0x4d,
  MODE_SELECT_10: 0x55,
  MODE_SENSE_10: 0x5a,
  VARIABLE_LENGTH: 0x7f,
  READ_16: 0x88,
  COMPARE_AND_WRITE: 0x89,
  WRITE_16: 0x8a,
  ORWRITE_16: 0x8b,
  WRITE_AND_VERIFY_16: 0x8e,
  VERIFY_16: 0x8f,
  PRE_FETCH_16: 0x90,
  SYNCHRONIZE_CACHE_16: 0x91,
  WRITE_SAME_16: 0x93,
  SERVICE_ACTION_IN_16: 0x9e,
  REPORT_LUNS: 0xa0,
  MAINTENANCE_IN: 0xa3,
  READ_12: 0xa8,
  WRITE_12: 0xaa,
  WRITE_AND_VERIFY_12: 0xae,
  VERIFY_12: 0xaf,
  READ_DEFECT_DATA_12: 0xb7,
} as const
export type Opcode = (typeof Opcode)[keyof typeof Opcode]

/** Service actions of SERVICE ACTION IN(16). */
export const ServiceActionIn16 = { READ_CAPACITY_16: 0x10, GET_LBA_STATUS: 0x12 } as const

/** Service actions of SANITIZE (SBC-3 5.24). */
export const SanitizeAction = {
  OVERWRITE: 0x01,
  BLOCK_ERASE: 0x02,
  CRYPTOGRAPHIC_ERASE: 0x03,
  EXIT_FAILURE_MODE: 0x1f,
} as const

/** Service actions of MAINTENANCE IN. */
export const MaintenanceIn = {
  REPORT_SUPPORTED_OPERATION_CODES: 0x0c,
  REPORT_SUPPORTED_TASK_MANAGEMENT_FUNCTIONS: 0x0d,
} as const

/** The NACA bit of the CONTROL byte (SAM-5 5.2). */
export const NACA = 0x04

/** CDB bytes by GROUP CODE; of group 3 (variable length) and the vendor specific groups 6 and 7 only the shortest CDB is known. */
const LENGTH = Uint8Array.of(6, 10, 10, 6, 16, 12, 6, 6)

/** Where the CONTROL byte stands by GROUP CODE (SPC-5 4.2); in groups 6 and 7 nobody says. */
const CONTROL = Uint8Array.of(5, 9, 9, 1, 15, 11, 0, 0)

/** The shortest CDB that its operation code allows. */
export function cdbLength(opcode: number): number {
  return LENGTH[opcode >> 5]!
}

/** Whether the CDB is as long as its operation code asks, and its CONTROL byte has NACA zero. Allocation-free. */
export function isPlainCdb(cdb: Uint8Array, length: number): boolean {
  const group = cdb[0]! >> 5
  const control = CONTROL[group]!
  return length >= LENGTH[group]! && (control === 0 || (cdb[control]! & NACA) === 0)
}

/** Where the CONTROL byte of this operation code stands; 0 when that is vendor specific. */
export function controlOffset(opcode: number): number {
  return CONTROL[opcode >> 5]!
}
