import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  additionalElementStatus,
  configuration,
  type Element,
  ElementType,
  elementDescriptors,
  enclosureStatus,
  type SasDeviceSlot,
} from '#dist/scsi/ses/index.js'
import { suite } from '../../harness/index.ts'
import { hex } from '../hex.ts'
import { generator, seed } from '../random.ts'
import { ADDITIONAL_STATUS, CONFIGURATION, ELEMENT_DESCRIPTORS, ENCLOSURE_STATUS } from './dumps.ts'

const skip =
  spawnSync('sg_ses', ['--version']).error === undefined
    ? undefined
    : 'needs sg_ses: apt-get install sg3-utils'

const test = suite('pages of an enclosure against sg_ses')
const next = generator(seed)

/** What sg_ses says of a page, each run of blanks as one; it needs the configuration, and likes to have the other pages. */
function decode(page: string, ...pages: readonly Uint8Array[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'sgring-ses-'))
  try {
    const file = join(folder, 'pages.hex')
    writeFileSync(file, pages.map((one) => hex(one).replace(/../g, '$& ')).join('\n\n'))
    const ran = spawnSync('sg_ses', [`--page=${page}`, '--status', `--inhex=${file}`], {
      encoding: 'utf8',
    })
    assert.equal(ran.status, 0, ran.stderr)
    return ran.stdout.replace(/\s+/g, ' ')
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** What it says of each element: what stands behind its title. */
function blocks(text: string): string[] {
  return text.split(/(?:Overall|Element \d+) descriptor: /).slice(1)
}

function includes(text: string, ...parts: readonly string[]): void {
  for (const part of parts)
    assert.ok(text.includes(part), `no "${part}" in "${text}": seed ${seed}`)
}

const bit = (value: boolean | undefined): number => (value === true ? 1 : 0)

test(
  'agrees on the names of element types',
  () => {
    const { stdout } = spawnSync('sg_ses', ['--enumerate'], { encoding: 'utf8' })
    const list = stdout.slice(stdout.indexOf('SES element type names'))
    const theirs = [...list.matchAll(/^ +(.*?) +\[\w+\] \[0x([0-9a-f]+)\]$/gm)]
    const ours = new Map<number, string>(
      Object.entries(ElementType).map(([name, code]) => [code, name]),
    )
    for (const [, name = '', code = ''] of theirs) {
      const words = name.toUpperCase().replace(/[^A-Z]+/g, '_')
      assert.equal(ours.get(Number.parseInt(code, 16)), words)
    }
    assert.equal(theirs.length, ours.size)
    console.log(`element types compared with sg_ses: ${theirs.length}`)
  },
  { skip },
)

test(
  'agrees on the configuration and on what elements are called',
  () => {
    const known = configuration().parse(CONFIGURATION)
    const said = decode('cf', CONFIGURATION)
    for (const { logicalIdentifier, vendor, product, revision } of known.enclosures) {
      includes(
        said,
        `(hex): ${logicalIdentifier.toString(16)}`,
        `vendor: ${vendor} product: ${product} rev: ${revision}`,
      )
    }
    for (const { elements, text } of known.types) {
      includes(said, `number of possible elements: ${elements} text: ${text}`)
    }
    const named = elementDescriptors(known).parse(ELEMENT_DESCRIPTORS)
    const theirs = blocks(decode('ed', CONFIGURATION, ENCLOSURE_STATUS, ELEMENT_DESCRIPTORS))
    assert.equal(theirs.length, named.length)
    for (const [at, { text }] of named.entries()) includes(theirs[at]!, text)
    console.log(`types and descriptors compared with sg_ses: ${known.types.length + named.length}`)
  },
  { skip },
)

/** A configuration page with slots of both kinds, fans and sensors, and a status page of random elements for it. */
function randomPages(): { page: Uint8Array; status: Uint8Array } {
  const types = [
    [ElementType.DEVICE_SLOT, 3],
    [ElementType.ARRAY_DEVICE_SLOT, 3],
    [ElementType.COOLING, 1],
    [ElementType.TEMPERATURE_SENSOR, 1],
    [ElementType.VOLTAGE_SENSOR, 1],
    [ElementType.CURRENT_SENSOR, 1],
  ] as const
  const page = new Uint8Array(48 + 4 * types.length)
  page.set([1, 0, 0, page.length - 4, 0, 0, 0, 7, 0x11, 0, types.length, 36])
  for (const [at, type] of types.entries()) page.set(type, 48 + 4 * at)
  const elements = types.reduce((sum, [, count]) => sum + 1 + count, 0)
  const status = Uint8Array.from({ length: 8 + 4 * elements }, () => next())
  status.set([2, next() & 0x1f, 0, status.length - 4, 0, 0, 0, 7])
  for (let at = 8; at < status.length; at += 4) {
    status[at] = (next() & 0x70) | (next() % 9)
    // Where a sensor has no reading, it says so in words.
    if (status[at + 2] === 0) status[at + 2] = 1
  }
  return { page, status }
}

const CODES = [
  'Unsupported',
  'OK',
  'Critical',
  'Noncritical',
  'Unrecoverable',
  'Not installed',
  'Unknown',
  'Not available',
  'No access allowed',
]

/** In its words, which differ between the two kinds of slots. */
function spelled({ code, predictedFailure, disabled, swapped, details }: Element): string[] {
  const common = `Predicted failure=${bit(predictedFailure)}, Disabled=${bit(disabled)}, Swap=${bit(swapped)}, status: ${CODES[code]}`
  switch (details?.kind) {
    case 'slot': {
      const { array } = details
      const app = array === undefined ? 'App client bypassed' : 'App client bypass'
      const enclosure = array === undefined ? 'Enc bypassed' : 'Enc bypass'
      const device = array === undefined ? 'Device bypassed' : 'Dev bypassed'
      const requested = array === undefined ? 'Fault requested' : 'Fault reqstd'
      const own =
        array === undefined
          ? [`Slot address: ${details.address}`]
          : [
              `OK=${bit(array.ok)}, Reserved device=${bit(array.reservedDevice)}, Hot spare=${bit(array.hotSpare)}, Cons check=${bit(array.consistencyCheck)}`,
              `In crit array=${bit(array.inCriticalArray)}, In failed array=${bit(array.inFailedArray)}, Rebuild/remap=${bit(array.rebuildRemap)}, R/R abort=${bit(array.rebuildRemapAbort)}`,
            ]
      return [
        common,
        ...own,
        `${app} A=${bit(details.applicationClientBypassedA)}, Do not remove=${bit(details.doNotRemove)}, ${enclosure} A=${bit(details.enclosureBypassedA)}`,
        `${enclosure} B=${bit(details.enclosureBypassedB)}`,
        `Ready to insert=${bit(details.readyToInsert)}, RMV=${bit(details.readyToRemove)}, Ident=${bit(details.identify)}`,
        `Report=${bit(details.report)}`,
        `${app} B=${bit(details.applicationClientBypassedB)}, Fault sensed=${bit(details.faultSensed)}, ${requested}=${bit(details.faultRequested)}`,
        `Device off=${bit(details.deviceOff)}`,
        `Bypassed A=${bit(details.bypassedA)}, Bypassed B=${bit(details.bypassedB)}, ${device} A=${bit(details.deviceBypassedA)}`,
        `${device} B=${bit(details.deviceBypassedB)}`,
      ]
    }
    case 'temperature':
      return [common, `Temperature=${details.celsius} C`]
    case 'voltage':
      return [common, `Voltage: ${details.volts.toFixed(2)} volts`]
    case 'current':
      return [common, `Current: ${details.amperes.toFixed(2)} amps`]
    case 'cooling':
      return [common, `Actual speed=${details.rpm ?? -1} rpm`]
    default:
      return [common]
  }
}

test(
  'agrees on random status elements',
  () => {
    const pages = 25
    let compared = 0
    for (let round = 0; round < pages; round++) {
      const { page, status } = randomPages()
      const read = enclosureStatus(configuration().parse(page)).parse(status)
      const said = decode('es', page, status)
      includes(
        said,
        `INVOP=${bit(read.invalidOperation)}, INFO=${bit(read.information)}, NON-CRIT=${bit(read.nonCritical)}, CRIT=${bit(read.critical)}, UNRECOV=${bit(read.unrecoverable)}`,
      )
      const theirs = blocks(said)
      assert.equal(theirs.length, read.elements.length)
      for (const [at, element] of read.elements.entries())
        includes(theirs[at]!, ...spelled(element))
      compared += theirs.length
    }
    console.log(`status elements compared with sg_ses: ${compared}`)
  },
  { skip, deadlineMs: 60_000 },
)

const address = (sas: bigint): string => `0x${sas.toString(16).padStart(16, '0')}`

function spelledSlot({ slot, notAllPhys, phys: [phy] }: SasDeviceSlot): string[] {
  assert.ok(phy !== undefined)
  const roles = ({ ssp, stp, smp }: typeof phy.target) =>
    [ssp && 'SSP', stp && 'STP', smp && 'SMP'].filter(Boolean)
  const targets = [
    phy.sataPortSelector && 'SATA_port_selector',
    ...roles(phy.target),
    phy.sataDevice && 'SATA_device',
  ].filter(Boolean)
  return [
    `not all phys: ${bit(notAllPhys)}, device slot number: ${slot ?? 255}`,
    `initiator port for: ${roles(phy.initiator).join(' ')}`.trim(),
    `target port for: ${targets.join(' ')}`.trim(),
    `attached SAS address: ${address(phy.attachedSasAddress)} SAS address: ${address(phy.sasAddress)} phy identifier: 0x${phy.phyIdentifier.toString(16)}`,
  ]
}

test(
  'agrees on random devices in slots, and on an expander',
  () => {
    const known = configuration().parse(CONFIGURATION)
    let compared = 0
    for (let round = 0; round < 10; round++) {
      const page = ADDITIONAL_STATUS.slice()
      for (let slot = 0; slot < 24; slot++) {
        const at = 8 + 36 * slot
        page[at + 5] = next() & 1
        page[at + 7] = next()
        for (let byte = 10; byte < 29; byte++) page[at + byte] = next()
        page.set([next() & 0x0e, next() & 0x8f], at + 10)
        // Without roles or a device it says other things.
        page[at + 8] = 0x10
      }
      const read = additionalElementStatus(known).parse(page)
      const said = decode('aes', CONFIGURATION, ENCLOSURE_STATUS, ELEMENT_DESCRIPTORS, page)
      const theirs = said.split('Element index: ').slice(1)
      assert.equal(theirs.length, read.length)
      for (const [at, { sas }] of read.entries()) {
        if (sas?.kind === 'deviceSlot') includes(theirs[at]!, ...spelledSlot(sas))
        if (sas?.kind === 'expander') {
          includes(theirs[at]!, `SAS address: ${address(sas.sasAddress)}`)
          for (const [phy, { connector, other }] of sas.phys.entries()) {
            includes(
              theirs[at]!,
              `[${phy}] ${connector === undefined ? 'no connector; other' : 'connector'} ei: ${connector ?? other}`,
            )
          }
        }
        compared++
      }
    }
    console.log(`additional element statuses compared with sg_ses: ${compared}`)
  },
  { skip, deadlineMs: 60_000 },
)

test.run()
