/** The TARGET LOG PAGES well known logical unit (SPC-4 8.4): what there is to know of the target as a whole, and not of one unit. */

import { getUint16 } from '../scsi/bytes.ts'
import { DeviceType, PeripheralQualifier } from '../scsi/inquiry.ts'
import { BINARY_LIST, LogPageCode, type LogParameter } from '../scsi/log.ts'
import { Opcode } from '../scsi/opcode.ts'
import { SenseKey } from '../scsi/sense.ts'
import { SenseCode } from '../scsi/sense-code.ts'
import { Association, encodeDesignators, VpdPage } from '../scsi/vpd.ts'
import { type Answer, checkCondition, good } from '../task/answer.ts'
import { COUNTERS_PAGE, encodeCounters, type TargetCounters } from '../task/counters.ts'
import type { Task } from '../task/task.ts'
import { ANY_UNIT, designatorsOf, serialOf } from './identity.ts'
import { answerInquiry, type InquiryPages, inquiryPages } from './inquiry.ts'
import { answerLogSense, type LoggedPage } from './log-sense.ts'
import { invalidField, unknownOpcode } from './refusal.ts'
import { answerRequestSense } from './request-sense.ts'
import type { Unit } from './unit.ts'

/** The one target port there is, and PROTOCOL IDENTIFIER for a transport that T10 has none for (SPC-4 7.6.1). */
const RELATIVE_TARGET_PORT = 1
const NO_SPECIFIC_PROTOCOL = 0xf

/** Nothing of it can be changed or reset: it tells what the target counts. */
export class LogPagesUnit implements Unit {
  readonly deviceType: number = DeviceType.WELL_KNOWN_LOGICAL_UNIT
  readonly #pages: readonly LoggedPage[]
  readonly #inquiry: InquiryPages = pagesOf(serialOf({}))

  /** @param counters asked at each LOG SENSE that wants them */
  constructor(counters: () => TargetCounters) {
    this.#pages = [
      { page: LogPageCode.PROTOCOL_SPECIFIC_PORT, subpage: 0, parameters: () => PORTS },
      { page: COUNTERS_PAGE, subpage: 0, parameters: () => encodeCounters(counters()) },
    ]
  }

  execute(task: Task): void {
    task.answer(this.#answer(task))
  }

  #answer(task: Task): Answer {
    const { cdb } = task
    switch (cdb[0]) {
      case Opcode.TEST_UNIT_READY:
        return good()
      case Opcode.INQUIRY:
        return answerInquiry(this.#inquiry, cdb)
      case Opcode.REQUEST_SENSE:
        return answerRequestSense(cdb, SenseKey.NO_SENSE, SenseCode.NO_ADDITIONAL_SENSE_INFORMATION)
      case Opcode.LOG_SENSE:
        return answerLogSense(cdb, this.#pages)
      case Opcode.LOG_SELECT:
        return answerLogSelect(cdb)
      default:
        return unknownOpcode()
    }
  }
}

/** The protocol specific port log page (SPC-4 7.3.13), which this unit shall have: a port, and nothing more to say of it. */
const PORTS: readonly LogParameter[] = [
  {
    code: RELATIVE_TARGET_PORT,
    control: BINARY_LIST,
    value: Uint8Array.of(NO_SPECIFIC_PROTOCOL),
  },
]

/**
 * LOG SELECT (SPC-4 6.7), which this unit shall have. What changes nothing is no error (table 186); a reset, a save or a value is one, since
 * counters that anybody could set back would be of no use to anybody else.
 */
function answerLogSelect(cdb: Uint8Array): Answer {
  if ((cdb[1]! & 2) !== 0) return invalidField(1, 1)
  if ((cdb[1]! & 1) !== 0) return invalidField(1, 0)
  if (getUint16(cdb, 7) !== 0) {
    return checkCondition(SenseKey.ILLEGAL_REQUEST, SenseCode.INVALID_FIELD_IN_PARAMETER_LIST)
  }
  return (cdb[2]! & 0x80) === 0 ? good() : invalidField(2, 7)
}

/** A well known logical unit names its target device, and never itself (SPC-4 7.8.6.2.2). */
function pagesOf(serial: string): InquiryPages {
  const designators = designatorsOf(serial).map((one) => ({
    ...one,
    association: Association.TARGET_DEVICE,
  }))
  return inquiryPages(
    {
      ...ANY_UNIT,
      qualifier: PeripheralQualifier.CONNECTED,
      deviceType: DeviceType.WELL_KNOWN_LOGICAL_UNIT,
      product: 'TARGET LOG PAGES',
    },
    [[VpdPage.DEVICE_IDENTIFICATION, encodeDesignators(designators)]],
  )
}
