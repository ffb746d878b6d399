/** `sgring copy`: bytes from anywhere to anywhere. */

import { Checkpoints } from './copy-checkpoints.ts'
import { END, openReading, openWriting, type Reading, type Writing } from './copy-end.ts'
import { PACE, PACE_USAGE, paceOf } from './copy-pace.ts'
import { RANGE, rangeOf } from './copy-range.ts'
import { CopyState, checkResumed } from './copy-state.ts'
import type { Range } from './copying.ts'
import { CliError, ExitCode } from './exit-code.ts'
import { jsonLine } from './output.ts'
import { parseSeconds, size } from './quantity.ts'
import { amount, between, tell, transfer } from './transfer.ts'
import { unlessAborted } from './unless-aborted.ts'
import { type Call, CHANGING, CONNECTING, DEVICES, type Verb, verb } from './verb.ts'

/** What is lost at most when the program is killed, or the machine goes down. */
const CHECKPOINT_SECONDS = '5'

const OPTIONS = {
  ...RANGE,
  ...PACE,
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
  usage: `A B [--bs BYTES] [--skip N] [--seek N] [--count N] [--pad] [--verify] [--resume] [--checkpoint SECONDS] ${PACE_USAGE} [--force] [--yes] [--timeout SECONDS] [--json]`,
  about: [
    'Copies A to B, some parts at a time, eight of 1 MiB unless one is told otherwise, and ends when they are on the medium. A UNIT OR A DEVICE B IS OVERWRITTEN. A file B gets its name only when it is whole: until then it is B.part. With --seek, an existing file is written in place instead, and not cut. What is written to is said on stderr; progress is shown on a terminal.',
    'Blocks of A and B may differ in length. The first Ctrl-C ends it in order: it says how to go on, if anything is noted to be on the medium. Before it notes that, it waits up to 5 seconds for what a unit B was sent to end, and for a flush that the kernel has, which cannot be left, as long as that takes. A copy between two places that can be read again leaves a small state in $XDG_STATE_HOME/sgring, or ~/.local/state/sgring. One that is killed has left its last --checkpoint there. --resume takes it only if both ends are the same, and the last part that was copied is on both; without such a state it begins at the beginning.',
    'A UNIT MAY LOSE WHAT IT HAS NOT ON ITS MEDIUM YET. Where one says so by a deferred error, or a device B by UNIT ATTENTION 29h with an ASCQ up to 04h, which is POWER ON or a reset, the copy ends, and --resume goes on after the last checkpoint. It ends, too, where the medium of A or B may have become another one (28h/00h, 3Fh/03h). After POWER ON of a ring it goes on.',
    '--verify and --resume read B back: from its medium where it is a unit that knows FUA (DPOFUA in "sgring modes"), and else as the cache of the unit, or of the system for a file, may have it. A unit that knows no SYNCHRONIZE CACHE is taken to have no cache, unless its Caching page says WCE: then the copy fails.',
    `A device is a unit by its bsg or sg node. By its block node it is a file, which takes --force to be written to. ${DEVICES}`,
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
    ['sgring copy /dev/sg0 /dev/sg1 --verify --yes', 'a device to another one'],
    ['sgring copy disk.img /dev/bsg/0:0:0:1 --yes', 'an image to a device'],
  ],
  async run(call) {
    const [a = '', b = ''] = call.operands
    const { force = false, resume = false, seek } = call.values
    const to = { force, resume, keeps: true, inPlace: seek !== undefined }
    const ends = { from: () => openReading(a, call), to: () => openWriting(b, call, to) }
    await between(call, ends, (from, to) => copyTo(call, from, to))
  },
})

async function copyTo(call: Call<typeof OPTIONS>, from: Reading, to: Writing): Promise<void> {
  const { checkpoint = CHECKPOINT_SECONDS } = call.values
  const everyMs = parseSeconds('--checkpoint', checkpoint)
  const whole = rangeOf(call, from, to)
  checkEnds(call, from, to, whole)
  await checkNames(from, to)
  const state = await CopyState.of(from, to, whole)
  const range = { ...whole, done: await resumed(call, from, to, whole, state) }
  const say = (text: string) => void (!call.json && process.stderr.write(text))
  if (to.name !== '-') say(`writing to ${to.announcement}\n`)
  if (range.done > 0) say(`going on after ${size(range.done)}\n`)
  else await state?.remove()
  const stopped = (kept: number) => void process.stderr.write(howToResume(call, kept, whole.length))
  const checkpoints = new Checkpoints({ to, state, begun: range.done, everyMs, say, stopped })
  const { pad = false, verify = false } = call.values
  const options = { label: 'copied', pad, verify, checkpoints }
  const done = await transfer(call, { from, to, range, ...options })
  await state?.remove()
  const facts = { from: from.name, to: to.name, bytes: done.bytes, resumedAt: range.done }
  const text = `copied ${amount(done)}${verify ? ', verified' : ''}`
  tell(call, to, { ...facts, seconds: done.seconds, verify }, text)
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

/** One unit may have several paths, and parts are copied in any order. A file has no such names, nor has a block device as one: it is not seen to be a unit at the other end. */
async function checkNames(from: Reading, to: Writing): Promise<void> {
  if (from.worldWideNames === undefined || to.worldWideNames === undefined) return
  const names = await to.worldWideNames()
  const [same] = (await from.worldWideNames()).filter((name) => names.includes(name))
  // Some makers give one name to a whole series.
  if (same === undefined || (await from.identity()) !== (await to.identity())) return
  throw new CliError(ExitCode.SYNTAX, `${from.name} and ${to.name} are the same: ${same}`)
}

/** How many bytes an earlier run has copied. */
async function resumed(
  call: Call<typeof OPTIONS>,
  from: Reading,
  to: Writing,
  range: Range,
  state: CopyState | undefined,
): Promise<number> {
  if (!call.values.resume || state === undefined) return 0
  const done = await state.load()
  const { partBytes } = paceOf(call, from, to)
  if (done > 0)
    await unlessAborted(call.signal, checkResumed(from, to, { ...range, done }, partBytes))
  else if (!call.json) process.stderr.write('nothing to go on with: from the beginning\n')
  return done
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
