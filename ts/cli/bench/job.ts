/** What a benchmark is to do, from its options. */

import { MAX_SLOTS } from '../../ring/layout.gen.ts'
import { FUNCTION_SLOTS } from '../../ring/pair.ts'
import type { Capacity16 } from '../../scsi/capacity.ts'
import { CliError, ExitCode } from '../exit-code.ts'
import { parseCount, parseSeconds, parseSize } from '../quantity.ts'
import { checkRange } from '../unit.ts'
import type { Call, Option } from '../verb.ts'

const MODES = ['read', 'write', 'randread', 'randwrite', 'rw', 'randrw', 'tur'] as const
/** By the names of fio. */
export type Mode = (typeof MODES)[number]

/** What a command is. */
export const Kind = { TUR: 0, READ: 1, WRITE: 2 } as const
export type Kind = (typeof Kind)[keyof typeof Kind]

const FORMS = ['batch', 'promise'] as const
export type Form = (typeof FORMS)[number]

const DEFAULT_BYTES = 4096
const DEFAULT_DEPTH = 32
const MAX_DEPTH = MAX_SLOTS - FUNCTION_SLOTS
const DEFAULT_MS = 10_000
const DEFAULT_WARM_UP_MS = 1000
const MAX_PER_SECOND = 1e9

type Text = Option & { readonly type: 'string' }
type Flag = Option & { readonly type: 'boolean' }
type Name =
  | 'mode'
  | 'mix'
  | 'size'
  | 'depth'
  | 'form'
  | 'time'
  | 'count'
  | 'warm-up'
  | 'rate'
  | 'rate-bytes'
  | 'offset'
  | 'length'
  | 'seed'

export const JOB: Readonly<Record<Name, Text> & Record<'verify', Flag>> = {
  mode: {
    type: 'string',
    value: 'MODE',
    help: 'read, write, randread, randwrite, rw, randrw, as fio has them, or tur; default: randread',
  },
  mix: { type: 'string', value: 'PERCENT', help: 'of rw and randrw: how many read; default: 50' },
  size: {
    type: 'string',
    value: 'BYTES',
    help: 'what a command moves, as 512 or 64K; default: 4K',
  },
  depth: {
    type: 'string',
    value: 'N',
    help: `so many commands under way at most, 1 to ${MAX_DEPTH}; default: ${DEFAULT_DEPTH}`,
  },
  form: {
    type: 'string',
    value: 'FORM',
    help: 'batch, by queue() of the library, or promise, by execute(); default: batch',
  },
  time: {
    type: 'string',
    value: 'SECONDS',
    help: 'for so long; default: 10, unless --count is given',
  },
  count: { type: 'string', value: 'N', help: 'so many commands' },
  'warm-up': {
    type: 'string',
    value: 'SECONDS',
    help: 'before that, and not counted; default: 1, and 0 with --count',
  },
  rate: { type: 'string', value: 'N', help: 'open loop: so many commands a second are due' },
  'rate-bytes': {
    type: 'string',
    value: 'BYTES',
    help: 'open loop: so many bytes a second, as 64M',
  },
  offset: {
    type: 'string',
    value: 'BYTES',
    help: 'where the blocks begin that are used; default: 0',
  },
  length: {
    type: 'string',
    value: 'BYTES',
    help: 'how long they are; default: to the end of the unit',
  },
  seed: {
    type: 'string',
    value: 'N',
    help: 'of places, mixes and contents, which it repeats: 0 to 4294967295; default: 1',
  },
  verify: {
    type: 'boolean',
    help: 'what is written carries its LBA and the seed; what is read must carry them',
  },
}

/** How they are written. */
export const JOB_USAGE =
  '[--mode MODE] [--mix PERCENT] [--size BYTES] [--depth N] [--form FORM] [--time SECONDS] [--count N] [--warm-up SECONDS] [--rate N | --rate-bytes BYTES] [--offset BYTES] [--length BYTES] [--seed N] [--verify]'

/** A job before its unit is known. */
export interface Plan {
  readonly mode: Mode
  readonly form: Form
  readonly depth: number
  /** Bytes that a command moves; 0 for TEST UNIT READY. */
  readonly sizeBytes: number
  /** Of a mix. */
  readonly readPercent: number | undefined
  /** Infinity: `count` ends it. */
  readonly timeMs: number
  /** Infinity: `timeMs` ends it. */
  readonly count: number
  readonly warmUpMs: number
  /** Commands; undefined is a closed loop. */
  readonly perSecond: number | undefined
  readonly offsetBytes: number
  /** Undefined: to the end. */
  readonly lengthBytes: number | undefined
  /** 32 bits. */
  readonly seed: number
  readonly verify: boolean
}

/** Blocks that a job uses. */
export interface Region {
  readonly blockLength: number
  readonly lba: number
  readonly blocks: number
  /** Blocks of a command. */
  readonly blocksEach: number
}

export interface Job extends Plan {
  /** Undefined where no blocks move. */
  readonly region: Region | undefined
}

export function isRandom(mode: Mode): boolean {
  return mode.startsWith('rand')
}

/** Whether it overwrites blocks. */
export function writes(mode: Mode): boolean {
  return mode.endsWith('write') || isMix(mode)
}

function isMix(mode: Mode): boolean {
  return mode === 'rw' || mode === 'randrw'
}

/** Reads the options. */
export function planOf({ values }: Pick<Call<typeof JOB>, 'values'>): Plan {
  const mode = oneOf('--mode', values.mode ?? 'randread', MODES)
  for (const name of ['size', 'rate-bytes', 'offset', 'length', 'verify'] as const) {
    if (mode === 'tur' && values[name] !== undefined) {
      throw wrong(`--${name} is for modes that move data, and TEST UNIT READY moves none`)
    }
  }
  if (values.mix !== undefined && !isMix(mode)) throw wrong('--mix is for rw and randrw')
  const counts = values.count !== undefined
  const sizeBytes = mode === 'tur' ? 0 : sizeOf('--size', values.size, DEFAULT_BYTES)
  return {
    mode,
    form: oneOf('--form', values.form ?? 'batch', FORMS),
    depth: within('--depth', values.depth, { least: 1, most: MAX_DEPTH, otherwise: DEFAULT_DEPTH }),
    sizeBytes,
    readPercent: isMix(mode)
      ? within('--mix', values.mix, { least: 0, most: 100, otherwise: 50 })
      : undefined,
    timeMs:
      values.time === undefined
        ? counts
          ? Number.POSITIVE_INFINITY
          : DEFAULT_MS
        : parseSeconds('--time', values.time),
    count: within('--count', values.count, {
      least: 1,
      most: Number.MAX_SAFE_INTEGER,
      otherwise: Number.POSITIVE_INFINITY,
    }),
    warmUpMs: warmUpOf(values['warm-up'], counts),
    perSecond: rateOf(values, sizeBytes),
    offsetBytes: values.offset === '0' ? 0 : sizeOf('--offset', values.offset, 0),
    lengthBytes: values.length === undefined ? undefined : parseSize('--length', values.length),
    seed: within('--seed', values.seed, { least: 0, most: 0xffff_ffff, otherwise: 1 }),
    verify: values.verify === true,
  }
}

/** The job of a plan on a unit. @throws for what are no whole blocks, and what lies beyond the end */
export function jobOn(plan: Plan, capacity: Capacity16, maxTransferBytes: number): Job {
  const { sizeBytes, offsetBytes, lengthBytes } = plan
  const { blockLength, lastLba } = capacity
  const blocksOf = (option: string, bytes: number): number => {
    if (bytes % blockLength === 0) return bytes / blockLength
    throw wrong(`${option}: ${bytes} bytes are no whole number of blocks of ${blockLength}`)
  }
  const blocksEach = blocksOf('--size', sizeBytes)
  if (sizeBytes > maxTransferBytes) {
    throw wrong(
      `--size: one command moves ${maxTransferBytes} bytes here at most, not ${sizeBytes}`,
    )
  }
  const lba = blocksOf('--offset', offsetBytes)
  const rest = Math.max(0, Number(lastLba) + 1 - lba)
  const blocks = lengthBytes === undefined ? rest : blocksOf('--length', lengthBytes)
  checkRange(capacity, BigInt(lba), BigInt(Math.max(blocks, blocksEach)))
  if (blocks < blocksEach) throw wrong('--length is shorter than --size')
  return { ...plan, region: { blockLength, lba, blocks, blocksEach } }
}

function rateOf(values: Call<typeof JOB>['values'], sizeBytes: number): number | undefined {
  const bytes = values['rate-bytes']
  if (values.rate !== undefined && bytes !== undefined) {
    throw wrong('--rate and --rate-bytes exclude each other')
  }
  if (bytes !== undefined) return parseSize('--rate-bytes', bytes) / sizeBytes
  if (values.rate === undefined) return undefined
  return within('--rate', values.rate, { least: 1, most: MAX_PER_SECOND, otherwise: 1 })
}

function warmUpOf(text: string | undefined, counts: boolean): number {
  if (text === undefined) return counts ? 0 : DEFAULT_WARM_UP_MS
  return text === '0' ? 0 : parseSeconds('--warm-up', text)
}

function sizeOf(option: string, text: string | undefined, otherwise: number): number {
  return text === undefined ? otherwise : parseSize(option, text)
}

interface Bounds {
  readonly least: number
  readonly most: number
  /** Without the option. */
  readonly otherwise: number
}

function within(
  option: string,
  text: string | undefined,
  { least, most, otherwise }: Bounds,
): number {
  if (text === undefined) return otherwise
  const number = Number(parseCount(option, text))
  if (number >= least && number <= most) return number
  throw wrong(`${option} is ${least} to ${most}, not ${text}`)
}

function oneOf<T extends string>(option: string, text: string, names: readonly T[]): T {
  const name = names.find((name) => name === text)
  if (name !== undefined) return name
  throw wrong(`${option} is one of ${names.join(', ')}, not '${text}'`)
}

function wrong(message: string): CliError {
  return new CliError(ExitCode.SYNTAX, message)
}
