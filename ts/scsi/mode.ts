/**
 * MODE SENSE and MODE SELECT, 6 and 10 bytes, and the parameter list that both carry (SPC-4 6.9 to 6.12, 7.5).
 *
 *     header (6)                       header (10)                        page_0 format          sub_page format
 *     0  MODE DATA LENGTH              0,1  MODE DATA LENGTH              0   PS | 0 | PAGE      0    PS | 1 | PAGE
 *     1  MEDIUM TYPE                   2    MEDIUM TYPE                   1   PAGE LENGTH (n-1)  1    SUBPAGE
 *     2  DEVICE-SPECIFIC PARAMETER     3    DEVICE-SPECIFIC PARAMETER     2.. parameters         2,3  PAGE LENGTH (n-3)
 *     3  BLOCK DESCRIPTOR LENGTH       4    LONGLBA                                              4..  parameters
 *                                      6,7  BLOCK DESCRIPTOR LENGTH
 */

import {
  badResponse,
  checkUint,
  checkUint64,
  getUint16,
  getUint24,
  getUint32,
  getUint64,
  needBytes,
  setUint16,
  setUint24,
  setUint32,
  setUint64,
} from './bytes.ts'
import { parseNothing, type TypedCommand } from './command.ts'
import { Opcode } from './opcode.ts'

/** PC: which values of a page are meant (SPC-4 6.11.1). */
export const ModePageControl = { CURRENT: 0, CHANGEABLE: 1, DEFAULT: 2, SAVED: 3 } as const
export type ModePageControl = (typeof ModePageControl)[keyof typeof ModePageControl]

/** Every page, in MODE SENSE. */
export const ALL_PAGES = 0x3f
/** Every subpage of the page, in MODE SENSE; of every page, with `ALL_PAGES`. */
export const ALL_SUBPAGES = 0xff

/** A mode page. */
export interface ModePage {
  readonly page: number
  /** 0 in page_0 format. */
  readonly subpage: number
  /** PS: the unit can save it. */
  readonly savable: boolean
  /** All of its bytes, header included: what a standard says of byte n stands at n. */
  readonly bytes: Uint8Array
}

/** A mode parameter block descriptor (SPC-4 7.5.6, SBC-3 6.4.2). */
export interface ModeBlockDescriptor {
  /** In the short form 32 bits, all ones where there are more; of devices other than disks the lower 24. */
  readonly blocks: bigint
  /** Bytes in one logical block; at most 2^24-1 in the short form. */
  readonly blockLength: number
  /** Of tapes and the like, in the short form: its byte 0, the highest of `blocks`. */
  readonly densityCode?: number
}

/** What MODE SENSE returns, and MODE SELECT takes. */
export interface ModeParameters {
  readonly mediumType: number
  /** DEVICE-SPECIFIC PARAMETER: of a disk WP is 80h and DPOFUA 10h. */
  readonly deviceSpecific: number
  /** The block descriptors are of 16 bytes. */
  readonly longLba: boolean
  readonly blockDescriptors: readonly ModeBlockDescriptor[]
  /** In the device's order; vendor specific bytes of page 00h, which has no format, in `vendorPage`. */
  readonly pages: readonly ModePage[]
  /** Page 00h, without a format, from its first byte to the end. */
  readonly vendorPage: Uint8Array | undefined
}

/** What is asked for. */
export interface ModeSenseOptions {
  /** 0 to 3Fh, or `ALL_PAGES`. */
  readonly page: number
  /** Default: 0. */
  readonly subpage?: number
  /** Default: the current values. */
  readonly control?: ModePageControl
  /** DBD: no block descriptors. Default: false. */
  readonly disableBlockDescriptors?: boolean
  /** Room for the answer, 4 or 8 bytes at least. Default: 255, and 4096 for the 10-byte form. */
  readonly allocationLength?: number
}

export interface ModeSense10Options extends ModeSenseOptions {
  /** LLBAA: long block descriptors are welcome. Default: false. */
  readonly longLbaAccepted?: boolean
}

/** What is set. Fields that are left out are 0, as SPC-4 asks of them. */
export interface ModeSelectOptions {
  /** Whole pages, as MODE SENSE returned them and a change has made them. PS is sent as 0. */
  readonly pages: readonly Pick<ModePage, 'bytes'>[]
  /** SP: they are saved, too. Default: false. */
  readonly save?: boolean
  readonly mediumType?: number
  readonly deviceSpecific?: number
  /** Default: none. */
  readonly blockDescriptors?: readonly ModeBlockDescriptor[]
}

export interface ModeSelect10Options extends ModeSelectOptions {
  /** Block descriptors are sent in 16 bytes each. Default: false. */
  readonly longLba?: boolean
}

const PS = 0x80
const SPF = 0x40
const PF = 0x10
const SP = 0x01
const DBD = 0x08
const LLBAA = 0x10
const LONGLBA = 0x01
const HEADER_6 = 4
const HEADER_10 = 8
const SHORT_DESCRIPTOR = 8
const LONG_DESCRIPTOR = 16

/** MODE SENSE(6) (SPC-4 6.11): an answer of at most 256 bytes. */
export function modeSense6(options: ModeSenseOptions): TypedCommand<ModeParameters> {
  const { allocationLength = 0xff } = options
  const cdb = new Uint8Array(6)
  cdb[0] = Opcode.MODE_SENSE_6
  setWanted(cdb, options)
  cdb[4] = checkUint('allocationLength', allocationLength, 0xff, HEADER_6)
  return { cdb, dataInLength: allocationLength, parse: (data) => parseModeParameters(data, 6) }
}

/** MODE SENSE(10) (SPC-4 6.12). */
export function modeSense10(options: ModeSense10Options): TypedCommand<ModeParameters> {
  const { allocationLength = 4096, longLbaAccepted = false } = options
  const cdb = new Uint8Array(10)
  cdb[0] = Opcode.MODE_SENSE_10
  setWanted(cdb, options)
  if (longLbaAccepted) cdb[1]! |= LLBAA
  setUint16(cdb, 7, checkUint('allocationLength', allocationLength, 0xffff, HEADER_10))
  return { cdb, dataInLength: allocationLength, parse: (data) => parseModeParameters(data, 10) }
}

/** MODE SELECT(6) (SPC-4 6.9): at most 255 bytes of parameters. */
export function modeSelect6(options: ModeSelectOptions): TypedCommand<void> {
  const dataOut = encodeModeParameters({ ...options, pages: withoutPs(options.pages) }, 6)
  dataOut[0] = 0
  const length = checkUint('the length of the parameter list', dataOut.length, 0xff)
  const cdb = Uint8Array.of(Opcode.MODE_SELECT_6, selectFlags(options), 0, 0, length, 0)
  return { cdb, dataOut, dataInLength: 0, parse: parseNothing }
}

/** MODE SELECT(10) (SPC-4 6.10). */
export function modeSelect10(options: ModeSelect10Options): TypedCommand<void> {
  const dataOut = encodeModeParameters({ ...options, pages: withoutPs(options.pages) }, 10)
  setUint16(dataOut, 0, 0)
  const cdb = new Uint8Array(10)
  cdb[0] = Opcode.MODE_SELECT_10
  cdb[1] = selectFlags(options)
  setUint16(cdb, 7, checkUint('the length of the parameter list', dataOut.length, 0xffff))
  return { cdb, dataOut, dataInLength: 0, parse: parseNothing }
}

/** Header, block descriptors and pages, as MODE SENSE(6) or (10) returns them. */
export function encodeModeParameters(parameters: ModeSelect10Options, form: 6 | 10): Uint8Array {
  const { mediumType = 0, deviceSpecific = 0, blockDescriptors = [], pages } = parameters
  const longLba = parameters.longLba ?? false
  const encode = longLba ? longDescriptor : shortDescriptor
  const body = Buffer.concat([...blockDescriptors.map(encode), ...pages.map(({ bytes }) => bytes)])
  const descriptorsLength = blockDescriptors.length * (longLba ? LONG_DESCRIPTOR : SHORT_DESCRIPTOR)
  const headerLength = form === 6 ? HEADER_6 : HEADER_10
  const data = new Uint8Array(headerLength + body.length)
  data.set(body, headerLength)
  if (form === 6) {
    data[0] = checkUint('MODE DATA LENGTH', data.length - 1, 0xff)
    data[1] = checkUint('mediumType', mediumType, 0xff)
    data[2] = checkUint('deviceSpecific', deviceSpecific, 0xff)
    data[3] = checkUint('BLOCK DESCRIPTOR LENGTH', descriptorsLength, 0xff)
  } else {
    setUint16(data, 0, checkUint('MODE DATA LENGTH', data.length - 2, 0xffff))
    data[2] = checkUint('mediumType', mediumType, 0xff)
    data[3] = checkUint('deviceSpecific', deviceSpecific, 0xff)
    data[4] = longLba ? LONGLBA : 0
    setUint16(data, 6, checkUint('BLOCK DESCRIPTOR LENGTH', descriptorsLength, 0xffff))
  }
  return data
}

/**
 * Reads what MODE SENSE(6) or (10) returned: as much as MODE DATA LENGTH says, all of which must have come.
 *
 * @throws `ERR_SGRING_RESPONSE` for lengths that contradict each other
 */
export function parseModeParameters(data: Uint8Array, form: 6 | 10): ModeParameters {
  const headerLength = form === 6 ? HEADER_6 : HEADER_10
  needBytes('mode parameters', data, headerLength)
  const length = form === 6 ? data[0]! + 1 : getUint16(data, 0) + 2
  needBytes('mode parameters', data, length)
  const whole = data.subarray(0, Math.max(length, headerLength))
  const at = form === 6 ? 1 : 2
  const longLba = form === 10 && (whole[4]! & LONGLBA) !== 0
  const descriptorsLength = form === 6 ? whole[3]! : getUint16(whole, 6)
  const pagesAt = headerLength + descriptorsLength
  needBytes('mode block descriptors', whole, pagesAt)
  return {
    mediumType: whole[at]!,
    deviceSpecific: whole[at + 1]!,
    longLba,
    blockDescriptors: parseDescriptors(whole.subarray(headerLength, pagesAt), longLba),
    ...parsePages(whole.subarray(pagesAt)),
  }
}

/** The pages of a parameter list; page 00h has no format, and goes on to the end. */
function parsePages(bytes: Uint8Array): Pick<ModeParameters, 'pages' | 'vendorPage'> {
  const pages: ModePage[] = []
  let at = 0
  while (at < bytes.length) {
    const rest = bytes.subarray(at)
    if ((rest[0]! & 0x3f) === 0) return { pages, vendorPage: rest.slice() }
    const end = modePageEnd(rest)
    needBytes('a mode page', rest, end)
    pages.push(modePage(rest.slice(0, end)))
    at += end
  }
  return { pages, vendorPage: undefined }
}

/** A page of these bytes, header included. */
export function modePage(bytes: Uint8Array): ModePage {
  const sub = (bytes[0]! & SPF) !== 0
  return {
    page: bytes[0]! & 0x3f,
    subpage: sub ? bytes[1]! : 0,
    savable: (bytes[0]! & PS) !== 0,
    bytes,
  }
}

/** How many bytes the page has that begins here, as its header says; more than there are if the header itself is cut. */
export function modePageEnd(bytes: Uint8Array): number {
  if ((bytes[0]! & SPF) !== 0) return bytes.length < 4 ? 4 : 4 + getUint16(bytes, 2)
  return bytes.length < 2 ? 2 : 2 + bytes[1]!
}

/** A page of zeros, with its header. `lengthBytes` counts all of it. */
export function emptyModePage(page: number, subpage: number, lengthBytes: number): Uint8Array {
  const bytes = new Uint8Array(lengthBytes)
  bytes[0] = page
  if (subpage === 0) {
    bytes[1] = lengthBytes - 2
  } else {
    bytes[0] |= SPF
    bytes[1] = subpage
    setUint16(bytes, 2, lengthBytes - 4)
  }
  return bytes
}

function parseDescriptors(bytes: Uint8Array, longLba: boolean): ModeBlockDescriptor[] {
  const length = longLba ? LONG_DESCRIPTOR : SHORT_DESCRIPTOR
  if (bytes.length % length !== 0) {
    throw badResponse(`mode block descriptors: ${bytes.length} bytes are not ${length} bytes each`)
  }
  return Array.from({ length: bytes.length / length }, (_, index) => {
    const one = bytes.subarray(index * length, (index + 1) * length)
    return longLba
      ? { blocks: getUint64(one, 0), blockLength: getUint32(one, 12) }
      : {
          blocks: BigInt(getUint32(one, 0)),
          blockLength: getUint24(one, 5),
          densityCode: one[0]!,
        }
  })
}

/** SBC-3 6.4.2.2. What does not fit into NUMBER OF LOGICAL BLOCKS is all ones. */
function shortDescriptor({ blocks, blockLength, densityCode }: ModeBlockDescriptor): Uint8Array {
  const bytes = new Uint8Array(SHORT_DESCRIPTOR)
  setUint32(bytes, 0, blocks > 0xffff_ffffn ? 0xffff_ffff : Number(checkUint64('blocks', blocks)))
  if (densityCode !== undefined) bytes[0] = checkUint('densityCode', densityCode, 0xff)
  setUint24(bytes, 5, checkUint('blockLength', blockLength, 0xff_ffff))
  return bytes
}

/** SBC-3 6.4.2.3. */
function longDescriptor({ blocks, blockLength }: ModeBlockDescriptor): Uint8Array {
  const bytes = new Uint8Array(LONG_DESCRIPTOR)
  setUint64(bytes, 0, checkUint64('blocks', blocks))
  setUint32(bytes, 12, checkUint('blockLength', blockLength, 0xffff_ffff))
  return bytes
}

function setWanted(cdb: Uint8Array, options: ModeSenseOptions): void {
  const { page, subpage = 0, control = ModePageControl.CURRENT } = options
  cdb[1] = options.disableBlockDescriptors === true ? DBD : 0
  cdb[2] = (checkUint('control', control, 3) << 6) | checkUint('page', page, 0x3f)
  cdb[3] = checkUint('subpage', subpage, 0xff)
}

function selectFlags({ save = false }: ModeSelectOptions): number {
  return PF | (save ? SP : 0)
}

/** PS is reserved in MODE SELECT (SPC-4 7.5.7). */
function withoutPs(pages: readonly Pick<ModePage, 'bytes'>[]): Pick<ModePage, 'bytes'>[] {
  return pages.map((page) => {
    const bytes = page.bytes.slice()
    bytes[0]! &= ~PS
    return { bytes }
  })
}
