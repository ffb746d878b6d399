/** A unit as an end of a copy. */

import { SgringError } from '../errors.ts'
import type { HelperOptions, LogicalUnit } from '../initiator/unit.ts'
import { Association, vpdDeviceIdentification } from '../scsi/vpd.ts'
import type { Reading, Writing } from './copy-end.ts'
import { CliError, ExitCode } from './exit-code.ts'
import { hexBytes } from './hex.ts'
import { size } from './quantity.ts'
import { type OpenUnit, openUnit } from './unit.ts'
import type { Call, CONNECTING } from './verb.ts'

/** For the last command of a copy that was stopped. */
const LAST: HelperOptions = { timeoutMs: 5000, onAbort: 'detach' }

interface Opened extends OpenUnit {
  readonly name: string
  readonly identity: string
  readonly blockLength: number
  readonly size: number
  readonly what: string
}

export async function openUnitReading(
  name: string,
  call: Call<typeof CONNECTING>,
): Promise<Reading> {
  const opened = await openEnd(name, call, false)
  return {
    ...endOf(opened),
    read: (at, length) => readAt(opened, at, length, false),
    close: opened.close,
  }
}

export async function openUnitWriting(
  name: string,
  call: Call<typeof CONNECTING>,
): Promise<Writing> {
  const opened = await openEnd(name, call, true)
  const { unit, blockLength, options, close } = opened
  return {
    ...endOf(opened),
    ordered: false,
    announcement: `${name}, LUN ${unit.lun}: ${opened.what}, ${size(opened.size)}`,
    begin: async () => {},
    write: (at, data) => unit.write({ ...options, lba: BigInt(at / blockLength), data }),
    readBack: (at, length) => readAt(opened, at, length, true),
    // Told to end, it asks once more, and does not wait long for a target that hangs.
    sync: () => unit.synchronizeCache(call.signal.aborted ? LAST : options),
    commit: close,
    stop: close,
    close,
  }
}

function endOf({ name, place, identity, blockLength, size }: Opened) {
  return { name, place, identity, blockLength, size }
}

function readAt(
  { unit, options, blockLength }: Opened,
  at: number,
  length: number,
  fua: boolean,
): Promise<Uint8Array> {
  const lba = BigInt(at / blockLength)
  return unit.read({ ...options, lba, blocks: length / blockLength, fua })
}

async function openEnd(
  name: string,
  call: Call<typeof CONNECTING>,
  writes: boolean,
): Promise<Opened> {
  const opened = await openUnit(name, call, { writes })
  try {
    const { unit, options } = opened
    const { vendor, product } = await unit.inquiry(options)
    const { lastLba, blockLength } = await unit.readCapacity(options)
    const bytes = Number(lastLba + 1n) * blockLength
    if (!Number.isSafeInteger(bytes)) {
      throw new CliError(ExitCode.FILE, `${name} is larger than 8 PiB; use read and write --lba`)
    }
    const designators = await designatorsOf(unit, options)
    const identity = [vendor, product, designators, bytes, blockLength].join(' | ')
    const what = `${vendor} ${product}`
    return { ...opened, name, identity, blockLength, size: bytes, what }
  } catch (error) {
    await opened.close()
    throw error
  }
}

/** What the unit calls itself (SPC-4 7.8.5); a unit may have no such page. */
async function designatorsOf(unit: LogicalUnit, options: HelperOptions): Promise<string> {
  try {
    const all = await unit.run(vpdDeviceIdentification(), options)
    const own = all.filter(({ association }) => association === Association.LOGICAL_UNIT)
    return own.map(({ designator }) => hexBytes(designator)).join(', ')
  } catch (error) {
    if (error instanceof SgringError && error.code === 'ERR_SGRING_CHECK_CONDITION') return ''
    throw error
  }
}
