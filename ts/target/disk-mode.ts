/** MODE SENSE of a disk (SPC-4 7.5, SBC-3 6.5): the caching and control pages, none of which can be changed. */

import { getUint16, setUint16, setUint24, setUint32, setUint64 } from '../scsi/bytes.ts'
import { Opcode } from '../scsi/opcode.ts'
import { SenseCode } from '../scsi/sense-code.ts'
import { type Answer, good } from '../task/answer.ts'
import { illegalRequest, invalidField } from './refusal.ts'

/** What the mode parameters say of a disk. */
export interface DiskModes {
  readonly blocks: number
  /** Bytes in one block. */
  readonly blockLength: number
  readonly readOnly: boolean
  /** WCE: writes rest in a volatile cache until they are flushed. */
  readonly volatileCache: boolean
  /** TAS: a command that another nexus aborts ends in TASK ABORTED. */
  readonly taskAbortedStatus: boolean
}

const Page = { CACHING: 0x08, CONTROL: 0x0a, ALL: 0x3f } as const
const ALL_SUBPAGES = 0xff
const PageControl = { CHANGEABLE: 1, SAVED: 3 } as const

const WP = 0x80
const DPOFUA = 0x10

/** MODE SENSE(6) or (10), cut to the allocation length. */
export function answerModeSense(cdb: Uint8Array, disk: DiskModes): Answer {
  const pageControl = cdb[2]! >> 6
  const pageCode = cdb[2]! & 0x3f
  const subpage = cdb[3]!
  if (pageControl === PageControl.SAVED) {
    return illegalRequest(SenseCode.SAVING_PARAMETERS_NOT_SUPPORTED)
  }
  if (subpage !== 0 && subpage !== ALL_SUBPAGES) return invalidField(3, 7)
  const pages: Uint8Array[] = []
  const changeable = pageControl === PageControl.CHANGEABLE
  if (pageCode === Page.CACHING || pageCode === Page.ALL) pages.push(cachingPage(disk, changeable))
  if (pageCode === Page.CONTROL || pageCode === Page.ALL) pages.push(controlPage(disk, changeable))
  if (pages.length === 0) return invalidField(2, 5)

  const long = cdb[0] === Opcode.MODE_SENSE_10
  const dbd = (cdb[1]! & 0x08) !== 0
  const longLba = long && (cdb[1]! & 0x10) !== 0
  const descriptor = dbd ? new Uint8Array(0) : blockDescriptor(disk, longLba)
  const parts = [header(disk, long, longLba, descriptor.length), descriptor, ...pages]
  const data = new Uint8Array(Buffer.concat(parts))
  if (long) setUint16(data, 0, data.length - 2)
  else data[0] = data.length - 1
  return good(data.subarray(0, long ? getUint16(cdb, 7) : cdb[4]!))
}

/** The mode parameter header (SPC-4 7.5), still without MODE DATA LENGTH. */
function header(
  disk: DiskModes,
  long: boolean,
  longLba: boolean,
  descriptorLength: number,
): Uint8Array {
  const specific = DPOFUA | (disk.readOnly ? WP : 0)
  return long
    ? Uint8Array.of(0, 0, 0, specific, longLba ? 1 : 0, 0, 0, descriptorLength)
    : Uint8Array.of(0, 0, specific, descriptorLength)
}

/** The short or long LBA mode parameter block descriptor (SBC-3 6.5). */
function blockDescriptor(disk: DiskModes, longLba: boolean): Uint8Array {
  if (longLba) {
    const bytes = new Uint8Array(16)
    setUint64(bytes, 0, BigInt(disk.blocks))
    setUint32(bytes, 12, disk.blockLength)
    return bytes
  }
  const bytes = new Uint8Array(8)
  setUint32(bytes, 0, Math.min(disk.blocks, 0xffff_ffff))
  setUint24(bytes, 5, disk.blockLength)
  return bytes
}

/** The caching mode page (SBC-3 6.5). */
function cachingPage(disk: DiskModes, changeable: boolean): Uint8Array {
  const page = new Uint8Array(20)
  page[0] = Page.CACHING
  page[1] = page.length - 2
  if (!changeable && disk.volatileCache) page[2] = 0x04
  return page
}

/**
 * The control mode page (SPC-4 7.5.8): one task set for all nexuses (TST 000b), SIMPLE commands in any order (QUEUE ALGORITHM MODIFIER 1h),
 * a CHECK CONDITION touches no other command (QERR 00b), sense in fixed format (D_SENSE 0).
 */
function controlPage(disk: DiskModes, changeable: boolean): Uint8Array {
  const page = new Uint8Array(12)
  page[0] = Page.CONTROL
  page[1] = page.length - 2
  if (!changeable) {
    page[3] = 0x10
    page[5] = disk.taskAbortedStatus ? 0x40 : 0
  }
  return page
}
