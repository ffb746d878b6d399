/** What came of the commands of a job. */

import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { SgringError } from '../../errors.ts'
import { CheckConditionError, statusError } from '../../initiator/status-error.ts'
import { Status } from '../../task/command.ts'
import { undelivered } from '../undelivered.ts'
import { Kind } from './job.ts'
import type { LaneCompletion } from './lanes.ts'

/** Histograms keep three digits (HDR) of 1 ns to an hour; what took longer counts as that. */
const LONGEST_NS = 3_600_000_000_000
const HISTOGRAM = { lowest: 1, highest: LONGEST_NS, figures: 3 }

/** Commands of one kind. */
export class Operations {
  /** Those that succeeded. */
  commands = 0
  bytes = 0
  errors = 0
  /** In nanoseconds, of those that succeeded. */
  readonly latency: RecordableHistogram = createHistogram(HISTOGRAM)

  succeeded(bytes: number, ms: number): void {
    this.commands++
    this.bytes += bytes
    this.latency.record(Math.min(LONGEST_NS, Math.max(1, Math.round(ms * 1e6))))
  }
}

/** One way in which commands failed. */
export interface Failure {
  /** In words. */
  readonly what: string
  /** The first of them: its exit code is that of the job. */
  readonly error: Error
  commands: number
}

/** All commands that count. */
export class Tally {
  /** By `Kind`. */
  readonly operations: readonly Operations[] = Object.values(Kind).map(() => new Operations())
  /** In the order in which they came first. */
  readonly #failures = new Map<string, Failure>()

  get failures(): readonly Failure[] {
    return [...this.#failures.values()]
  }

  /** Of all kinds. */
  get totals(): { commands: number; bytes: number; errors: number } {
    let [commands, bytes, errors] = [0, 0, 0]
    for (const each of this.operations) {
      commands += each.commands
      bytes += each.bytes
      errors += each.errors
    }
    return { commands, bytes, errors }
  }

  /** @param what the same for all that failed in the same way */
  failed(kind: Kind, error: Error, what: string = error.message): void {
    this.operations[kind]!.errors++
    const before = this.#failures.get(what)
    if (before === undefined) this.#failures.set(what, { what, error, commands: 1 })
    else before.commands++
  }
}

/**
 * What is wrong with the end of a command, if anything is.
 *
 * @param bytes what it was to move
 */
export function failureOf(done: LaneCompletion, bytes: number): Error | undefined {
  const { status, error = undelivered(done) } = done
  if (error !== undefined) return error
  if (status !== Status.GOOD) return statusError(done)
  if (done.residual === 0 && done.residualOut === 0) return undefined
  const missing = done.residual + done.residualOut
  return new SgringError('ERR_SGRING_RESPONSE', `${bytes - missing} of ${bytes} bytes were moved`)
}

/** The fields of a failure that a program may want. */
export function senseOf({ error }: Failure): object {
  if (!(error instanceof CheckConditionError)) return {}
  const { senseKey, asc, ascq } = error
  return { senseKey, asc, ascq }
}
