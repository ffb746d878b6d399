/** The unit that a verb works on. */

import type { HelperOptions, LogicalUnit } from '../initiator/unit.ts'
import { open } from '../open.ts'
import type { Capacity16 } from '../scsi/capacity.ts'
import { CliError, ExitCode } from './exit-code.ts'
import { parseSeconds } from './quantity.ts'
import type { Call, CONNECTING } from './verb.ts'

/** Opens the unit that the first operand names, for as long as `body` runs. `options` are for every command that it sends. */
export async function withUnit<T>(
  { operands: [address = ''], values, signal }: Call<typeof CONNECTING>,
  body: (unit: LogicalUnit, options: HelperOptions) => Promise<T>,
): Promise<T> {
  const timeoutMs =
    values.timeout === undefined ? undefined : parseSeconds('--timeout', values.timeout)
  const unit = await open(address, {
    signal,
    ...(timeoutMs !== undefined && { connectTimeoutMs: timeoutMs }),
  })
  try {
    // A command that the target never answers does not keep a process that was told to end.
    return await body(unit, {
      signal,
      onAbort: 'detach',
      ...(timeoutMs !== undefined && { timeoutMs }),
    })
  } finally {
    await unit.close()
  }
}

/** @throws unless the blocks lie within the unit */
export function checkRange({ lastLba }: Capacity16, lba: bigint, blocks: bigint): void {
  if (lba + blocks <= lastLba + 1n) return
  const range = blocks === 0n ? `block ${lba} is` : `${blocks} blocks from ${lba} are`
  throw new CliError(
    ExitCode.LBA_OUT_OF_RANGE,
    `${range} not within the unit, which has ${lastLba + 1n} blocks`,
  )
}
