/** What a target answers where it has no logical unit (SPC-4 6.6, 6.39). */

import { DeviceType, encodeInquiry, PeripheralQualifier } from '../scsi/inquiry.ts'
import { Opcode } from '../scsi/opcode.ts'
import { SenseKey } from '../scsi/sense.ts'
import { SenseCode } from '../scsi/sense-code.ts'
import type { Answer } from '../task/answer.ts'
import { ANY_UNIT } from './identity.ts'
import { answerInquiry } from './inquiry.ts'
import { illegalRequest } from './refusal.ts'
import { answerRequestSense } from './request-sense.ts'

const PAGES = {
  standard: encodeInquiry({
    ...ANY_UNIT,
    qualifier: PeripheralQualifier.NOT_CAPABLE,
    deviceType: DeviceType.UNKNOWN,
    product: '',
  }),
  vital: new Map<number, Uint8Array>(),
}

/** INQUIRY says that there is none, REQUEST SENSE says so in its data, and everything else ends in CHECK CONDITION. */
export function answerAbsent(cdb: Uint8Array): Answer {
  switch (cdb[0]) {
    case Opcode.INQUIRY:
      return answerInquiry(PAGES, cdb)
    case Opcode.REQUEST_SENSE:
      return answerRequestSense(cdb, SenseKey.ILLEGAL_REQUEST, SenseCode.LOGICAL_UNIT_NOT_SUPPORTED)
    default:
      return illegalRequest(SenseCode.LOGICAL_UNIT_NOT_SUPPORTED)
  }
}
