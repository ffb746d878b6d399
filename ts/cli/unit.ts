/** The unit that a verb works on. */

import type { HelperOptions, LogicalUnit } from '../initiator/unit.ts'
import { parseAddress } from '../ring/address.ts'
import type { ConnectOptions } from '../ring/connect.ts'
import { connect, type Nexus } from '../ring/nexus.ts'
import type { Capacity16 } from '../scsi/capacity.ts'
import { CliError, ExitCode } from './exit-code.ts'
import { parseSeconds, size } from './quantity.ts'
import type { Call, CONNECTING } from './verb.ts'

/** What is done with a unit. `options` are for every command that it sends; the nexus is closed afterwards. */
export type Work<T> = (unit: LogicalUnit, options: HelperOptions, nexus: Nexus) => Promise<T>

/** Opens the unit that the first operand names, for as long as `work` runs. */
export function withUnit<T>(
  call: Call<typeof CONNECTING>,
  work: Work<T>,
  more: ConnectOptions = {},
): Promise<T> {
  const { socket, lun } = parseAddress(call.operands[0] ?? '')
  return withUnitAt(socket, lun, call, work, more)
}

/** As `withUnit`, where the operand is no address of a unit. */
export async function withUnitAt<T>(
  socket: string,
  lun: number,
  { values, signal }: Call<typeof CONNECTING>,
  work: Work<T>,
  more: ConnectOptions = {},
): Promise<T> {
  const timeoutMs =
    values.timeout === undefined ? undefined : parseSeconds('--timeout', values.timeout)
  const nexus = await connect(socket, {
    ...more,
    signal,
    ...(timeoutMs !== undefined && { connectTimeoutMs: timeoutMs }),
  })
  try {
    // A command that the target never answers does not keep a process that was told to end.
    const options: HelperOptions = {
      signal,
      onAbort: 'detach',
      ...(timeoutMs !== undefined && { timeoutMs }),
    }
    return await work(nexus.unit(lun), options, nexus)
  } finally {
    await nexus.close()
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

/** A unit in a few words, for whoever is about to write to it. */
export async function unitText(
  unit: LogicalUnit,
  options: HelperOptions,
  { lastLba, blockLength }: Capacity16,
): Promise<string> {
  const { vendor, product } = await unit.inquiry(options)
  return `${vendor} ${product}, ${size(Number(lastLba + 1n) * blockLength)}`
}
