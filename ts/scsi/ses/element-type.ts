/** Types of elements and what all of them can say (SES-3 7.1, 7.2). */

export const ElementType = {
  UNSPECIFIED: 0x00,
  DEVICE_SLOT: 0x01,
  POWER_SUPPLY: 0x02,
  COOLING: 0x03,
  TEMPERATURE_SENSOR: 0x04,
  DOOR: 0x05,
  AUDIBLE_ALARM: 0x06,
  ENCLOSURE_SERVICES_CONTROLLER_ELECTRONICS: 0x07,
  SCC_CONTROLLER_ELECTRONICS: 0x08,
  NONVOLATILE_CACHE: 0x09,
  INVALID_OPERATION_REASON: 0x0a,
  UNINTERRUPTIBLE_POWER_SUPPLY: 0x0b,
  DISPLAY: 0x0c,
  KEY_PAD_ENTRY: 0x0d,
  ENCLOSURE: 0x0e,
  SCSI_PORT_TRANSCEIVER: 0x0f,
  LANGUAGE: 0x10,
  COMMUNICATION_PORT: 0x11,
  VOLTAGE_SENSOR: 0x12,
  CURRENT_SENSOR: 0x13,
  SCSI_TARGET_PORT: 0x14,
  SCSI_INITIATOR_PORT: 0x15,
  SIMPLE_SUBENCLOSURE: 0x16,
  ARRAY_DEVICE_SLOT: 0x17,
  SAS_EXPANDER: 0x18,
  SAS_CONNECTOR: 0x19,
} as const
export type ElementType = (typeof ElementType)[keyof typeof ElementType]

/** ELEMENT STATUS CODE. */
export const ElementStatusCode = {
  UNSUPPORTED: 0,
  OK: 1,
  CRITICAL: 2,
  NONCRITICAL: 3,
  UNRECOVERABLE: 4,
  NOT_INSTALLED: 5,
  UNKNOWN: 6,
  NOT_AVAILABLE: 7,
  NO_ACCESS_ALLOWED: 8,
} as const
export type ElementStatusCode = (typeof ElementStatusCode)[keyof typeof ElementStatusCode]

const NAMES = new Map<number, string>(
  Object.entries(ElementType).map(([name, code]) => [code, name]),
)

/** The name of an element type, as `ElementType` has it; `undefined` for one that is not there. */
export function elementTypeName(code: number): string | undefined {
  return NAMES.get(code)
}
