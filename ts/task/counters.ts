/** The live counters of a target, and the vendor specific log page that carries them (SPC-4 7.3). */

import { badResponse, getAscii, getUint64Rounded, setUint64 } from '../scsi/bytes.ts'
import type { TypedCommand } from '../scsi/command.ts'
import { ASCII_LIST, BINARY_LIST, type LogPage, type LogParameter, logSense } from '../scsi/log.ts'

/** What a target counts. */
export interface TargetCounters {
  /** Nexuses there are now. */
  readonly nexuses: number
  /** Pairs there are now, of all nexuses. */
  readonly pairs: number
  /** Tasks that are accepted and not over. */
  readonly tasks: number
  /** Commands and functions that were accepted since the target began. */
  readonly commands: number
  /** Native calls that brought them in. */
  readonly fetches: number
  /** Times that a bell woke this side. */
  readonly wakes: number
  /** Commands that were aborted: by task management functions, or with their nexus or their unit. */
  readonly aborted: number
  /** Answers that handlers gave after their commands were aborted: they were dropped. */
  readonly lateAnswers: number
  /** Connections that were refused. */
  readonly refused: number
  /** Nexuses that were ended for what their initiators did wrong. */
  readonly ended: number
  /** Bytes of initiators' arenas that are mapped. */
  readonly arenaBytes: number
  /** Bytes of the target's process that are in memory. */
  readonly residentBytes: number
  /** The last of those ends, and of those refusals that were for a limit, oldest first: who, and why. */
  readonly recent: readonly string[]
}

/** The log page, on the TARGET LOG PAGES well known logical unit: of the vendor specific codes one that sg_logs knows of no other vendor. */
export const COUNTERS_PAGE = 0x36

/**
 * Parameter codes of numbers. Each parameter is a binary format list parameter (SPC-4 7.3.2.2.2.5) of eight bytes, a big-endian number: some go down
 * as well as up, so they are no data counters in the standard's sense. A code never changes its meaning; new ones are added.
 */
const CODES: Readonly<Record<Exclude<keyof TargetCounters, 'recent'>, number>> = {
  nexuses: 0x0001,
  pairs: 0x0002,
  tasks: 0x0003,
  commands: 0x0004,
  fetches: 0x0005,
  wakes: 0x0006,
  aborted: 0x0007,
  lateAnswers: 0x0008,
  arenaBytes: 0x0009,
  residentBytes: 0x000a,
  refused: 0x000b,
  ended: 0x000c,
}
const NAMES = Object.keys(CODES) as (keyof typeof CODES)[]
/** From here on, in ASCII format list parameters: what `recent` has. */
const RECENT = 0x0100
const MAX_RECENT = 0x100
const MAX_TEXT_BYTES = 200

/** LOG SENSE for the counters. */
export function targetCounters(): TypedCommand<TargetCounters> {
  const { cdb, dataInLength, parse } = logSense({ page: COUNTERS_PAGE })
  return { cdb, dataInLength, parse: (data) => parseCounters(parse(data)) }
}

/** The parameters of the page, in ascending order. */
export function encodeCounters(counters: TargetCounters): LogParameter[] {
  const numbers = NAMES.map((name) => {
    const value = new Uint8Array(8)
    setUint64(value, 0, BigInt(counters[name]))
    return { code: CODES[name], control: BINARY_LIST, value }
  })
  const texts = counters.recent.slice(-MAX_RECENT).map((text, at) => {
    const value = Buffer.from(text.slice(0, MAX_TEXT_BYTES).replaceAll(/[^ -~]/g, '?'), 'latin1')
    return { code: RECENT + at, control: ASCII_LIST, value: Uint8Array.from(value) }
  })
  return [...numbers, ...texts]
}

/** Codes of a later version are passed over. */
function parseCounters({ parameters }: LogPage): TargetCounters {
  const values = NAMES.map((name) => {
    const value = parameters.find(({ code }) => code === CODES[name])?.value
    if (value?.length === 8) return [name, getUint64Rounded(value, 0)] as const
    throw badResponse(`the counters of the target: ${name} is missing, or no number of 8 bytes`)
  })
  const recent = parameters
    .filter(({ code }) => code >= RECENT && code < RECENT + MAX_RECENT)
    .map(({ value }) => getAscii(value, 0, value.length))
  return { ...Object.fromEntries(values), recent } as unknown as TargetCounters
}
