/**
 * Moving media, and looking where they are (SMC-3 6.2 to 6.7).
 *
 *     MOVE MEDIUM                            2,3 transport   4,5 source        6,7 destination                          10: INVERT 0
 *     EXCHANGE MEDIUM                        2,3 transport   4,5 source        6,7 first, 8,9 second destination        10: INV1 1, INV2 0
 *     POSITION TO ELEMENT                    2,3 transport   4,5 destination                                            8: INVERT 0
 *     INITIALIZE ELEMENT STATUS WITH RANGE   1: FAST 1, RANGE 0   2,3 first element   6,7 number of elements
 */

import { checkUint, setUint16 } from '../bytes.ts'
import { noData, type TypedCommand } from '../command.ts'
import { Opcode } from './opcode.ts'

/** Element addresses, 0 to 65,535. */
export interface MoveMediumOptions {
  /** The transport element that moves. Default: 0, which the device chooses. */
  readonly transport?: number
  readonly source: number
  readonly destination: number
  /** INVERT: turn the medium over. Default: false. */
  readonly invert?: boolean
}

/** MOVE MEDIUM. */
export function moveMedium(options: MoveMediumOptions): TypedCommand<void> {
  const cdb = addresses(Opcode.MOVE_MEDIUM, 12, {
    transport: options.transport ?? 0,
    source: options.source,
    destination: options.destination,
  })
  cdb[10] = options.invert === true ? 1 : 0
  return noData(cdb)
}

/** Element addresses, 0 to 65,535. */
export interface ExchangeMediumOptions {
  /** The transport element that moves. Default: 0, which the device chooses. */
  readonly transport?: number
  readonly source: number
  /** Where the medium of `source` goes. */
  readonly firstDestination: number
  /** Where the medium goes that was there; may be `source`. */
  readonly secondDestination: number
  /** INV1: turn the first medium over. Default: false. */
  readonly invertFirst?: boolean
  /** INV2: turn the second medium over. Default: false. */
  readonly invertSecond?: boolean
}

/** EXCHANGE MEDIUM. */
export function exchangeMedium(options: ExchangeMediumOptions): TypedCommand<void> {
  const cdb = addresses(Opcode.EXCHANGE_MEDIUM, 12, {
    transport: options.transport ?? 0,
    source: options.source,
    firstDestination: options.firstDestination,
    secondDestination: options.secondDestination,
  })
  cdb[10] = (options.invertFirst === true ? 2 : 0) | (options.invertSecond === true ? 1 : 0)
  return noData(cdb)
}

/** Element addresses, 0 to 65,535. */
export interface PositionToElementOptions {
  /** The transport element that moves. Default: 0, which the device chooses. */
  readonly transport?: number
  readonly destination: number
  /** INVERT: turn the transport element over. Default: false. */
  readonly invert?: boolean
}

/** POSITION TO ELEMENT. */
export function positionToElement(options: PositionToElementOptions): TypedCommand<void> {
  const cdb = addresses(Opcode.POSITION_TO_ELEMENT, 10, {
    transport: options.transport ?? 0,
    destination: options.destination,
  })
  cdb[8] = options.invert === true ? 1 : 0
  return noData(cdb)
}

/** INITIALIZE ELEMENT STATUS: the device looks at all its elements, which may take minutes. */
export function initializeElementStatus(): TypedCommand<void> {
  return noData(Uint8Array.of(Opcode.INITIALIZE_ELEMENT_STATUS, 0, 0, 0, 0, 0))
}

export interface InitializeRangeOptions {
  /** The first element. With `elements`, no others are looked at. Default: all elements. */
  readonly first?: number
  /** How many. Default: all from `first` on. */
  readonly elements?: number
  /** FAST: look for media only, and read no volume tags. Default: false. */
  readonly fast?: boolean
}

/** INITIALIZE ELEMENT STATUS WITH RANGE. */
export function initializeElementStatusWithRange(
  options: InitializeRangeOptions = {},
): TypedCommand<void> {
  const range = options.first !== undefined || options.elements !== undefined
  const cdb = new Uint8Array(10)
  cdb[0] = Opcode.INITIALIZE_ELEMENT_STATUS_WITH_RANGE
  cdb[1] = (options.fast === true ? 2 : 0) | (range ? 1 : 0)
  setUint16(cdb, 2, checkUint('first', options.first ?? 0, 0xffff))
  setUint16(cdb, 6, checkUint('elements', options.elements ?? 0, 0xffff))
  return noData(cdb)
}

/** A CDB with element addresses from its byte 2 on. */
function addresses(opcode: number, length: number, named: Record<string, number>): Uint8Array {
  const cdb = new Uint8Array(length)
  cdb[0] = opcode
  let at = 2
  for (const [name, address] of Object.entries(named)) {
    setUint16(cdb, at, checkUint(name, address, 0xffff))
    at += 2
  }
  return cdb
}
