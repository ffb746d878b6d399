/**
 * iSCSI hosts, node `/dev/bsg/iscsi_hostN` of adapters that have messages of their own (scsi/scsi_bsg_iscsi.h;
 * drivers/scsi/scsi_transport_iscsi.c); software iSCSI has no such node. Experimental: checked against the header, never against an
 * adapter.
 *
 *     struct iscsi_bsg_request, packed           struct iscsi_bsg_reply
 *     0   msgcode, u32                           0   result, s32
 *     4   vendor_id, u64                         4   reply_payload_rcv_len, u32
 *     12  the vendor's command                   8   the vendor's response
 */

import { checkUint64 } from '../../scsi/bytes.ts'
import {
  BSG_REPLY_HEADER,
  type BsgReplyHeader,
  littleEndian,
  parseBsgReplyHeader,
  type TransportMessage,
} from './message.ts'

/** `msgcode`: there is one. */
export const IscsiMessage = { HOST_VENDOR: 0x8000_00ff } as const

/** A vendor's message. */
export interface IscsiVendorMessage {
  /** The vendor as scsi_netlink.h has it: its kind in the uppermost byte. */
  readonly vendorId: bigint
  readonly command: Uint8Array
  readonly dataOut?: Uint8Array
  readonly dataInLength?: number
}

/** The driver's answer. */
export interface IscsiReply extends BsgReplyHeader {
  readonly vendorResponse: Uint8Array
  readonly data: Uint8Array
}

/** Sends a vendor's message to a host's driver. */
export function iscsiVendor({
  vendorId,
  command,
  dataOut,
  dataInLength = 0,
}: IscsiVendorMessage): TransportMessage<IscsiReply> {
  const request = new Uint8Array(12 + command.length)
  const view = littleEndian(request)
  view.setUint32(0, IscsiMessage.HOST_VENDOR, true)
  view.setBigUint64(4, checkUint64('vendorId', vendorId), true)
  request.set(command, 12)
  return {
    request,
    ...(dataOut === undefined ? {} : { dataOut }),
    dataInLength,
    parse: ({ reply, data }) => ({ ...parseIscsiReply(reply), data }),
  }
}

/** Reads `struct iscsi_bsg_reply`. */
export function parseIscsiReply(reply: Uint8Array): Omit<IscsiReply, 'data'> {
  return {
    ...parseBsgReplyHeader('an iSCSI reply', reply),
    vendorResponse: reply.slice(BSG_REPLY_HEADER),
  }
}
