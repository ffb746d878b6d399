import assert from 'node:assert/strict'
import {
  getLbaStatus,
  type LbaExtent,
  ProvisioningStatus,
  preFetch10,
  preFetch16,
  unmap,
  writeSame10,
  writeSame16,
} from '#dist/scsi/block-provisioning.js'
import { readCapacity16 } from '#dist/scsi/capacity.js'
import { Status } from '#dist/task/command.js'
import { suite } from '../harness/index.ts'
import { PlainBacking } from './plain-backing.ts'
import { BLOCKS, bytesOf, type ServedDisk, servedDisk } from './served-disk.ts'

const test = suite('a disk with thin provisioning')

const thin = { thin: true }
const { MAPPED, DEALLOCATED } = ProvisioningStatus

function extents({ send }: ServedDisk, lba = 0): readonly LbaExtent[] {
  const command = getLbaStatus({ lba })
  return command.parse(send(command).data)
}

/** All blocks written. */
function full(): ServedDisk {
  const disk = servedDisk(thin)
  disk.backing.put(0, bytesOf(BLOCKS * 512).fill(0x55))
  return disk
}

test('UNMAP makes zeros that take no room, of every descriptor (sbc-3 5.28)', () => {
  const disk = full()
  const done = disk.send(
    unmap([
      { lba: 4, blocks: 2 },
      { lba: 9, blocks: 0 },
      { lba: 100n, blocks: 50 },
    ]),
  )
  assert.deepEqual([done.status, done.residualOut], [Status.GOOD, 0])
  const { bytes } = disk.backing
  assert.ok(bytes.subarray(4 * 512, 6 * 512).every((byte) => byte === 0))
  assert.deepEqual([bytes[6 * 512], bytes[99 * 512], bytes[100 * 512]], [0x55, 0x55, 0])
  assert.deepEqual(
    extents(disk).map(({ blocks, status }) => [blocks, status]),
    [
      [4, MAPPED],
      [2, DEALLOCATED],
      [94, MAPPED],
      [50, DEALLOCATED],
      [BLOCKS - 150, MAPPED],
    ],
  )
})

test('UNMAP unmaps nothing unless all of it is there, and there is room in its limits (sbc-3 5.28, 6.6.4)', () => {
  const disk = full()
  const { send, end, backing } = disk
  const beyond = send(
    unmap([
      { lba: 0, blocks: 8 },
      { lba: BLOCKS - 1, blocks: 2 },
    ]),
  )
  assert.deepEqual([beyond.senseText, beyond.sense?.information], ['5/21/00', BigInt(BLOCKS)])
  assert.equal(end(unmap([{ lba: 2n ** 64n - 1n, blocks: 1 }])), '5/21/00')
  assert.equal(end(unmap(Array.from({ length: 257 }, () => ({ lba: 0, blocks: 1 })))), '5/26/00')
  assert.equal(end(unmap(Array.from({ length: 256 }, () => ({ lba: 0, blocks: 0 })))), 'GOOD')
  assert.deepEqual(backing.log, [])
})

test('UNMAP takes a list that is short of a descriptor, and refuses one short of its header (sbc-3 5.28.1)', () => {
  const { end, backing } = full()
  const { cdb, dataOut = new Uint8Array(0) } = unmap([
    { lba: 0, blocks: 1 },
    { lba: 8, blocks: 1 },
  ])
  assert.equal(end({ cdb: cdb.with(8, 0) }), 'GOOD')
  for (const length of [1, 7]) assert.equal(end({ cdb: cdb.with(8, length), dataOut }), '5/1a/00')
  assert.equal(end({ cdb: cdb.with(8, 8), dataOut }), 'GOOD')
  assert.deepEqual(backing.log, [])
  assert.equal(end({ cdb: cdb.with(8, 39), dataOut }), 'GOOD')
  // The block descriptor data length counts, too.
  assert.equal(end({ cdb, dataOut: dataOut.with(3, 31) }), 'GOOD')
  assert.deepEqual(backing.log, ['release 0 512', 'release 0 512'])
  assert.equal(end({ cdb, dataOut: dataOut.subarray(0, 39) }), '5/0e/03')
  assert.equal(end({ cdb: cdb.with(1, 1), dataOut }), '5/24/00')
})

for (const writeSame of [writeSame10, writeSame16]) {
  test(`${writeSame.name} writes one block again and again, to the end if none are named (sbc-3 5.43)`, () => {
    const disk = servedDisk(thin)
    const data = bytesOf(512, 3)
    const some = disk.send(writeSame({ lba: 10, blocks: 3, data }))
    assert.deepEqual([some.status, some.residualOut], [Status.GOOD, 0])
    assert.equal(disk.end(writeSame({ lba: BLOCKS - 2, blocks: 0, data })), 'GOOD')
    for (const lba of [10, 12, BLOCKS - 2, BLOCKS - 1]) {
      assert.deepEqual(disk.backing.bytes.subarray(lba * 512, (lba + 1) * 512), data)
    }
    assert.deepEqual(
      extents(disk).map(({ blocks }) => blocks),
      [10, 3, BLOCKS - 15, 2],
    )
    assert.equal(disk.end(writeSame({ lba: BLOCKS, blocks: 0, data })), '5/21/00')
    assert.equal(disk.end(writeSame({ lba: BLOCKS - 1, blocks: 2, data })), '5/21/00')
    const { cdb } = writeSame({ lba: 0, blocks: 1, data })
    assert.equal(disk.end({ cdb, dataOut: data.subarray(1) }), '5/0e/03')
  })

  test(`${writeSame.name} with UNMAP gives room back where blocks read the same then (sbc-3 4.7.3.4.4)`, () => {
    const disk = full()
    assert.equal(
      disk.end(writeSame({ lba: 0, blocks: 8, data: new Uint8Array(512), unmap: true })),
      'GOOD',
    )
    const ones = new Uint8Array(512).fill(1)
    assert.equal(disk.end(writeSame({ lba: 8, blocks: 8, data: ones, unmap: true })), 'GOOD')
    assert.deepEqual(
      extents(disk).map(({ blocks }) => blocks),
      [8, BLOCKS - 8],
    )
    assert.equal(disk.backing.bytes[8 * 512], 1)
  })

  test(`${writeSame.name} refuses what it does not do: ANCHOR, PBDATA, LBDATA, protection, UNMAP of a thick disk`, () => {
    const { cdb } = writeSame({ lba: 0, blocks: 1, data: new Uint8Array(512) })
    const dataOut = new Uint8Array(512)
    const { end } = servedDisk(thin)
    for (const flags of [0x10, 0x18, 0x02, 0x04, 0x20]) {
      assert.equal(end({ cdb: cdb.with(1, flags), dataOut }), '5/24/00', `${flags}`)
    }
    const thick = servedDisk().send({ cdb: cdb.with(1, 8), dataOut })
    assert.deepEqual(thick.sense?.specific, { kind: 'field', byte: 1, bit: 3, inCdb: true })
  })
}

test('WRITE SAME(16) with NDOB writes zeros that nobody sends (sbc-3 5.44)', () => {
  const disk = full()
  assert.equal(disk.end(writeSame16({ lba: 2, blocks: 2 })), 'GOOD')
  assert.equal(disk.end(writeSame16({ lba: 4, blocks: 2, unmap: true })), 'GOOD')
  assert.ok(disk.backing.bytes.subarray(1024, 3072).every((byte) => byte === 0))
  assert.deepEqual(
    extents(disk).map(({ blocks }) => blocks),
    [4, 2, BLOCKS - 6],
  )
})

test('GET LBA STATUS begins where it is asked to, and ends where there is no room (sbc-3 5.4)', () => {
  const disk = servedDisk(thin)
  for (const lba of [1, 3, 5]) disk.backing.put(lba * 512, bytesOf(512, 1))
  assert.deepEqual(
    extents(disk, 4).map(({ lba, blocks, status }) => [lba, blocks, status]),
    [
      [4n, 1, DEALLOCATED],
      [5n, 1, MAPPED],
      [6n, BLOCKS - 6, DEALLOCATED],
    ],
  )
  const one = getLbaStatus({ lba: 0, allocationLength: 39 })
  assert.equal(one.parse(disk.send(one).data).length, 1)
  const { cdb } = getLbaStatus({ lba: 0 })
  const cut = disk.send({ cdb: cdb.with(12, 0).with(13, 4), dataInLength: 24 })
  assert.deepEqual(Array.from(cut.data), [0, 0, 0, 20])
  assert.equal(disk.end(getLbaStatus({ lba: BLOCKS })), '5/21/00')
})

test('a thick disk has neither UNMAP nor GET LBA STATUS, and says so (sbc-3 5.16.2)', () => {
  const thick = servedDisk()
  assert.equal(thick.end(unmap([])), '5/20/00')
  assert.equal(thick.end(getLbaStatus({ lba: 0 })), '5/24/00')
  const command = readCapacity16()
  for (const [disk, expected] of [
    [thick, false],
    [servedDisk(thin), true],
  ] as const) {
    const { provisioning, unmappedReadsZeros } = command.parse(disk.send(command).data)
    assert.deepEqual([provisioning, unmappedReadsZeros], [expected, expected])
  }
})

test('PRE-FETCH is CONDITION MET when the cache has all blocks, GOOD when they are too many (sbc-3 5.8)', () => {
  const { send, end, backing } = servedDisk({ maxTransferBytes: 8 * 512 })
  assert.equal(send(preFetch10({ lba: 2, blocks: 8 })).status, Status.CONDITION_MET)
  assert.equal(send(preFetch16({ lba: 2, blocks: 9 })).status, Status.GOOD)
  assert.equal(send(preFetch16({ lba: BLOCKS - 1, blocks: 0 })).status, Status.CONDITION_MET)
  assert.equal(end(preFetch10({ lba: BLOCKS, blocks: 1 })), '5/21/00')
  const last = (BLOCKS - 1) * 512
  assert.deepEqual(backing.log, ['load 1024 4096', 'load 1024 4096', `load ${last} 512`])
})

test('what gives room back is refused by a disk that is read-only, and what fails is an error', () => {
  const readOnly = servedDisk(thin, new PlainBacking(65_536, { kind: 'file', readOnly: true }))
  assert.equal(readOnly.end(unmap([{ lba: 0, blocks: 1 }])), '7/27/00')
  assert.equal(readOnly.end(writeSame16({ lba: 0, blocks: 1 })), '7/27/00')
  const failing = servedDisk(thin)
  failing.backing.errno = 28
  assert.equal(failing.end(unmap([{ lba: 0, blocks: 1 }])), '7/27/07')
  assert.equal(failing.end(writeSame16({ lba: 0, blocks: 1 })), '7/27/07')
  failing.backing.errno = 5
  assert.equal(failing.end(getLbaStatus({ lba: 0 })), '3/11/00')
})

test.run()
