import assert from 'node:assert/strict'
import { Disk, type DiskOptions } from '#dist/target/disk.js'
import { Target } from '#dist/target/target.js'
import { Status } from '#dist/task/command.js'
import { suite } from '../harness/index.ts'
import { PlainBacking } from './plain-backing.ts'
import { PlainNexus, run } from './plain-nexus.ts'
import type { Outcome } from './plain-task.ts'

const test = suite('mode sense')

function send(
  cdb: readonly number[],
  backing: PlainBacking = new PlainBacking(0x10000),
  options: Partial<DiskOptions> = {},
): Outcome {
  const target = new Target([[0, new Disk({ ...options, backing })]])
  const nexus = new PlainNexus(target)
  run(nexus, { cdb: new Uint8Array(6) })
  return run(nexus, { cdb: Uint8Array.from(cdb), dataInLength: 255 })
}

const hex = (outcome: Outcome): string => Buffer.from(outcome.data).toString('hex')
const file = { kind: 'file' } as const

const CACHING = `8812${'00'.repeat(18)}`
const CACHING_WCE = `881204${'00'.repeat(17)}`
const CACHING_MASK = `881205${'00'.repeat(17)}`
const CONTROL = `8a0a0010${'00'.repeat(8)}`
const EXCEPTIONS = `9c0a0006${'00'.repeat(8)}`
const EXCEPTIONS_MASK = `9c0a0c${'00'.repeat(9)}`
const CONTROL_MASK = `8a0a04060840${'00'.repeat(6)}`

test('answers the 6-byte form with header, block descriptor and pages (spc-4 7.5, sbc-3 6.5)', () => {
  assert.equal(
    hex(send([0x1a, 0, 0x3f, 0, 255, 0])),
    `37001008${'0000008000000200'}${CACHING}${CONTROL}${EXCEPTIONS}`,
  )
  assert.equal(hex(send([0x1a, 8, 0x0a, 0, 255, 0])), `0f001000${CONTROL}`)
})

test('answers the 10-byte form, with long LBAs where they are accepted', () => {
  assert.equal(hex(send([0x5a, 8, 0x08, 0, 0, 0, 0, 0, 255, 0])), `001a001000000000${CACHING}`)
  assert.equal(
    hex(send([0x5a, 0x10, 0x0a, 0, 0, 0, 0, 0, 255, 0])),
    `0022001001000010${'00000000000000800000000000000200'}${CONTROL}`,
  )
})

test('tells the volatile cache of a file, and write protection', () => {
  const cached = send([0x1a, 8, 0x08, 0, 255, 0], new PlainBacking(4096, file))
  assert.equal(hex(cached), `17001000${CACHING_WCE}`)
  const readOnly = send(
    [0x1a, 8, 0x0a, 0, 255, 0],
    new PlainBacking(4096, { ...file, readOnly: true }),
  )
  assert.equal(hex(readOnly), `0f009000${CONTROL}`)
})

test('tells whether commands that others abort end in TASK ABORTED (spc-4 7.5.8)', () => {
  const disk = new PlainBacking(4096)
  const tas = send([0x1a, 8, 0x0a, 0, 255, 0], disk, { taskAbortedStatus: true })
  assert.equal(hex(tas), `0f001000${'8a0a00100040'}${'00'.repeat(6)}`)
  const changeable = send([0x1a, 8, 0x4a, 0, 255, 0], disk, { taskAbortedStatus: true })
  assert.equal(hex(changeable), `0f001000${CONTROL_MASK}`)
})

test('tells what can be changed, the defaults and what is saved (spc-4 6.11.1)', () => {
  const backing = new PlainBacking(4096, file)
  assert.equal(
    hex(send([0x1a, 8, 0x7f, 0, 255, 0], backing)),
    `2f001000${CACHING_MASK}${CONTROL_MASK}${EXCEPTIONS_MASK}`,
  )
  for (const control of [0xbf, 0xff]) {
    assert.equal(
      hex(send([0x1a, 8, control, 0xff, 255, 0], backing)),
      `2f001000${CACHING_WCE}${CONTROL}${EXCEPTIONS}`,
    )
  }
})

test('has no cache to switch in memory', () => {
  assert.equal(hex(send([0x1a, 8, 0x48, 0, 255, 0])), `17001000${CACHING}`)
})

test('cuts at the allocation length, under the full mode data length', () => {
  assert.equal(hex(send([0x1a, 0, 0x3f, 0, 4, 0])), '37001008')
  assert.equal(send([0x1a, 0, 0x3f, 0, 0, 0]).status, Status.GOOD)
})

test('refuses pages and subpages that it does not have', () => {
  assert.equal(send([0x1a, 0, 0x1d, 0, 255, 0]).senseText, '5/24/00')
  assert.equal(send([0x1a, 0, 0x0a, 1, 255, 0]).senseText, '5/24/00')
})

test('saturates the number of blocks in the short descriptor (sbc-3 6.5)', () => {
  const large = new PlainBacking(0, { claimed: 2 ** 45 })
  assert.equal(hex(send([0x1a, 0, 0x0a, 0, 12, 0], large)), '17001008ffffffff00000200')
})

test.run()
