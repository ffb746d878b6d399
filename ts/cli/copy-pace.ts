/** How much of a transfer is under way at once. */

import type { Reading, Writing } from './copy-end.ts'
import { CliError, ExitCode } from './exit-code.ts'
import { parseCount, parseSize } from './quantity.ts'
import type { Call, Option } from './verb.ts'

/** A part has so many bytes, unless a command of an end moves fewer; and so many bytes are under way, in so many parts. */
const PART_BYTES = 1 << 20
const BYTES_UNDER_WAY = 8 << 20
const MIN_DEPTH = 8
const MAX_DEPTH = 32
/** What an option may say. */
const MOST_PARTS = 256

type Text = Option & { readonly type: 'string' }

/** What verbs take that move data. */
export const PACE: Readonly<Record<'depth' | 'part-bytes', Text>> = {
  depth: {
    type: 'string',
    value: 'N',
    help: 'so many parts at a time, 1 to 256, and between devices no more than 256 MiB; default: 8, and more where parts are small',
  },
  'part-bytes': {
    type: 'string',
    value: 'BYTES',
    help: 'how long a part is, as 64K; default: 1M, or what one command of a unit can move',
  },
}

/** How they are written. */
export const PACE_USAGE = '[--depth N] [--part-bytes BYTES]'

export interface Pace {
  /** Bytes of a part: whole blocks of both ends. */
  readonly partBytes: number
  /** How many parts are under way. */
  readonly depth: number
}

type Paced = Pick<Reading | Writing, 'blockLength' | 'maxTransferBytes'>

/** The pace that suits both ends, where the options say no other. */
export function paceOf({ values }: Pick<Call<typeof PACE>, 'values'>, a: Paced, b: Paced): Pace {
  const most = Math.min(PART_BYTES, a.maxTransferBytes, b.maxTransferBytes)
  const given = values['part-bytes']
  const bytes = given === undefined ? most : parseSize('--part-bytes', given)
  const block = leastCommonMultiple(a.blockLength, b.blockLength)
  const partBytes = Math.max(1, Math.floor(bytes / block)) * block
  return { partBytes, depth: depthOf(values.depth, partBytes) }
}

function depthOf(given: string | undefined, partBytes: number): number {
  if (given === undefined) {
    return Math.min(MAX_DEPTH, Math.max(MIN_DEPTH, Math.ceil(BYTES_UNDER_WAY / partBytes)))
  }
  const depth = parseCount('--depth', given)
  if (depth >= 1n && depth <= MOST_PARTS) return Number(depth)
  throw new CliError(ExitCode.SYNTAX, `--depth is 1 to ${MOST_PARTS}, not ${depth}`)
}

function leastCommonMultiple(one: number, other: number): number {
  let [a, b] = [one, other]
  while (b !== 0) [a, b] = [b, a % b]
  return (one / a) * other
}
