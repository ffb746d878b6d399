import assert from 'node:assert/strict'
import { constants } from 'node:os'
import { read10, synchronizeCache10, write10 } from '#dist/scsi/block.js'
import { preFetch16, unmap, writeSame16 } from '#dist/scsi/block-provisioning.js'
import { compareAndWrite, orWrite16, verify16, writeAndVerify16 } from '#dist/scsi/block-verify.js'
import { testUnitReady } from '#dist/scsi/inquiry.js'
import { requestSense } from '#dist/scsi/request-sense.js'
import { Disk } from '#dist/target/disk.js'
import { Target } from '#dist/target/target.js'
import { Status } from '#dist/task/command.js'
import { suite } from '../harness/index.ts'
import { PlainBacking } from './plain-backing.ts'
import { PlainNexus, run } from './plain-nexus.ts'
import { type Outcome, type PlainCommand, senseText } from './plain-task.ts'

const test = suite('a backing that fails')

const blockLength = 512
const read = read10({ lba: 1, blocks: 1, blockLength })
const readFua = read10({ lba: 1, blocks: 1, blockLength, fua: true })
const write = write10({ lba: 1, data: new Uint8Array(512).fill(1), blockLength })
const flush = synchronizeCache10()

function disk(readOnly = false): { send(command: PlainCommand): Outcome; backing: PlainBacking } {
  const backing = new PlainBacking(1 << 16, { kind: 'file', readOnly })
  const target = new Target([[0, new Disk({ backing })]])
  const nexus = new PlainNexus(target)
  run(nexus, { cdb: new Uint8Array(6) })
  return { send: (command) => run(nexus, command), backing }
}

const { errno } = constants
const BUSY = `status ${Status.BUSY}`
const table: readonly (readonly [name: string, errno: number, read: string, write: string])[] = [
  ['EIO', errno.EIO, '3/11/00', '3/0c/00'],
  ['ENODATA', errno.ENODATA, '3/11/00', '3/0c/00'],
  ['EILSEQ', errno.EILSEQ, '3/11/00', '3/0c/00'],
  ['EBADMSG', errno.EBADMSG, '3/11/00', '3/0c/00'],
  ['EUCLEAN', 117, '3/11/00', '3/0c/00'],
  ['ENOSPC', errno.ENOSPC, '7/27/07', '7/27/07'],
  ['EDQUOT', errno.EDQUOT, '7/27/07', '7/27/07'],
  ['EFBIG', errno.EFBIG, '7/27/07', '7/27/07'],
  ['EROFS', errno.EROFS, '7/27/00', '7/27/00'],
  ['EPERM', errno.EPERM, '7/27/00', '7/27/00'],
  ['EACCES', errno.EACCES, '7/27/00', '7/27/00'],
  ['ENXIO', errno.ENXIO, '2/04/03', '2/04/03'],
  ['ENODEV', errno.ENODEV, '2/04/03', '2/04/03'],
  ['ESTALE', errno.ESTALE, '2/04/03', '2/04/03'],
  ['ENOLINK', errno.ENOLINK, '2/04/03', '2/04/03'],
  ['ENOMEDIUM', 123, '2/04/03', '2/04/03'],
  ['EAGAIN', errno.EAGAIN, BUSY, BUSY],
  ['ENOMEM', errno.ENOMEM, BUSY, BUSY],
  ['ENOBUFS', errno.ENOBUFS, BUSY, BUSY],
  ['ECANCELED', errno.ECANCELED, BUSY, BUSY],
  ['ETIMEDOUT', errno.ETIMEDOUT, 'b/2e/02', 'b/2e/02'],
  ['EFAULT', errno.EFAULT, 'b/4b/00', 'b/4b/00'],
  ['EBADE', 52, `status ${Status.RESERVATION_CONFLICT}`, `status ${Status.RESERVATION_CONFLICT}`],
  ['EINVAL', errno.EINVAL, '4/44/00', '4/44/00'],
  ['EBADF', errno.EBADF, '4/44/00', '4/44/00'],
  ['an unknown number', 4095, '4/44/00', '4/44/00'],
]

const said = (outcome: Outcome): string =>
  outcome.senseText === '' ? `status ${outcome.status}` : outcome.senseText

for (const [name, number, onRead, onWrite] of table) {
  test(`answers ${name} with ${onRead} to a READ and ${onWrite} to a WRITE or flush`, () => {
    const { send, backing } = disk()
    backing.errno = number
    assert.equal(said(send(read)), onRead)
    assert.equal(said(send(write)), onWrite)
    assert.equal(said(send(flush)), onWrite)
    assert.equal(said(send(readFua)), onWrite)
  })
}

test('reads nothing for FUA when the flush before it fails', () => {
  const { send, backing } = disk()
  backing.errno = errno.EIO
  assert.equal(send(readFua).data.length, 0)
  assert.deepEqual(backing.log, ['flush'])
})

test('goes on after an error that was passing', () => {
  const { send, backing } = disk()
  backing.errno = errno.ENOSPC
  send(write)
  backing.errno = 0
  assert.equal(send(testUnitReady()).status, Status.GOOD)
  assert.equal(send(write).status, Status.GOOD)
})

test('is not ready once its backing vanished, and says so in REQUEST SENSE (spc-4 6.39)', () => {
  const { send, backing } = disk()
  assert.equal(send(testUnitReady()).status, Status.GOOD)
  backing.errno = errno.ENODEV
  send(read)
  assert.equal(send(testUnitReady()).senseText, '2/04/03')
  const { cdb, dataInLength, parse } = requestSense()
  assert.equal(senseText(parse(send({ cdb, dataInLength }).data)), '2/04/03')
})

const data = new Uint8Array(1024)
const lastTwo = { lba: 126, blocks: 2, blockLength }
const cutOff: Readonly<Record<string, PlainCommand>> = {
  READ: read10(lastTwo),
  'READ with FUA': read10({ ...lastTwo, fua: true }),
  WRITE: write10({ ...lastTwo, data }),
  VERIFY: verify16(lastTwo),
  'WRITE AND VERIFY': writeAndVerify16({ ...lastTwo, data }),
  'COMPARE AND WRITE': compareAndWrite({ ...lastTwo, expected: data, data }),
  ORWRITE: orWrite16({ ...lastTwo, data }),
  'WRITE SAME': writeSame16({ ...lastTwo, data: data.subarray(512) }),
  UNMAP: unmap([lastTwo]),
  'PRE-FETCH': preFetch16(lastTwo),
}
for (const [name, command] of Object.entries(cutOff)) {
  test(`a ${name} whose blocks are cut off under way is out of range, and no error of the medium (sbc-3 4.18.1)`, () => {
    for (const number of [errno.EIO, errno.EINVAL]) {
      const backing = new PlainBacking(128 * blockLength, { kind: 'file' })
      const unit = new Disk({ backing, thin: true })
      const nexus = new PlainNexus(new Target([[0, unit]]))
      run(nexus, { cdb: new Uint8Array(6) })
      backing.slow = true
      const task = nexus.send(command)
      while (backing.log.at(-1) === 'flush' && task.transferring) task.endTransfer()
      backing.cut(127 * blockLength)
      unit.resized()
      backing.errno = number
      task.endTransfer()
      nexus.flush()
      assert.equal(task.end, '5/21/00')
      assert.equal(task.outcome().sense?.information, 127n)
    }
  })
}

test('protects a read-only backing, before it looks at anything else (sbc-3)', () => {
  const { send, backing } = disk(true)
  assert.equal(send(write).senseText, '7/27/00')
  assert.equal(send(read).status, Status.GOOD)
  assert.equal(send(readFua).status, Status.GOOD)
  assert.equal(send(flush).status, Status.GOOD)
  assert.deepEqual(backing.log, ['read 512 512', 'read 512 512'])
})

test.run()
