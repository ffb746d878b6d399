// guest: --scsi-debug 'dev_size_mb=8 num_tgts=1 max_luns=1 max_queue=1 ndelay=20000'
/** A host that takes one command at a time. */

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { open, read10, Status, TaskFunction } from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { debugDisk } from './ways.ts'

const HOST = '/sys/class/scsi_host/host0'

const test = suite('a host with one tag')

const { cdb, dataInLength: dataIn } = read10({ lba: 0, blocks: 1, blockLength: 512 })

test('commands that the host has no tag for have not left, and are given up while another has it', async () => {
  assert.equal(readFileSync(`${HOST}/can_queue`, 'latin1').trim(), '1')
  const { nodes } = await debugDisk(0n)
  const unit = await open(nodes.sg as `/dev/${string}`, { transport: 'sg' })
  try {
    await unit.testUnitReady()
    // Keeps what is sent to its devices (drivers/scsi/scsi_lib.c, `scsi_queue_rq`).
    writeFileSync(`${HOST}/state`, 'recovery\n')
    const first = unit.execute({ cdb, dataIn })
    const controller = new AbortController()
    const { signal } = controller
    const others = Promise.allSettled([1, 2, 3].map(() => unit.execute({ cdb, dataIn, signal })))
    // Answered behind what has left.
    await unit.taskManagement({ function: TaskFunction.QUERY_TASK_SET })
    controller.abort()
    for (const end of await others) {
      assert.equal(end.status === 'rejected' && end.reason.name, 'AbortError')
    }
    writeFileSync(`${HOST}/state`, 'running\n')
    assert.equal((await first).status, Status.GOOD)
  } finally {
    writeFileSync(`${HOST}/state`, 'running\n')
    await unit.close()
  }
})

test.run()
