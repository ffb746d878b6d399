/**
 * Fibre Channel hosts and remote ports, nodes `/dev/bsg/fc_hostN` and `/dev/bsg/rport-H:B-R` (uapi/scsi/scsi_bsg_fc.h;
 * drivers/scsi/scsi_transport_fc.c). Experimental.
 *
 *     struct fc_bsg_request, packed              struct fc_bsg_reply
 *     0   msgcode, u32                           0   result, s32
 *     4   the message's own                      4   reply_payload_rcv_len, u32
 *                                                8   status, u32 (ELS and CT), or the vendor's response
 *                                                12  action, reason, explanation, vendor unique
 *
 * An ELS or a CT request is `dataOut`, its response `data`; both are frames as FC-LS and FC-GS have them.
 */

import { checkUint, checkUint64, getUint32, setUint24 } from '../../scsi/bytes.ts'
import {
  BSG_REPLY_HEADER,
  type BsgReplyHeader,
  littleEndian,
  parseBsgReplyHeader,
  type TransportMessage,
} from './message.ts'

/** `msgcode`: bit 31 for a host's node, bit 30 for a remote port's. */
export const FcMessage = {
  HOST_ADD_RPORT: 0x8000_0001,
  HOST_DELETE_RPORT: 0x8000_0002,
  HOST_ELS_NO_LOGIN: 0x8000_0003,
  HOST_CT: 0x8000_0004,
  HOST_VENDOR: 0x8000_00ff,
  RPORT_ELS: 0x4000_0001,
  RPORT_CT: 0x4000_0002,
} as const
export type FcMessage = (typeof FcMessage)[keyof typeof FcMessage]

/** `status` of an ELS or CT reply. With OK the response itself says whether it accepts. */
export const FcStatus = { OK: 0, REJECT: 1, P_RJT: 2, F_RJT: 3, P_BSY: 4, F_BSY: 6 } as const

/** The driver's answer. */
export interface FcReply extends BsgReplyHeader {
  /** See `FcStatus`; `undefined` where the driver wrote none, as after an errno. */
  readonly status: number | undefined
  /** What a status other than OK says of itself. */
  readonly action: number
  readonly reason: number
  readonly explanation: number
  readonly vendorUnique: number
  /** Data-in: the response of an ELS or a CT request. */
  readonly data: Uint8Array
}

/** A frame and the room for what it is answered with. Its driver needs both. */
export interface FcExchange {
  /** The ELS, of which the first byte is its command code; or the CT request, from its preamble on. */
  readonly dataOut: Uint8Array
  /** Bytes of the response. */
  readonly dataInLength: number
}

/** An N_Port of 24 bits. */
export interface FcPort {
  readonly portId: number
}

/** Asks a host to log in to a port, which is then a remote port of its own. */
export function fcAddRport({ portId }: FcPort): TransportMessage<FcReply> {
  return fcMessage(FcMessage.HOST_ADD_RPORT, port(0, portId))
}

/** Asks a host to log out of a port, and to forget it. */
export function fcDeleteRport({ portId }: FcPort): TransportMessage<FcReply> {
  return fcMessage(FcMessage.HOST_DELETE_RPORT, port(0, portId))
}

/** Sends an ELS to a port that the host need not be logged in to. */
export function fcHostEls({ portId, ...exchange }: FcPort & FcExchange): TransportMessage<FcReply> {
  checkLength('an ELS', exchange.dataOut, 1)
  return fcMessage(FcMessage.HOST_ELS_NO_LOGIN, port(exchange.dataOut[0]!, portId), exchange)
}

/** Sends a CT request to a port: to a name server, say. */
export function fcHostCt({ portId, ...exchange }: FcPort & FcExchange): TransportMessage<FcReply> {
  const own = new Uint8Array(4 + PREAMBLE)
  own.set(port(0, portId))
  own.set(preamble(exchange), 4)
  return fcMessage(FcMessage.HOST_CT, own, exchange)
}

/** Sends an ELS to the node's remote port. */
export function fcRportEls(exchange: FcExchange): TransportMessage<FcReply> {
  checkLength('an ELS', exchange.dataOut, 1)
  return fcMessage(FcMessage.RPORT_ELS, exchange.dataOut.slice(0, 1), exchange)
}

/** Sends a CT request to the node's remote port. */
export function fcRportCt(exchange: FcExchange): TransportMessage<FcReply> {
  return fcMessage(FcMessage.RPORT_CT, preamble(exchange), exchange)
}

/** A vendor's message. */
export interface FcVendorMessage {
  /** The vendor as scsi_netlink.h has it: its kind in the uppermost byte. */
  readonly vendorId: bigint
  readonly command: Uint8Array
  readonly dataOut?: Uint8Array
  readonly dataInLength?: number
}

/** Sends a vendor's message to a host's driver, which answers with ESRCH if it is of another vendor. */
export function fcVendor({
  vendorId,
  command,
  ...payload
}: FcVendorMessage): TransportMessage<FcReply> {
  const own = new Uint8Array(8 + command.length)
  littleEndian(own).setBigUint64(0, checkUint64('vendorId', vendorId), true)
  own.set(command, 8)
  return fcMessage(FcMessage.HOST_VENDOR, own, payload)
}

/** Words 0 to 2 of a CT request, which drivers want a copy of. */
const PREAMBLE = 12

function preamble({ dataOut }: FcExchange): Uint8Array {
  checkLength('a CT request', dataOut, PREAMBLE)
  return dataOut.slice(0, PREAMBLE)
}

function checkLength(what: string, frame: Uint8Array, min: number): void {
  checkUint(`the length of ${what}`, frame.length, 0xffff_ffff, min)
}

function port(first: number, portId: number): Uint8Array {
  const bytes = Uint8Array.of(first, 0, 0, 0)
  setUint24(bytes, 1, checkUint('portId', portId, 0xff_ffff))
  return bytes
}

function fcMessage(
  msgcode: FcMessage,
  own: Uint8Array,
  { dataOut, dataInLength = 0 }: Partial<FcExchange> = {},
): TransportMessage<FcReply> {
  const request = new Uint8Array(4 + own.length)
  littleEndian(request).setUint32(0, msgcode, true)
  request.set(own, 4)
  return {
    request,
    ...(dataOut === undefined ? {} : { dataOut }),
    dataInLength,
    parse: ({ reply, data }) => ({ ...parseFcReply(reply), data }),
  }
}

const CTELS_REPLY = 8

/** Reads `struct fc_bsg_reply`. */
export function parseFcReply(reply: Uint8Array): Omit<FcReply, 'data'> {
  const header = parseBsgReplyHeader('an FC reply', reply)
  const whole = reply.length >= BSG_REPLY_HEADER + CTELS_REPLY
  return {
    ...header,
    status: whole ? littleEndian(reply).getUint32(BSG_REPLY_HEADER, true) : undefined,
    action: reply[12] ?? 0,
    reason: reply[13] ?? 0,
    explanation: reply[14] ?? 0,
    vendorUnique: reply[15] ?? 0,
  }
}

/** Command codes of an ELS that accepts and of one that rejects. */
export const ElsCommand = { LS_RJT: 0x01, LS_ACC: 0x02 } as const

/** Why an ELS was rejected (LS_RJT, FC-LS-3 4.2.4): word 1 of it. `undefined` for a response that is no LS_RJT. */
export function elsReject(
  data: Uint8Array,
): { readonly reason: number; readonly explanation: number } | undefined {
  if (data.length < 8 || data[0] !== ElsCommand.LS_RJT) return undefined
  const word = getUint32(data, 4)
  return { reason: (word >>> 16) & 0xff, explanation: (word >>> 8) & 0xff }
}
