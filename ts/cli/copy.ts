/** `sgring copy`: bytes from anywhere to anywhere. */

import { END, openReading, openWriting, type Reading, type Writing } from './copy-end.ts'
import { RANGE, rangeOf } from './copy-range.ts'
import { CopyState, checkResumed } from './copy-state.ts'
import { pour, type Range } from './copying.ts'
import { CliError, ExitCode } from './exit-code.ts'
import { jsonLine } from './output.ts'
import { Progress } from './progress.ts'
import { parseSeconds, rate, size } from './quantity.ts'
import { unlessAborted } from './unless-aborted.ts'
import { type Call, CHANGING, CONNECTING, DEVICES, type Verb, verb } from './verb.ts'

/** What is lost at most when the program is killed, or the machine goes down. */
const CHECKPOINT_SECONDS = '5'

const OPTIONS = {
  ...RANGE,
  pad: { type: 'boolean', help: 'fill up the last block of B with zeros' },
  verify: { type: 'boolean', help: 'read back each part that was written, and compare it' },
  resume: { type: 'boolean', help: 'go on where an earlier run was stopped' },
  checkpoint: {
    type: 'string',
    value: 'SECONDS',
    help: 'how often what was copied is brought to the medium, and noted; default: 5',
  },
  force: { type: 'boolean', help: 'replace a file that exists; write to a block device' },
  ...CHANGING,
  ...CONNECTING,
} as const

export const copy: Verb = verb({
  name: 'sgring copy',
  summary: 'from any unit, file or pipe to any other',
  usage:
    'A B [--bs BYTES] [--skip N] [--seek N] [--count N] [--pad] [--verify] [--resume] [--checkpoint SECONDS] [--force] [--yes] [--timeout SECONDS] [--json]',
  about: [
    'Copies A to B, eight parts of about 1 MiB at a time, and ends when they are on the medium. A UNIT OR A DEVICE B IS OVERWRITTEN. A file B gets its name only when it is whole: until then it is B.part. With --seek, an existing file is written in place instead, and not cut. What is written to is said on stderr; progress is shown on a terminal.',
    'Blocks of A and B may differ in length. The first Ctrl-C ends it in order, and says how to go on: a copy between two places that can be read again leaves a small state in $XDG_STATE_HOME/sgring, which one that is killed has left before. --resume takes it only if both ends are the same, and the last part that was copied is on both; without such a state it begins at the beginning.',
    `A device is a unit by its bsg or sg node, and a file by its block node. ${DEVICES}`,
    'With B -, the data go to stdout and what --json says to stderr.',
  ],
  operands: { A: END, B: END },
  options: OPTIONS,
  examples: [
    ['sgring copy disk.img ring:disk', 'an image to a unit'],
    ['sgring copy ring:disk backup.img --verify', 'a unit to a new file'],
    ['sgring copy ring:disk ring:disk/1', 'a unit to another one'],
    ['sgring copy ring:disk - | gzip > disk.gz', 'a unit to a pipe'],
    ['sgring copy notes.txt ring:disk --seek 4 --bs 1M --pad', 'a file to the fifth MiB of a unit'],
    ['sgring copy ring:disk backup.img --resume', 'begin, or go on after Ctrl-C'],
  ],
  async run(call) {
    const [a = '', b = ''] = call.operands
    const { force = false, resume = false, seek } = call.values
    const from = await openReading(a, call)
    // What can be read again needs no help to end: its reads are commands, or short.
    const close = () => void (from.place === undefined && from.close())
    call.signal.addEventListener('abort', close, { once: true })
    try {
      const to = await openWriting(b, call, { force, resume, inPlace: seek !== undefined })
      try {
        await copyTo(call, from, to)
      } finally {
        await to.stop({ keep: false })
      }
    } finally {
      call.signal.removeEventListener('abort', close)
      await from.close()
    }
  },
})

async function copyTo(call: Call<typeof OPTIONS>, from: Reading, to: Writing): Promise<void> {
  const { checkpoint = CHECKPOINT_SECONDS } = call.values
  const everyMs = parseSeconds('--checkpoint', checkpoint)
  const whole = rangeOf(call, from, to)
  checkEnds(call, from, to, whole)
  const state = CopyState.of(from, to, whole)
  const range = { ...whole, done: await resumed(call, from, to, whole, state) }
  const say = (text: string) => !call.json && process.stderr.write(text)
  if (to.name !== '-') say(`writing to ${to.announcement}\n`)
  if (range.done > 0) say(`going on after ${size(range.done)}\n`)
  else await state?.remove()
  await to.begin(range.seek + range.done)
  const done = await poured(call, from, to, range, state, { everyMs, say })
  await to.sync()
  await to.commit()
  await state?.remove()
  const { bytes, seconds } = done
  const { verify = false } = call.values
  if (call.json) {
    const told = { from: from.name, to: to.name, bytes, resumedAt: range.done, seconds, verify }
    process[to.name === '-' ? 'stderr' : 'stdout'].write(jsonLine(told))
  } else {
    const verified = verify ? ', verified' : ''
    say(`copied ${size(bytes)} in ${seconds.toFixed(2)} s, ${rate(bytes, seconds)}${verified}\n`)
  }
}

/** What is known before the first byte is written. */
function checkEnds(
  { values }: Call<typeof OPTIONS>,
  from: Reading,
  to: Writing,
  { seek, length }: Range,
): void {
  if (from.place !== undefined && from.place === to.place) {
    throw new CliError(ExitCode.SYNTAX, `${from.name} and ${to.name} are the same`)
  }
  if (to.ordered && (seek > 0 || values.verify || values.resume)) {
    const option = seek > 0 ? 'seek' : values.verify ? 'verify' : 'resume'
    throw new CliError(ExitCode.SYNTAX, `--${option} needs a B that is no pipe`)
  }
  if (values.resume && from.place === undefined) {
    throw new CliError(ExitCode.SYNTAX, '--resume needs an A that can be read again')
  }
  if (length === undefined) return
  const over = length % to.blockLength
  if (over !== 0 && !values.pad) {
    const message = `${from.name} ends ${over} bytes into a block of ${to.blockLength} of ${to.name}; --pad fills it up`
    throw new CliError(ExitCode.FILE, message)
  }
  const room = to.size === undefined ? length : to.size - seek
  if (length > room) {
    const message = `${length} bytes are to be copied, and ${to.name} has room for ${room}`
    throw new CliError(ExitCode.FILE, message)
  }
}

/** How many bytes an earlier run has copied. */
async function resumed(
  { values, json }: Call<typeof OPTIONS>,
  from: Reading,
  to: Writing,
  range: Range,
  state: CopyState | undefined,
): Promise<number> {
  if (!values.resume || state === undefined) return 0
  const done = await state.load()
  if (done > 0) await checkResumed(from, to, { ...range, done })
  else if (!json) process.stderr.write('nothing to go on with: from the beginning\n')
  return done
}

/** Copies, with progress and checkpoints; when it is stopped, leaves a state and says so. */
async function poured(
  call: Call<typeof OPTIONS>,
  from: Reading,
  to: Writing,
  range: Range,
  state: CopyState | undefined,
  noting: Noting,
): Promise<{ bytes: number; seconds: number }> {
  const { signal, json, values } = call
  const { pad = false, verify = false } = values
  const { length, done } = range
  const total = length === undefined ? undefined : length - done
  const progress = new Progress({ label: 'copied', total, silent: json })
  const checkpoints = new Checkpoints(to, state, done, noting)
  const moved = (bytes: number, frontier: number) => {
    progress.moved(bytes)
    checkpoints.reached(frontier)
  }
  const pouring = pour({ from, to, range, signal, pad, verify, moved })
  try {
    await (to.ordered || from.place === undefined ? unlessAborted(signal, pouring) : pouring)
    await checkpoints.end()
    signal.throwIfAborted()
  } catch (error) {
    progress.end()
    const kept = await checkpoints.keep()
    await to.stop({ keep: kept > 0 })
    if (kept > 0) process.stderr.write(howToResume(call, kept, length))
    throw error
  }
  progress.end()
  return progress
}

/** How a state is kept. */
interface Noting {
  readonly everyMs: number
  readonly say: (text: string) => void
}

/**
 * The state, brought up to date now and then: never before what it tells of is on the medium, and never again after the medium has failed
 * to take something. Where no state can be written the copy goes on without.
 */
class Checkpoints {
  readonly #to: Writing
  #state: CopyState | undefined
  readonly #everyMs: number
  readonly #say: (text: string) => void
  #frontier: number
  #saved: number
  #last: number = performance.now()
  #saving: Promise<void> | undefined
  #failure: { readonly error: unknown } | undefined

  constructor(to: Writing, state: CopyState | undefined, begun: number, { everyMs, say }: Noting) {
    this.#to = to
    this.#state = state
    this.#everyMs = everyMs
    this.#say = say
    this.#saved = this.#frontier = begun
  }

  /** @throws what went wrong meanwhile: the rest need not be copied then */
  reached(frontier: number): void {
    if (this.#failure !== undefined) throw this.#failure.error
    this.#frontier = frontier
    if (this.#state === undefined || this.#saving !== undefined) return
    if (performance.now() - this.#last < this.#everyMs) return
    this.#saving = this.#save()
      .catch((error) => {
        this.#failure ??= { error }
      })
      .finally(() => {
        this.#saving = undefined
        this.#last = performance.now()
      })
  }

  /** @throws what went wrong meanwhile */
  async end(): Promise<void> {
    await this.#saving
    if (this.#failure !== undefined) throw this.#failure.error
  }

  /** Saves what there is; resolves with the bytes that a later run can go on after, 0 if there are none. */
  async keep(): Promise<number> {
    await this.#saving
    // What could not be brought to the medium is told once: to ask again may succeed, without those bytes (fsync(2), NOTES).
    if (this.#failure !== undefined) return this.#saved
    try {
      await this.#save()
    } catch {
      // What was saved before is still true.
    }
    return this.#saved
  }

  async #save(): Promise<void> {
    const frontier = this.#frontier
    const state = this.#state
    if (state === undefined || frontier === this.#saved) return
    await this.#to.sync()
    try {
      await state.save(frontier)
      this.#saved = frontier
    } catch (error) {
      this.#state = undefined
      this.#say(`how far it is cannot be noted: ${(error as Error).message}\n`)
    }
  }
}

function howToResume(
  { operands, given, json }: Call<typeof OPTIONS>,
  kept: number,
  length: number | undefined,
): string {
  const options = given
    .filter(({ name }) => name !== 'resume' && name !== 'json')
    .flatMap(({ name, value }) => (value === undefined ? [`--${name}`] : [`--${name}`, value]))
  const words = ['sgring', 'copy', ...operands, ...options, '--resume']
  if (json) return jsonLine({ stopped: { bytes: kept, resume: words } })
  const of = length === undefined ? '' : ` of ${size(length)}`
  return `stopped after ${size(kept)}${of}; this goes on there:\n  ${words.map(quoted).join(' ')}\n`
}

/** A word as a shell takes it. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
