/** The answers that say no in the same words everywhere. */

import { SenseKey } from '../scsi/sense.ts'
import { SenseCode } from '../scsi/sense-code.ts'
import { type Answer, checkCondition } from '../task/answer.ts'

/** ILLEGAL REQUEST with nothing more to say. */
export function illegalRequest(ascAscq: number): Answer {
  return checkCondition(SenseKey.ILLEGAL_REQUEST, ascAscq)
}

/** INVALID FIELD IN CDB, naming the byte and the field's highest bit (SPC-5 4.4). */
export function invalidField(byte: number, bit: number): Answer {
  return checkCondition(SenseKey.ILLEGAL_REQUEST, SenseCode.INVALID_FIELD_IN_CDB, {
    specific: { kind: 'field', byte, bit, inCdb: true },
  })
}

/** INVALID FIELD IN PARAMETER LIST, naming the byte of the parameter list and the field's highest bit (SPC-5 4.4). */
export function invalidParameter(byte: number, bit: number): Answer {
  return checkCondition(SenseKey.ILLEGAL_REQUEST, SenseCode.INVALID_FIELD_IN_PARAMETER_LIST, {
    specific: { kind: 'field', byte, bit, inCdb: false },
  })
}

/** INVALID COMMAND OPERATION CODE: this unit does not have that command. */
export function unknownOpcode(): Answer {
  return illegalRequest(SenseCode.INVALID_COMMAND_OPERATION_CODE)
}
