/** The host adapters that QEMU emulates, beside SATA (sata.test.ts): LSI MegaRAID SAS 2108, virtio-scsi and LSI SAS 1068, by their own drivers. */

// guest: --scsi-debug none --modules 'megaraid_sas; virtio_scsi; mptsas; sr_mod'
// guest: --qemu '-device megasas-gen2,id=mega -drive if=none,id=m0,format=raw,file={disk} -device scsi-hd,drive=m0,bus=mega.0,scsi-id=0 -drive if=none,id=m1,driver=null-co,size=16M,read-zeroes=on,throttling.iops-total=2 -device scsi-hd,drive=m1,bus=mega.0,scsi-id=1 -device virtio-scsi-pci,id=virtio -drive if=none,id=v0,format=raw,file={disk} -device scsi-hd,drive=v0,bus=virtio.0,scsi-id=0 -drive if=none,id=v1,driver=null-co,size=16M,read-zeroes=on,throttling.iops-total=2 -device scsi-hd,drive=v1,bus=virtio.0,scsi-id=1 -drive if=none,id=v2,format=raw,media=cdrom,readonly=on,file={disk} -device scsi-cd,drive=v2,bus=virtio.0,scsi-id=2 -device mptsas1068,id=sas,sas_address=0x5000000000000001 -drive if=none,id=s0,format=raw,file={disk} -device scsi-hd,drive=s0,bus=sas.0,scsi-id=0,wwn=0x5000c50000000001'

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import {
  DeviceType,
  type KernelNode,
  type LogicalUnit,
  listDevices,
  openNode,
  parseSense,
  read10,
  readCapacity10,
  SenseKey,
  Status,
} from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { until } from '../support/until.ts'
import { type Way, waysTo } from './ways.ts'

const MIB = 1 << 20
const BLOCK = 512

/** By the driver's name: how its devices are attached, as far as sysfs tells, and what its queue lets one command move. */
const ADAPTERS = {
  megaraid_sas: { transport: null, mostBytes: 128 << 10 },
  virtio_scsi: { transport: 'virtio', mostBytes: 254 * 4096 },
  mptsas: { transport: 'sas', mostBytes: 128 * 4096 },
} as const

// Disks are looked for in the background.
await until(
  'block nodes of all devices',
  () =>
    readdirSync('/sys/class/block').filter((name) => /^(sd[a-z]|sr\d)$/.test(name)).length === 6,
)
const devices = await listDevices()

for (const [driver, { transport, mostBytes }] of Object.entries(ADAPTERS)) {
  const ofDriver = devices.filter((device) => device.driver === driver)
  const disk = ofDriver.find(({ bytes }) => bytes === BigInt(64 * MIB))
  if (disk === undefined) throw new Error(`${driver} has no disk of 64 MiB`)
  const discovered = suite(`a disk of ${driver}`)
  discovered('is found with how it is attached', () => {
    const { deviceType, product, blockLength, transport: found } = disk
    assert.deepEqual(
      [deviceType, product, blockLength, found],
      [DeviceType.DIRECT_ACCESS_BLOCK, 'QEMU HARDDISK', BLOCK, transport],
    )
  })
  discovered.run()

  for (const way of waysTo(disk)) {
    const test = suite(`a disk of ${driver}, ${way.name}`)

    test('says what it is, and why it refuses a command (spc-5 4.4)', async () => {
      await opened(way, async (unit) => {
        assert.equal((await unit.inquiry()).product, 'QEMU HARDDISK')
        const { lastLba, blockLength } = await unit.readCapacity()
        assert.deepEqual([lastLba, blockLength], [BigInt((64 * MIB) / BLOCK - 1), BLOCK])
        const { status, sense } = await unit.execute({
          cdb: new Uint8Array(6).fill(0xff),
          // QEMU's MegaRAID takes none without data, and its SAS 1068 has no sense data for one with data.
          dataIn: driver === 'megaraid_sas' ? BLOCK : 0,
        })
        const { key, asc } = parseSense(sense!)
        assert.deepEqual(
          [status, key, asc],
          [Status.CHECK_CONDITION, SenseKey.ILLEGAL_REQUEST, 0x20],
        )
      })
    })

    test('moves in pieces what its queue takes not at once, and refuses a command that is too large by name', async () => {
      await opened(way, async (unit, node) => {
        if (node.kind === 'bsg') assert.equal(node.maxTransferBytes, mostBytes)
        const data = randomBytes(2 * node.maxTransferBytes + BLOCK)
        await unit.write({ lba: 64, data })
        const back = await unit.read({ lba: 64, blocks: data.length / BLOCK })
        assert.ok(data.equals(back))
        const blocks = node.maxTransferBytes / BLOCK
        const { cdb } = read10({ lba: 64, blocks, blockLength: BLOCK })
        const most = await unit.execute({ cdb, dataIn: node.maxTransferBytes })
        assert.ok(data.subarray(0, node.maxTransferBytes).equals(most.data))
        const over = unit.execute({ cdb, dataIn: node.maxTransferBytes + BLOCK })
        await assert.rejects(over, { code: 'ERR_SGRING_TRANSFER_LENGTH' })
      })
    })

    test('carries many commands at once, each to its own bytes, and gives up the one that is aborted', async () => {
      await opened(way, async (unit) => {
        const data = randomBytes(64 * 4096)
        await unit.write({ lba: 0, data })
        const controller = new AbortController()
        const { signal } = controller
        const reads = Array.from({ length: 64 }, (_, at) => unit.read({ lba: 8 * at, blocks: 8 }))
        const given = unit.execute({ ...read10Of(0), signal })
        controller.abort(new Error('enough'))
        await assert.rejects(given, { message: 'enough' })
        assert.ok(data.equals(Buffer.concat(await Promise.all(reads))))
        assert.equal((await unit.execute(read10Of(0))).status, Status.GOOD)
      })
    })

    test.run()
  }

  const slow = ofDriver.find(({ bytes }) => bytes === BigInt(16 * MIB))
  if (slow === undefined) continue
  for (const way of waysTo(slow)) {
    if (way.floorMs > 0) continue
    const test = suite(`a slow disk of ${driver}, ${way.name}`)
    test(
      'keeps a command beyond its timeout, as its driver starts the time anew (eh_timed_out)',
      async () => {
        await opened(way, async (unit) => {
          // Two of them a second.
          const options = { timeoutMs: 100 }
          const since = performance.now()
          const reads = [1, 2, 3, 4, 5, 6].map((at) =>
            unit.execute({ ...read10Of(8 * at), ...options }),
          )
          const ends = await Promise.all(reads)
          assert.deepEqual(new Set(ends.map(({ status }) => status)), new Set([Status.GOOD]))
          // The disk holds them back for so long, or shows nothing: the sixth comes more than two seconds after the first.
          assert.ok(performance.now() - since > 2000, 'the disk is slow')
        })
      },
      { deadlineMs: 30_000 },
    )
    test.run()
  }
}

const drive = devices.find(({ deviceType }) => deviceType === DeviceType.CD_DVD)
if (drive === undefined) throw new Error('there is no CD-ROM drive')
for (const way of waysTo(drive)) {
  const test = suite(`a CD-ROM drive of virtio_scsi, ${way.name}`)

  test('reads blocks of 2048 bytes, and none beyond the last (mmc-6 6.24)', async () => {
    await opened(way, async (unit) => {
      assert.equal(drive.transport, 'virtio')
      const { lastLba, blockLength } = await unit.run(readCapacity10())
      assert.deepEqual([Number(lastLba), blockLength], [(64 * MIB) / 2048 - 1, 2048])
      const last = read10({ lba: Number(lastLba), blocks: 1, blockLength })
      assert.deepEqual(await unit.run(last), new Uint8Array(2048))
      const beyond = read10({ lba: Number(lastLba) + 1, blocks: 1, blockLength })
      const refused = { code: 'ERR_SGRING_CHECK_CONDITION', asc: 0x21 }
      await assert.rejects(unit.run(beyond), refused)
    })
  })

  test.run()
}

/** Opens a way, and closes it after `body`. QEMU's MegaRAID fails TEST UNIT READY, as every command without data, so unit attentions are taken by a read. */
async function opened(
  { path, transport }: Way,
  body: (unit: LogicalUnit, node: KernelNode) => Promise<void>,
): Promise<void> {
  const node = await openNode(path, { transport })
  try {
    const unit = node.unit()
    const { blockLength } = await unit.run(readCapacity10())
    await unit.run(read10({ lba: 0, blocks: 1, blockLength }))
    await body(unit, node)
  } finally {
    await node.close()
  }
}

function read10Of(lba: number) {
  const { cdb, dataInLength: dataIn } = read10({ lba, blocks: 8, blockLength: BLOCK })
  return { cdb, dataIn }
}
