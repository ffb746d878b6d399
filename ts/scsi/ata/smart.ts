/**
 * SMART of ATA devices: SMART READ DATA and SMART RETURN STATUS (ACS-3 7.48; the table of attributes is ATA/ATAPI-3's and the vendors').
 *
 *     0,1     revision                              each attribute
 *     2..361  30 attributes of 12 bytes             0      ID, 0: no attribute
 *     362     OFF-LINE DATA COLLECTION STATUS       1,2    flags, low byte first
 *     363     SELF-TEST EXECUTION STATUS            3,4    value, worst value
 *     364,365 seconds of off-line data collection   5..10  raw value, low byte first
 *     367     off-line capability
 *     368,369 SMART capability
 *     511     checksum
 */

import { badResponse, needBytes } from '../bytes.ts'
import type { TypedCommand } from '../command.ts'
import { sumsToZero } from './identify.ts'
import { Protocol, parseRegisters, passThrough16 } from './pass-through.ts'
import type { StatusReturn } from './status-return.ts'

/** A SMART attribute. What raw values mean is the vendor's business. */
export interface SmartAttribute {
  readonly id: number
  /** Bit 0: a value below its threshold foretells a failure. */
  readonly flags: number
  /** 1 to 253; lower is worse. */
  readonly value: number
  readonly worst: number
  /** 48 bits. */
  readonly raw: number
}

/** What SMART READ DATA says. */
export interface SmartData {
  readonly revision: number
  /** Those whose ID is not 0. */
  readonly attributes: readonly SmartAttribute[]
  readonly offLineStatus: number
  /** 0: the last self-test passed, or none ran; 3 to 8: it failed; 15: one runs. */
  readonly selfTestStatus: number
  /** How much of the self-test is left, in tenths. */
  readonly selfTestRemaining: number
  /** Seconds. */
  readonly offLineSeconds: number
  readonly offLineCapability: number
  readonly smartCapability: number
}

const LENGTH = 512
const SMART = 0xb0
const READ_DATA = 0xd0
const RETURN_STATUS = 0xda
/** LBA (23:8) of every SMART command, and what RETURN STATUS makes of it when a threshold is exceeded. */
const SIGNATURE = 0xc24f
const EXCEEDED = 0x2cf4
const ATTRIBUTES = 30
const ATTRIBUTE_LENGTH = 12

/** ATA PASS-THROUGH(16) of SMART READ DATA. */
export function smartReadData(): TypedCommand<SmartData> {
  const { cdb, dataInLength } = passThrough16({
    protocol: Protocol.PIO_DATA_IN,
    command: SMART,
    features: READ_DATA,
    count: 1,
    lba: SIGNATURE << 8,
    dataInLength: LENGTH,
  })
  return { cdb, dataInLength, parse: parseSmartData }
}

/**
 * ATA PASS-THROUGH(16) of SMART RETURN STATUS: whether the device foretells no failure of its own. The answer is in the registers; from a
 * translation layer that does not tell them, `ERR_SGRING_RESPONSE`.
 */
export function smartReturnStatus(): TypedCommand<{ readonly passed: boolean }> {
  const { cdb } = passThrough16({
    protocol: Protocol.NON_DATA,
    command: SMART,
    features: RETURN_STATUS,
    lba: SIGNATURE << 8,
    ckCond: true,
  })
  return {
    cdb,
    dataInLength: 0,
    parse: () => {
      throw badResponse('SMART RETURN STATUS: GOOD without the registers that were asked for')
    },
    parseCheckCondition: (sense) => {
      const registers = parseRegisters(sense)
      return registers && { passed: parseSmartStatus(registers) }
    },
  }
}

/**
 * What the registers say after SMART RETURN STATUS: true, no threshold is exceeded. Translation layers of before SAT-3 tell the bytes of
 * the LBA in fixed format the other way round, which reads as well.
 */
export function parseSmartStatus({ lba }: StatusReturn): boolean {
  const signature = Math.floor(lba / 2 ** 8) & 0xffff
  const turned = ((lba & 0xff) << 8) | (Math.floor(lba / 2 ** 8) & 0xff)
  if (signature === SIGNATURE || turned === SIGNATURE) return true
  if (signature === EXCEEDED || turned === EXCEEDED) return false
  throw badResponse(`SMART RETURN STATUS: LBA (23:8) is ${signature.toString(16)}h`)
}

/** Reads the data of SMART READ DATA. */
export function parseSmartData(data: Uint8Array): SmartData {
  needBytes('SMART data', data, LENGTH)
  if (!sumsToZero(data)) throw badResponse('SMART data: a wrong checksum')
  const word = (at: number): number => data[at]! | (data[at + 1]! << 8)
  const attributes: SmartAttribute[] = []
  for (let at = 2; at < 2 + ATTRIBUTES * ATTRIBUTE_LENGTH; at += ATTRIBUTE_LENGTH) {
    if (data[at] === 0) continue
    attributes.push({
      id: data[at]!,
      flags: word(at + 1),
      value: data[at + 3]!,
      worst: data[at + 4]!,
      raw: word(at + 5) + word(at + 7) * 2 ** 16 + word(at + 9) * 2 ** 32,
    })
  }
  return {
    revision: word(0),
    attributes,
    offLineStatus: data[362]!,
    selfTestStatus: data[363]! >> 4,
    selfTestRemaining: data[363]! & 0xf,
    offLineSeconds: word(364),
    offLineCapability: data[367]!,
    smartCapability: word(368),
  }
}
