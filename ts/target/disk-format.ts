/** FORMAT UNIT and SANITIZE (SBC-3 5.3, 5.24, 4.11): operations that keep the unit to themselves, and outlast their command with IMMED. */

import { getUint16, getUint32 } from '../scsi/bytes.ts'
import { SenseKey } from '../scsi/sense.ts'
import { SenseCode } from '../scsi/sense-code.ts'
import { type Answer, checkCondition } from '../task/answer.ts'
import type { Background, Task } from '../task/task.ts'
import { type DiskCore, SHORT_DATA_OUT, took } from './disk-core.ts'
import type { MediumFailure } from './disk-state.ts'
import { illegalRequest, invalidField, invalidParameter } from './refusal.ts'

/** Bytes between two reports of progress. */
const STEP_BYTES = 16 * 1024 * 1024
const ZEROS = new Uint8Array(0)

/** What shall become of all blocks. */
interface Erasure {
  readonly failure: MediumFailure
  /** The additional sense code that other commands meet meanwhile. */
  readonly notReady: number
  /** What its own command ends with if it fails. */
  readonly failed: number
  /** What each pass writes, again and again; of zeros, none. */
  readonly passes: readonly Uint8Array[]
  readonly immediate: boolean
  /** Of SANITIZE: EXIT FAILURE MODE may leave it behind, if it fails. */
  readonly unrestrictedExit?: boolean
  /** Data-out that the command takes. */
  readonly taken: number
}

const FMTPINFO = 0xc0
const LONGLIST = 0x20
const FMTDATA = 0x10
const CMPLST = 0x08
/** FOV and the bits that count only with it: DPRY, DCRT, STPF, IP. */
const FormatFlag = { FOV: 0x80, DPRY: 0x40, DCRT: 0x20, STPF: 0x10, IP: 0x08, IMMED: 0x02 } as const
const WITH_FOV = FormatFlag.DPRY | FormatFlag.DCRT | FormatFlag.STPF | FormatFlag.IP

/** FORMAT UNIT: there are no defects to list, and no protection information. Blocks are zeros afterwards, or a pattern. */
export function formatUnit(core: DiskCore, task: Task): void {
  const { cdb } = task
  const flags = cdb[1]!
  if ((flags & FMTPINFO) !== 0) {
    task.answer(invalidField(1, 7))
  } else if ((flags & FMTDATA) === 0) {
    // What describes a parameter list says something about none.
    if ((flags & (LONGLIST | CMPLST | 7)) !== 0) task.answer(invalidField(1, 5))
    else begin(core, task, formatOf(ZEROS, false, 0))
  } else {
    const erasure = readFormatList(core, task, (flags & LONGLIST) !== 0)
    if ('status' in erasure) task.answer(erasure)
    else begin(core, task, erasure)
  }
}

function readFormatList(core: DiskCore, task: Task, long: boolean): Erasure | Answer {
  const header = long ? 8 : 4
  if (task.dataOutLength < header) return SHORT_DATA_OUT
  const list = task.copyDataOut(header + 4 + core.blockLength)
  const flags = list[1]!
  // PROTECTION FIELD USAGE, and of the long list the exponent of protection information.
  if ((list[0]! & 7) !== 0) return invalidParameter(0, 2)
  if (long && list[3] !== 0) return invalidParameter(3, 7)
  if ((flags & FormatFlag.FOV) === 0 && (flags & WITH_FOV) !== 0) return invalidParameter(1, 6)
  if ((long ? getUint32(list, 4) : getUint16(list, 2)) !== 0)
    return invalidParameter(long ? 4 : 2, 7)
  const immediate = (flags & FormatFlag.IMMED) !== 0
  if ((flags & FormatFlag.IP) === 0) return formatOf(ZEROS, immediate, header)
  return readPattern(core, list, header, immediate)
}

/** The initialization pattern descriptor (SBC-3 5.3.2.3). */
function readPattern(
  core: DiskCore,
  list: Uint8Array,
  at: number,
  immediate: boolean,
): Erasure | Answer {
  if (list.length < at + 4) return SHORT_DATA_OUT
  // Obsolete IP MODIFIER: a block's address in it is no pattern. SI, the security initialize bit, asks for what SANITIZE does.
  if ((list[at]! & 0xe0) !== 0) return invalidParameter(at, 7)
  const type = list[at + 1]!
  const length = getUint16(list, at + 2)
  if (type > 1) return invalidParameter(at + 1, 7)
  if (type === 0) {
    return length === 0 ? formatOf(ZEROS, immediate, at + 4) : invalidParameter(at + 2, 7)
  }
  if (length === 0 || length > core.blockLength) return invalidParameter(at + 2, 7)
  if (list.length < at + 4 + length) return SHORT_DATA_OUT
  const pattern = list.slice(at + 4, at + 4 + length)
  return formatOf(blockOf(pattern, core.blockLength), immediate, at + 4 + length)
}

function formatOf(pattern: Uint8Array, immediate: boolean, taken: number): Erasure {
  return {
    failure: 'format',
    notReady: SenseCode.LOGICAL_UNIT_NOT_READY_FORMAT_IN_PROGRESS,
    failed: SenseCode.FORMAT_COMMAND_FAILED,
    passes: [pattern],
    immediate,
    taken,
  }
}

const SANITIZE_IMMED = 0x80
const AUSE = 0x20

/** SANITIZE with OVERWRITE. */
export function sanitizeOverwrite(core: DiskCore, task: Task): void {
  const { cdb } = task
  const length = getUint16(cdb, 7)
  if (length < 5 || length > 4 + core.blockLength) task.answer(invalidField(7, 7))
  else if (task.dataOutLength < length) task.answer(SHORT_DATA_OUT)
  else {
    const passes = readOverwrite(core, task.copyDataOut(length))
    if ('status' in passes) task.answer(passes)
    else sanitize(core, task, passes, length)
  }
}

const INVERT = 0x80
const TEST = 0x60

/** The parameter list of OVERWRITE (SBC-3 5.24.2.2): what each pass writes. */
function readOverwrite(core: DiskCore, list: Uint8Array): readonly Uint8Array[] | Answer {
  const count = list[0]! & 0x1f
  const length = getUint16(list, 2)
  if ((list[0]! & TEST) !== 0) return invalidParameter(0, 6)
  if (count === 0) return invalidParameter(0, 4)
  if (length === 0 || length > core.blockLength) return invalidParameter(2, 7)
  if (list.length < 4 + length) return illegalRequest(SenseCode.PARAMETER_LIST_LENGTH_ERROR)
  const block = blockOf(list.slice(4, 4 + length), core.blockLength)
  const inverted = block.map((byte) => ~byte)
  const inverts = (list[0]! & INVERT) !== 0
  return Array.from({ length: count }, (_, pass) => (inverts && pass % 2 === 1 ? inverted : block))
}

/** SANITIZE with BLOCK ERASE: zeros, which take no room any more where that can be. */
export function sanitizeBlockErase(core: DiskCore, task: Task): void {
  if (getUint16(task.cdb, 7) !== 0) task.answer(invalidField(7, 7))
  else sanitize(core, task, [ZEROS], 0)
}

/** SANITIZE with EXIT FAILURE MODE: only a failed operation that allowed it (AUSE) is left by it. */
export function exitFailureMode(core: DiskCore, task: Task): void {
  if (getUint16(task.cdb, 7) !== 0) {
    task.answer(invalidField(7, 7))
  } else if (core.state.exitFailure()) {
    task.good()
  } else {
    task.answer(invalidField(1, 4))
  }
}

function sanitize(core: DiskCore, task: Task, passes: readonly Uint8Array[], taken: number): void {
  const flags = task.cdb[1]!
  begin(core, task, {
    failure: 'sanitize',
    notReady: SenseCode.LOGICAL_UNIT_NOT_READY_SANITIZE_IN_PROGRESS,
    failed: SenseCode.SANITIZE_COMMAND_FAILED,
    passes,
    immediate: (flags & SANITIZE_IMMED) !== 0,
    unrestrictedExit: (flags & AUSE) !== 0,
    taken,
  })
}

/**
 * Erases behind the command, which is answered at once or at the end. From now on nothing else begins here; what has begun, also for commands
 * that were aborted since, is over before the first block is erased: else a write that comes late would outlive what erases it. An
 * operation that has begun is not ended by an abort, or a reset.
 */
function begin(core: DiskCore, task: Task, erasure: Erasure): void {
  if (core.mode.writeProtected) {
    task.answer(core.writeProtected)
    return
  }
  const operation = {}
  const { failure, notReady, unrestrictedExit } = erasure
  core.state.begin(operation, failure, notReady, unrestrictedExit)
  // `undefined` once it is answered, or aborted.
  let waiting: Task | undefined = task
  const answer = (what: Answer) => {
    const answered = waiting
    waiting = undefined
    if (answered === undefined) return
    answered.onAbort = undefined
    answered.answer(what)
  }
  task.onAbort = () => {
    waiting = undefined
  }
  const { background } = task
  const over = (errno: number) => {
    answer(
      errno === 0 ? took(erasure.taken) : checkCondition(SenseKey.MEDIUM_ERROR, erasure.failed),
    )
  }
  core.backing.traffic.drained(() => erase(core, background, erasure, operation, over))
  if (erasure.immediate) answer(took(erasure.taken))
}

function erase(
  core: DiskCore,
  background: Background,
  erasure: Erasure,
  operation: object,
  over: (errno: number) => void,
): void {
  const { passes, notReady, failure } = erasure
  const { backing, state } = core
  const end = (errno: number) => {
    if (errno !== 0) core.failed(errno, 'write')
    state.finished(operation, errno === 0 ? undefined : failure)
    over(errno)
  }
  const step = (pass: number, offset: number) => {
    // The disk may get another length meanwhile.
    const length = core.blocks * core.blockLength
    const data = passes[pass]
    if (data === undefined) {
      state.progress(operation, 1, notReady)
      background.begin(backing, 'flush', { offset: 0, length: 0, data: ZEROS }, end)
      return
    }
    if (offset >= length) {
      step(pass + 1, 0)
      return
    }
    state.progress(operation, (pass + offset / length) / passes.length, notReady)
    const bytes = Math.min(STEP_BYTES, length - offset)
    const how = data.length === 0 && core.thin ? 'release' : 'fill'
    background.begin(backing, how, { offset, length: bytes, data }, (errno) => {
      if (errno === 0) step(pass, offset + bytes)
      // A part of it was cut off under way.
      else if (offset + bytes > core.blocks * core.blockLength) step(pass, offset)
      else end(errno)
    })
  }
  step(0, 0)
}

/** A pattern, repeated over a block. */
function blockOf(pattern: Uint8Array, blockLength: number): Uint8Array {
  return Uint8Array.from({ length: blockLength }, (_, i) => pattern[i % pattern.length]!)
}
