/** Hand-made bytes after the kernel's headers: uapi/scsi/scsi_bsg_{ufs,mpi3mr,fc}.h and scsi/scsi_bsg_iscsi.h. */

import assert from 'node:assert/strict'
import {
  elsReject,
  FcStatus,
  fcAddRport,
  fcDeleteRport,
  fcHostCt,
  fcHostEls,
  fcRportCt,
  fcRportEls,
  fcVendor,
  parseFcReply,
} from '#dist/sg/transport-nodes/fc.js'
import { iscsiVendor, parseIscsiReply } from '#dist/sg/transport-nodes/iscsi.js'
import type { TransportMessage } from '#dist/sg/transport-nodes/message.js'
import {
  Mpi3mrBuffer,
  Mpi3mrOpcode,
  mpi3mrAdapterInformation,
  mpi3mrAllTargets,
  mpi3mrDriverCommand,
  mpi3mrFirmwareRequest,
  parseMpi3mrAdapter,
  parseMpi3mrTargets,
} from '#dist/sg/transport-nodes/mpi3mr.js'
import {
  parseUfsReply,
  UfsMessage,
  UfsQueryOpcode,
  UfsTaskFunction,
  ufsMessage,
  ufsNop,
  ufsQuery,
  ufsQueryValue,
  ufsServiceResponse,
  ufsTaskRequest,
} from '#dist/sg/transport-nodes/ufs.js'
import { suite } from '../../harness/index.ts'
import { survivesAnyBytes } from '../../scsi/any-bytes.ts'
import { bytes, hex } from '../../scsi/hex.ts'

const test = suite('messages of transport nodes, experimental')

const argument = { code: 'ERR_SGRING_INVALID_ARGUMENT' }
const refused = { code: 'ERR_SGRING_RESPONSE' }
const none = new Uint8Array()

function sent({ request, dataOut, dataInLength }: TransportMessage<unknown>) {
  return [hex(request), dataOut === undefined ? undefined : hex(dataOut), dataInLength]
}

function spaced(text: string): string {
  return text.replaceAll(' ', '')
}

test('ask a UFS device (scsi_bsg_ufs.h: ufs_bsg_request)', () => {
  assert.deepEqual(sent(ufsNop()), [spaced(`00000000 ${'00'.repeat(32)}`), undefined, 0])
  const read = ufsQuery({
    opcode: UfsQueryOpcode.READ_DESCRIPTOR,
    idn: 7,
    index: 1,
    selector: 2,
    dataInLength: 0x59,
  })
  assert.deepEqual(sent(read), [
    spaced('16000000 16000000 00010000 00000000 01070102 00000059 00000000 00000000 00000000'),
    undefined,
    0x59,
  ])
  const written = ufsQuery({
    opcode: UfsQueryOpcode.WRITE_DESCRIPTOR,
    idn: 5,
    dataOut: bytes('0405'),
  })
  assert.deepEqual(sent(written), [
    spaced('16000000 16000000 00810000 00000002 02050000 00000002 00000000 00000000 00000000'),
    '0405',
    0,
  ])
  const attribute = ufsQuery({ opcode: UfsQueryOpcode.WRITE_ATTRIBUTE, idn: 2, value: 0x12345678 })
  assert.equal(
    hex(attribute.request.subarray(16)),
    spaced('04020000 00000000 12345678 0000000000000000'),
  )
  const reset = ufsTaskRequest({ function: UfsTaskFunction.LOGICAL_UNIT_RESET, lun: 3, taskTag: 9 })
  assert.equal(
    hex(reset.request),
    spaced('04000000 04000300 00080000 00000000 00000003 00000009 00000000 00000000 00000000'),
  )
  const uic = ufsMessage(UfsMessage.UIC_COMMAND, bytes(`${'00'.repeat(12)}01000000 0000d015`))
  assert.equal(
    hex(uic.request.subarray(0, 24)),
    spaced(`1f000000 ${'00'.repeat(12)} 01000000 0000d015`),
  )
  assert.throws(() => ufsMessage(UfsMessage.NOP_OUT, new Uint8Array(33)), argument)
})

test('read what a UFS device answers (scsi_bsg_ufs.h: ufs_bsg_reply)', () => {
  const reply = bytes(
    '00000000 59000000 36010203 00810607 0000a1b2 01070102 00000059 89abcdef 00000000 00000000',
  )
  const data = bytes('5907')
  const read = ufsNop().parse({ reply, data })
  assert.deepEqual(
    [read.result, read.dataReceived, read.data, read.upiu.transaction, read.upiu.flags],
    [0, 0x59, data, 0x36, 1],
  )
  const { lun, taskTag, response, status, dataSegmentLength } = read.upiu
  assert.deepEqual([lun, taskTag, response, status, dataSegmentLength], [2, 3, 6, 7, 0xa1b2])
  assert.equal(ufsQueryValue(read.upiu), 0x89abcdef)
  const task = parseUfsReply(
    bytes(`${'00'.repeat(8)}24000000 00000000 00000000 00000008${'00'.repeat(16)}`),
  )
  assert.equal(ufsServiceResponse(task.upiu), 8)
  // EINVAL, and nothing more.
  assert.equal(parseUfsReply(bytes('eaffffff00000000')).result, -22)
  assert.throws(() => parseUfsReply(bytes('0000000000000000')), refused)
})

test('ask an MPI3 driver and its adapter (scsi_bsg_mpi3mr.h: mpi3mr_bsg_packet)', () => {
  const rest = '00'.repeat(22)
  assert.deepEqual(sent(mpi3mrAdapterInformation(2)), [
    spaced(`01000000 00000000 0201 ${rest}`),
    undefined,
    168,
  ])
  assert.deepEqual(
    sent(
      mpi3mrDriverCommand({
        controller: 0,
        opcode: Mpi3mrOpcode.ADAPTER_RESET,
        dataOut: bytes('01000000'),
      }),
    ),
    [spaced(`01000000 00000000 0002 ${rest}`), '01000000', 0],
  )
  const request = mpi3mrFirmwareRequest({
    controller: 1,
    timeoutSeconds: 0x1234,
    buffers: [
      { type: Mpi3mrBuffer.MPI_REQUEST, bytes: bytes('a1a2a3a4') },
      { type: Mpi3mrBuffer.DATA_IN, length: 2 },
      { type: Mpi3mrBuffer.DATA_OUT, bytes: bytes('b1b2') },
      { type: Mpi3mrBuffer.MPI_REPLY, length: 3 },
    ],
  })
  assert.deepEqual(sent(request), [
    spaced(
      '02000000 00000000 01003412 00000000 04000000 00000000 fe000000 04000000 03000000 02000000 04000000 02000000 05000000 03000000',
    ),
    'a1a2a3a4b1b2',
    5,
  ])
  assert.deepEqual(
    request.parse({ reply: none, data: bytes('0102030405') }).map((part) => hex(part)),
    ['0102', '030405'],
  )
  // One buffer leaves the packet as long as the structure.
  const one = { type: Mpi3mrBuffer.MPI_REQUEST, bytes: none } as const
  assert.equal(mpi3mrFirmwareRequest({ controller: 0, buffers: [one] }).request.length, 32)
  assert.throws(() => mpi3mrFirmwareRequest({ controller: 0, buffers: [] }), argument)
  const turned = { type: Mpi3mrBuffer.DATA_IN, bytes: none } as const
  assert.throws(() => mpi3mrFirmwareRequest({ controller: 0, buffers: [turned] }), argument)
})

/** `struct mpi3mr_bsg_in_adpinfo`, of 168 bytes. */
const ADAPTER = new Uint8Array(168)
ADAPTER.set(
  bytes('01000000 00000000 a5000000 02000000 36460000 28100000 6301 0000 04000000 06000000 01'),
)
ADAPTER.set(Buffer.from('mpi3mr'), 92)
ADAPTER.set(Buffer.from('8.0.0.69'), 112)

test('read what an MPI3 driver tells (scsi_bsg_mpi3mr.h: mpi3mr_bsg_in_adpinfo, mpi3mr_all_tgt_info)', () => {
  assert.deepEqual(parseMpi3mrAdapter(ADAPTER), {
    type: 1,
    pciDeviceId: 0xa5,
    pciRevision: 2,
    pciSubsystemDeviceId: 0x4636,
    pciSubsystemVendorId: 0x1028,
    pciDevice: 3,
    pciFunction: 3,
    pciBus: 1,
    pciSegment: 4,
    interfaceVersion: 6,
    state: 1,
    driverName: 'mpi3mr',
    driverVersion: '8.0.0.69',
  })
  const targets = bytes(
    '0200 0000 00000000 0900 0100 00000000 00000000 0a00 0200 01000000 05000000',
  )
  assert.deepEqual(mpi3mrAllTargets(0, 2).parse({ reply: none, data: targets }), [
    { handle: 9, persistentId: 1, targetId: 0, busId: 0 },
    { handle: 10, persistentId: 2, targetId: 1, busId: 5 },
  ])
  assert.equal(mpi3mrAllTargets(0, 2).dataInLength, 32)
  assert.equal(parseMpi3mrTargets(targets.subarray(0, 31)).length, 1)
  assert.throws(() => parseMpi3mrTargets(targets.subarray(0, 8)), refused)
})

test('ask a Fibre Channel host and a remote port (scsi_bsg_fc.h: fc_bsg_request)', () => {
  const portId = 0x01_02_ef
  const exchange = { dataOut: bytes('10000000 a1a2a3a4 b1b2b3b4 c1'), dataInLength: 16 }
  assert.deepEqual(
    [
      fcAddRport({ portId }),
      fcDeleteRport({ portId }),
      fcHostEls({ portId, ...exchange }),
      fcHostCt({ portId, ...exchange }),
      fcRportEls(exchange),
      fcRportCt(exchange),
      fcVendor({ vendorId: 0x0100_0000_0000_1077n, command: bytes('0102') }),
    ].map(({ request }) => hex(request)),
    [
      '01000080 000102ef',
      '02000080 000102ef',
      '03000080 100102ef',
      '04000080 000102ef 10000000 a1a2a3a4 b1b2b3b4',
      '01000040 10',
      '02000040 10000000 a1a2a3a4 b1b2b3b4',
      'ff000080 7710000000000001 0102',
    ].map(spaced),
  )
  const { dataOut, dataInLength } = fcRportEls(exchange)
  assert.deepEqual([dataOut, dataInLength], [exchange.dataOut, 16])
  assert.throws(() => fcAddRport({ portId: 0x100_0000 }), argument)
  assert.throws(() => fcRportEls({ dataOut: none, dataInLength: 8 }), argument)
  assert.throws(() => fcRportCt({ dataOut: bytes('01'), dataInLength: 8 }), argument)
})

test('read what a Fibre Channel driver answers (scsi_bsg_fc.h: fc_bsg_reply)', () => {
  const reply = bytes('00000000 10000000 01000000 01092a05')
  const data = bytes('01000000 00092a00')
  assert.deepEqual(fcRportEls({ dataOut: bytes('10'), dataInLength: 8 }).parse({ reply, data }), {
    result: 0,
    dataReceived: 16,
    status: FcStatus.REJECT,
    action: 1,
    reason: 9,
    explanation: 0x2a,
    vendorUnique: 5,
    data,
  })
  assert.deepEqual(elsReject(data), { reason: 9, explanation: 0x2a })
  assert.equal(elsReject(bytes('0200000000092a00')), undefined)
  assert.equal(parseFcReply(bytes('0000000000000000')).status, undefined)
})

test('ask an iSCSI adapter, and read its answer (scsi_bsg_iscsi.h)', () => {
  const message = iscsiVendor({
    vendorId: 0x0100_0000_0000_1077n,
    command: bytes('0b000000'),
    dataOut: bytes('d1'),
    dataInLength: 4,
  })
  assert.deepEqual(sent(message), [spaced('ff000080 7710000000000001 0b000000'), 'd1', 4])
  assert.deepEqual(message.parse({ reply: bytes('00000800 04000000 0102'), data: bytes('0f') }), {
    result: 0x80000,
    dataReceived: 4,
    vendorResponse: bytes('0102'),
    data: bytes('0f'),
  })
})

test('survive any bytes', () => {
  const ok = new Uint8Array(40)
  survivesAnyBytes('UFS', ok, (reply) => parseUfsReply(reply))
  survivesAnyBytes('FC', ok, (reply) => parseFcReply(reply))
  survivesAnyBytes('iSCSI', ok, (reply) => parseIscsiReply(reply))
  survivesAnyBytes('MPI3 adapter', ADAPTER, (data) => parseMpi3mrAdapter(data))
  survivesAnyBytes('MPI3 targets', bytes('01000000 00000000 09000100 00000000 00000000'), (data) =>
    parseMpi3mrTargets(data),
  )
})

test.run()
