/** The unit that a verb works on. */

import type { HelperOptions, LogicalUnit, UnitOptions } from '../initiator/unit.ts'
import { parseAddress } from '../ring/address.ts'
import type { ConnectOptions } from '../ring/connect.ts'
import { connect } from '../ring/nexus.ts'
import type { PairStats } from '../ring/stats.ts'
import type { Capacity16 } from '../scsi/capacity.ts'
import { findDevice } from '../sg/discovery.ts'
import type { KernelNode, NodeTransport } from '../sg/node.ts'
import { openNode } from '../sg/open.ts'
import { claimDevice, closeClaimed, isDevice } from './device-claim.ts'
import { CliError, ExitCode } from './exit-code.ts'
import { jsonLine } from './output.ts'
import { parseSeconds, size } from './quantity.ts'
import type { Call, CONNECTING } from './verb.ts'

/** How a unit is opened. */
export interface Opening extends ConnectOptions {
  /**
   * What is sent changes the unit, or may: a device is claimed then, and wants the option `yes`. Else a device is opened `readOnly`, so that nothing else can
   * be sent to it.
   */
  readonly writes?: boolean
  /** How its helpers behave. */
  readonly helpers?: UnitOptions
}

/** A unit that is open. */
export interface OpenUnit {
  readonly unit: LogicalUnit
  /** For every command that is sent. */
  readonly options: HelperOptions
  /** The same for the same unit, however it is addressed. */
  readonly place: string
  /** How commands get there: `ring`, or a node's way. */
  readonly transport: 'ring' | NodeTransport
  /** The node of a device; undefined of a ring. */
  readonly node?: KernelNode
  /** Live numbers of this side. */
  stats(): PairStats
  close(): Promise<void>
}

/** What is done with a unit. `options` are for every command that it sends; `opened` is closed afterwards. */
export type Work<T> = (unit: LogicalUnit, options: HelperOptions, opened: OpenUnit) => Promise<T>

type Connecting = Pick<Call<typeof CONNECTING>, 'values' | 'signal' | 'json'> & {
  readonly values: { readonly yes?: boolean }
}

/** Opens the unit that the first operand names, for as long as `work` runs. */
export async function withUnit<T>(
  call: Connecting & Pick<Call, 'operands'>,
  work: Work<T>,
  opening: Opening = {},
): Promise<T> {
  return during(await openUnit(call.operands[0] ?? '', call, opening), work)
}

/** As `withUnit`, where the operand is no address of a unit. */
export async function withUnitAt<T>(
  socket: string,
  lun: number,
  call: Connecting,
  work: Work<T>,
): Promise<T> {
  return during(await openRing(socket, lun, call, {}), work)
}

async function during<T>(opened: OpenUnit, work: Work<T>): Promise<T> {
  try {
    return await work(opened.unit, opened.options, opened)
  } finally {
    await opened.close()
  }
}

/** Opens a unit by its address. */
export async function openUnit(
  address: string,
  call: Connecting,
  opening: Opening = {},
): Promise<OpenUnit> {
  if (isDevice(address)) return openDevice(address, call, opening)
  const { socket, lun } = parseAddress(address)
  return openRing(socket, lun, call, opening)
}

async function openRing(
  socket: string,
  lun: number,
  call: Connecting,
  { writes: _, helpers, ...options }: Opening,
): Promise<OpenUnit> {
  const timeoutMs = timeoutOf(call)
  const nexus = await connect(socket, {
    ...options,
    signal: call.signal,
    ...(timeoutMs !== undefined && { connectTimeoutMs: timeoutMs }),
  })
  return {
    unit: nexus.unit(lun, helpers),
    options: optionsOf(call),
    place: `ring:${socket}?lun=${lun}`,
    transport: 'ring',
    stats: () => nexus.stats,
    close: () => nexus.close(),
  }
}

async function openDevice(
  path: string,
  call: Connecting,
  { writes = false, helpers, join, arenaBytes, slots }: Opening,
): Promise<OpenUnit> {
  if (join !== undefined) {
    throw new CliError(ExitCode.SYNTAX, '--join is for a ring: a device has no nexuses to join')
  }
  const claim = writes ? await claimDevice(path, call.values.yes === true) : undefined
  try {
    const node = await openNode(path, {
      readOnly: !writes,
      ...(arenaBytes !== undefined && { arenaBytes }),
      ...(slots !== undefined && { slots }),
    })
    const device = await findDevice(path)
    return {
      unit: node.unit(helpers),
      options: optionsOf(call),
      place: `device ${device?.name ?? path}`,
      transport: node.transport,
      node,
      stats: () => node.stats,
      close: once(async () => {
        const left = await closeClaimed(node, claim)
        if (left > 0) process.stderr.write(leftText(path, left, call.json))
      }),
    }
  } catch (error) {
    await claim?.close()
    throw error
  }
}

function once(work: () => Promise<void>): () => Promise<void> {
  let begun: Promise<void> | undefined
  return () => {
    begun ??= work()
    return begun
  }
}

function leftText(path: string, commands: number, json: boolean): string {
  if (json) return jsonLine({ leftBehind: { device: path, commands } })
  const many = commands === 1 ? '1 command is' : `${commands} commands are`
  return `${many} still on the way to ${path}, and may yet be carried out\n`
}

/** A command that the target never answers does not keep a process that was told to end. */
function optionsOf(call: Connecting): HelperOptions {
  const timeoutMs = timeoutOf(call)
  return {
    signal: call.signal,
    onAbort: 'detach',
    ...(timeoutMs !== undefined && { timeoutMs }),
  }
}

function timeoutOf({ values: { timeout } }: Connecting): number | undefined {
  return timeout === undefined ? undefined : parseSeconds('--timeout', timeout)
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
