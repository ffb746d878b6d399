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
const thin = new Disk({
  backing: new PlainBacking(1 << 20),
  thin: true,
  removable: true,
})

let compared = 0

function says(text: string, pattern: RegExp): void {
  assert.match(text, pattern)
  compared += 1
}

/** What the tool makes of the disk's page. */
function decode(tool: string, args: readonly string[], page?: number, unit = disk): string {
  const target = new Target([[0, unit]])
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
      says(text, pattern)
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
      for (const pattern of patterns) says(text, pattern)
    }
  },
  { skip },
)

test(
  'has pages of thin provisioning that sg_vpd reads as they are meant (sbc-3 6.6.4, 6.6.6)',
  () => {
    const limits = decode('sg_vpd', ['--page=0xb0'], 0xb0, thin)
    for (const pattern of [
      /Write same non-zero \(WSNZ\): 0/,
      /Maximum compare and write length: 255 blocks/,
      /Maximum unmap LBA count: (unbounded|4294967295|-1)/i,
      /Maximum unmap block descriptor count: 256/i,
      /Optimal unmap granularity: 8 blocks/i,
      /Unmap granularity alignment valid: true/i,
      /Unmap granularity alignment: 0/i,
    ]) {
      says(limits, pattern)
    }
    const provisioning = decode('sg_vpd', ['--page=0xb2'], 0xb2, thin)
    for (const pattern of [
      /Unmap command supported \(LBPU\): 1/,
      /Write same \(16\) with unmap bit supported \(LBPWS\): 1/,
      /Write same \(10\) with unmap bit supported \(LBPWS10\): 1/,
      /\(LBPRZ\): 1/,
      /Anchored LBAs supported \(ANC_SUP\): 0/,
      /Provisioning type: 2 [([]thin provisioned/,
    ]) {
      says(provisioning, pattern)
    }
    says(decode('sg_vpd', ['--page=0xb1'], 0xb1, thin), /Non-rotating medium/)
    says(decode('sg_inq', [], undefined, thin), /RMB=1/)
    says(decode('sg_vpd', ['--page=0'], 0, thin), /Logical block provisioning/)
    console.log(`  ${compared} values of a disk's pages compared with sg_inq and sg_vpd`)
  },
  { skip },
)

test.run()
