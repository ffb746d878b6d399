import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { listTransportNodes } from '#dist/sg/transport-nodes/discovery.js'
import { transportKind } from '#dist/sg/transport-nodes/kind.js'
import { suite } from '../../harness/index.ts'
import { MACHINE, plant } from '../fake-sysfs.ts'

const test = suite('transport nodes in sysfs')
let root: string
test.before.each(() => {
  root = mkdtempSync(join(tmpdir(), 'sgring-sysfs-'))
})
test.after.each(() => rmSync(root, { recursive: true }))

test('are the bsg nodes that no device has, by name, each with its host and its driver', async () => {
  plant(root, MACHINE)
  const ofHost = { host: 1, driver: 'mpt3sas' }
  assert.deepEqual(await listTransportNodes({ root }), [
    { path: '/dev/bsg/end_device-1:0', kind: 'sas-end-device', ...ofHost },
    { path: '/dev/bsg/odd', kind: 'other', host: null, driver: null },
    { path: '/dev/bsg/sas_host1', kind: 'sas-host', ...ofHost },
  ])
})

test('are none where the kernel has no bsg', async () => {
  assert.deepEqual(await listTransportNodes({ root }), [])
})

test('have no host and no driver where sysfs has odd ones', async () => {
  const [longest, other] = ['host99999999999', 'host2']
  plant(root, {
    [`sys/devices/${longest}/bsg/sas_host9/dev`]: '',
    [`sys/devices/${other}/bsg/sas_host2/dev`]: '',
    'sys/class/bsg/sas_host2': [`sys/devices/${other}/bsg/sas_host2`],
    'sys/class/bsg/sas_host9': [`sys/devices/${longest}/bsg/sas_host9`],
    'sys/class/bsg/ufs-bsg0': ['sys/nowhere'],
    'sys/class/scsi_host/host2/proc_name': '(null)\u0000\n',
  })
  assert.deepEqual(
    (await listTransportNodes({ root })).map(({ host, driver }) => [host, driver]),
    [
      [2, null],
      [null, null],
      [null, null],
    ],
  )
})

test('have their kinds by the names that the kernel gives them', () => {
  const names = ['sas_host0', 'end_device-0:0', 'expander-0:1', 'fc_host3', 'rport-3:0-1']
  const others = ['ufs-bsg0', 'mpi3mrctl0', 'iscsi_host4', 'sas_hosts', '1:2:3']
  assert.deepEqual([...names, ...others, '1:0:0:16640'].map(transportKind), [
    ...['sas-host', 'sas-end-device', 'sas-expander', 'fc-host', 'fc-rport'],
    ...['ufs', 'mpi3mr', 'iscsi-host', 'other', 'other', undefined],
  ])
})

test.run()
