/**
 * UFS host controllers, node `/dev/bsg/ufs-bsgN` (uapi/scsi/scsi_bsg_ufs.h; drivers/ufs/core/ufs_bsg.c). Experimental: checked
 * against the header, never against a controller.
 *
 *     struct ufs_bsg_request                     struct ufs_bsg_reply
 *     0   msgcode, u32                           0   result, s32
 *     4   UPIU of 32 bytes, big-endian, or       4   reply_payload_rcv_len, u32
 *         UIC command of 4 dwords at byte 16     8   UPIU, or UIC command at byte 20
 *
 *     UPIU (JEDEC UFS 3.1 10.5.2, 10.7.8, 10.7.6)
 *     0   TRANSACTION TYPE, FLAGS, LUN, TASK TAG
 *     4   IID 7..4 and COMMAND SET TYPE 3..0, QUERY or TASK MANAGEMENT FUNCTION, RESPONSE, STATUS
 *     8   TOTAL EHS LENGTH, DEVICE INFORMATION, DATA SEGMENT LENGTH (2)
 *     12  QUERY: OPCODE, IDN, INDEX, SELECTOR, 2 reserved, LENGTH (2), VALUE (4)
 *         TASK: INPUT PARAMETERS 1 to 3 (LUN, TASK TAG, IID), or OUTPUT PARAMETER 1
 */

import { SgringError } from '../../errors.ts'
import {
  checkUint,
  getUint16,
  getUint32,
  needBytes,
  setUint16,
  setUint32,
} from '../../scsi/bytes.ts'
import {
  BSG_REPLY_HEADER,
  type BsgReplyHeader,
  littleEndian,
  parseBsgReplyHeader,
  type TransportMessage,
} from './message.ts'

/** What a message is (`msgcode`): the transaction types that the driver passes on, and one of its own. */
export const UfsMessage = {
  NOP_OUT: 0x00,
  TASK_REQUEST: 0x04,
  QUERY_REQUEST: 0x16,
  UIC_COMMAND: 0x1f,
} as const
export type UfsMessage = (typeof UfsMessage)[keyof typeof UfsMessage]

/** OPCODE of a query. */
export const UfsQueryOpcode = {
  NOP: 0,
  READ_DESCRIPTOR: 1,
  WRITE_DESCRIPTOR: 2,
  READ_ATTRIBUTE: 3,
  WRITE_ATTRIBUTE: 4,
  READ_FLAG: 5,
  SET_FLAG: 6,
  CLEAR_FLAG: 7,
  TOGGLE_FLAG: 8,
} as const
export type UfsQueryOpcode = (typeof UfsQueryOpcode)[keyof typeof UfsQueryOpcode]

/** TASK MANAGEMENT FUNCTION. */
export const UfsTaskFunction = {
  ABORT_TASK: 0x01,
  ABORT_TASK_SET: 0x02,
  CLEAR_TASK_SET: 0x04,
  LOGICAL_UNIT_RESET: 0x08,
  QUERY_TASK: 0x80,
  QUERY_TASK_SET: 0x81,
} as const
export type UfsTaskFunction = (typeof UfsTaskFunction)[keyof typeof UfsTaskFunction]

/** A UPIU, taken apart. */
export interface Upiu {
  readonly transaction: number
  readonly flags: number
  readonly lun: number
  readonly taskTag: number
  /** RESPONSE; of a query, 0 is success. */
  readonly response: number
  readonly status: number
  readonly dataSegmentLength: number
  /** All 32 bytes. */
  readonly bytes: Uint8Array
}

/** The driver's answer. */
export interface UfsReply extends BsgReplyHeader {
  readonly upiu: Upiu
  /** Data-in: the descriptor that was read. */
  readonly data: Uint8Array
}

const UPIU = 32
const REQUEST = 4 + UPIU
const QUERY_READ = 0x01
const QUERY_WRITE = 0x81

/**
 * Any message: a UPIU of up to 32 bytes as it stands. The driver gives it its task tag. Data go one way: `dataOut` or `dataInLength`,
 * which both are what the driver calls the request's payload.
 *
 * @throws `ERR_SGRING_INVALID_ARGUMENT` for a longer UPIU
 */
export function ufsMessage(
  msgcode: UfsMessage,
  upiu: Uint8Array,
  payload: { readonly dataOut?: Uint8Array; readonly dataInLength?: number } = {},
): TransportMessage<UfsReply> {
  if (upiu.length > UPIU) {
    throw new SgringError(
      'ERR_SGRING_INVALID_ARGUMENT',
      `a UPIU has at most ${UPIU} bytes here, not ${upiu.length}`,
    )
  }
  const request = new Uint8Array(REQUEST)
  littleEndian(request).setUint32(0, checkUint('msgcode', msgcode, 0xffff_ffff), true)
  request.set(upiu, 4)
  return {
    request,
    ...(payload.dataOut === undefined ? {} : { dataOut: payload.dataOut }),
    dataInLength: payload.dataInLength ?? 0,
    parse: ({ reply, data }) => ({ ...parseUfsReply(reply), data }),
  }
}

/** NOP OUT: is the device there? */
export function ufsNop(): TransportMessage<UfsReply> {
  return ufsMessage(UfsMessage.NOP_OUT, new Uint8Array(UPIU))
}

/** Which descriptor, attribute or flag, and what is done with it. */
export interface UfsQuery {
  readonly opcode: UfsQueryOpcode
  readonly idn: number
  readonly index?: number
  readonly selector?: number
  /** VALUE of an attribute that is written. */
  readonly value?: number
  /** Bytes of the descriptor that is read. */
  readonly dataInLength?: number
  /** The descriptor that is written. */
  readonly dataOut?: Uint8Array
}

/** QUERY REQUEST. */
export function ufsQuery(query: UfsQuery): TransportMessage<UfsReply> {
  const { opcode, dataOut, dataInLength = 0 } = query
  const reads: readonly number[] = [
    UfsQueryOpcode.READ_DESCRIPTOR,
    UfsQueryOpcode.READ_ATTRIBUTE,
    UfsQueryOpcode.READ_FLAG,
  ]
  const upiu = new Uint8Array(UPIU)
  upiu[0] = UfsMessage.QUERY_REQUEST
  upiu[5] = reads.includes(opcode) ? QUERY_READ : QUERY_WRITE
  setUint16(upiu, 10, checkUint('dataOut.length', dataOut?.length ?? 0, 0xffff))
  upiu[12] = checkUint('opcode', opcode, 0xff)
  upiu[13] = checkUint('idn', query.idn, 0xff)
  upiu[14] = checkUint('index', query.index ?? 0, 0xff)
  upiu[15] = checkUint('selector', query.selector ?? 0, 0xff)
  setUint16(upiu, 18, checkUint('dataInLength', dataOut?.length ?? dataInLength, 0xffff))
  setUint32(upiu, 20, checkUint('value', query.value ?? 0, 0xffff_ffff))
  const payload = dataOut === undefined ? { dataInLength } : { dataOut }
  return ufsMessage(UfsMessage.QUERY_REQUEST, upiu, payload)
}

/** VALUE of a query's response: the attribute that was read, or the flag in its lowest bit. */
export function ufsQueryValue({ bytes }: Upiu): number {
  return getUint32(bytes, 20)
}

/** A task management function. The kernel tells nobody its commands' tags, so one command cannot be named through it: units can. */
export interface UfsTaskRequest {
  readonly function: UfsTaskFunction
  readonly lun: number
  /** The tag of the command that is meant. Default: 0. */
  readonly taskTag?: number
}

/** TASK MANAGEMENT REQUEST. */
export function ufsTaskRequest(request: UfsTaskRequest): TransportMessage<UfsReply> {
  const lun = checkUint('lun', request.lun, 0xff)
  const upiu = new Uint8Array(UPIU)
  upiu[0] = UfsMessage.TASK_REQUEST
  upiu[2] = lun
  upiu[5] = checkUint('function', request.function, 0xff)
  setUint32(upiu, 12, lun)
  setUint32(upiu, 16, checkUint('taskTag', request.taskTag ?? 0, 0xff))
  return ufsMessage(UfsMessage.TASK_REQUEST, upiu)
}

/** TASK MANAGEMENT SERVICE RESPONSE of a task management response: 0 complete, 4 not supported, 5 failed, 8 succeeded, 9 no such LUN. */
export function ufsServiceResponse({ bytes }: Upiu): number {
  return bytes[15]!
}

/** Reads `struct ufs_bsg_reply`. */
export function parseUfsReply(reply: Uint8Array): Omit<UfsReply, 'data'> {
  const header = parseBsgReplyHeader('a UFS reply', reply)
  // After an errno nothing else need be there.
  if (header.result >= 0) needBytes('a UFS reply', reply, BSG_REPLY_HEADER + UPIU)
  const bytes = new Uint8Array(UPIU)
  bytes.set(reply.subarray(BSG_REPLY_HEADER, BSG_REPLY_HEADER + UPIU))
  return {
    ...header,
    upiu: {
      transaction: bytes[0]! & 0x3f,
      flags: bytes[1]!,
      lun: bytes[2]!,
      taskTag: bytes[3]!,
      response: bytes[6]!,
      status: bytes[7]!,
      dataSegmentLength: getUint16(bytes, 10),
      bytes,
    },
  }
}
