/** What `read`, `write` and `copy` have in common: two open ends, and all bytes of a range from one to the other. */

import { TransportError } from '../errors.ts'
import { tellsOfLoss } from '../initiator/loss.ts'
import { Checkpoints } from './copy-checkpoints.ts'
import type { Reading, Writing } from './copy-end.ts'
import { type PACE, paceOf } from './copy-pace.ts'
import { pour, type Range } from './copying.ts'
import { errorLine, jsonLine } from './output.ts'
import { Progress } from './progress.ts'
import { rate, size } from './quantity.ts'
import { unlessAborted } from './unless-aborted.ts'
import type { Call } from './verb.ts'

/** How the ends are opened. */
export interface Ends {
  from(): Promise<Reading>
  /** Opened after the other. */
  to(): Promise<Writing>
}

/** Opens both ends for as long as `work` runs. A file that was not committed then goes away. */
export async function between(
  { signal }: Pick<Call, 'signal'>,
  open: Ends,
  work: (from: Reading, to: Writing) => Promise<void>,
): Promise<void> {
  const from = await open.from()
  // What can be read again needs no help to end: its reads are commands, or short.
  const close = () => void (from.place === undefined && from.close())
  signal.addEventListener('abort', close, { once: true })
  try {
    const to = await open.to()
    try {
      await work(from, to)
    } finally {
      await to.stop({ keep: false })
    }
  } finally {
    signal.removeEventListener('abort', close)
    await from.close()
  }
}

export interface Transfer {
  readonly from: Reading
  readonly to: Writing
  readonly range: Range
  /** Before the numbers of the progress. */
  readonly label: string
  readonly pad?: boolean
  readonly verify?: boolean
  readonly checkpoints?: Checkpoints
}

/** What was moved, all in all. */
export type Transferred = Pick<Progress, 'bytes' | 'seconds'>

/** Moves all bytes of the range, and shows how far it has come. They are on the medium then, and a file has its name. */
export async function transfer(
  call: Call<typeof PACE>,
  {
    from,
    to,
    range,
    label,
    pad = false,
    verify = false,
    checkpoints = Checkpoints.none(to),
  }: Transfer,
): Promise<Transferred> {
  const { signal, json } = call
  const pace = paceOf(call, from, to)
  await to.begin(range.seek + range.done)
  const total = range.length === undefined ? undefined : range.length - range.done
  const progress = new Progress({ label, total, silent: json })
  const moved = (bytes: number, frontier: number) => {
    progress.moved(bytes)
    checkpoints.reached(frontier)
  }
  const told = {
    moved,
    lost: (error: unknown) => checkpoints.lost(error),
    begun: (written: () => Promise<unknown>) => checkpoints.asks(written),
  }
  try {
    await pour({ from, to, range, pace, signal, pad, verify, ...told })
    await unlessAborted(signal, checkpoints.end())
    await unlessAborted(signal, checkpoints.sync())
  } catch (error) {
    progress.end()
    await checkpoints.stop(signal)
    const failure = checkpoints.failure?.error
    // That data may be lost counts before whatever else has gone wrong, but for whoever has it end.
    if (!signal.aborted && tellsOfLoss(failure)) throw failure
    // What the last SYNCHRONIZE CACHE or fsync met is told beside it.
    if (failure !== undefined && failure !== error && !(failure instanceof TransportError))
      process.stderr.write(errorLine(failure, json))
    throw error
  }
  progress.end()
  try {
    await to.commit()
  } catch (error) {
    // All of it is there, under another name.
    await checkpoints.stop(signal)
    throw error
  }
  await to.settle?.()
  const { bytes, seconds } = progress
  return { bytes, seconds }
}

/** Tells what was done: facts to a program, on stdout unless the data went there, and a text to a person. */
export function tell(
  { json }: Pick<Call, 'json'>,
  to: Pick<Writing, 'name'>,
  facts: object,
  text: string,
): void {
  if (!json) process.stderr.write(`${text}\n`)
  else process[to.name === '-' ? 'stderr' : 'stdout'].write(jsonLine(facts))
}

/** How much, and how fast, in words. */
export function amount({ bytes, seconds }: Transferred): string {
  return `${size(bytes)} in ${seconds.toFixed(2)} s, ${rate(bytes, seconds)}`
}
