import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { ata, mmc, ses, smc, ssc } from '#dist/scsi/index.js'
import { suite } from '../harness/index.ts'
import { words } from './words.ts'

const skip =
  spawnSync('sg_decode_sense', ['--version']).error === undefined
    ? undefined
    : 'needs sg_decode_sense: apt-get install sg3-utils'

const test = suite('operation codes against sg_decode_sense')

const CDB_LENGTHS = [6, 10, 10, 32, 16, 12, 6, 6] as const

/** It takes every CDB for a disk's, for which most of these are other commands (SPC-5 annex F); ours of ATA are short. */
const OF_A_DISK: Readonly<Record<string, string>> = {
  REWIND: 'rezero unit',
  FORMAT_MEDIUM: 'format unit',
  SET_CAPACITY: 'seek 6',
  LOAD_UNLOAD: 'start stop unit',
  LOCATE_10: 'seek 10',
  READ_POSITION: 'pre fetch 10',
  WRITE_FILEMARKS_16: 'xdwrite extended 16',
  SPACE_16: 'synchronize cache 16',
  LOCATE_16: 'lock unlock cache 16',
  INITIALIZE_ELEMENT_STATUS: 'reassign blocks',
  POSITION_TO_ELEMENT: 'seek 10',
  INITIALIZE_ELEMENT_STATUS_WITH_RANGE: 'read defect data 10',
  READ_DISC_INFORMATION: 'xpwrite 10',
  PASS_THROUGH_12: 'ata pass through 12',
  PASS_THROUGH_16: 'ata pass through 16',
  PASS_THROUGH_32: 'ata pass through 32',
}

test(
  'agrees on the names of commands, or on what they are for a disk',
  () => {
    let compared = 0
    for (const { Opcode } of [ssc, smc, mmc, ses, ata]) {
      for (const [name, opcode] of Object.entries(Opcode)) {
        const cdb = new Uint8Array(CDB_LENGTHS[opcode >> 5]!)
        cdb[0] = opcode
        if (opcode === ata.Opcode.PASS_THROUGH_32) cdb.set([24, 0x1f, 0xf0], 7)
        const { stdout } = spawnSync(
          'sg_decode_sense',
          ['--cdb', ...Array.from(cdb, (byte) => byte.toString(16))],
          {
            encoding: 'utf8',
          },
        )
        assert.equal(words(stdout), OF_A_DISK[name] ?? words(name), name)
        compared++
      }
    }
    console.log(`operation codes compared with sg_decode_sense: ${compared}`)
  },
  { skip },
)

test.run()
