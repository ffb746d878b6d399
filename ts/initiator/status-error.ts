/** What typed helpers throw for a status that they do not take as success. */

import { SgringError, type SgringErrorCode } from '../errors.ts'
import { parseSense, type Sense, SenseKey } from '../scsi/sense.ts'
import { senseCodeName } from '../scsi/sense-code.ts'
import { type Response, Status } from '../task/command.ts'

const STATUS_NAMES = new Map<number, string>(
  Object.entries(Status).map(([name, value]) => [value, name.replaceAll('_', ' ')]),
)
const KEY_NAMES = new Map<number, string>(
  Object.entries(SenseKey).map(([name, value]) => [value, name.replaceAll('_', ' ')]),
)

/** Statuses after which the same command may well succeed later (SAM-5 5.3.1). */
const RETRYABLE_STATUSES: ReadonlySet<number> = new Set([
  Status.BUSY,
  Status.TASK_SET_FULL,
  Status.TASK_ABORTED,
])
/** Sense keys after which it may (SPC-5 4.4.7). */
const RETRYABLE_KEYS: ReadonlySet<number> = new Set([
  SenseKey.NOT_READY,
  SenseKey.UNIT_ATTENTION,
  SenseKey.ABORTED_COMMAND,
])

/** A command ended in a status other than GOOD. */
export class ScsiStatusError extends SgringError {
  override readonly name: string = 'ScsiStatusError'
  /** SAM-5 5.3.1. */
  readonly status: number
  /** Whether the same command may succeed later, without anybody doing something about it. */
  readonly retryable: boolean

  constructor(status: number, retryable: boolean, message: string, code?: SgringErrorCode) {
    super(code ?? 'ERR_SGRING_SCSI_STATUS', message)
    this.status = status
    this.retryable = retryable
  }
}

/** A command ended in CHECK CONDITION. */
export class CheckConditionError extends ScsiStatusError {
  override readonly name: string = 'CheckConditionError'
  /** The sense data, decoded. */
  readonly sense: Sense
  /** Sense key, ASC and ASCQ: short for those of `sense`. */
  readonly senseKey: number
  readonly asc: number
  readonly ascq: number

  constructor(sense: Sense, message: string) {
    super(
      Status.CHECK_CONDITION,
      RETRYABLE_KEYS.has(sense.key),
      message,
      'ERR_SGRING_CHECK_CONDITION',
    )
    this.sense = sense
    this.senseKey = sense.key
    this.asc = sense.asc
    this.ascq = sense.ascq
  }
}

/** The error for a response that is no success. */
export function statusError(response: Pick<Response, 'status' | 'sense'>): ScsiStatusError {
  const { status } = response
  const name = STATUS_NAMES.get(status) ?? `status ${hex(status)}`
  if (status !== Status.CHECK_CONDITION || response.sense.length === 0) {
    return new ScsiStatusError(
      status,
      RETRYABLE_STATUSES.has(status),
      `the command ended in ${name}`,
    )
  }
  const sense = parseSense(response.sense)
  return new CheckConditionError(sense, senseText(sense))
}

/** Key and code, by name. */
export function senseText(sense: Pick<Sense, 'key' | 'asc' | 'ascq'>): string {
  const key = KEY_NAMES.get(sense.key) ?? `sense key ${hex(sense.key)}`
  const what = senseCodeName(sense.asc, sense.ascq)
  const code = `${hex(sense.asc)} ${hex(sense.ascq)}`
  return `${key}: ${what === undefined ? code : `${what} (${code})`}`
}

function hex(byte: number): string {
  return `${byte.toString(16).padStart(2, '0')}h`
}
