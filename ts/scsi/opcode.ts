/** Operation codes, and what the first byte of a CDB says of the rest (SPC-5 4.2). */

/** Operation codes (SPC-5 annex F), by the standards' names. */
export const Opcode = {
  TEST_UNIT_READY: 0x00,
  REQUEST_SENSE: 0x03,
  READ_6: 0x08,
  WRITE_6: 0x0a,
  INQUIRY: 0x12,
  MODE_SELECT_6: 0x15,
  MODE_SENSE_6: 0x1a,
  READ_CAPACITY_10: 0x25,
  READ_10: 0x28,
  WRITE_10: 0x2a,
  SYNCHRONIZE_CACHE_10: 0x35,
  LOG_SELECT: 0x4c,
  LOG_SENSE: 0x4d,
  MODE_SELECT_10: 0x55,
  MODE_SENSE_10: 0x5a,
  VARIABLE_LENGTH: 0x7f,
  READ_16: 0x88,
  WRITE_16: 0x8a,
  SYNCHRONIZE_CACHE_16: 0x91,
  SERVICE_ACTION_IN_16: 0x9e,
  REPORT_LUNS: 0xa0,
  MAINTENANCE_IN: 0xa3,
  READ_12: 0xa8,
  WRITE_12: 0xaa,
} as const
export type Opcode = (typeof Opcode)[keyof typeof Opcode]

/** Service actions of SERVICE ACTION IN(16). */
export const ServiceActionIn16 = { READ_CAPACITY_16: 0x10 } as const

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
