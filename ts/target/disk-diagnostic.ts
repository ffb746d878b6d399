/** SEND DIAGNOSTIC, RECEIVE DIAGNOSTIC RESULTS and READ DEFECT DATA (SPC-4 6.21, 6.42, 7.2; SBC-3 5.17, 5.18). */

import { getUint16, getUint32 } from '../scsi/bytes.ts'
import { Opcode } from '../scsi/opcode.ts'
import { SenseKey } from '../scsi/sense.ts'
import { SenseCode } from '../scsi/sense-code.ts'
import { checkCondition, good } from '../task/answer.ts'
import type { Task } from '../task/task.ts'
import { type DiskCore, SHORT_DATA_OUT, took } from './disk-core.ts'
import { illegalRequest, invalidField, invalidParameter } from './refusal.ts'

const PF = 0x10
const SELFTEST = 0x04
const FOREGROUND_SHORT = 5

/** The one diagnostic page: which there are (SPC-4 7.2). */
const SUPPORTED_PAGES = Uint8Array.of(0, 0, 0, 1, 0)
const PAGE_HEADER = 4

/** SEND DIAGNOSTIC: the default and the short foreground self-test, and page 00h, which asks for itself. */
export function sendDiagnostic(core: DiskCore, task: Task): void {
  const { cdb } = task
  const code = cdb[1]! >> 5
  const length = getUint16(cdb, 3)
  const isTest = (cdb[1]! & SELFTEST) !== 0 || code !== 0
  if (code !== 0 && (code !== FOREGROUND_SHORT || (cdb[1]! & SELFTEST) !== 0)) {
    task.answer(invalidField(1, 7))
  } else if (isTest && length !== 0) {
    task.answer(invalidField(3, 7))
  } else if (isTest) {
    core.flushed(task, (same) => selfTest(core, same))
  } else if (length === 0) {
    task.good()
  } else if ((cdb[1]! & PF) === 0) {
    // Pages in a format of the vendor's own.
    task.answer(invalidField(1, 4))
  } else if (task.dataOutLength < length) {
    task.answer(SHORT_DATA_OUT)
  } else {
    sendPage(task, task.copyDataOut(length))
  }
}

function sendPage(task: Task, list: Uint8Array): void {
  if (list.length < PAGE_HEADER || list.length < PAGE_HEADER + getUint16(list, 2)) {
    task.answer(illegalRequest(SenseCode.PARAMETER_LIST_LENGTH_ERROR))
  } else if (list[0] !== 0) {
    task.answer(invalidParameter(0, 7))
  } else if (getUint16(list, 2) !== 0) {
    task.answer(invalidParameter(2, 7))
  } else {
    task.answer(took(list.length))
  }
}

/** The first and the last block can be read from the medium. */
function selfTest(core: DiskCore, task: Task): void {
  const { blockLength: length } = core
  const failed = checkCondition(SenseKey.HARDWARE_ERROR, SenseCode.LOGICAL_UNIT_FAILED_SELF_TEST)
  core.operate(task, 'verify', { offset: 0, length }, (same, errno) => {
    if (errno !== 0) {
      same.answer(failed)
      return
    }
    const last = { offset: (core.blocks - 1) * length, length }
    core.operate(same, 'verify', last, (tested, wrong) => {
      if (wrong === 0) tested.good()
      else tested.answer(failed)
    })
  })
}

/** RECEIVE DIAGNOSTIC RESULTS: the page that there is, also when the last SEND DIAGNOSTIC asked for none. */
export function receiveDiagnosticResults(_core: DiskCore, task: Task): void {
  const { cdb } = task
  if ((cdb[1]! & 1) !== 0 && cdb[2] !== 0) task.answer(invalidField(2, 7))
  else task.answer(good(SUPPORTED_PAGES.subarray(0, getUint16(cdb, 3))))
}

const LISTS = 0x18
/** Formats of the address descriptors that a list may have: short and long block, from index, and physical sector (SBC-3 5.3.2.4). */
const DEFECT_FORMATS: ReadonlySet<number> = new Set([0, 3, 4, 5])

/** READ DEFECT DATA(10) and (12): lists without a defect, in any format. */
export function readDefectData(_core: DiskCore, task: Task): void {
  const { cdb } = task
  const long = cdb[0] === Opcode.READ_DEFECT_DATA_12
  const flags = cdb[long ? 1 : 2]!
  if (!DEFECT_FORMATS.has(flags & 7)) {
    task.answer(invalidField(long ? 1 : 2, 2))
    return
  }
  const data = new Uint8Array(long ? 8 : 4)
  data[1] = flags & (LISTS | 7)
  task.answer(good(data.subarray(0, long ? getUint32(cdb, 6) : getUint16(cdb, 7))))
}
