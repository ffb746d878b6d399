import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { tablesOf } from '#dist/scsi/command-tables.js'
import { knownCommand } from '#dist/scsi/effect.js'
import { DeviceType } from '#dist/scsi/index.js'
import { suite } from '../harness/index.ts'
import { COMMAND_NAMES } from './differences.ts'
import { words } from './words.ts'

const skip =
  spawnSync('sg_decode_sense', ['--version']).error === undefined
    ? undefined
    : 'needs sg_decode_sense: apt-get install sg3-utils'

const test = suite("a disk's commands against sg_decode_sense")

const CDB_LENGTHS = [6, 10, 10, 32, 16, 12, 6, 6] as const

test(
  'calls what it lists as sg_decode_sense does, which takes every CDB for one of a disk',
  () => {
    const [disk] = tablesOf(DeviceType.DIRECT_ACCESS_BLOCK)
    const differing: string[] = []
    let compared = 0
    for (const key of disk!.listed.keys()) {
      const [opcode = '', action = ''] = key.split('/')
      if (action === '*') continue
      const cdb = new Uint8Array(CDB_LENGTHS[Number.parseInt(opcode, 16) >> 5]!)
      cdb[0] = Number.parseInt(opcode, 16)
      const number = Number.parseInt(action || '0', 16)
      if (cdb[0] === 0x7f) cdb.set([24, number >> 8, number & 0xff], 7)
      else cdb[1] = number
      const { name } = knownCommand(cdb, cdb.length, DeviceType.DIRECT_ACCESS_BLOCK)
      const args = Array.from(cdb, (byte) => byte.toString(16))
      const { stdout } = spawnSync('sg_decode_sense', ['--cdb', ...args], { encoding: 'utf8' })
      if (words(stdout) !== (COMMAND_NAMES[key] ?? words(name)))
        differing.push(`${key} ${words(name)}: ${words(stdout)}`)
      compared++
    }
    console.log(
      `commands compared with sg_decode_sense: ${compared}, ${Object.keys(COMMAND_NAMES).length} of them differ`,
    )
    assert.deepEqual(differing, [])
  },
  { skip },
)

test.run()
