/** What a job has to tell, as an object. */

import { type Job, Kind } from './job.ts'
import type { Ending, Outcome } from './load.ts'
import { Operations, senseOf, type Tally } from './tally.ts'

/** Nanoseconds. */
export interface Latency {
  readonly min: number
  readonly mean: number
  readonly p50: number
  readonly p90: number
  readonly p95: number
  readonly p99: number
  readonly p99_9: number
  readonly p99_99: number
  readonly max: number
}

/** Commands of one kind that count. */
export interface OperationReport {
  /** Those that succeeded. */
  readonly commands: number
  readonly errors: number
  readonly bytes: number
  readonly commandsPerS: number
  readonly bytesPerS: number
  /** Null where none succeeded. */
  readonly latencyNs: Latency | null
}

/** What `--json` prints, with its keys in snake_case. Fields are added, and none changes its meaning: see docs/bench.md. */
export interface Report {
  readonly address: string
  /** Vendor, product and capacity. */
  readonly unit: string
  /** `ring`, or that of a node: `io_uring`, `sg` or `ioctl`. */
  readonly transport: string
  readonly job: {
    readonly mode: Job['mode']
    readonly form: Job['form']
    readonly depth: number
    /** Of a command. */
    readonly sizeBytes: number
    /** Of a mix, else null. */
    readonly readPercent: number | null
    /** Null: a closed loop. */
    readonly ratePerS: number | null
    readonly offsetBytes: number
    readonly lengthBytes: number
    readonly blockLength: number | null
    readonly seed: number
    readonly verify: boolean
    readonly warmUpSeconds: number
    /** Null: without such an end. */
    readonly timeSeconds: number | null
    readonly count: number | null
  }
  readonly ended: Ending
  readonly seconds: number
  /** Of all kinds. */
  readonly commands: number
  readonly errors: number
  readonly bytes: number
  readonly commandsPerS: number
  readonly bytesPerS: number
  /** Those that the job has. */
  readonly operations: {
    readonly tur?: OperationReport
    readonly read?: OperationReport
    readonly write?: OperationReport
  }
  /** By what failed commands ended in. */
  readonly failures: readonly {
    readonly what: string
    readonly commands: number
    readonly senseKey?: number
    readonly asc?: number
    readonly ascq?: number
  }[]
  /** Commands under way that were not waited for any longer. */
  readonly unanswered: number
  /** Null for a closed loop. */
  readonly openLoop: {
    /** Found `depth` commands under way when they were due. */
    readonly waited: number
    /** Were due before the end, and not sent. */
    readonly unsent: number
  } | null
  /** Of this process. */
  readonly cpu: {
    readonly userSeconds: number
    readonly systemSeconds: number
    readonly nsPerCommand: number | null
    readonly voluntarySwitches: number
    readonly involuntarySwitches: number
    readonly switchesPerCommand: number | null
  }
  /** Of this side of the queue pair. */
  readonly ring: {
    readonly batches: number
    readonly wakes: number
    readonly commandsPerBatch: number | null
    readonly wakesPerCommand: number | null
  }
}

const KINDS = [
  ['tur', Kind.TUR],
  ['read', Kind.READ],
  ['write', Kind.WRITE],
] as const
type KindName = (typeof KINDS)[number][0]

/** What was measured on which unit. */
export interface Measured {
  readonly address: string
  readonly unit: string
  readonly transport: string
  readonly job: Job
  readonly outcome: Outcome
}

export function reportOf({ address, unit, transport, job, outcome }: Measured): Report {
  const { tally, ending, seconds, usage, unanswered, waited, unsent } = outcome
  const { region } = job
  const totals = tally.totals
  const ended = totals.commands + totals.errors
  const cpuUs = usage.userUs + usage.systemUs
  const switches = usage.voluntarySwitches + usage.involuntarySwitches
  return {
    address,
    unit,
    transport,
    job: {
      mode: job.mode,
      form: job.form,
      depth: job.depth,
      sizeBytes: job.sizeBytes,
      readPercent: job.readPercent ?? null,
      ratePerS: job.perSecond ?? null,
      offsetBytes: job.offsetBytes,
      lengthBytes: region === undefined ? 0 : region.blocks * region.blockLength,
      blockLength: region?.blockLength ?? null,
      seed: job.seed,
      verify: job.verify,
      warmUpSeconds: job.warmUpMs / 1000,
      timeSeconds: Number.isFinite(job.timeMs) ? job.timeMs / 1000 : null,
      count: Number.isFinite(job.count) ? job.count : null,
    },
    ended: ending,
    seconds: rounded(seconds, 6),
    ...totals,
    commandsPerS: perSecond(totals.commands, seconds),
    bytesPerS: perSecond(totals.bytes, seconds),
    operations: operationsOf(job, tally, seconds),
    failures: tally.failures.map((failure) => ({
      what: failure.what,
      commands: failure.commands,
      ...senseOf(failure),
    })),
    unanswered,
    openLoop: job.perSecond === undefined ? null : { waited, unsent },
    cpu: {
      userSeconds: usage.userUs / 1e6,
      systemSeconds: usage.systemUs / 1e6,
      nsPerCommand: ratio(cpuUs * 1000, ended, 1),
      voluntarySwitches: usage.voluntarySwitches,
      involuntarySwitches: usage.involuntarySwitches,
      switchesPerCommand: ratio(switches, ended, 6),
    },
    ring: {
      batches: usage.batches,
      wakes: usage.wakes,
      commandsPerBatch: ratio(ended, usage.batches, 3),
      wakesPerCommand: ratio(usage.wakes, ended, 6),
    },
  }
}

function operationsOf(job: Job, tally: Tally, seconds: number): Report['operations'] {
  const mixes = job.readPercent !== undefined
  const has = (name: KindName) =>
    mixes ? name !== 'tur' : job.mode === name || job.mode === `rand${name}`
  return Object.fromEntries(
    KINDS.filter(([name]) => has(name)).map(([name, kind]) => [
      name,
      operationOf(tally.operations[kind] ?? new Operations(), seconds),
    ]),
  )
}

function operationOf(
  { commands, bytes, errors, latency }: Operations,
  seconds: number,
): OperationReport {
  const at = (percent: number) => latency.percentile(percent)
  const latencyNs =
    commands === 0
      ? null
      : {
          min: latency.min,
          mean: rounded(latency.mean, 1),
          p50: at(50),
          p90: at(90),
          p95: at(95),
          p99: at(99),
          p99_9: at(99.9),
          p99_99: at(99.99),
          max: latency.max,
        }
  return {
    commands,
    errors,
    bytes,
    commandsPerS: perSecond(commands, seconds),
    bytesPerS: perSecond(bytes, seconds),
    latencyNs,
  }
}

function perSecond(count: number, seconds: number): number {
  return seconds > 0 ? rounded(count / seconds, 1) : 0
}

function ratio(count: number, of: number, digits: number): number | null {
  return of === 0 ? null : rounded(count / of, digits)
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
