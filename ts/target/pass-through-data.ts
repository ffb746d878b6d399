/**
 * What a device says of itself and is not so for whoever meets it behind a target: INQUIRY data, and which commands there are.
 *
 *     standard data   NORMACA, ACC, TPGS and 3PC are 0; HISUP is the target's
 *     page 00h        without SCSI ports (88h) and third-party copy (8Fh)
 *     page 83h        without the names of the device's target ports
 *     page B0h        no length is more than one command can move here
 *     RSOC            without the commands that are refused
 */

import { SgringError } from '../errors.ts'
import type { LogicalUnit } from '../initiator/unit.ts'
import { getUint16, getUint32, setUint16, setUint32 } from '../scsi/bytes.ts'
import { Association, encodeDesignators, parseDesignators } from '../scsi/designator.ts'
import { DeviceType } from '../scsi/inquiry.ts'
import { MaintenanceIn, Opcode } from '../scsi/opcode.ts'
import {
  encodeCommandSupport,
  encodeSupportedCommands,
  reportSupportedOpcodes,
  Support,
} from '../scsi/supported-opcodes.ts'
import { encodeVpd, VpdPage } from '../scsi/vpd.ts'
import { type Answer, good } from '../task/answer.ts'
import { type Command, type Response, Status } from '../task/command.ts'
import { isRefused } from './pass-through-refused.ts'
import { invalidField } from './refusal.ts'

/** The unit that commands are passed to. */
export interface Behind {
  readonly unit: LogicalUnit
  readonly deviceType: number
  /** Bytes that one command can move. */
  readonly maxTransferBytes: number
  /** Undefined while it is not known: it is asked for when it is needed. */
  blockLength: number | undefined
}

/** How a command is sent. */
export type Ways = Pick<Command, 'signal' | 'timeoutMs'>

/** Room for what is changed, of which the initiator gets as much as it has asked for. */
const PAGE_BYTES = 1024
const LIST_BYTES = 16_384
const HIDDEN_PAGES: ReadonlySet<number> = new Set([0x88, 0x8f])

/** The answer to a command whose data are changed; undefined for all others. */
export function changedData(
  behind: Behind,
  cdb: Uint8Array,
  ways: Ways,
): Promise<Answer> | undefined {
  if (cdb[0] === Opcode.INQUIRY) return inquiry(behind, cdb, ways)
  const isReport =
    cdb[0] === Opcode.MAINTENANCE_IN &&
    (cdb[1]! & 0x1f) === MaintenanceIn.REPORT_SUPPORTED_OPERATION_CODES &&
    behind.deviceType !== DeviceType.CD_DVD
  return isReport ? supportedOpcodes(behind, cdb, ways) : undefined
}

/**
 * What came, as an answer.
 *
 * @param sent bytes of data-out that were offered
 * @param most bytes that the device may have had beyond the room
 */
export function answerOf(response: Response, sent = 0, most = 0): Answer {
  const { status, sense, data, residual, residualOut } = response
  return {
    status,
    // Bytes beyond the initiator's room are cut, and told as a negative residual.
    data: residual < 0 ? longer(data, Math.min(-residual, most)) : data,
    ...(sense.length > 0 && { sense }),
    taken: Math.max(0, sent - residualOut),
  }
}

function longer(data: Uint8Array, bytes: number): Uint8Array {
  const whole = new Uint8Array(data.length + bytes)
  whole.set(data)
  return whole
}

async function inquiry(behind: Behind, cdb: Uint8Array, ways: Ways): Promise<Answer> {
  const vital = (cdb[1]! & 1) !== 0
  const page = cdb[2]!
  if (vital && HIDDEN_PAGES.has(page)) return invalidField(2, 7)
  const asked = getUint16(cdb, 3)
  const room = vital ? Math.max(asked, PAGE_BYTES) : asked
  const own = cdb.slice()
  setUint16(own, 3, room)
  const response = await behind.unit.execute({ ...ways, cdb: own, dataIn: room })
  if (response.status !== Status.GOOD) return answerOf(response)
  const data = vital ? await vitalPage(behind, page, response.data, ways) : standard(response.data)
  return good(data.subarray(0, asked))
}

function standard(data: Uint8Array): Uint8Array {
  const changed = data.slice()
  if (changed.length > 3) changed[3] = (changed[3]! & ~0x20) | 0x10
  if (changed.length > 5) changed[5]! &= ~0x78
  return changed
}

async function vitalPage(
  behind: Behind,
  page: number,
  data: Uint8Array,
  ways: Ways,
): Promise<Uint8Array> {
  const body = data.subarray(4, 4 + (data.length < 4 ? 0 : getUint16(data, 2)))
  if (page === VpdPage.SUPPORTED_PAGES) {
    return encodeVpd(
      data[0] ?? 0,
      page,
      body.filter((code) => !HIDDEN_PAGES.has(code)),
    )
  }
  if (page === VpdPage.DEVICE_IDENTIFICATION) {
    return encodeVpd(data[0] ?? 0, page, ownDesignators(body))
  }
  if (page !== VpdPage.BLOCK_LIMITS) return data
  const blockLength = await blockLengthOf(behind, ways)
  return blockLength === undefined
    ? data
    : clamped(data, Math.floor(behind.maxTransferBytes / blockLength))
}

function ownDesignators(body: Uint8Array): Uint8Array {
  try {
    const all = parseDesignators(body)
    return encodeDesignators(
      all.filter(({ association }) => association !== Association.TARGET_PORT),
    )
  } catch {
    // What cannot be read is the device's own affair.
    return body
  }
}

async function blockLengthOf(behind: Behind, ways: Ways): Promise<number | undefined> {
  try {
    behind.blockLength ??= (await behind.unit.readCapacity(ways)).blockLength
  } catch (error) {
    // Without a medium there is nothing to move.
    if (!(error instanceof SgringError)) throw error
  }
  return behind.blockLength
}

/**
 * Where the block limits page has lengths of transfers: MAXIMUM, OPTIMAL, and MAXIMUM ATOMIC. OPTIMAL and ATOMIC that are 0 are not reported, and stay so; a
 * MAXIMUM of 0 is no limit.
 */
const MAXIMUM_LENGTH = 8
const OTHER_LENGTHS = [12, 44, 56]
const MAX_COMPARE_AND_WRITE_LENGTH = 5

/** @param blocks that one command can move at most */
function clamped(data: Uint8Array, blocks: number): Uint8Array {
  const changed = data.slice()
  for (const at of [MAXIMUM_LENGTH, ...OTHER_LENGTHS]) {
    if (at + 4 > changed.length) continue
    const given = getUint32(changed, at)
    if (given > blocks || (given === 0 && at === MAXIMUM_LENGTH)) setUint32(changed, at, blocks)
  }
  // It moves each block twice: what is compared, and what is written.
  const pairs = Math.floor(blocks / 2)
  if ((changed[MAX_COMPARE_AND_WRITE_LENGTH] ?? 0) > pairs) {
    changed[MAX_COMPARE_AND_WRITE_LENGTH] = pairs
  }
  return changed
}

async function supportedOpcodes(behind: Behind, cdb: Uint8Array, ways: Ways): Promise<Answer> {
  const { deviceType, unit } = behind
  const asked = getUint32(cdb, 6)
  const all = (cdb[2]! & 7) === 0
  if (!all && isRefused(cdb[3]!, getUint16(cdb, 4), deviceType)) {
    return good(encodeCommandSupport(NO_SUPPORT).subarray(0, asked))
  }
  const room = Math.min(Math.max(asked, LIST_BYTES), behind.maxTransferBytes)
  const own = cdb.slice()
  setUint32(own, 6, room)
  const response = await unit.execute({ ...ways, cdb: own, dataIn: room })
  if (response.status !== Status.GOOD) return answerOf(response)
  if (!all) return good(response.data.subarray(0, asked))
  const { commands } = reportSupportedOpcodes().parse(response.data)
  const passed = commands.filter(
    ({ opcode, serviceAction }) => !isRefused(opcode, serviceAction, deviceType),
  )
  return good(encodeSupportedCommands(passed).subarray(0, asked))
}

const NO_SUPPORT = {
  support: Support.NONE,
  usage: new Uint8Array(0),
  durationLimitPage: 0,
  multipleUnits: 0,
  timeouts: undefined,
}
