/** Which bytes a copy or a comparison is about, from its options. */

import type { Reading } from './copy-end.ts'
import type { Range } from './copying.ts'
import { CliError, ExitCode } from './exit-code.ts'
import { parseCount, parseSize } from './quantity.ts'
import type { Call, Option } from './verb.ts'

type Text = Option & { readonly type: 'string' }

export const RANGE: Readonly<Record<'bs' | 'skip' | 'seek' | 'count', Text>> = {
  bs: {
    type: 'string',
    value: 'BYTES',
    help: 'what --skip, --seek and --count count, as 512 or 1M; default: a block of the unit, the larger one of two',
  },
  skip: { type: 'string', value: 'N', help: 'leave out so many at the beginning of A' },
  seek: { type: 'string', value: 'N', help: 'leave out so many at the beginning of B' },
  count: { type: 'string', value: 'N', help: 'so many; default: all to the end of A' },
}

type Sized = Pick<Reading, 'name' | 'blockLength' | 'size'>

const DEFAULT_BYTES = 512

/** @throws for what are no whole blocks of an end, or lies beyond it */
export function rangeOf({ values }: Call<typeof RANGE>, from: Sized, to: Sized): Range {
  const largest = Math.max(from.blockLength, to.blockLength)
  const bs =
    values.bs === undefined
      ? largest === 1
        ? DEFAULT_BYTES
        : largest
      : parseSize('--bs', values.bs)
  const bytes = (option: 'skip' | 'seek' | 'count', text: string, end: Sized) => {
    const number = Number(parseCount(`--${option}`, text)) * bs
    if (Number.isSafeInteger(number) && number % end.blockLength === 0) return number
    throw new CliError(
      ExitCode.SYNTAX,
      `--${option} ${text} of ${bs} bytes is no whole number of blocks of ${end.blockLength} of ${end.name}`,
    )
  }
  const skip = bytes('skip', values.skip ?? '0', from)
  const seek = bytes('seek', values.seek ?? '0', to)
  const count = values.count === undefined ? undefined : bytes('count', values.count, from)
  const within = (end: Sized, at: number, option: string) => {
    if (end.size === undefined || at <= end.size) return
    const message = `--${option} is beyond the end of ${end.name}, which has ${end.size} bytes`
    throw new CliError(ExitCode.LBA_OUT_OF_RANGE, message)
  }
  within(from, skip, 'skip')
  within(to, seek, 'seek')
  const there = from.size === undefined ? undefined : from.size - skip
  const length = there === undefined ? count : Math.min(count ?? there, there)
  return { skip, seek, length, done: 0 }
}
