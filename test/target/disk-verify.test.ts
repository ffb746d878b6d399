import assert from 'node:assert/strict'
import {
  compareAndWrite,
  orWrite16,
  verify10,
  verify12,
  verify16,
  writeAndVerify10,
  writeAndVerify12,
  writeAndVerify16,
} from '#dist/scsi/block-verify.js'
import { Status } from '#dist/task/command.js'
import { suite } from '../harness/index.ts'
import { PlainBacking } from './plain-backing.ts'
import { BLOCKS, bytesOf, servedDisk } from './served-disk.ts'

const test = suite('a disk that verifies')

const blockLength = 512
const MISCOMPARE = 'e/1d/00'
const cached = () => new PlainBacking(BLOCKS * blockLength, { kind: 'file' })

test('VERIFY with BYTCHK 00b reads the medium, behind what a cache holds (sbc-3 5.29)', () => {
  const { send, backing } = servedDisk({}, cached())
  for (const verify of [verify10, verify12, verify16]) {
    assert.equal(send(verify({ lba: 8, blocks: 4, blockLength })).status, Status.GOOD)
  }
  assert.deepEqual(backing.log.slice(0, 2), ['flush', 'verify 4096 2048'])
  assert.equal(backing.log.length, 6)
})

test('VERIFY with BYTCHK 01b compares each block, and tells where the first byte differs (sbc-3 5.29)', () => {
  const { send, backing } = servedDisk()
  const data = bytesOf(3 * blockLength)
  backing.put(10 * blockLength, data)
  for (const verify of [verify10, verify12, verify16]) {
    const good = send(verify({ lba: 10, data, blockLength }))
    assert.deepEqual([good.status, good.residualOut], [Status.GOOD, 0])
    const wrong = data.with(1200, data[1200]! ^ 1).with(1300, 0)
    const differs = send(verify({ lba: 10, data: wrong, blockLength }))
    assert.deepEqual([differs.senseText, differs.residualOut], [MISCOMPARE, 0])
    assert.deepEqual([differs.sense?.valid, differs.sense?.information], [true, 1200n])
  }
})

test('VERIFY with BYTCHK 11b compares every block with the one that comes (sbc-3 5.29)', () => {
  const { send, backing } = servedDisk()
  const data = bytesOf(blockLength)
  for (let lba = 0; lba < 5; lba++) backing.put(lba * blockLength, data)
  assert.equal(send(verify16({ lba: 0, blocks: 5, data, blockLength })).status, Status.GOOD)
  const differs = send(verify16({ lba: 3, blocks: 3, data, blockLength }))
  assert.equal(differs.senseText, MISCOMPARE)
  // The place is one in the data-out: in the one block.
  assert.equal(differs.sense?.information, BigInt(data.findIndex((byte) => byte !== 0)))
})

test('VERIFY refuses the reserved BYTCHK, blocks that are not there, and less data-out than it names', () => {
  const { send, end, backing } = servedDisk()
  const { cdb } = verify10({ lba: 0, blocks: 2, blockLength })
  const reserved = send({ cdb: cdb.with(1, 4) })
  assert.deepEqual(reserved.sense?.specific, { kind: 'field', byte: 1, bit: 2, inCdb: true })
  assert.equal(end({ cdb: cdb.with(1, 0x20) }), '5/24/00')
  assert.equal(end(verify16({ lba: BLOCKS - 1, blocks: 2, blockLength })), '5/21/00')
  assert.equal(end({ cdb: cdb.with(1, 2), dataOut: new Uint8Array(1023) }), '5/0e/03')
  assert.equal(end({ cdb: cdb.with(1, 6), dataOut: new Uint8Array(511) }), '5/0e/03')
  assert.equal(end(verify10({ lba: BLOCKS, blocks: 0, blockLength })), 'GOOD')
  assert.deepEqual(backing.log, [])
})

test('VERIFY goes on in steps, so that an abort need not wait for a whole medium', () => {
  const large = new PlainBacking(0, { claimed: 200 << 20 })
  const { send } = servedDisk({}, large)
  assert.equal(send(verify16({ lba: 0, blocks: 400 << 10, blockLength })).status, Status.GOOD)
  const step = 64 << 20
  assert.deepEqual(large.log, [
    `verify 0 ${step}`,
    `verify ${step} ${step}`,
    `verify ${2 * step} ${step}`,
    `verify ${3 * step} ${8 << 20}`,
  ])
})

test('WRITE AND VERIFY writes to the medium, then looks what is there (sbc-3 5.39)', () => {
  const data = bytesOf(2 * blockLength)
  for (const write of [writeAndVerify10, writeAndVerify12, writeAndVerify16]) {
    const { send, backing } = servedDisk({}, cached())
    for (const compare of [false, true]) {
      const { status, residualOut } = send(write({ lba: 4, data, blockLength, compare }))
      assert.deepEqual([status, residualOut], [Status.GOOD, 0])
    }
    assert.deepEqual(backing.log, [
      'write 2048 1024 fua',
      'verify 2048 1024',
      'write 2048 1024 fua',
      'compare 2048 1024',
    ])
    assert.deepEqual(backing.bytes.subarray(2048, 3072), data)
  }
  const { end } = servedDisk()
  const { cdb } = writeAndVerify10({ lba: 0, data, blockLength })
  for (const reserved of [4, 6]) {
    assert.equal(end({ cdb: cdb.with(1, reserved), dataOut: data }), '5/24/00')
  }
})

test('COMPARE AND WRITE writes if all blocks are as expected, and tells where they are not (sbc-3 5.2)', () => {
  const { send, backing } = servedDisk()
  const before = bytesOf(2 * blockLength)
  const after = bytesOf(2 * blockLength, 99)
  backing.put(6 * blockLength, before)
  const command = compareAndWrite({ lba: 6, expected: before, data: after, blockLength })
  const first = send(command)
  assert.deepEqual([first.status, first.residualOut], [Status.GOOD, 0])
  assert.deepEqual(backing.bytes.subarray(3072, 4096), after)
  const again = send(command)
  assert.deepEqual([again.senseText, again.sense?.valid], [MISCOMPARE, true])
  assert.equal(again.sense?.information, BigInt(before.findIndex((byte, i) => byte !== after[i])))
  assert.deepEqual(backing.bytes.subarray(3072, 4096), after)
})

test('COMPARE AND WRITE takes up to 255 blocks, and FUA (sbc-3 5.2, 6.6.4)', () => {
  const { send, end, backing } = servedDisk()
  const expected = new Uint8Array(255 * blockLength)
  const all = compareAndWrite({
    lba: 0,
    expected,
    data: bytesOf(expected.length),
    blockLength,
    fua: true,
  })
  assert.equal(send(all).status, Status.GOOD)
  assert.deepEqual(backing.log, [`compareAndWrite 0 ${expected.length} fua`])
  const one = compareAndWrite({
    lba: 0,
    expected: new Uint8Array(512),
    data: new Uint8Array(512),
    blockLength,
  })
  assert.equal(end({ ...one, cdb: one.cdb.with(13, 0) }), 'GOOD')
  assert.equal(end({ ...one, dataOut: new Uint8Array(1023) }), '5/0e/03')
  assert.equal(end({ ...one, cdb: one.cdb.with(1, 0x20) }), '5/24/00')
  assert.equal(end({ ...one, cdb: one.cdb.with(8, 4) }), '5/21/00')
  const { send: small } = servedDisk({ maxTransferBytes: 4096 })
  const long = small({ ...one, cdb: one.cdb.with(13, 9), dataOut: new Uint8Array(9216) })
  assert.deepEqual(long.sense?.specific, { kind: 'field', byte: 13, bit: 7, inCdb: true })
})

test('ORWRITE(16) sets bits, and clears none (sbc-3 5.5)', () => {
  const { send, backing } = servedDisk()
  backing.put(512, new Uint8Array(1024).fill(0x0f))
  const written = send(orWrite16({ lba: 1, data: new Uint8Array(1024).fill(0x31), blockLength }))
  assert.deepEqual([written.status, written.residualOut], [Status.GOOD, 0])
  assert.ok(backing.bytes.subarray(512, 1536).every((byte) => byte === 0x3f))
})

test('all that writes is refused by a disk that is read-only, and nothing else is', () => {
  const { end } = servedDisk({}, new PlainBacking(65_536, { kind: 'file', readOnly: true }))
  const data = new Uint8Array(512)
  for (const command of [
    writeAndVerify10({ lba: 0, data, blockLength }),
    compareAndWrite({ lba: 0, expected: data, data, blockLength }),
    orWrite16({ lba: 0, data, blockLength }),
  ]) {
    assert.equal(end(command), '7/27/00')
  }
  assert.equal(end(verify10({ lba: 0, data, blockLength })), 'GOOD')
})

test('a backing that fails is the error of what was asked for', () => {
  const { end, backing } = servedDisk()
  backing.errno = 5
  const data = new Uint8Array(512)
  assert.equal(end(verify10({ lba: 0, blocks: 1, blockLength })), '3/11/00')
  assert.equal(end(compareAndWrite({ lba: 0, expected: data, data, blockLength })), '3/0c/00')
  assert.equal(end(orWrite16({ lba: 0, data, blockLength })), '3/0c/00')
})

test.run()
