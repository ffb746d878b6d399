import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  identifyDevice,
  parseIdentifyDevice,
  parseSmartData,
  smartReadData,
} from '#dist/scsi/ata/index.js'
import { suite } from '../../harness/index.ts'
import { survivesAnyBytes } from '../any-bytes.ts'
import { generator, seed } from '../random.ts'
import { IDENTIFY } from './dumps.ts'

const test = suite('data of ATA devices')

const refused = { code: 'ERR_SGRING_RESPONSE' }

/** Some words changed, and the checksum made right again. */
function identify(changes: Readonly<Record<number, number>> = {}): Uint8Array {
  const data = IDENTIFY.slice()
  for (const [word, value] of Object.entries(changes)) {
    data.set([value & 0xff, value >> 8], 2 * Number(word))
  }
  return summed(data)
}

function summed(data: Uint8Array): Uint8Array {
  data[511] = 0
  data[511] = -data.reduce((sum, byte) => sum + byte, 0)
  return data
}

test('reads the words of a disk, its strings swapped back (acs-3 7.12.7)', () => {
  const { words, ...read } = parseIdentifyDevice(IDENTIFY)
  assert.equal(words[0], 0x0c5a)
  const off = { supported: true, enabled: false }
  const on = { supported: true, enabled: true }
  assert.deepEqual(read, {
    serial: 'XXXXXXXX',
    firmware: '3.18',
    model: 'ST380013AS',
    sectors28: 0x0950f8b0,
    sectors48: 0x0950f8b0n,
    sectors: 0x0950f8b0n,
    logicalSectorSize: 512,
    physicalSectorSize: 512,
    worldWideName: undefined,
    rotationRate: 0,
    formFactor: 0,
    majorVersion: 6,
    features: {
      smart: on,
      security: off,
      writeCache: on,
      readLookAhead: on,
      address48: true,
      trim: false,
    },
    queueDepth: 0,
    checksum: true,
  })
})

test('reads capacities of 48 bits, large sectors, a world wide name and a queue (acs-3 7.12.7)', () => {
  const read = parseIdentifyDevice(
    identify({
      60: 0xffff,
      61: 0x0fff,
      75: 31,
      76: 0x0100,
      80: 0x07f0,
      100: 0x1234,
      101: 0x5678,
      102: 0x9abc,
      103: 0,
      106: 0x7003,
      117: 2048,
      118: 0,
      108: 0x5000,
      109: 0xc500,
      110: 0x3011,
      111: 0xcb29,
      87: 0x4123,
      168: 3,
      169: 1,
      217: 7200,
    }),
  )
  assert.deepEqual(
    [read.sectors28, read.sectors48, read.sectors],
    [0x0fff_ffff, 0x9abc_5678_1234n, 0x9abc_5678_1234n],
  )
  assert.deepEqual([read.logicalSectorSize, read.physicalSectorSize], [4096, 32_768])
  assert.equal(read.worldWideName, 0x5000_c500_3011_cb29n)
  assert.deepEqual(
    [read.queueDepth, read.majorVersion, read.rotationRate, read.formFactor],
    [32, 10, 7200, 3],
  )
  assert.equal(read.features.trim, true)
})

test('refuses a checksum that is wrong, and does without one that is not there', () => {
  const wrong = IDENTIFY.slice()
  wrong[0]! ^= 1
  assert.throws(() => parseIdentifyDevice(wrong), /a wrong checksum/)
  wrong[510] = 0
  assert.equal(parseIdentifyDevice(wrong).checksum, false)
  assert.throws(() => parseIdentifyDevice(identify({ 106: 0x5000, 117: 1, 118: 0 })), refused)
  assert.throws(() => parseIdentifyDevice(IDENTIFY.subarray(0, 511)), refused)
})

/** Two attributes as a disk has them, in the first and the third place. */
function smart(): Uint8Array {
  const data = new Uint8Array(512)
  data.set([0x10, 0x00, 5, 0x33, 0, 100, 99, 8, 0, 0, 0, 0, 0], 0)
  data.set([194, 0x22, 0, 64, 51, 36, 0, 0, 0, 0x0f, 0xff], 2 + 2 * 12)
  data.set([0x82, 0xf3, 0x2c, 0x01, 0, 0x5b, 0x03, 0x00], 362)
  return summed(data)
}

test('reads the attributes of SMART READ DATA, and its checksum', () => {
  assert.deepEqual(smartReadData().parse(smart()), {
    revision: 16,
    attributes: [
      { id: 5, flags: 0x33, value: 100, worst: 99, raw: 8 },
      { id: 194, flags: 0x22, value: 64, worst: 51, raw: 0xff0f_0000_0024 },
    ],
    offLineStatus: 0x82,
    selfTestStatus: 15,
    selfTestRemaining: 3,
    offLineSeconds: 300,
    offLineCapability: 0x5b,
    smartCapability: 3,
  })
  const wrong = smart()
  wrong[40]! ^= 1
  assert.throws(() => parseSmartData(wrong), /a wrong checksum/)
})

test('gives a result or ERR_SGRING_RESPONSE for any bytes, and nothing else', () => {
  const unchecked = IDENTIFY.slice()
  unchecked[510] = 0
  survivesAnyBytes('IDENTIFY DEVICE', unchecked, identifyDevice().parse)
  // Whatever is changed is made sum up again, or none would be read.
  survivesAnyBytes('SMART', smart(), (data) =>
    parseSmartData(data.length === 512 ? summed(data.slice()) : data),
  )
})

const skip =
  spawnSync('hdparm', ['-V']).error === undefined
    ? undefined
    : 'needs hdparm: apt-get install hdparm'

test(
  'reads IDENTIFY DEVICE data as hdparm does',
  () => {
    const next = generator(seed)
    const vectors = 40
    for (let vector = 0; vector < vectors; vector++) {
      const large = (vector & 1) === 0
      const data = identify({
        10: 0x4142 + (next() % 20),
        27: 0x4142 + (next() % 20),
        23: 0x3031 + (next() % 9),
        82: next() & 0x7fff,
        85: next() & 0x7fff,
        100: next() & 0xffff,
        101: next() & 0xffff,
        102: next() & 0xf,
        103: 0,
        106: large ? 0x6003 : 0x4000,
        217: 7200,
      })
      const read = parseIdentifyDevice(data)
      const input = Array.from(read.words, (word) => word.toString(16).padStart(4, '0')).join(' ')
      const { stdout } = spawnSync('hdparm', ['--Istdin'], { input, encoding: 'utf8' })
      const said = stdout.replace(/[ \t]+/g, ' ')
      for (const expected of [
        `Model Number: ${read.model}`,
        `Serial Number: ${read.serial}`,
        `Firmware Revision: ${read.firmware}`,
        `LBA user addressable sectors: ${read.sectors28}`,
        `LBA48 user addressable sectors: ${read.sectors48}`,
        `Logical Sector size: ${read.logicalSectorSize} bytes`,
        `Physical Sector size: ${read.physicalSectorSize} bytes`,
        `Nominal Media Rotation Rate: ${read.rotationRate}`,
      ]) {
        assert.ok(said.includes(expected), `${expected}\n${said}`)
      }
      for (const [name, { supported, enabled }] of [
        ['SMART feature set', read.features.smart],
        ['Write cache', read.features.writeCache],
        ['Look-ahead', read.features.readLookAhead],
        ['Security Mode feature set', read.features.security],
      ] as const) {
        const line = new RegExp(`^(.*) ${name}$`, 'm').exec(said)?.[1]
        assert.equal(line !== undefined, supported, `${name}: ${said}`)
        assert.equal(line?.includes('*') ?? false, enabled, `${name}: ${said}`)
      }
    }
    console.log(`IDENTIFY DEVICE data compared with hdparm: ${vectors}`)
  },
  { skip },
)

test.run()
