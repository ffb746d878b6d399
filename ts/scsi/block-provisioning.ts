/** Commands about blocks without moving them: UNMAP, WRITE SAME, GET LBA STATUS, PRE-FETCH (SBC-3 5.4, 5.8, 5.28, 5.43). */

import { blockCdb } from './block.ts'
import {
  checkUint,
  checkUint64,
  getUint32,
  getUint64,
  needBytes,
  setUint16,
  setUint32,
  setUint64,
} from './bytes.ts'
import { parseNothing, type TypedCommand } from './command.ts'
import { Opcode, ServiceActionIn16 } from './opcode.ts'

const HEADER = 8
const DESCRIPTOR = 16

/** A run of blocks. */
export interface BlockExtent {
  readonly lba: number | bigint
  readonly blocks: number
}

/** UNMAP: the blocks may lose their contents, and give their room back. */
export function unmap(extents: readonly BlockExtent[]): TypedCommand<void> {
  const described = extents.length * DESCRIPTOR
  const length = checkUint('extents', HEADER + described, 0xffff)
  const list = new Uint8Array(length)
  setUint16(list, 0, length - 2)
  setUint16(list, 2, described)
  for (const [n, { lba, blocks }] of extents.entries()) {
    const at = HEADER + n * DESCRIPTOR
    setUint64(list, at, checkUint64('lba', lba))
    setUint32(list, at + 8, checkUint('blocks', blocks, 0xffff_ffff))
  }
  const cdb = new Uint8Array(10)
  cdb[0] = Opcode.UNMAP
  setUint16(cdb, 7, length)
  return { cdb, dataInLength: 0, dataOut: list, parse: parseNothing }
}

/** One block, to be written again and again. */
export interface WriteSameOptions {
  readonly lba: number | bigint
  /** How many; 0 is to the end, where the device takes that (WSNZ 0). */
  readonly blocks: number
  /** The block. Default, in WRITE SAME(16) only: none is sent, and zeros are meant (NDOB). */
  readonly data?: Uint8Array
  /** The blocks may be unmapped where they then read as this one. Default: false. */
  readonly unmap?: boolean
}

/** WRITE SAME(10): always with a block. */
export function writeSame10(
  options: WriteSameOptions & { readonly data: Uint8Array },
): TypedCommand<void> {
  return writeSame(Opcode.WRITE_SAME_10, options)
}

/** WRITE SAME(16). */
export function writeSame16(options: WriteSameOptions): TypedCommand<void> {
  return writeSame(Opcode.WRITE_SAME_16, options)
}

function writeSame(opcode: number, options: WriteSameOptions): TypedCommand<void> {
  const { data } = options
  const flags = (options.unmap === true ? 0x08 : 0) | (data === undefined ? 0x01 : 0)
  const cdb = blockCdb(opcode, options.lba, options.blocks, flags)
  const command = { cdb, dataInLength: 0, parse: parseNothing }
  return data === undefined ? command : { ...command, dataOut: data }
}

/** PROVISIONING STATUS. */
export const ProvisioningStatus = { MAPPED: 0, DEALLOCATED: 1, ANCHORED: 2 } as const

/** Blocks of one provisioning status. */
export interface LbaExtent {
  readonly lba: bigint
  readonly blocks: number
  /** A `ProvisioningStatus`. */
  readonly status: number
}

export interface LbaStatusOptions {
  readonly lba: number | bigint
  /** Room for the answer, 24 bytes at least. Default: 1032, for 64 extents. */
  readonly allocationLength?: number
}

/** GET LBA STATUS: from the LBA on, as many extents as there is room for, and as the device tells at once. */
export function getLbaStatus(options: LbaStatusOptions): TypedCommand<readonly LbaExtent[]> {
  const room = options.allocationLength ?? HEADER + 64 * DESCRIPTOR
  const dataInLength = checkUint('allocationLength', room, 0xffff_ffff, HEADER + DESCRIPTOR)
  const cdb = new Uint8Array(16)
  cdb[0] = Opcode.SERVICE_ACTION_IN_16
  cdb[1] = ServiceActionIn16.GET_LBA_STATUS
  setUint64(cdb, 2, checkUint64('lba', options.lba))
  setUint32(cdb, 10, dataInLength)
  return { cdb, dataInLength, parse: parseLbaStatus }
}

/** GET LBA STATUS data. */
export function encodeLbaStatus(extents: readonly LbaExtent[]): Uint8Array {
  const data = new Uint8Array(HEADER + extents.length * DESCRIPTOR)
  setUint32(data, 0, data.length - 4)
  for (const [n, extent] of extents.entries()) {
    const at = HEADER + n * DESCRIPTOR
    setUint64(data, at, extent.lba)
    setUint32(data, at + 8, checkUint('blocks', extent.blocks, 0xffff_ffff))
    data[at + 12] = checkUint('status', extent.status, 0xf)
  }
  return data
}

function parseLbaStatus(data: Uint8Array): readonly LbaExtent[] {
  needBytes('LBA status', data, HEADER)
  const end = Math.min(4 + getUint32(data, 0), data.length)
  const extents: LbaExtent[] = []
  for (let at = HEADER; at + DESCRIPTOR <= end; at += DESCRIPTOR) {
    extents.push({
      lba: getUint64(data, at),
      blocks: getUint32(data, at + 8),
      status: data[at + 12]! & 0xf,
    })
  }
  return extents
}

export interface PreFetchOptions {
  readonly lba: number | bigint
  /** How many; 0 is to the end. */
  readonly blocks: number
  /** Answer before the blocks are there. Default: false. */
  readonly immed?: boolean
}

/** PRE-FETCH(10): with `execute()`, since CONDITION MET says that the cache has room for all. */
export function preFetch10(options: PreFetchOptions): TypedCommand<void> {
  return preFetch(Opcode.PRE_FETCH_10, options)
}

/** PRE-FETCH(16): as PRE-FETCH(10). */
export function preFetch16(options: PreFetchOptions): TypedCommand<void> {
  return preFetch(Opcode.PRE_FETCH_16, options)
}

function preFetch(opcode: number, { lba, blocks, immed }: PreFetchOptions): TypedCommand<void> {
  const cdb = blockCdb(opcode, lba, blocks, immed === true ? 0x02 : 0)
  return { cdb, dataInLength: 0, parse: parseNothing }
}
