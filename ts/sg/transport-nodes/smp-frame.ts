/**
 * Frames of the Serial Management Protocol (SAS-2 10.4.3; the kernel's end are drivers/scsi/scsi_transport_sas.c and the adapter's driver).
 *
 *     request                                             response
 *     0    SMP FRAME TYPE (40h)                           0    SMP FRAME TYPE (41h)
 *     1    FUNCTION                                       1    FUNCTION
 *     2    ALLOCATED RESPONSE LENGTH, dwords              2    FUNCTION RESULT
 *     3    REQUEST LENGTH, dwords                         3    RESPONSE LENGTH, dwords
 *     4    request bytes                                  4    response bytes
 *     n-3  CRC                                            n-3  CRC
 *
 * Both lengths count neither the first dword nor the CRC. A RESPONSE LENGTH of 0 is the length that SAS-1.1 knew for the function.
 *
 * The adapter makes the CRC of a request and checks that of a response; the kernel wants their room all the same, and drivers subtract
 * it: a request ends in four zeros, a response needs four bytes more. Some drivers count them among the bytes that came, and some do not.
 */

import { SgringError } from '../../errors.ts'
import { badResponse, needBytes } from '../../scsi/bytes.ts'
import type { TransportBytes, TransportMessage } from './message.ts'

/** FUNCTION (SAS-2 10.4.3). */
export const SmpFunction = {
  REPORT_GENERAL: 0x00,
  REPORT_MANUFACTURER_INFORMATION: 0x01,
  DISCOVER: 0x10,
  PHY_CONTROL: 0x91,
} as const
export type SmpFunction = (typeof SmpFunction)[keyof typeof SmpFunction]

/** FUNCTION RESULT (SAS-2 10.4.3). */
export const SmpResult = {
  SMP_FUNCTION_ACCEPTED: 0x00,
  UNKNOWN_SMP_FUNCTION: 0x01,
  SMP_FUNCTION_FAILED: 0x02,
  INVALID_REQUEST_FRAME_LENGTH: 0x03,
  INVALID_EXPANDER_CHANGE_COUNT: 0x04,
  BUSY: 0x05,
  INCOMPLETE_DESCRIPTOR_LIST: 0x06,
  PHY_DOES_NOT_EXIST: 0x10,
  INDEX_DOES_NOT_EXIST: 0x11,
  PHY_DOES_NOT_SUPPORT_SATA: 0x12,
  UNKNOWN_PHY_OPERATION: 0x13,
  UNKNOWN_PHY_TEST_FUNCTION: 0x14,
  PHY_TEST_FUNCTION_IN_PROGRESS: 0x15,
  PHY_VACANT: 0x16,
  UNKNOWN_PHY_EVENT_SOURCE: 0x17,
  UNKNOWN_DESCRIPTOR_TYPE: 0x18,
  UNKNOWN_PHY_FILTER: 0x19,
  AFFILIATION_VIOLATION: 0x1a,
  SMP_ZONE_VIOLATION: 0x20,
  NO_MANAGEMENT_ACCESS_RIGHTS: 0x21,
  UNKNOWN_ENABLE_DISABLE_ZONING_VALUE: 0x22,
  ZONE_LOCK_VIOLATION: 0x23,
  NOT_ACTIVATED: 0x24,
  ZONE_GROUP_OUT_OF_RANGE: 0x25,
  NO_PHYSICAL_PRESENCE: 0x26,
  SAVING_NOT_SUPPORTED: 0x27,
  SOURCE_ZONE_GROUP_DOES_NOT_EXIST: 0x28,
  DISABLED_PASSWORD_NOT_SUPPORTED: 0x29,
  INVALID_FIELD_IN_SMP_REQUEST: 0x2a,
} as const

const RESULT_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(SmpResult).map(([name, value]) => [value, name.replaceAll('_', ' ')]),
)

/** An SMP function that was answered, and not accepted. */
export class SmpFunctionError extends SgringError {
  override readonly name: string = 'SmpFunctionError'
  readonly function: number
  /** FUNCTION RESULT; see `SmpResult`. */
  readonly result: number

  constructor(smpFunction: number, result: number) {
    super(
      'ERR_SGRING_SMP_FUNCTION',
      `SMP function ${smpFunction.toString(16).padStart(2, '0')}h: ${smpResultName(result)}`,
    )
    this.function = smpFunction
    this.result = result
  }
}

/** The standard's name of a FUNCTION RESULT; reserved ones are called so. */
export function smpResultName(result: number): string {
  return RESULT_NAMES.get(result) ?? `reserved function result ${result.toString(16)}h`
}

/** How a request is framed. */
export interface SmpFrameOptions {
  /**
   * The header of SAS-1.1, where both lengths are reserved: what expanders of that time may insist on, and it gets responses of their
   * length. Default: false.
   */
  readonly legacy?: boolean
}

const FRAME_REQUEST = 0x40
const FRAME_RESPONSE = 0x41
const HEADER = 4
const CRC = 4

/** What bsg gives to a driver as the request of an SMP function: nothing that anybody reads. */
const NO_REQUEST = 16

/** A function as a message: its frame, and the parser of its response. */
export interface SmpFunctionShape<T> {
  readonly function: SmpFunction
  /** Dwords of request bytes. */
  readonly requestDwords: number
  /** Dwords of response bytes that there is a use for. */
  readonly responseDwords: number
  /** Dwords of response bytes in SAS-1.1. */
  readonly legacyDwords: number
  /** Writes the request bytes into the frame; bytes are counted as in the standard, from its first. */
  readonly write?: (frame: Uint8Array) => void
  /** Gets the response without its CRC: as long as it says that it is. */
  readonly parse: (response: Uint8Array) => T
}

/** The message of an SMP function. Its `parse` throws an `SmpFunctionError` for what was not accepted. */
export function smpMessage<T>(
  shape: SmpFunctionShape<T>,
  { legacy = false }: SmpFrameOptions = {},
): TransportMessage<T> {
  const frame = new Uint8Array(HEADER + 4 * shape.requestDwords + CRC)
  frame[0] = FRAME_REQUEST
  frame[1] = shape.function
  frame[2] = legacy ? 0 : shape.responseDwords
  frame[3] = legacy ? 0 : shape.requestDwords
  shape.write?.(frame)
  return {
    request: new Uint8Array(NO_REQUEST),
    dataOut: frame,
    dataInLength: HEADER + 4 * (legacy ? shape.legacyDwords : shape.responseDwords) + CRC,
    parse: ({ data }: TransportBytes) => shape.parse(smpResponse(shape, data)),
  }
}

/** A response that is accepted and whole, without its CRC. */
function smpResponse(
  { function: smpFunction, legacyDwords }: SmpFunctionShape<unknown>,
  data: Uint8Array,
): Uint8Array {
  needBytes('an SMP response', data, HEADER)
  if (data[0] !== FRAME_RESPONSE || data[1] !== smpFunction) {
    throw badResponse(
      `an SMP response begins with ${FRAME_RESPONSE}, ${smpFunction}, not with ${data[0]}, ${data[1]}`,
    )
  }
  // What failed has no response bytes to speak of.
  if (data[2] !== SmpResult.SMP_FUNCTION_ACCEPTED) {
    throw new SmpFunctionError(smpFunction, data[2]!)
  }
  const length = HEADER + 4 * (data[3] === 0 ? legacyDwords : data[3]!)
  needBytes('an SMP response', data, length)
  return data.slice(0, length)
}
