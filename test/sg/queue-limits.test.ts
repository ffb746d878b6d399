import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { maxTransferBytes, queueLimits, queueRequests } from '#dist/sg/queue-limits.js'
import { suite } from '../harness/index.ts'
import { MACHINE, plant } from './fake-sysfs.ts'

const test = suite('the limits of a request queue')
let root: string
test.before.each(() => {
  root = mkdtempSync(join(tmpdir(), 'sgring-sysfs-'))
})
test.after.each(() => rmSync(root, { recursive: true }))

const QUEUE = 'sys/bus/scsi/devices/2:0:0:0/block/sdb/queue'

test('reads them of a device with a block node', async () => {
  plant(root, MACHINE)
  assert.deepEqual(await queueLimits('0:0:0:0', { root }), {
    maxHwBytes: 32767 * 1024,
    maxSegments: 168,
    maxSegmentBytes: 65536,
    virtBoundaryMask: 0,
    dmaAlignmentMask: 3,
    blockLength: 512,
  })
})

const NONE = {
  maxHwBytes: null,
  maxSegments: null,
  maxSegmentBytes: null,
  virtBoundaryMask: null,
  dmaAlignmentMask: null,
  blockLength: null,
}

test('knows none of a device without one, nor of a device that is not there', async () => {
  plant(root, MACHINE)
  assert.deepEqual(await queueLimits('1:0:3:0', { root }), NONE)
  assert.deepEqual(await queueLimits('9:9:9:9', { root }), NONE)
  assert.equal(maxTransferBytes(NONE, 'bsg'), null)
})

test('takes no number that cannot be a limit', async () => {
  plant(root, {
    [`${QUEUE}/max_hw_sectors_kb`]: '0\n',
    [`${QUEUE}/max_segments`]: 'many\n',
    [`${QUEUE}/max_segment_size`]: '99999999999999999999999\n',
    [`${QUEUE}/virt_boundary_mask`]: '4094\n',
    [`${QUEUE}/dma_alignment`]: '-1\n',
  })
  assert.deepEqual(await queueLimits('2:0:0:0', { root }), NONE)
})

test('a transfer is what max_hw_sectors_kb and the segments of that kind of node hold', () => {
  const limits = { ...NONE, maxHwBytes: 4 << 20, maxSegments: 128, maxSegmentBytes: 65536 }
  assert.equal(maxTransferBytes(limits, 'bsg'), 512 << 10)
  assert.equal(maxTransferBytes(limits, 'block'), 512 << 10)
  assert.equal(maxTransferBytes(limits, 'sg'), 4 << 20)
  assert.equal(maxTransferBytes({ ...limits, maxHwBytes: 65536 }, 'bsg'), 65536)
  assert.equal(maxTransferBytes({ ...limits, maxSegmentBytes: 512 }, 'sg'), 65536)
})

test('a queue has as many requests as its host takes commands, or fewer', async () => {
  const canQueue = 'sys/class/scsi_host/host2/can_queue'
  assert.equal(await queueRequests('2:0:0:0', { root }), null)
  plant(root, { [canQueue]: '192\n' })
  assert.equal(await queueRequests('2:0:0:0', { root }), 192)
  plant(root, { [`${QUEUE}/nr_requests`]: '256\n' })
  assert.equal(await queueRequests('2:0:0:0', { root }), 192)
  plant(root, { [`${QUEUE}/nr_requests`]: '64\n' })
  assert.equal(await queueRequests('2:0:0:0', { root }), 64)
  plant(root, { [canQueue]: '0\n', [`${QUEUE}/nr_requests`]: 'some\n' })
  assert.equal(await queueRequests('2:0:0:0', { root }), null)
})

test.run()
