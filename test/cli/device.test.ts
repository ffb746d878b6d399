import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deviceCells, transportCells } from '#dist/cli/device.js'
import { devicesFound } from '#dist/cli/doctor-devices.js'
import { listDevices } from '#dist/sg/discovery.js'
import { listTransportNodes } from '#dist/sg/transport-nodes/discovery.js'
import { suite } from '../harness/index.ts'
import { MACHINE, plant } from '../sg/fake-sysfs.ts'

const test = suite('SCSI devices on the command line')
let root: string
test.before.each(() => {
  root = mkdtempSync(join(tmpdir(), 'sgring-sysfs-'))
})
test.after.each(() => rmSync(root, { recursive: true }))

test('a line names the best node, what the device is, its other nodes, and what uses it', async () => {
  plant(root, MACHINE)
  const lines = (await listDevices({ root })).map(deviceCells)
  assert.deepEqual(lines, [
    [
      '/dev/bsg/0:0:0:0',
      'direct access block',
      'ATA',
      'QEMU HARDDISK',
      '1.0 GiB',
      'sata',
      '/dev/sg0 /dev/sda, sda1 is mounted on /boot disk, sda2 is swap, sda2 is held by dm-0 (vg-root), dm-0 is mounted on /',
    ],
    ['/dev/bsg/1:0:3:0', 'enclosure services', 'ACME', 'JBOD', '-', 'sas', '/dev/sg1'],
    ['/dev/sg2', 'sequential access', 'IBM', '-', '-', 'fc', '/dev/nst0'],
  ])
})

test('what is unknown, and what does not run, is told as that', async () => {
  plant(root, {
    'sys/bus/scsi/devices/3:0:0:0/state': 'offline\n',
    'sys/bus/scsi/devices/3:0:0:0/type': 'x\n',
  })
  const lines = (await listDevices({ root })).map(deviceCells)
  assert.deepEqual(lines, [['3:0:0:0', 'unknown type', '-', '-', '-', '-', 'no nodes, offline']])
})

test('a line names a transport node, its kind and its driver, and doctor counts them', async () => {
  plant(root, MACHINE)
  const nodes = await listTransportNodes({ root })
  assert.deepEqual(nodes.map(transportCells), [
    ['/dev/bsg/end_device-1:0', 'sas-end-device', 'mpt3sas'],
    ['/dev/bsg/odd', 'other', '-'],
    ['/dev/bsg/sas_host1', 'sas-host', 'mpt3sas'],
  ])
  const devices = await listDevices({ root })
  const found = (count: number) => devicesFound(devices, nodes.slice(0, count)).found
  assert.equal(found(0), '3, see "sgring list"')
  assert.equal(found(1), '3, and 1 transport node, see "sgring list"')
  assert.equal(devicesFound([], nodes).found, 'none, and 3 transport nodes')
})

test.run()
