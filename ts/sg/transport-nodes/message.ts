/**
 * What goes to a bsg node that is no logical unit, and what comes back (`struct sg_io_v4` of subprotocol
 * `BSG_SUB_PROTOCOL_SCSI_TRANSPORT`, uapi/linux/bsg.h; the kernel's end is block/bsg-lib.c):
 *
 *     request   the kernel's own structure for the message, up to a driver's liking      request, request_len
 *     dataOut   payload to the driver: the frame itself, where there is one              dout_xferp, dout_xfer_len
 *     data      payload from the driver                                                  din_xferp, din_xfer_len
 *     reply     the kernel's own structure for the outcome, at most 96 bytes             response, response_len
 */

import { needBytes } from '../../scsi/bytes.ts'

/** A message to a transport node, with the parser of what comes back. */
export interface TransportMessage<T> {
  /** The kernel's structure for the message. */
  readonly request: Uint8Array
  readonly dataOut?: Uint8Array
  /** Bytes of data-in that the message asks for; 0 when it has none. */
  readonly dataInLength: number
  /** Gets what came. Throws `ERR_SGRING_RESPONSE` for bytes that the message does not allow. */
  readonly parse: (came: TransportBytes) => T
}

/** The bytes that came back. */
export interface TransportBytes {
  /** The kernel's structure for the outcome, cut to what the driver wrote; without any for drivers that have none. */
  readonly reply: Uint8Array
  /** Data-in. Cut to the bytes that came where the kernel says so: for messages with data both ways, and no others. */
  readonly data: Uint8Array
}

/** What UFS, FC and iSCSI replies begin with: `int result` and `__u32 reply_payload_rcv_len`. */
export interface BsgReplyHeader {
  /** Negative: an errno, and nothing else of the reply means anything. Else a SCSI result: status in the lowest byte, host byte in the third. */
  readonly result: number
  /** Bytes of data-in that came. */
  readonly dataReceived: number
}

export const BSG_REPLY_HEADER = 8

/** @throws `ERR_SGRING_RESPONSE` for fewer than 8 bytes */
export function parseBsgReplyHeader(what: string, reply: Uint8Array): BsgReplyHeader {
  needBytes(what, reply, BSG_REPLY_HEADER)
  const view = littleEndian(reply)
  return { result: view.getInt32(0, true), dataReceived: view.getUint32(4, true) }
}

/** Structures of the kernel are in the machine's byte order: little-endian on every platform that sgring has. */
export function littleEndian(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
