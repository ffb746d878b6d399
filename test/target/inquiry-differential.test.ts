import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { inquiryCdb } from '#dist/scsi/inquiry.js'
import { Disk } from '#dist/target/disk.js'
import { Target } from '#dist/target/target.js'
import { suite } from '../harness/index.ts'
import { PlainBacking } from './plain-backing.ts'
import { PlainNexus, run } from './plain-nexus.ts'

const skip =
  spawnSync('sg_vpd', ['--version']).error === undefined
    ? undefined
    : 'needs sg_inq and sg_vpd: apt-get install sg3-utils'

const test = suite('a disk against sg_inq and sg_vpd')

const disk = new Disk({
  backing: new PlainBacking(1 << 20, { kind: 'file' }),
  serial: 'SERIAL-1',
  maxTransferBytes: 1 << 16,
})

/** What the tool makes of the disk's page. */
function decode(tool: string, args: readonly string[], page?: number): string {
  const target = new Target([[0, disk]])
  const cdb = inquiryCdb(4096, page)
  const { data } = run(new PlainNexus(target), { cdb, dataInLength: 4096 })
  const hex = Array.from(data, (byte) => byte.toString(16).padStart(2, '0')).join(' ')
  const ran = spawnSync(tool, [...args, '--inhex=-'], { input: hex, encoding: 'utf8' })
  assert.equal(ran.status, 0, ran.stderr)
  return ran.stdout
}

test(
  'is a disk to sg_inq',
  () => {
    const text = decode('sg_inq', [])
    for (const pattern of [
      /PQual=0\s+(PDT|Device_type)=0\s/i,
      /RMB=0/,
      /\[SPC-5\]/,
      /HiSUP=1/i,
      /NormACA=0/i,
      /CmdQue=1/i,
      /length=36/,
      /Vendor identification: sgring/,
      /Product identification: DISK IN A FILE/,
      /Product revision level: 0\.1/,
    ]) {
      assert.match(text, pattern)
    }
  },
  { skip },
)

test(
  'has pages that sg_vpd reads as they are meant',
  () => {
    const expected: readonly (readonly [page: number, ...patterns: RegExp[]])[] = [
      [0x00, /Unit serial number/, /Extended inquiry data/, /Block device characteristics/],
      [0x80, /Unit serial number: SERIAL-1/],
      [
        0x83,
        /Addressed logical unit/,
        /designator type: NAA,\s+code set: Binary\s+0x3[0-9a-f]{15}\n/,
        /vendor id: sgring/i,
        /SERIAL-1/,
      ],
      [0x86, /PRIOR_SUP=1/, /HEADSUP=1/, /ORDSUP=1/, /SIMPSUP=1/, / V_SUP=1/, /LUICLR=1/],
      [0xb0, /Maximum transfer length: 128 blocks/],
      [0xb1, /rotation rate is not reported/i],
    ]
    for (const [page, ...patterns] of expected) {
      const text = decode('sg_vpd', [`--page=0x${page.toString(16)}`], page)
      for (const pattern of patterns) assert.match(text, pattern)
    }
  },
  { skip },
)

test.run()
