/**
 * READ ELEMENT STATUS (SMC-3 6.11).
 *
 *     header                              page                                descriptor
 *     0,1  FIRST ELEMENT ADDRESS REPORTED 0    ELEMENT TYPE CODE              0,1    ELEMENT ADDRESS
 *     2,3  NUMBER OF ELEMENTS AVAILABLE   1    PVOLTAG 7, AVOLTAG 6           2      flags, below
 *     5..7 BYTE COUNT OF REPORT AVAILABLE 2,3  ELEMENT DESCRIPTOR LENGTH      4,5    ASC, ASCQ
 *     8..  pages                          5..7 BYTE COUNT OF DESCRIPTOR DATA  9      SVALID 7, INVERT 6, ED 3, MEDIUM TYPE 2..0
 *                                         8..  descriptors                    10,11  SOURCE STORAGE ELEMENT ADDRESS
 *                                                                             12..   PVOLTAG 36, AVOLTAG 36, device identifier
 *
 *     flags: OIR 7, CMC 6, INENAB 5, EXENAB 4 (import/export), ACCESS 3, EXCEPT 2, IMPEXP 1 (import/export), FULL 0
 */

import {
  badResponse,
  checkUint,
  getAscii,
  getUint16,
  getUint24,
  needBytes,
  setUint16,
  setUint24,
} from '../bytes.ts'
import type { TypedCommand } from '../command.ts'
import { Opcode } from './opcode.ts'

/** ELEMENT TYPE CODE. */
export const ElementType = {
  ALL: 0,
  MEDIUM_TRANSPORT: 1,
  STORAGE: 2,
  IMPORT_EXPORT: 3,
  DATA_TRANSFER: 4,
} as const
export type ElementType = (typeof ElementType)[keyof typeof ElementType]

export interface ReadElementStatusOptions {
  /** Default: all. */
  readonly type?: ElementType
  /** The lowest element address that is wanted. Default: 0. */
  readonly first?: number
  /** At most so many elements, 0 to 65,535. Default: 65,535. */
  readonly elements?: number
  /** VOLTAG: with volume tags. Default: true. */
  readonly volumeTags?: boolean
  /** CURDATA: from what is known, without any motion. Default: false. */
  readonly currentData?: boolean
  /** DVCID: with the device identifiers of data transfer elements. Default: false. */
  readonly deviceIdentifiers?: boolean
  /** Room for the answer, 8 to 16,777,215 bytes. Default: 4096; the smallest nexus moves as much. */
  readonly allocationLength?: number
}

/** What a library has. */
export interface ElementStatus {
  readonly firstAddress: number
  /** Elements that meet the request: more than `elements` where the allocation length has cut them. */
  readonly available: number
  /** Bytes that the whole report has, with its header: the allocation length to ask again with. */
  readonly bytes: number
  /** In the device's order. */
  readonly elements: readonly Element[]
}

/** A place that holds a medium. */
export interface Element {
  /** See `ElementType`. */
  readonly type: number
  readonly address: number
  /** A medium is there. */
  readonly full: boolean
  /** EXCEPT: something is wrong here; `asc` and `ascq` say what. */
  readonly exception: boolean
  readonly asc: number
  readonly ascq: number
  /** ACCESS: a transport element can reach it. */
  readonly access: boolean
  /** IMPEXP: an operator has put the medium there, not a transport element. */
  readonly importedByOperator: boolean
  /** EXENAB, INENAB: media can leave and enter here. */
  readonly exportEnabled: boolean
  readonly importEnabled: boolean
  /** OIR: an operator has put something wrong. */
  readonly operatorIntervention: boolean
  /** CMC: media stand in a magazine of the import/export element. */
  readonly inMagazine: boolean
  /** ED: the element is disabled. */
  readonly disabled: boolean
  /** 0: not known; 1 data, 2 cleaning, 3 diagnostics, 4 WORM, 5 microcode. */
  readonly mediumType: number
  /** INVERT: the medium was turned over since it left its storage element. */
  readonly inverted: boolean
  /** The storage element that the medium came from. `undefined` unless SVALID. */
  readonly source: number | undefined
  readonly primaryVolumeTag: VolumeTag | undefined
  readonly alternateVolumeTag: VolumeTag | undefined
  /** SCSI parallel interface of a data transfer element, as SCSI-2 libraries tell it (bytes 6 and 7). */
  readonly bus: ParallelBus | undefined
  readonly device: DeviceIdentifier | undefined
}

/** A volume tag (SMC-3 6.11.7). */
export interface VolumeTag {
  /** The label without its padding; empty when there is none. */
  readonly volume: string
  readonly sequence: number
}

/** Where a drive is on a parallel bus. */
export interface ParallelBus {
  /** NOT BUS: not the bus of the changer. */
  readonly otherBus: boolean
  /** `undefined` unless ID VALID. */
  readonly address: number | undefined
  /** `undefined` unless LU VALID. */
  readonly lun: number | undefined
}

/** Who a drive is, as its device identification VPD page says (SPC-4 7.8.6). */
export interface DeviceIdentifier {
  /** See `CodeSet`. */
  readonly codeSet: number
  /** See `DesignatorType`. */
  readonly type: number
  readonly identifier: Uint8Array
}

const HEADER = 8
const PAGE_HEADER = 8
const DESCRIPTOR = 12
const VOLUME_TAG = 36
const ALLOCATION_LENGTH = 4096
const PVOLTAG = 0x80
const AVOLTAG = 0x40

/** READ ELEMENT STATUS. What the allocation length cuts is left out; `bytes` says how much there is. */
export function readElementStatus(
  options: ReadElementStatusOptions = {},
): TypedCommand<ElementStatus> {
  const { allocationLength = ALLOCATION_LENGTH, volumeTags = true } = options
  const dataInLength = checkUint('allocationLength', allocationLength, 0xff_ffff, HEADER)
  const cdb = new Uint8Array(12)
  cdb[0] = Opcode.READ_ELEMENT_STATUS
  cdb[1] = (volumeTags ? 0x10 : 0) | checkUint('type', options.type ?? ElementType.ALL, 0xf)
  setUint16(cdb, 2, checkUint('first', options.first ?? 0, 0xffff))
  setUint16(cdb, 4, checkUint('elements', options.elements ?? 0xffff, 0xffff))
  cdb[6] = (options.currentData === true ? 2 : 0) | (options.deviceIdentifiers === true ? 1 : 0)
  setUint24(cdb, 7, dataInLength)
  return { cdb, dataInLength, parse: (data) => parseElementStatus(data, dataInLength) }
}

function parseElementStatus(data: Uint8Array, allocationLength: number): ElementStatus {
  needBytes('READ ELEMENT STATUS', data, HEADER)
  const bytes = HEADER + getUint24(data, 5)
  const end = Math.min(bytes, allocationLength)
  needBytes('READ ELEMENT STATUS', data, end)
  const elements: Element[] = []
  for (let at = HEADER; at + PAGE_HEADER <= end; ) {
    const next = at + PAGE_HEADER + getUint24(data, at + 5)
    if (next > bytes) throw badResponse('READ ELEMENT STATUS: a page ends behind the report')
    elements.push(...parsePage(data.subarray(at, Math.min(next, end))))
    at = next
  }
  return { firstAddress: getUint16(data, 0), available: getUint16(data, 2), bytes, elements }
}

/** All whole descriptors of a page. */
function parsePage(page: Uint8Array): Element[] {
  const type = page[0]! & 0xf
  const length = getUint16(page, 2)
  const tags = [page[1]! & PVOLTAG, page[1]! & AVOLTAG].filter((flag) => flag !== 0).length
  if (page.length > PAGE_HEADER && length < DESCRIPTOR + tags * VOLUME_TAG) {
    throw badResponse(`element status: descriptors of ${length} bytes are too short`)
  }
  const elements: Element[] = []
  for (let at = PAGE_HEADER; at + length <= page.length && length > 0; at += length) {
    elements.push(parseElement(page.subarray(at, at + length), type, page[1]!))
  }
  return elements
}

function parseElement(one: Uint8Array, type: number, tags: number): Element {
  const flags = one[2]!
  const has = (flag: number): boolean => (flags & flag) !== 0
  const exchange = type === ElementType.IMPORT_EXPORT
  let at = DESCRIPTOR
  const tag = (flag: number): VolumeTag | undefined => {
    if ((tags & flag) === 0) return undefined
    at += VOLUME_TAG
    return parseVolumeTag(one.subarray(at - VOLUME_TAG, at))
  }
  return {
    type,
    address: getUint16(one, 0),
    full: has(0x01),
    exception: has(0x04),
    asc: one[4]!,
    ascq: one[5]!,
    access: has(0x08),
    importedByOperator: exchange && has(0x02),
    exportEnabled: exchange && has(0x10),
    importEnabled: exchange && has(0x20),
    operatorIntervention: exchange && has(0x80),
    inMagazine: exchange && has(0x40),
    disabled: (one[9]! & 0x08) !== 0,
    mediumType: one[9]! & 0x07,
    inverted: (one[9]! & 0x40) !== 0,
    source: (one[9]! & 0x80) !== 0 ? getUint16(one, 10) : undefined,
    primaryVolumeTag: tag(PVOLTAG),
    alternateVolumeTag: tag(AVOLTAG),
    bus: type === ElementType.DATA_TRANSFER ? parseBus(one) : undefined,
    device: parseDevice(one.subarray(at)),
  }
}

function parseVolumeTag(tag: Uint8Array): VolumeTag {
  return { volume: getAscii(tag, 0, 32), sequence: getUint16(tag, 34) }
}

function parseBus(one: Uint8Array): ParallelBus | undefined {
  const flags = one[6]!
  if ((flags & 0x30) === 0) return undefined
  return {
    otherBus: (flags & 0x80) !== 0,
    address: (flags & 0x20) !== 0 ? one[7]! : undefined,
    lun: (flags & 0x10) !== 0 ? flags & 7 : undefined,
  }
}

/** Code set, type and length, then the identifier; older devices end before them, or fill with zeros. */
function parseDevice(rest: Uint8Array): DeviceIdentifier | undefined {
  const length = rest[3] ?? 0
  if (rest.length < 4 || length === 0) return undefined
  if (4 + length > rest.length) {
    throw badResponse(
      `element status: a device identifier of ${length} bytes ends behind its element`,
    )
  }
  return { codeSet: rest[0]! & 0xf, type: rest[1]! & 0xf, identifier: rest.slice(4, 4 + length) }
}
