/** Devices that go away, and users that may not do everything. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { read10 } from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { until } from '../support/until.ts'
import { debugDisk, setDebug, through, waysTo } from './ways.ts'

const test = suite('devices that go away, and users without rights')

const index = join(process.cwd(), 'dist/index.js')
const first = await debugDisk(2n)
const place = `/sys/bus/scsi/devices/${first.name}`
const { cdb, dataInLength: dataIn } = read10({ lba: 0, blocks: 1, blockLength: 512 })

for (const [number, { name }] of waysTo(first).entries()) {
  test(`end every command of a device that vanishes under them, ${name}`, async () => {
    // A device that comes back has another sg node.
    for (const kind of ['bsg', 'scsi_generic', 'block']) {
      await until(`its ${kind} node`, () => existsSync(`${place}/${kind}`))
    }
    const disk = await debugDisk(2n)
    const way = waysTo(disk)[number]!
    await through(way, async (unit) => {
      // From now on commands take a second, the most that there is.
      setDebug('ndelay', '999999999')
      try {
        const ends = Array.from({ length: 8 }, () => unit.execute({ cdb, dataIn }))
        writeFileSync(`${place}/delete`, '1')
        for (const end of await Promise.allSettled(ends)) {
          // Those that were on their way may yet come.
          if (end.status === 'fulfilled') assert.equal(end.value.status, 0)
          else assert.match(end.reason.code, /^ERR_SGRING_(NO_DEVICE|HOST_STATUS|DELIVERY)$/)
        }
        await assert.rejects(unit.execute({ cdb, dataIn }), { code: 'ERR_SGRING_NO_DEVICE' })
      } finally {
        setDebug('ndelay', '20000')
        const { host, channel, target, lun } = disk.address
        writeFileSync(`/sys/class/scsi_host/host${host}/scan`, `${channel} ${target} ${lun}`)
      }
    })
  })
}

test('tell an ordinary user which operation code a node does not let through, and what it takes', async () => {
  const { nodes } = await debugDisk(0n)
  const path = nodes.bsg!
  chmodSync(path, 0o666)
  try {
    const { stdout, stderr } = asNobody(`
      const { openNode } = await import('${index}')
      const node = await openNode('${path}')
      const unit = node.unit()
      const good = await unit.execute({ cdb: Uint8Array.of(0x12, 0, 0, 0, 36, 0), dataIn: 36 })
      console.log(node.kind, good.status, good.data.length)
      const reservations = { cdb: Uint8Array.of(0x5e, 0, 0, 0, 0, 0, 0, 0, 8, 0), dataIn: 8 }
      await unit.execute(reservations).catch(({ code, message }) => console.log(code, message))
      await node.close()`)
    assert.match(stdout, /^bsg 0 36\nERR_SGRING_NOT_PERMITTED .*5e.*CAP_SYS_RAWIO/i, stderr)
  } finally {
    chmodSync(path, 0o600)
  }
})

test('refuse an ordinary user a node that is root’s', async () => {
  const { nodes } = await debugDisk(0n)
  const { stdout, stderr } = asNobody(`
    const { openNode } = await import('${index}')
    await openNode('${nodes.sg}').catch(({ code }) => console.log(code))`)
  assert.equal(stdout, 'ERR_SGRING_NODE_DENIED\n', stderr)
})

/** Runs a program without any rights. */
function asNobody(program: string): { stdout: string; stderr: string } {
  const node = [process.execPath, '--input-type=module', '-e', program]
  const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups']
  return spawnSync('setpriv', [...nobody, ...node], { encoding: 'utf8' })
}

test.run()
