/** The commands that a unit in front of another does not pass. */

import { DeviceType } from '../scsi/inquiry.ts'
import { Opcode } from '../scsi/opcode.ts'

/** COPY and EXTENDED COPY would act on other units of the device's, and reservations and access controls are between its nexuses. */
export const REFUSED: ReadonlySet<number> = new Set([
  0x16, // RESERVE(6)
  0x17, // RELEASE(6)
  0x18, // COPY
  0x3a, // COPY AND VERIFY
  0x56, // RESERVE(10)
  0x57, // RELEASE(10)
  0x5e, // PERSISTENT RESERVE IN
  0x5f, // PERSISTENT RESERVE OUT
  0x83, // EXTENDED COPY
  0x84, // RECEIVE COPY RESULTS
  0x86, // ACCESS CONTROL IN
  0x87, // ACCESS CONTROL OUT
])
const MAINTENANCE_OUT = 0xa4
const TARGET_PORT_GROUPS = 0x0a

/** Whether a command, known by its operation code and service action, is not passed. */
export function isRefused(opcode: number, action: number | undefined, deviceType: number): boolean {
  if (REFUSED.has(opcode)) return true
  // On disc drives these are SEND KEY and REPORT KEY.
  const maintenance = opcode === Opcode.MAINTENANCE_IN || opcode === MAINTENANCE_OUT
  return maintenance && action === TARGET_PORT_GROUPS && deviceType !== DeviceType.CD_DVD
}
