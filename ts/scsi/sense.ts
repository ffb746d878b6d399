/**
 * Sense data (SPC-5 4.4), fixed and descriptor format, both ways.
 *
 *     fixed (70h, 71h)                             descriptor (72h, 73h)
 *     0      VALID | RESPONSE CODE                 0   RESPONSE CODE
 *     2      FILEMARK EOM ILI SDAT_OVFL | KEY      1   SENSE KEY
 *     3..6   INFORMATION                           2,3 ASC, ASCQ
 *     7      ADDITIONAL SENSE LENGTH (n-7)         4   SDAT_OVFL
 *     8..11  COMMAND-SPECIFIC INFORMATION          7   ADDITIONAL SENSE LENGTH (n-7)
 *     12,13  ASC, ASCQ                             8.. descriptors: type, length, data
 *     14     FIELD REPLACEABLE UNIT CODE
 *     15..17 SENSE KEY SPECIFIC
 */

import { badResponse, checkUint, checkUint64, getUint32, setUint16, setUint32 } from './bytes.ts'
import {
  encodeSenseDescriptor,
  parseSenseDescriptor,
  type SenseDescriptor,
  type SenseDetail,
} from './sense-descriptor.ts'
import { encodeSpecific, parseSpecific, type SenseKeySpecific } from './sense-key.ts'

export type { SenseDescriptor, SenseDetail } from './sense-descriptor.ts'
export { SenseKey, type SenseKeySpecific } from './sense-key.ts'

/** What sense data may say beyond the sense key, ASC and ASCQ. */
export interface SenseInit {
  /** Descriptor format instead of fixed. Default: false. */
  readonly descriptor?: boolean
  /** The error belongs to an earlier command that had ended already (71h, 73h). Default: false. */
  readonly deferred?: boolean
  /** INFORMATION. Beyond 2^32-1 fixed format leaves it out, as SPC-5 4.4.3 asks. */
  readonly information?: number | bigint
  /** COMMAND-SPECIFIC INFORMATION; at most 2^32-1 in fixed format. */
  readonly commandSpecific?: number | bigint
  readonly fieldReplaceableUnit?: number
  readonly specific?: SenseKeySpecific
  readonly filemark?: boolean
  readonly endOfMedium?: boolean
  readonly incorrectLength?: boolean
  /** Descriptor format only: further descriptors, after those of the fields above. Fixed format leaves them out. */
  readonly details?: readonly SenseDetail[]
}

/** Sense data as it was read. Fields that did not come are 0, false or undefined. */
export interface Sense {
  /** 70h, 71h: fixed; 72h, 73h: descriptor format. */
  readonly responseCode: number
  readonly deferred: boolean
  readonly key: number
  readonly asc: number
  readonly ascq: number
  /** Whether INFORMATION means what the command's standard says of it. */
  readonly valid: boolean
  readonly information: bigint
  readonly commandSpecific: bigint
  readonly fieldReplaceableUnit: number
  readonly filemark: boolean
  readonly endOfMedium: boolean
  readonly incorrectLength: boolean
  /** The device had more sense data than it could send (SDAT_OVFL). */
  readonly overflow: boolean
  readonly specific: SenseKeySpecific | undefined
  /** Descriptor format only: all descriptors, in their order. */
  readonly descriptors: readonly SenseDescriptor[]
  /** What each of them says. */
  readonly details: readonly SenseDetail[]
}

const SDAT_OVFL = 0x80
const CURRENT_FIXED = 0x70
const CURRENT_DESCRIPTOR = 0x72
const FIXED_LENGTH = 18
/** The largest sense data (SPC-5 4.4.1). */
const MAX_LENGTH = 252
const UINT32_MAX = 0xffff_ffffn

/**
 * Sense data for `key` and `ascAscq` (0x2400 is ASC 24h, ASCQ 00h): 18 bytes of fixed format, or descriptor format. Descriptors that do
 * not fit into its 252 bytes are left out, and SDAT_OVFL says so.
 *
 * @throws `ERR_SGRING_INVALID_ARGUMENT` for values that their fields cannot hold
 */
export function encodeSense(key: number, ascAscq: number, init: SenseInit = {}): Uint8Array {
  checkUint('sense key', key, 0xf)
  checkUint('ascAscq', ascAscq, 0xffff)
  return init.descriptor === true
    ? encodeDescriptors(key, ascAscq, init)
    : encodeFixed(key, ascAscq, init)
}

function encodeFixed(key: number, ascAscq: number, init: SenseInit): Uint8Array {
  const bytes = new Uint8Array(FIXED_LENGTH)
  bytes[0] = CURRENT_FIXED | (init.deferred === true ? 1 : 0)
  bytes[2] = key | streamBits(init)
  bytes[7] = FIXED_LENGTH - 8
  if (init.information !== undefined) {
    const information = checkUint64('information', init.information)
    if (information <= UINT32_MAX) {
      bytes[0] |= 0x80
      setUint32(bytes, 3, Number(information))
    }
  }
  if (init.commandSpecific !== undefined) {
    setUint32(bytes, 8, Number(checkUint64('commandSpecific', init.commandSpecific, UINT32_MAX)))
  }
  setUint16(bytes, 12, ascAscq)
  bytes[14] = checkUint('fieldReplaceableUnit', init.fieldReplaceableUnit ?? 0, 0xff)
  if (init.specific !== undefined) bytes.set(encodeSpecific(init.specific), 15)
  return bytes
}

function encodeDescriptors(key: number, ascAscq: number, init: SenseInit): Uint8Array {
  const bytes = new Uint8Array(MAX_LENGTH)
  bytes[0] = CURRENT_DESCRIPTOR | (init.deferred === true ? 1 : 0)
  bytes[1] = key
  setUint16(bytes, 2, ascAscq)
  let end = 8
  for (const detail of detailsOf(init)) {
    const { type, data } = encodeSenseDescriptor(detail)
    if (end + 2 + data.length > MAX_LENGTH) {
      bytes[4] = SDAT_OVFL
      break
    }
    bytes.set([type, data.length], end)
    bytes.set(data, end + 2)
    end += 2 + data.length
  }
  bytes[7] = end - 8
  return bytes.slice(0, end)
}

/** What the fields say, in the order of the descriptors' types, and the further details. */
function detailsOf(init: SenseInit): readonly SenseDetail[] {
  const details: SenseDetail[] = []
  if (init.information !== undefined) {
    const information = checkUint64('information', init.information)
    details.push({ kind: 'information', valid: true, information })
  }
  if (init.commandSpecific !== undefined) {
    const commandSpecific = checkUint64('commandSpecific', init.commandSpecific)
    details.push({ kind: 'commandSpecific', commandSpecific })
  }
  if (init.specific !== undefined) details.push({ kind: 'specific', specific: init.specific })
  if (init.fieldReplaceableUnit !== undefined) {
    details.push({ kind: 'fieldReplaceableUnit', code: init.fieldReplaceableUnit })
  }
  if (streamBits(init) !== 0) {
    const { filemark = false, endOfMedium = false, incorrectLength = false } = init
    details.push({ kind: 'stream', filemark, endOfMedium, incorrectLength })
  }
  return init.details === undefined ? details : details.concat(init.details)
}

function streamBits(init: SenseInit): number {
  return (
    (init.filemark === true ? 0x80 : 0) |
    (init.endOfMedium === true ? 0x40 : 0) |
    (init.incorrectLength === true ? 0x20 : 0)
  )
}

/**
 * Reads sense data of either format. Sense data is often cut by who carries it, so what is missing at its end reads as absent; less
 * than its sense key, or a response code of neither format, is `ERR_SGRING_RESPONSE`.
 */
export function parseSense(bytes: Uint8Array): Sense {
  const responseCode = (bytes[0] ?? 0) & 0x7f
  const fixed = responseCode === CURRENT_FIXED || responseCode === CURRENT_FIXED + 1
  const descriptor = responseCode === CURRENT_DESCRIPTOR || responseCode === CURRENT_DESCRIPTOR + 1
  if (!fixed && !descriptor) {
    throw badResponse(
      bytes.length === 0
        ? 'sense data: none came'
        : `sense data: response code ${responseCode.toString(16)}h is neither fixed nor descriptor format`,
    )
  }
  if (bytes.length < (fixed ? 3 : 4)) throw badResponse(`sense data: cut to ${bytes.length} bytes`)
  const length = Math.min(bytes.length, 8 + (bytes[7] ?? 0))
  return fixed ? parseFixed(bytes.subarray(0, length)) : parseDescriptors(bytes.subarray(0, length))
}

function parseFixed(cut: Uint8Array): Sense {
  const bytes = new Uint8Array(FIXED_LENGTH)
  bytes.set(cut.subarray(0, FIXED_LENGTH))
  const key = bytes[2]! & 0xf
  return {
    responseCode: bytes[0]! & 0x7f,
    deferred: (bytes[0]! & 1) === 1,
    key,
    asc: bytes[12]!,
    ascq: bytes[13]!,
    valid: (bytes[0]! & 0x80) !== 0 && cut.length >= 7,
    information: BigInt(getUint32(bytes, 3)),
    commandSpecific: BigInt(getUint32(bytes, 8)),
    fieldReplaceableUnit: bytes[14]!,
    filemark: (bytes[2]! & 0x80) !== 0,
    endOfMedium: (bytes[2]! & 0x40) !== 0,
    incorrectLength: (bytes[2]! & 0x20) !== 0,
    overflow: (bytes[2]! & 0x10) !== 0,
    specific: parseSpecific(key, bytes.subarray(15)),
    descriptors: [],
    details: [],
  }
}

function parseDescriptors(bytes: Uint8Array): Sense {
  const key = bytes[1]! & 0xf
  const descriptors: SenseDescriptor[] = []
  for (let at = 8; at + 2 <= bytes.length; ) {
    const end = at + 2 + bytes[at + 1]!
    if (end > bytes.length) break
    descriptors.push({ type: bytes[at]!, data: bytes.slice(at + 2, end) })
    at = end
  }
  const details = descriptors.map((one) => parseSenseDescriptor(one, key))
  const find = <Kind extends SenseDetail['kind']>(kind: Kind) =>
    details.find((one): one is Extract<SenseDetail, { kind: Kind }> => one.kind === kind)
  const direct = find('directAccess')
  const information = find('information') ?? direct
  const stream = find('stream')
  const specific = find('specific') ?? direct
  return {
    responseCode: bytes[0]! & 0x7f,
    deferred: (bytes[0]! & 1) === 1,
    key,
    asc: bytes[2]!,
    ascq: bytes[3]!,
    valid: information?.valid ?? false,
    information: information?.information ?? 0n,
    commandSpecific: (find('commandSpecific') ?? direct)?.commandSpecific ?? 0n,
    fieldReplaceableUnit: find('fieldReplaceableUnit')?.code ?? direct?.fieldReplaceableUnit ?? 0,
    filemark: stream?.filemark ?? false,
    endOfMedium: stream?.endOfMedium ?? false,
    incorrectLength: (stream ?? find('block') ?? direct)?.incorrectLength ?? false,
    overflow: ((bytes[4] ?? 0) & SDAT_OVFL) !== 0,
    specific: specific?.specific,
    descriptors,
    details,
  }
}
