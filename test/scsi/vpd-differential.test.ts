import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import type { TypedCommand } from '#dist/scsi/command.js'
import { encodeInquiry, inquiry } from '#dist/scsi/inquiry.js'
import { versionDescriptorName } from '#dist/scsi/version-descriptor.js'
import {
  type Designator,
  encodeDesignators,
  encodeVpd,
  vpdDeviceIdentification,
  vpdSupportedPages,
  vpdUnitSerialNumber,
} from '#dist/scsi/vpd.js'
import { vpdBlockDeviceCharacteristics, vpdBlockLimits } from '#dist/scsi/vpd-block.js'
import { vpdExtendedInquiry } from '#dist/scsi/vpd-extended.js'
import { vpdModePagePolicy } from '#dist/scsi/vpd-policy.js'
import { vpdLogicalBlockProvisioning } from '#dist/scsi/vpd-provisioning.js'
import { vpdZonedBlockDeviceCharacteristics } from '#dist/scsi/vpd-zoned.js'
import { suite } from '../harness/index.ts'
import { INQUIRY } from './differences.ts'
import { generator, randomBytes, seed } from './random.ts'
import {
  characteristicsFacts,
  designatorLines,
  extendedFacts,
  type Facts,
  factsOf,
  inquiryFacts,
  limitsFacts,
  policyLines,
  printed,
  provisioningFacts,
  zonedFacts,
} from './sg-vpd.ts'

const skip =
  spawnSync('sg_vpd', ['--version']).error === undefined
    ? undefined
    : 'needs sg_inq and sg_vpd: apt-get install sg3-utils'

const test = suite('inquiry data and pages against sg_inq and sg_vpd')

const ROUNDS = 60
let compared = 0

/** Compares what both make of `rounds` random bodies of a page. */
function compare<T>(
  command: TypedCommand<T>,
  page: number,
  length: number,
  facts: (value: T) => Facts,
  adapt: (body: Uint8Array) => Uint8Array = (body) => body,
): void {
  const next = generator(seed + page)
  for (let round = 0; round < ROUNDS; round++) {
    const data = encodeVpd(0, page, adapt(randomBytes(next, length)))
    const theirs = factsOf(printed('sg_vpd', [`--page=0x${page.toString(16)}`, '--long'], data))
    assertSame(theirs, facts(command.parse(data)), data)
  }
}

function assertSame(theirs: Readonly<Record<string, string>>, ours: Facts, data: Uint8Array): void {
  const wanted = Object.fromEntries(
    Object.entries(ours).map(([name, fact]) => [name, String(fact)]),
  )
  const found = Object.fromEntries(Object.keys(ours).map((name) => [name, theirs[name]]))
  compared += Object.keys(ours).length
  assert.deepEqual(found, wanted, `seed ${seed}: ${Buffer.from(data).toString('hex')}`)
}

test(
  'agrees on every field of standard INQUIRY data (spc-5 6.7)',
  () => {
    const next = generator(seed)
    for (let round = 0; round < ROUNDS * 3; round++) {
      const data = randomBytes(next, 36)
      data[4] = 31
      // What the tool needs to see that it is no page; and text of letters.
      data[2] = 3 + (next() % 5)
      data[3] = (data[3]! & 0xf0) | 2
      for (let at = 8; at < 36; at++) data[at] = 0x41 + (data[at]! % 26)
      const { versionDescriptors, ...rest } = inquiry().parse(data)
      assert.deepEqual(versionDescriptors, [])
      assertSame(
        factsOf(printed('sg_inq', [], data)),
        inquiryFacts({ ...rest, versionDescriptors }),
        data,
      )
    }
  },
  { skip, deadlineMs: 60_000 },
)

test(
  'agrees on the standard that each version descriptor names (spc-5 6.7)',
  () => {
    const base = {
      qualifier: 0,
      deviceType: 0,
      version: 7,
      vendor: 'V',
      product: 'P',
      revision: '1',
    }
    const codes = Array.from({ length: 0x3000 / 0x20 }, (_, index) => index * 0x20).filter(
      (code) => versionDescriptorName(code) !== undefined,
    )
    assert.ok(codes.length > 90)
    for (let first = 0; first < codes.length; first += 8) {
      const versionDescriptors = codes.slice(first, first + 8)
      const lines = printed('sg_inq', ['-d'], encodeInquiry({ ...base, versionDescriptors }))
      const named = lines.slice(lines.indexOf('Version descriptors:') + 1)
      versionDescriptors.forEach((code, index) => {
        compared += 1
        assert.equal(named[index]!.replace(/ \(no version.*$/, ''), versionDescriptorName(code))
      })
    }
  },
  { skip, deadlineMs: 60_000 },
)

test(
  'agrees on pages 86h, B0h, B1h, B2h and B6h, whatever their bytes are',
  () => {
    compare(vpdExtendedInquiry(), 0x86, 60, (value) => {
      const { LU_COLL_TYPE, NO_PI_CHK, ...facts } = extendedFacts(value)
      return facts
    })
    compare(vpdBlockLimits(), 0xb0, 60, limitsFacts)
    compare(vpdBlockDeviceCharacteristics(), 0xb1, 60, characteristicsFacts)
    compare(vpdLogicalBlockProvisioning(), 0xb2, 4, provisioningFacts)
    compare(vpdZonedBlockDeviceCharacteristics(), 0xb6, 60, zonedFacts)
  },
  { skip, deadlineMs: 60_000 },
)

test(
  'agrees on pages 00h, 80h, 83h and 87h',
  () => {
    const next = generator(seed)
    const identify = vpdDeviceIdentification()
    for (let round = 0; round < ROUNDS; round++) {
      const pages = Uint8Array.from(new Set([0, ...randomBytes(next, 9)])).sort()
      const listed = printed('sg_vpd', ['--page=0', '--long'], encodeVpd(0, 0, pages)).flatMap(
        (line) => (/^0x[0-9a-f]+/.test(line) ? [Number.parseInt(line, 16)] : []),
      )
      assert.deepEqual(listed, vpdSupportedPages().parse(encodeVpd(0, 0, pages)))

      const serial = encodeVpd(0, 0x80, Buffer.from(`S${next()}`))
      const line = printed('sg_vpd', ['--page=0x80'], serial).find((one) =>
        one.includes('serial number:'),
      )
      assert.equal(line, `Unit serial number: ${vpdUnitSerialNumber().parse(serial)}`)

      const policies = encodeVpd(0, 0x87, randomBytes(next, 12))
      const [, , ...theirs] = printed('sg_vpd', ['--page=0x87', '--long'], policies)
      assert.deepEqual(
        theirs.filter((one) => /^(Policy page|MLUS=)/.test(one)),
        policyLines(vpdModePagePolicy().parse(policies)),
      )

      const designators = encodeVpd(0, 0x83, encodeDesignators(randomDesignators(next)))
      const text = printed('sg_vpd', ['--page=0x83'], designators).join('\n')
      for (const one of identify.parse(designators)) {
        for (const wanted of designatorLines(one))
          assert.ok(text.includes(wanted), `${wanted}: ${text}`)
        compared += 1
      }
      compared += pages.length + 1 + 3
    }
  },
  { skip, deadlineMs: 60_000 },
)

test(
  'tells how much was compared',
  () => {
    assert.ok(compared > 5_000, `only ${compared} values were compared`)
    console.log(
      `compared ${compared.toLocaleString('en')} values of INQUIRY data and pages: 0 differ but in ${INQUIRY.length} listed rules`,
    )
  },
  { skip },
)

function randomDesignators(next: () => number): Designator[] {
  const one = (association: number, type: number, codeSet: number, designator: Uint8Array) => ({
    association,
    type,
    codeSet,
    protocol: association === 0 ? undefined : 6,
    designator,
  })
  const group = () => Uint8Array.of(0, 0, 0, 1 + (next() % 0xff))
  return [
    one(0, 3, 1, Uint8Array.of(0x30 | (next() & 0xf), ...randomBytes(next, 7))),
    one(0, 3, 1, Uint8Array.of(0x60 | (next() & 0xf), ...randomBytes(next, 15))),
    one(0, 2, 1, randomBytes(next, 8)),
    one(1, 4, 1, group()),
    one(1, 5, 1, group()),
    one(0, 6, 1, group()),
    one(1, 8, 3, Buffer.from(`iqn.2001-04.org.example:${next()}`)),
  ]
}

test.run()
