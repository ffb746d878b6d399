/** ATA PASS-THROUGH to QEMU's SATA disk, through the translation layer of libata (drivers/ata/libata-scsi.c). */

// guest: --modules ahci
// guest: --qemu '-drive if=none,id=d,format=raw,file={disk} -device ich9-ahci,id=sata -device ide-hd,drive=d,bus=sata.0,serial=SGRING01'

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { ata, listDevices, parseSense, SenseKey, Status } from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { through, waysTo } from './ways.ts'

const smartctl = ['/usr/sbin/smartctl', '/usr/bin/smartctl'].find((path) => existsSync(path))
const sgUtils = existsSync('/usr/bin/sg_sat_identify')

const disk = (await listDevices()).find(({ driver }) => driver === 'ahci')
if (disk === undefined) throw new Error('the guest has no SATA disk')
const { nodes } = disk

for (const way of waysTo(disk)) {
  const test = suite(`a SATA disk, ${way.name}`)

  test(
    'identifies itself, as sg_sat_identify has it (acs-3 7.12)',
    async () => {
      const identity = await through(way, (unit) => unit.run(ata.identifyDevice()))
      assert.equal(identity.serial, 'SGRING01')
      assert.match(identity.model, /^QEMU HARDDISK/)
      assert.equal(identity.sectors * BigInt(identity.logicalSectorSize), disk.bytes)
      const raw = execFileSync('sg_sat_identify', ['--raw', nodes.bsg!])
      const words = Array.from({ length: 256 }, (_, at) => raw.readUInt16LE(2 * at))
      assert.deepEqual([...identity.words], words)
    },
    { skip: sgUtils ? undefined : 'needs sg_sat_identify: apt-get install sg3-utils' },
  )

  test(
    'tells its SMART attributes, as smartctl has them (acs-3 7.48)',
    async () => {
      const data = await through(way, (unit) => unit.run(ata.smartReadData()))
      const { stdout } = spawnSync(smartctl!, ['-j', '-A', '-d', 'sat', nodes.block!], {
        encoding: 'utf8',
      })
      const { table } = JSON.parse(stdout).ata_smart_attributes as { table: SmartctlAttribute[] }
      assert.ok(table.length > 3)
      assert.deepEqual(
        data.attributes.map(({ id, value, worst, flags, raw }) => [id, value, worst, flags, raw]),
        table.map(({ id, value, worst, flags, raw }) => [
          id,
          value,
          worst,
          flags.value,
          // Beyond its raw value an attribute has a byte more, which smartctl counts in.
          raw.value % 2 ** 48,
        ]),
      )
    },
    { skip: smartctl === undefined ? 'needs smartctl: apt-get install smartmontools' : undefined },
  )

  test('passes its SMART check, and tells its power mode in a register (acs-3 7.3, sat-4 12.2.5)', async () => {
    await through(way, async (unit) => {
      assert.deepEqual(await unit.run(ata.smartReturnStatus()), { passed: true })
      const { registers, data } = await unit.run(
        ata.passThrough16({ protocol: ata.Protocol.NON_DATA, command: 0xe5, ckCond: true }),
      )
      // PM0: active or idle.
      assert.deepEqual([registers?.count, registers?.error, data.length], [0xff, 0, 0])
    })
  })

  test('tells a command that the disk has not, and no registers where fixed format has no room (sat-4 12.2.5)', async () => {
    await through(way, async (unit) => {
      const unknown = ata.passThrough16({ protocol: ata.Protocol.NON_DATA, command: 0x8f })
      const { status, sense } = await unit.execute({ cdb: unknown.cdb })
      const parsed = parseSense(sense)
      assert.deepEqual(
        [status, parsed.responseCode, parsed.key, ata.parseStatusReturn(parsed)],
        [Status.CHECK_CONDITION, 0x70, SenseKey.ABORTED_COMMAND, undefined],
      )
    })
  })

  test.run()
}

interface SmartctlAttribute {
  readonly id: number
  readonly value: number
  readonly worst: number
  readonly flags: { readonly value: number }
  readonly raw: { readonly value: number }
}
