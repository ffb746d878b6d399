/**
 * ATA PASS-THROUGH(12), (16) and (32) (SAT-4 12.2.2 to 12.2.4).
 *
 *     field              (12)   (16)                    (32)
 *     protocol byte      1      1                       10       MULTIPLE_COUNT 7..5, PROTOCOL 4..1, EXTEND 0 (not in (12))
 *     flags byte         2      2                       11       OFF_LINE 7..6, CK_COND 5, T_TYPE 4, T_DIR 3, BYT_BLOK 2, T_LENGTH 1..0
 *     FEATURES           3      3,4                     20,21
 *     COUNT              4      5,6                     22,23
 *     LBA                5..7   8,10,12 and 7,9,11      14..19
 *                        (7:0)  (7:0) and (31:24)       (47:40)
 *                        first  first                   first
 *     DEVICE, COMMAND    8, 9   13, 14                  24, 25
 *     ICC                                               27
 *     AUXILIARY                                         28..31
 */

import { SgringError } from '../../errors.ts'
import { checkUint, setUint16, setUint32, setUint64 } from '../bytes.ts'
import type { TypedCommand } from '../command.ts'
import { type Sense, SenseKey } from '../sense.ts'
import { isInformation, parseStatusReturn, type StatusReturn } from './status-return.ts'

/** PROTOCOL. */
export const Protocol = {
  HARD_RESET: 0,
  SOFT_RESET: 1,
  NON_DATA: 3,
  PIO_DATA_IN: 4,
  PIO_DATA_OUT: 5,
  DMA: 6,
  EXECUTE_DEVICE_DIAGNOSTIC: 8,
  DEVICE_RESET: 9,
  UDMA_DATA_IN: 10,
  UDMA_DATA_OUT: 11,
  NCQ: 12,
  RETURN_RESPONSE_INFORMATION: 15,
} as const
export type Protocol = (typeof Protocol)[keyof typeof Protocol]

/** T_LENGTH: which field says how much is transferred. */
export const TransferLength = { NONE: 0, FEATURES: 1, COUNT: 2, TPSIU: 3 } as const
export type TransferLength = (typeof TransferLength)[keyof typeof TransferLength]

/** An ATA command. */
export interface PassThroughOptions {
  readonly protocol: Protocol
  /** COMMAND. */
  readonly command: number
  /** Default: 0. */
  readonly features?: number
  /** COUNT. Default: 0. */
  readonly count?: number
  /** 24 bits in (12), else 48; of a command of 28 bits the upper four stand in `device`. Default: 0. */
  readonly lba?: number
  /** Default: 0. */
  readonly device?: number
  /** EXTEND: a command of 48 bits, of which `features`, `count` and `lba` have their upper halves. Not in (12). Default: false. */
  readonly extend?: boolean
  /** CK_COND: tell the registers also when all is well. Default: false. */
  readonly ckCond?: boolean
  /** Bytes to read. Default: none. */
  readonly dataInLength?: number
  /** Bytes to write. Default: none. */
  readonly dataOut?: Uint8Array
  /** T_LENGTH. Default: COUNT where there are data, else NONE. */
  readonly tLength?: TransferLength
  /** BYT_BLOK: the length counts blocks, else bytes. Default: true where there are data. */
  readonly bytBlok?: boolean
  /** T_TYPE: those blocks are the device's logical sectors, else 512 bytes. Default: false. */
  readonly tType?: boolean
  /** OFF_LINE: 0 to 3, for 0, 2, 6 or 14 seconds in which the device has no valid status. Default: 0. */
  readonly offLine?: number
  /** MULTIPLE_COUNT: blocks in a DRQ data block, as a power of two; 0 to 7. Default: 0. */
  readonly multipleCount?: number
}

/** With the fields that (32) alone has. */
export interface PassThrough32Options extends PassThroughOptions {
  /** Isochronous command completion. Default: 0. */
  readonly icc?: number
  /** Default: 0. */
  readonly auxiliary?: number
}

/** How an ATA command ended that succeeded. */
export interface PassThroughResult {
  readonly data: Uint8Array
  /** With CK_COND, from a translation layer that honours it. */
  readonly registers: StatusReturn | undefined
}

/** SCSI operation codes, and the service action of (32). */
export const Opcode = {
  PASS_THROUGH_12: 0xa1,
  PASS_THROUGH_16: 0x85,
  PASS_THROUGH_32: 0x7f,
} as const
export const PASS_THROUGH_32_SERVICE_ACTION = 0x1ff0

/**
 * ATA PASS-THROUGH(12). On a disc drive A1h is BLANK (MMC-6): there use (16).
 *
 * What fails is an error as with any command; `parseStatusReturn(error.sense)` may know the registers.
 */
export function passThrough12(options: PassThroughOptions): TypedCommand<PassThroughResult> {
  checkUint('extend of a 12-byte CDB', options.extend === true ? 1 : 0, 0)
  const cdb = new Uint8Array(12)
  cdb[0] = Opcode.PASS_THROUGH_12
  cdb[1] = protocolByte(options)
  cdb[2] = flagsByte(options)
  cdb[3] = checkUint('features', options.features ?? 0, 0xff)
  cdb[4] = checkUint('count', options.count ?? 0, 0xff)
  const lba = checkUint('lba', options.lba ?? 0, 0xff_ffff)
  cdb.set([lba, lba >>> 8, lba >>> 16], 5)
  cdb[8] = checkUint('device', options.device ?? 0, 0xff)
  cdb[9] = checkUint('command', options.command, 0xff)
  return commandOf(cdb, options)
}

/** ATA PASS-THROUGH(16). */
export function passThrough16(options: PassThroughOptions): TypedCommand<PassThroughResult> {
  const cdb = new Uint8Array(16)
  const { features, count, lba } = wideFields(options)
  cdb[0] = Opcode.PASS_THROUGH_16
  cdb[1] = protocolByte(options)
  cdb[2] = flagsByte(options)
  setUint16(cdb, 3, features)
  setUint16(cdb, 5, count)
  const upper = Math.floor(lba / 2 ** 24)
  cdb.set(
    [upper, lba, upper >>> 8, Math.floor(lba / 2 ** 8), upper >>> 16, Math.floor(lba / 2 ** 16)],
    7,
  )
  cdb[13] = checkUint('device', options.device ?? 0, 0xff)
  cdb[14] = checkUint('command', options.command, 0xff)
  return commandOf(cdb, options)
}

/** ATA PASS-THROUGH(32), of variable length CDBs. */
export function passThrough32(options: PassThrough32Options): TypedCommand<PassThroughResult> {
  const cdb = new Uint8Array(32)
  const { features, count, lba } = wideFields(options)
  cdb[0] = Opcode.PASS_THROUGH_32
  cdb[7] = cdb.length - 8
  setUint16(cdb, 8, PASS_THROUGH_32_SERVICE_ACTION)
  setUint64(cdb, 12, BigInt(lba)) // 48 bits: bytes 12 and 13 stay 0
  cdb[10] = protocolByte(options)
  cdb[11] = flagsByte(options)
  setUint16(cdb, 20, features)
  setUint16(cdb, 22, count)
  cdb[24] = checkUint('device', options.device ?? 0, 0xff)
  cdb[25] = checkUint('command', options.command, 0xff)
  cdb[27] = checkUint('icc', options.icc ?? 0, 0xff)
  setUint32(cdb, 28, checkUint('auxiliary', options.auxiliary ?? 0, 0xffff_ffff))
  return commandOf(cdb, options)
}

/** The parser of the CHECK CONDITION that CK_COND asks for. */
export function parseRegisters(sense: Sense): StatusReturn | undefined {
  const wellKey = sense.key === SenseKey.RECOVERED_ERROR || sense.key === SenseKey.NO_SENSE
  return wellKey && isInformation(sense) ? parseStatusReturn(sense) : undefined
}

function commandOf(cdb: Uint8Array, options: PassThroughOptions): TypedCommand<PassThroughResult> {
  const { dataInLength = 0, dataOut } = options
  return {
    cdb,
    dataInLength,
    ...(dataOut && { dataOut }),
    parse: (data) => ({ data, registers: undefined }),
    parseCheckCondition: (sense, data) => {
      const registers = parseRegisters(sense)
      return registers && { data, registers }
    },
  }
}

function protocolByte(options: PassThroughOptions): number {
  return (
    (checkUint('multipleCount', options.multipleCount ?? 0, 7) << 5) |
    (checkUint('protocol', options.protocol, 0xf) << 1) |
    (options.extend === true ? 1 : 0)
  )
}

function flagsByte(options: PassThroughOptions): number {
  const { dataInLength = 0, dataOut } = options
  if (dataInLength > 0 && dataOut !== undefined) {
    throw new SgringError('ERR_SGRING_INVALID_ARGUMENT', 'an ATA command moves data one way')
  }
  const moves = dataInLength > 0 || dataOut !== undefined
  const tLength = options.tLength ?? (moves ? TransferLength.COUNT : TransferLength.NONE)
  return (
    (checkUint('offLine', options.offLine ?? 0, 3) << 6) |
    (options.ckCond === true ? 0x20 : 0) |
    (options.tType === true ? 0x10 : 0) |
    (dataInLength > 0 ? 0x08 : 0) |
    ((options.bytBlok ?? moves) ? 0x04 : 0) |
    checkUint('tLength', tLength, 3)
  )
}

/** FEATURES, COUNT and LBA of (16) and (32), whose upper halves mean something with EXTEND alone. */
function wideFields(options: PassThroughOptions): { features: number; count: number; lba: number } {
  const extend = options.extend === true
  return {
    features: checkUint('features', options.features ?? 0, extend ? 0xffff : 0xff),
    count: checkUint('count', options.count ?? 0, extend ? 0xffff : 0xff),
    lba: checkUint('lba', options.lba ?? 0, extend ? 0xffff_ffff_ffff : 0xff_ffff),
  }
}
