/** The least device server (SPC-4 clause 6): who it is, and that it is there. Everything else is its handler's. */

import { checkUint } from '../scsi/bytes.ts'
import { DeviceType, PeripheralQualifier } from '../scsi/inquiry.ts'
import { ModePageControl } from '../scsi/mode.ts'
import { CONTROL } from '../scsi/mode-common.ts'
import { encodeModePage } from '../scsi/mode-page.ts'
import { Opcode } from '../scsi/opcode.ts'
import { SenseKey } from '../scsi/sense.ts'
import { SenseCode } from '../scsi/sense-code.ts'
import { encodeDesignators, VpdPage } from '../scsi/vpd.ts'
import { encodeExtendedInquiry } from '../scsi/vpd-extended.ts'
import type { Task } from '../task/task.ts'
import {
  ANY_UNIT,
  checkText,
  designatorsOf,
  type IdentityOptions,
  serialOf,
  TASK_SET,
  TASK_SET_CONTROL,
} from './identity.ts'
import { answerInquiry, type InquiryPages, inquiryPages } from './inquiry.ts'
import { answerModeSense, type SensedModes } from './mode-sense.ts'
import { illegalRequest, unknownOpcode } from './refusal.ts'
import { answerRequestSense } from './request-sense.ts'
import type { TaskSetOptions, Unit } from './unit.ts'

/** Who a unit without a kind of its own is. */
export interface BasicUnitOptions extends Pick<IdentityOptions, 'serial'>, TaskSetOptions {
  /** PERIPHERAL DEVICE TYPE, 0 to 1Fh. Default: `DeviceType.PROCESSOR`. */
  readonly deviceType?: number
  /** RMB: its medium can be removed. Default: false. */
  readonly removable?: boolean
  /** T10 vendor identification, 1 to 8 printable ASCII characters. Default: `sgring`. */
  readonly vendor?: string
  /** Product identification, 1 to 16. Default: `UNIT`. */
  readonly product?: string
  /** Product revision level, 1 to 4. Default: this package's. */
  readonly revision?: string
}

/**
 * INQUIRY with VPD pages 00h, 80h, 83h and 86h, TEST UNIT READY, which is GOOD, REQUEST SENSE, which has nothing to tell, and MODE SENSE with
 * the control page, of which nothing can be changed or saved, and no block descriptor.
 */
export class BasicUnit implements Unit {
  readonly deviceType: number
  readonly serial: string
  readonly maxTasks: number | undefined
  readonly maxRunning: number | undefined
  readonly taskAbortedStatus: boolean | undefined
  readonly #pages: InquiryPages
  readonly #modes: SensedModes

  /** @throws `ERR_SGRING_INVALID_ARGUMENT` for options outside their range */
  constructor(options: BasicUnitOptions = {}) {
    this.deviceType = options.deviceType ?? DeviceType.PROCESSOR
    this.serial = serialOf(options)
    this.maxTasks = options.maxTasks
    this.maxRunning = options.maxRunning
    this.taskAbortedStatus = options.taskAbortedStatus
    this.#pages = pagesOf(options, this.serial)
    this.#modes = modesOf(this.taskAbortedStatus ?? false)
  }

  execute(task: Task): void {
    const { cdb } = task
    switch (cdb[0]) {
      case Opcode.TEST_UNIT_READY:
        task.good()
        break
      case Opcode.INQUIRY:
        task.answer(answerInquiry(this.#pages, cdb))
        break
      case Opcode.REQUEST_SENSE:
        task.answer(
          answerRequestSense(cdb, SenseKey.NO_SENSE, SenseCode.NO_ADDITIONAL_SENSE_INFORMATION),
        )
        break
      case Opcode.MODE_SENSE_6:
      case Opcode.MODE_SENSE_10:
        task.answer(
          cdb[2]! >> 6 === ModePageControl.SAVED
            ? illegalRequest(SenseCode.SAVING_PARAMETERS_NOT_SUPPORTED)
            : answerModeSense(cdb, this.#modes),
        )
        break
      default:
        task.answer(unknownOpcode())
    }
  }
}

/** The control mode page (SPC-4 7.5.8), the same for everybody. */
function modesOf(tas: boolean): SensedModes {
  const control = encodeModePage(CONTROL, { ...TASK_SET_CONTROL, tas })
  const mask = encodeModePage(CONTROL, {})
  return {
    deviceSpecific: 0,
    blockDescriptors: [],
    pages: (wanted) => [wanted === ModePageControl.CHANGEABLE ? mask : control],
  }
}

function pagesOf(options: BasicUnitOptions, serial: string): InquiryPages {
  const { deviceType = DeviceType.PROCESSOR, removable = false } = options
  const { vendor = ANY_UNIT.vendor, product = 'UNIT', revision = ANY_UNIT.revision } = options
  return inquiryPages(
    {
      ...ANY_UNIT,
      qualifier: PeripheralQualifier.CONNECTED,
      deviceType: checkUint('deviceType', deviceType, 0x1f),
      removable,
      vendor: checkText('vendor', vendor, 8),
      product: checkText('product', product, 16),
      revision: checkText('revision', revision, 4),
    },
    [
      [VpdPage.UNIT_SERIAL_NUMBER, new TextEncoder().encode(serial)],
      [VpdPage.DEVICE_IDENTIFICATION, encodeDesignators(designatorsOf(serial, vendor))],
      [VpdPage.EXTENDED_INQUIRY, encodeExtendedInquiry({ ...TASK_SET, volatileCache: false })],
    ],
  )
}
