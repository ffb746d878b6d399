/** A unit as an end of a transfer. */

import { SgringError } from '../errors.ts'
import { isInvalidField } from '../initiator/refused.ts'
import type { HelperOptions, LogicalUnit } from '../initiator/unit.ts'
import { Association, type Designator, DesignatorType, designatorText } from '../scsi/designator.ts'
import type { Sense } from '../scsi/sense.ts'
import { vpdDeviceIdentification } from '../scsi/vpd.ts'
import type { KernelNode } from '../sg/node.ts'
import { Attentions } from './copy-attention.ts'
import type { Reading, Writing } from './copy-end.ts'
import type { Pace } from './copy-pace.ts'
import { PartQueue } from './copy-queue.ts'
import type { From, To } from './copying.ts'
import { CliError, ExitCode } from './exit-code.ts'
import { hexBytes } from './hex.ts'
import { checkRange, type OpenUnit, openUnit, unitText } from './unit.ts'
import { unlessAborted } from './unless-aborted.ts'
import type { Call, CONNECTING } from './verb.ts'

/** Blocks of a unit, as an end that begins with the first of them. */
export interface Blocks {
  readonly unit: LogicalUnit
  readonly options: HelperOptions
  readonly blockLength: number
  readonly lba: bigint
  /** As `NodeBlocks` has it; helpers of the unit do so by themselves. */
  readonly attention?: (sense: Sense) => void
}

/** Those of a unit that is a kernel node's. */
export interface NodeEnd extends Blocks {
  readonly node: KernelNode
}

/** Which blocks of a unit; without it all of them, as far as numbers of bytes go. */
export interface Window {
  readonly lba: bigint
  /** Default: all up to the end. */
  readonly blocks?: bigint | undefined
}

interface Opened extends OpenUnit, Blocks {
  readonly name: string
  readonly size: number
  readonly maxTransferBytes: number
  readonly attention: (sense: Sense) => void
  identity(): Promise<string>
  worldWideNames(): Promise<readonly string[]>
  announcement(): Promise<string>
  /** It is written to from now on. */
  begin(): Promise<void>
}

export async function openUnitReading(
  name: string,
  call: Call<typeof CONNECTING>,
  window?: Window,
): Promise<Reading> {
  const opened = await openEnd(name, call, { window, writes: false })
  return { ...opened, ...byParts(opened), read: readerOf(opened) }
}

export async function openUnitWriting(
  name: string,
  call: Call<typeof CONNECTING>,
  window?: Window,
): Promise<Writing> {
  const opened = await openEnd(name, call, { window, writes: true })
  const { unit, close } = opened
  // What was sent is left alone by Ctrl-C: an error of what was written before is told once, and perhaps to that.
  const { signal: _, ...options } = opened.options
  const blocks = { ...opened, options }
  try {
    return {
      ...blocks,
      ...byParts(blocks),
      ordered: false,
      announcement: await opened.announcement(),
      write: writerOf(blocks),
      readBack: backReaderOf(blocks),
      sync: (patience) => unlessAborted(patience, unit.synchronizeCache(options)),
      commit: close,
      stop: close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** In the batch form, or from node to node, where commands end by themselves: a node's do, by the kernel's time, and those of a ring only by a helper's. */
function byParts(opened: Opened) {
  const { node, unit, lba, blockLength, options, attention } = opened
  if (node === undefined || options.timeoutMs !== undefined) return {}
  return { parts: partsOf(opened), direct: { node, unit, lba, blockLength, options, attention } }
}

/** Reads and writes by parts, in the batch form. */
export function partsOf(blocks: Blocks): (pace: Pace) => PartQueue | undefined {
  const helper = { read: readerOf(blocks), write: writerOf(blocks) }
  return (pace) => PartQueue.of(blocks, helper, pace)
}

/** Reads by bytes. */
export function readerOf(
  { unit, options, blockLength, lba }: Blocks,
  { fua = false }: { readonly fua?: boolean } = {},
): From['read'] {
  return (at, length, room) => {
    const first = lba + BigInt(at / blockLength)
    const into = room && { into: room }
    return unit.read({ ...options, ...into, lba: first, blocks: length / blockLength, fua })
  }
}

/** Reads by bytes from the medium, with FUA; of a unit that knows none (DPOFUA, SBC-3 6.4.1) what it has, which may come from its cache. */
export function backReaderOf(blocks: Blocks): From['read'] {
  const plain = readerOf(blocks)
  const forced = readerOf(blocks, { fua: true })
  let knowsFua = true
  return async (at, length) => {
    try {
      if (knowsFua) return await forced(at, length)
    } catch (error) {
      if (!isInvalidField(error)) throw error
    }
    const data = await plain(at, length)
    // It was that which was refused.
    knowsFua = false
    return data
  }
}

/** Writes by bytes. */
export function writerOf({ unit, options, blockLength, lba }: Blocks): To['write'] {
  return (at, data) => unit.write({ ...options, lba: lba + BigInt(at / blockLength), data })
}

async function openEnd(
  name: string,
  call: Call<typeof CONNECTING>,
  { window, writes }: { readonly window: Window | undefined; readonly writes: boolean },
): Promise<Opened> {
  const attentions = new Attentions(name)
  const { heard } = attentions
  const opened = await openUnit(name, call, { writes, helpers: { unitAttention: heard } })
  try {
    const { unit, options, node } = opened
    const capacity = await unit.readCapacity(options)
    attentions.known()
    const { lastLba, blockLength } = capacity
    const all = Number(lastLba + 1n) * blockLength
    if (window === undefined && !Number.isSafeInteger(all)) {
      throw new CliError(ExitCode.FILE, `${name} is larger than 8 PiB; use read and write --lba`)
    }
    const { lba, blocks } = window ?? { lba: 0n }
    checkRange(capacity, lba, blocks ?? 0n)
    return {
      ...opened,
      name,
      blockLength,
      lba,
      size: Number(blocks ?? lastLba + 1n - lba) * blockLength,
      maxTransferBytes: unit.maxTransferBytes,
      attention: heard,
      // Behind a ring, WRITEs that were answered are the system's, which keeps them when a target dies; each target after it is a POWER ON.
      begin: async () => void (node !== undefined && attentions.written()),
      identity: () => identityOf(opened, all, blockLength),
      worldWideNames: async () =>
        (await designatorsOf(opened)).filter(isWorldWide).map(designatorText),
      announcement: async () =>
        `${name}, LUN ${unit.lun}: ${await unitText(unit, options, capacity)}`,
    }
  } catch (error) {
    await opened.close()
    throw error
  }
}

async function identityOf(
  { unit, options }: OpenUnit,
  bytes: number,
  blockLength: number,
): Promise<string> {
  const { vendor, product } = await unit.inquiry(options)
  const designators = await designatorsOf({ unit, options })
  const names = designators.map(({ designator }) => hexBytes(designator)).join(', ')
  return [vendor, product, names, bytes, blockLength].join(' | ')
}

const WORLD_WIDE: ReadonlySet<number> = new Set([
  DesignatorType.EUI64,
  DesignatorType.NAA,
  DesignatorType.SCSI_NAME,
  DesignatorType.UUID,
])
/** NAA of an identifier that somebody has chosen (SPC-5 7.7.6.6). */
const LOCALLY_ASSIGNED = 3

function isWorldWide({ type, designator }: Designator): boolean {
  // There are devices that fill in nothing.
  if (designator.every((byte) => byte === 0)) return false
  const isLocal = type === DesignatorType.NAA && designator[0]! >> 4 === LOCALLY_ASSIGNED
  return WORLD_WIDE.has(type) && !isLocal
}

/** What the unit calls itself (SPC-4 7.8.5); a unit may have no such page. */
async function designatorsOf({
  unit,
  options,
}: Pick<OpenUnit, 'unit' | 'options'>): Promise<Designator[]> {
  try {
    const all = await unit.run(vpdDeviceIdentification(), options)
    return all.filter(({ association }) => association === Association.LOGICAL_UNIT)
  } catch (error) {
    if (error instanceof SgringError && error.code === 'ERR_SGRING_CHECK_CONDITION') return []
    throw error
  }
}
