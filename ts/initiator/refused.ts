/** Which answers refuse a command itself, so that another may be sent in its place. */

import { SenseKey } from '../scsi/sense.ts'
import { SenseCode } from '../scsi/sense-code.ts'
import { CheckConditionError } from './status-error.ts'

/** Whether the unit has refused the command that was sent. A deferred error is an earlier command's, whatever it says (SPC-4 4.5.7). */
export function isRefused(error: unknown): error is CheckConditionError {
  return (
    error instanceof CheckConditionError &&
    error.senseKey === SenseKey.ILLEGAL_REQUEST &&
    !error.sense.deferred
  )
}

/** Whether it knows no such command. */
export function isNoCommand(error: unknown): error is CheckConditionError {
  return isRefusedAs(error, SenseCode.INVALID_COMMAND_OPERATION_CODE)
}

/** Whether it knows the command, and something in it not. */
export function isInvalidField(error: unknown): error is CheckConditionError {
  return isRefusedAs(error, SenseCode.INVALID_FIELD_IN_CDB)
}

function isRefusedAs(error: unknown, code: number): error is CheckConditionError {
  return isRefused(error) && ((error.asc << 8) | error.ascq) === code
}
