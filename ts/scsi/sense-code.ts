/** Additional sense codes (SPC-5 annex F) that this package answers or acts on, as one number: ASC in the high byte. */

export const SenseCode = {
  NO_ADDITIONAL_SENSE_INFORMATION: 0x0000,
  OPERATION_IN_PROGRESS: 0x0016,
  LOGICAL_UNIT_NOT_READY_MANUAL_INTERVENTION_REQUIRED: 0x0403,
  LOGICAL_UNIT_NOT_READY_OPERATION_IN_PROGRESS: 0x0407,
  WRITE_ERROR: 0x0c00,
  INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT: 0x0e03,
  UNRECOVERED_READ_ERROR: 0x1100,
  INVALID_COMMAND_OPERATION_CODE: 0x2000,
  LOGICAL_BLOCK_ADDRESS_OUT_OF_RANGE: 0x2100,
  INVALID_FIELD_IN_CDB: 0x2400,
  LOGICAL_UNIT_NOT_SUPPORTED: 0x2500,
  INVALID_FIELD_IN_PARAMETER_LIST: 0x2600,
  WRITE_PROTECTED: 0x2700,
  SPACE_ALLOCATION_FAILED_WRITE_PROTECT: 0x2707,
  POWER_ON_RESET_OR_BUS_DEVICE_RESET_OCCURRED: 0x2900,
  COMMAND_TIMEOUT_DURING_PROCESSING: 0x2e02,
  SAVING_PARAMETERS_NOT_SUPPORTED: 0x3900,
  INTERNAL_TARGET_FAILURE: 0x4400,
  INVALID_MESSAGE_ERROR: 0x4900,
  DATA_PHASE_ERROR: 0x4b00,
} as const
export type SenseCode = (typeof SenseCode)[keyof typeof SenseCode]

const NAMES = new Map<number, string>(
  Object.entries(SenseCode).map(([name, code]) => [code, name.replaceAll('_', ' ')]),
)

/** The name of an ASC and ASCQ, or `undefined` for one that is not in the table. */
export function senseCodeName(asc: number, ascq: number): string | undefined {
  return NAMES.get((asc << 8) | ascq)
}
