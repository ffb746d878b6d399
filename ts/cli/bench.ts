/** `sgring bench`: what a unit does under a load, and what that costs. */

import type { HelperOptions, LogicalUnit } from '../initiator/unit.ts'
import { MAX_ARENA_BYTES } from '../ring/layout.gen.ts'
import { JOB, JOB_USAGE, type Job, jobOn, type Plan, planOf, writes } from './bench/job.ts'
import { lanesOf } from './bench/lanes.ts'
import { load, type Outcome } from './bench/load.ts'
import { reportOf } from './bench/report.ts'
import { progressText, reportText } from './bench/report-text.ts'
import { usageNow } from './bench/usage.ts'
import { CliError, ExitCode } from './exit-code.ts'
import { jsonLine } from './output.ts'
import { StatusLine } from './progress.ts'
import { parseSeconds, size } from './quantity.ts'
import { type Opening, type OpenUnit, unitText, type Work, withUnit } from './unit.ts'
import { ADDRESS, type Call, CONNECTING, DEVICES, type Verb, verb } from './verb.ts'

const PAGE = 4096
/** What a nexus has if it is not told otherwise, and what it needs beside the lanes. */
const SLOTS = 256
const ARENA_BYTES = 64 << 20
const ARENA_SLACK = 1 << 20
const PATIENCE_MS = 60_000

const OPTIONS = {
  ...JOB,
  yes: {
    type: 'boolean',
    help: 'blocks are meant to be overwritten, of a ring too: without it none is',
  },
  ...CONNECTING,
} as const
type BenchCall = Call<typeof OPTIONS>

export const bench: Verb = verb({
  name: 'sgring bench',
  summary: 'what a unit does under a load',
  usage: `ADDRESS ${JOB_USAGE} [--yes] [--timeout SECONDS] [--json]`,
  about: [
    'Sends commands and tells how many ended in a second, how long they took, and what they cost this process, for READ, WRITE, a mix of them, or TEST UNIT READY, one after the other or at random places. Modes that write OVERWRITE BLOCKS, of a ring too, and want --yes: without it, what would be overwritten is said, and nothing is.',
    'Without a rate there are always --depth commands under way (a closed loop), and a unit that stalls is asked less. With --rate or --rate-bytes commands are due at fixed times (an open loop), whether or not those before them have ended, and latency counts from when a command was due: so a stall shows in all commands that it delayed (coordinated omission).',
    'Latency is what this process sees of commands that succeeded, from the call that sends to the turn that takes the answer. Errors are counted by their sense, end nothing, and the exit code is that of the first. Ctrl-C ends a job early, with its results; what is under way then has a second. A second Ctrl-C leaves at once.',
    '--verify marks each block that is written with its LBA and the seed, and looks for that in each that is read: write the blocks first, with the same --seed. Places are whole multiples of --size from --offset, any of them at any time, or one after the other, again and again.',
    'What is measured, and what --json prints, is in docs/bench.md of the repository.',
    `${DEVICES} A mode that only reads needs none, and opens the device so that nothing else can be sent; an sg node then goes by ioctls, and with --yes by write and read.`,
  ],
  operands: { ADDRESS },
  options: OPTIONS,
  examples: [
    ['sgring bench ring:disk --time 2', 'READs of 4 KiB at random places, 32 at a time'],
    ['sgring bench ring:disk --mode tur --depth 1 --count 1000', 'what a round trip takes'],
    [
      'sgring bench ring:disk/1 --mode randrw --mix 70 --size 8K --rate 2000 --time 2 --yes',
      'OVERWRITES: 2000 commands a second are due, 7 of 10 read; latency counts from then',
    ],
    [
      'sgring bench ring:disk --mode write --size 64K --count 128 --verify --yes && sgring bench ring:disk --time 1 --verify --json',
      'OVERWRITES all of 8 MiB, then reads it at random and looks whether each block is the right one',
    ],
    ['sgring bench /dev/sg0 --depth 8 --time 1', 'a device of this machine, READs only'],
    [
      'sgring bench /dev/sg1 --mode randwrite --offset 1M --length 4M --count 500 --yes',
      'OVERWRITES 4 MiB of a device, which is meant',
    ],
  ],
  async run(call) {
    const plan = planOf(call)
    const opening = {
      // Without --yes it only looks, or reads.
      writes: call.values.yes === true,
      ...roomFor(plan),
    }
    const work: Work<void> = (unit, options, opened) =>
      measure(call, plan, { unit, options, opened })
    await withUnit(call, work, opening)
  },
})

interface Target {
  readonly unit: LogicalUnit
  readonly options: HelperOptions
  readonly opened: OpenUnit
}

async function measure(call: BenchCall, plan: Plan, target: Target): Promise<void> {
  const { unit, opened } = target
  const { job, text } = await prepared(call, plan, target)
  const { timeout } = call.values
  const timeoutMs = timeout === undefined ? PATIENCE_MS : parseSeconds('--timeout', timeout)
  const line = new StatusLine({ silent: call.json })
  const started = performance.now() + job.warmUpMs
  const outcome = await load({
    job,
    // Not the signal: what is under way at Ctrl-C may end.
    lanes: lanesOf(job, unit, { timeoutMs }),
    signal: call.signal,
    timeoutMs,
    usage: () => usageNow(opened.stats()),
    everySecond: (tally) =>
      line.show(progressText(job, tally, (performance.now() - started) / 1000)),
  })
  line.end()
  const { transport } = opened
  const report = reportOf({ address: call.operands[0] ?? '', unit: text, transport, job, outcome })
  process.stdout.write(call.json ? jsonLine(report) : reportText(report))
  const error = firstError(outcome)
  if (error !== undefined) throw error
}

/** The job on this unit, which is ready then: what it had to tell a new nexus is told. */
async function prepared(
  call: BenchCall,
  plan: Plan,
  { unit, options }: Target,
): Promise<{ readonly job: Job; readonly text: string }> {
  await unit.testUnitReady(options)
  if (plan.mode === 'tur') {
    const { vendor, product } = await unit.inquiry(options)
    return { job: { ...plan, region: undefined }, text: `${vendor} ${product}` }
  }
  const capacity = await unit.readCapacity(options)
  const job = jobOn(plan, capacity, unit.maxTransferBytes)
  const text = await unitText(unit, options, capacity)
  if (writes(plan.mode)) announce(call, job, `LUN ${unit.lun}: ${text}`)
  return { job, text }
}

/** @throws without --yes */
function announce(call: BenchCall, { region, offsetBytes }: Job, unit: string): void {
  const bytes = region === undefined ? 0 : region.blocks * region.blockLength
  const from = offsetBytes === 0 ? '' : ` from ${size(offsetBytes)} on`
  const what = `${size(bytes)}${from} of ${call.operands[0]}, ${unit}`
  if (call.values.yes !== true) throw new CliError(ExitCode.SYNTAX, `--yes overwrites ${what}`)
  if (!call.json) process.stderr.write(`overwriting ${what}\n`)
}

/** Slots and bytes for all commands that are under way at once. Blocks of an arena are powers of two. */
function roomFor({ depth, sizeBytes }: Plan): Pick<Opening, 'slots' | 'arenaBytes'> {
  const laneBytes = 2 ** Math.ceil(Math.log2(Math.max(PAGE, sizeBytes)))
  const bytes = depth * laneBytes + ARENA_SLACK
  if (bytes > MAX_ARENA_BYTES) {
    const message = `--depth ${depth} of --size ${size(sizeBytes)}: together they are ${size(MAX_ARENA_BYTES)} at most`
    throw new CliError(ExitCode.SYNTAX, message)
  }
  return { slots: Math.max(SLOTS, depth), arenaBytes: Math.max(ARENA_BYTES, bytes) }
}

/** What the exit code tells: why it could not go on, or the first error that it met. */
function firstError({ error, tally }: Outcome): Error | undefined {
  return error ?? tally.failures[0]?.error
}
