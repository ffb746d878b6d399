/** Commands that hang in a handler, and how they are ended. */

import { createHistogram } from 'node:perf_hooks'
import type { LogicalUnit } from '../../initiator/unit.ts'
import { type ServiceResponse, TaskFunction } from '../../task/function.ts'
import { StatusLine } from '../progress.ts'

/** The LUN of the unit that hangs, and the vendor specific operation code that it hangs on. */
export const HANGING_LUN = 1
export const HANG = 0xc0

const ROUNDS = 1000
const DRAW_EVERY = 100
/** Of the command that is aborted by its name. */
const TAG = 7

export interface AbortOutcome {
  /** Commands that hung. */
  readonly hung: number
  /** Those that ended as they should. */
  readonly aborted: number
  /** What the target said of one of them. */
  readonly response: ServiceResponse
  /** From the abort of the signal to the rejection, and beside it a TEST UNIT READY. */
  readonly abortP50Us: number
  readonly readyP50Us: number
}

/** Hangs commands, one at a time, and aborts each by its signal; the last one by its tag. */
export async function aborts(
  unit: LogicalUnit,
  { silent, signal }: { readonly silent: boolean; readonly signal: AbortSignal },
): Promise<AbortOutcome> {
  const abortNs = createHistogram()
  const readyNs = createHistogram()
  const line = new StatusLine({ silent })
  let aborted = 0
  await unit.testUnitReady()
  try {
    for (let round = 0; round < ROUNDS; round++) {
      signal.throwIfAborted()
      if (await abortBySignal(unit, (ns) => abortNs.record(ns))) aborted++
      readyNs.record(await nanoseconds(() => unit.testUnitReady()))
      if (round % DRAW_EVERY === 0) line.show(`aborts  ${round} of ${ROUNDS}`)
    }
  } finally {
    line.end()
  }
  const { response, ended } = await abortByTag(unit)
  return {
    hung: ROUNDS + 1,
    aborted: aborted + Number(ended),
    response,
    abortP50Us: abortNs.percentile(50) / 1000,
    readyP50Us: readyNs.percentile(50) / 1000,
  }
}

/** Says whether the command rejected with the reason of its signal. */
async function abortBySignal(unit: LogicalUnit, took: (ns: number) => void): Promise<boolean> {
  const controller = new AbortController()
  const reason = new Error('it hangs')
  const hung = unit.execute({ cdb: hang(), signal: controller.signal }).then(
    () => undefined,
    (error: unknown) => error,
  )
  // The unit has the command before this: a pair's commands arrive in their order.
  await unit.testUnitReady()
  let ended: unknown
  took(
    await nanoseconds(async () => {
      controller.abort(reason)
      ended = await hung
    }),
  )
  return ended === reason
}

/** The same by a task management function, whose answer says what became of it (SAM-5 7.2). */
async function abortByTag(
  unit: LogicalUnit,
): Promise<{ response: ServiceResponse; ended: boolean }> {
  const ended = unit.execute({ cdb: hang(), tag: TAG }).then(
    () => false,
    (error) => error.code === 'ERR_SGRING_ABORTED',
  )
  await unit.testUnitReady()
  const { response } = await unit.taskManagement({ function: TaskFunction.ABORT_TASK, tag: TAG })
  return { response, ended: await ended }
}

function hang(): Uint8Array {
  return Uint8Array.of(HANG, 0, 0, 0, 0, 0)
}

async function nanoseconds(body: () => Promise<void>): Promise<number> {
  const started = performance.now()
  await body()
  return Math.max(1, Math.round((performance.now() - started) * 1e6))
}
