/** Parsers of what drivers and expanders answer at nodes that are no unit's. */

import { fc, iscsi, mpi3mr, ufs } from '#dist/sg/transport-nodes/experimental.js'
import { parseBsgReplyHeader, type TransportMessage } from '#dist/sg/transport-nodes/message.js'
import * as smp from '#dist/sg/transport-nodes/smp.js'
import { bytes, isOf, of, type Parser } from './parser.ts'

const REPLY = bytes(`00000000 04000000 ${'00'.repeat(40)}`)
const FAILED = bytes('fbffffff 00000000')

/** All of them. */
export const nodes: readonly Parser[] = [
  of('the header of a reply', (data) => parseBsgReplyHeader('it', data), REPLY, FAILED),
  of('an FC reply', fc.parseFcReply, REPLY, FAILED),
  of('why an ELS was rejected', fc.elsReject, bytes('01 00 00 00 00 03 00 00')),
  of('an iSCSI reply', iscsi.parseIscsiReply, REPLY, FAILED),
  of('a UFS reply', unitless, REPLY, FAILED),
  of('an mpi3mr adapter', mpi3mr.parseMpi3mrAdapter, new Uint8Array(168)),
  of(
    'targets of an mpi3mr adapter',
    mpi3mr.parseMpi3mrTargets,
    bytes(`0100 000000000000 ${'01'.repeat(12)}`),
  ),
  message('buffers of an mpi3mr request', firmware()),
  message('an SMP expander', smp.reportGeneral(), response('00', 68)),
  message('an SMP manufacturer', smp.reportManufacturerInformation(), response('01', 56)),
  message('an SMP phy', smp.discover({ phy: 0 }), response('10', 112)),
  message(
    'the end of an SMP function',
    smp.phyControl({ phy: 0, operation: 0 }),
    response('91', 0),
  ),
]

/** Frames that say that they have so many bytes behind their header. */
function response(code: string, length: number): Uint8Array {
  const dwords = (length >> 2).toString(16).padStart(2, '0')
  return bytes(`41 ${code} 00 ${dwords} ${'00'.repeat(length)}`)
}

/** The same bytes are the reply and the data. What was answered and not accepted is an error of its own. */
function message<T>(name: string, { parse }: TransportMessage<T>, ...seeds: Uint8Array[]): Parser {
  const parser = of(name, (data) => parse({ reply: data, data }), ...seeds)
  const refuses = (error: unknown) =>
    parser.refuses(error) || isOf(error, 'ERR_SGRING_SMP_FUNCTION')
  return { ...parser, refuses }
}

function unitless(data: Uint8Array): unknown {
  const reply = ufs.parseUfsReply(data)
  return [reply, ufs.ufsQueryValue(reply.upiu), ufs.ufsServiceResponse(reply.upiu)]
}

function firmware(): TransportMessage<unknown> {
  const buffers = [
    { type: mpi3mr.Mpi3mrBuffer.MPI_REQUEST, bytes: new Uint8Array(8) },
    { type: mpi3mr.Mpi3mrBuffer.DATA_IN, length: 16 },
  ]
  return mpi3mr.mpi3mrFirmwareRequest({ controller: 0, buffers })
}
