import assert from 'node:assert/strict'
import { PerformanceObserver } from 'node:perf_hooks'
import { read10, write16 } from '#dist/scsi/block.js'
import { testUnitReady } from '#dist/scsi/inquiry.js'
import { Disk } from '#dist/target/disk.js'
import { Target } from '#dist/target/target.js'
import {
  type Backing,
  type TargetNexus,
  type Task,
  type TaskOwner,
  type TaskSource,
  Traffic,
  type TransferDone,
} from '#dist/task/task.js'
import { suite } from '../harness/index.ts'

const test = suite('the hot path')

const COMMANDS = 4_000_000

/** A task that is sent again and again, and moves nothing: what is left is the target's own work. */
class StillTask implements Task {
  readonly nexus: TargetNexus
  readonly lun = 0
  readonly plain = true
  readonly function = 0
  readonly priority = 0
  readonly tag = 0n
  readonly ownTag = true
  readonly managedTag = 0n
  readonly sentAt = 0
  readonly kept = undefined
  owner: TaskOwner | undefined = undefined
  onAbort: (() => void) | undefined = undefined
  readonly cdb: Uint8Array = new Uint8Array(260)
  readonly cdbLength: number
  readonly attribute = 0
  readonly dataOutLength = 4096
  readonly dataInLength = 4096
  goods = 0

  constructor(nexus: TargetNexus, cdb: Uint8Array) {
    this.nexus = nexus
    this.cdb.set(cdb)
    this.cdbLength = cdb.length
  }

  copyDataOut(): Uint8Array {
    throw new Error('nothing here needs a copy')
  }
  good(): void {
    this.goods += 1
    this.owner?.ended(this)
  }
  answer(): void {
    this.owner?.ended(this)
  }
  read(_backing: Backing, _offset: number, _length: number, done: TransferDone): void {
    done(this, 0)
  }
  write(_b: Backing, _offset: number, _length: number, _fua: boolean, done: TransferDone): void {
    done(this, 0)
  }
  flush(_backing: Backing, done: TransferDone): void {
    done(this, 0)
  }
  operate(): void {
    throw new Error('nothing here operates')
  }
  elsewhere(): never {
    throw new Error('nothing here is elsewhere')
  }
  get background(): never {
    throw new Error('nothing here goes on')
  }
  moved(): void {
    this.goods += 1
    this.owner?.ended(this)
  }
  abort(): void {}
  respond(): void {}
}

/** Nothing here asks for it. */
const NO_SOURCE: TaskSource = {
  fetch() {},
  hold() {},
  release() {},
  tasks: () => [],
  find: () => undefined,
  named: () => undefined,
  flush() {},
  failed() {},
}

/** Garbage collections while `body` runs. */
async function collections(body: () => void): Promise<number> {
  let count = 0
  const observer = new PerformanceObserver((list) => {
    count += list.getEntries().length
  })
  body()
  observer.observe({ entryTypes: ['gc'] })
  body()
  await new Promise((resolve) => setImmediate(resolve))
  count += observer.takeRecords().length
  observer.disconnect()
  return count
}

const backing: Backing = {
  kind: 'memory',
  lengthBytes: 1 << 30,
  readOnly: false,
  volatileCache: false,
  native: null,
  traffic: new Traffic(),
}

for (const [name, cdb] of [
  ['TEST UNIT READY', testUnitReady().cdb],
  ['READ(10)', read10({ lba: 70_000, blocks: 8, blockLength: 512 }).cdb],
  ['WRITE(16)', write16({ lba: 70_000, data: new Uint8Array(4096), blockLength: 512 }).cdb],
] as const) {
  test(
    `allocates nothing for ${name}`,
    async () => {
      const target = new Target([[0, new Disk({ backing })]])
      const nexus = target.openNexus(NO_SOURCE)
      const task = new StillTask(nexus, cdb)
      target.execute(task)
      const count = await collections(() => {
        for (let i = 0; i < COMMANDS; i++) target.execute(task)
      })
      assert.equal(task.goods, 2 * COMMANDS)
      // One object of 16 bytes a command would be 64 MB, and 4 collections of the young generation at least.
      assert.ok(count <= 1, `${count} collections in ${COMMANDS} commands`)
    },
    { deadlineMs: 60_000 },
  )
}

test('would notice one small object a command', async () => {
  const kept: object[] = [{}]
  const count = await collections(() => {
    for (let i = 0; i < COMMANDS; i++) kept[0] = { i }
  })
  assert.ok(count > 1, `${count} collections`)
})

test.run()
