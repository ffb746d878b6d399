/** Properties of what reads bytes from outside, for inputs that fast-check makes, and makes smaller when one fails. */

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { configJson, parseConfig } from '#dist/cli/config/config.js'
import { hexBytes, hexLines, parseHex } from '#dist/cli/hex.js'
import { parseAddress } from '#dist/ring/address.js'
import { parseLedger } from '#dist/ring/ledgers.js'
import { encodeLbaStatus, getLbaStatus } from '#dist/scsi/block-provisioning.js'
import { encodeLogPage, logSense } from '#dist/scsi/log.js'
import { encodeLun, parseLun } from '#dist/scsi/lun.js'
import { encodeLunLevels, parseLunLevels } from '#dist/scsi/lun-levels.js'
import { encodeModeParameters, parseModeParameters } from '#dist/scsi/mode.js'
import { encodeReportedLuns, reportLuns } from '#dist/scsi/report-luns.js'
import { encodeSense, parseSense } from '#dist/scsi/sense.js'
import { parseMountinfo } from '#dist/sg/device-uses.js'
import { suite } from '../harness/index.ts'
import { Coverage } from './coverage.ts'
import { check, Fuzzed } from './loop.ts'
import { parsers } from './parsers.ts'

const test = suite('parsers of bytes from outside')

const bytes = (maxLength: number, minLength = 0) => fc.uint8Array({ minLength, maxLength })
/** Objects as everybody makes them, which are equal to what is read. */
const plain = <T extends object>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record<T>(fields, { noNullPrototype: true })
const uint = (bits: number) => fc.integer({ min: 0, max: 2 ** bits - 1 })

for (const parser of parsers) {
  test(`${parser.name}: any bytes make a result or a refusal, and stay as they are`, async () => {
    const some = fc.oneof(bytes(300), fc.constantFrom(...parser.seeds))
    await fc.assert(fc.asyncProperty(some, (input) => check(parser, input)))
  })
}

test('the loop reaches more of a parser than its seeds do', async () => {
  const [sense] = parsers
  assert.ok(sense)
  using coverage = new Coverage(new URL('../../../dist/', import.meta.url).href)
  const fuzzed = new Fuzzed(sense, coverage, 1)
  await fuzzed.begin()
  const { reached } = coverage.branches
  for (let round = 0; round < 20; round++) await fuzzed.batch()
  assert.ok(reached > 0 && coverage.branches.reached > reached)
})

test('hex is read as it is written', () => {
  fc.assert(
    fc.property(bytes(64), (data) => {
      for (const write of [hexBytes, hexLines]) assert.deepEqual(parseHex('it', write(data)), data)
    }),
  )
})

test('an address names the LUN and the path that it was made of', () => {
  const path = fc.stringMatching(/^\/[^?]{1,40}$/)
  fc.assert(
    fc.property(path, fc.integer({ min: 0, max: 16_383 }), (socket, lun) => {
      assert.deepEqual(parseAddress(`ring:${socket}?lun=${lun}`), { socket, lun })
    }),
  )
})

test('a ledger is one by its name and its first eight bytes, and nothing else is', () => {
  const numbers = fc.record({ uid: uint(32), slots: uint(32), pairs: uint(32) })
  const token = bytes(16, 16).map((data) => Buffer.from(data).toString('hex'))
  const wrong = fc.integer({ min: 0, max: 63 })
  fc.assert(
    fc.property(token, uint(32), numbers, wrong, (token, pair, { uid, slots, pairs }, bit) => {
      const header = Buffer.concat([Buffer.from('SGRINGLE'), Buffer.alloc(56)])
      header.writeUInt32LE(slots, 8)
      header.writeUInt32LE(uid, 16)
      header.writeUInt32LE(pairs, 24)
      const found = { token, uid, slots, pairs: Math.max(pairs, pair + 1) }
      assert.deepEqual(parseLedger(`${token}-${pair}`, header), found)
      for (const name of [`${token}-0${pair}`, `${token}${pair}`, `${token}-${pair}~`, `-${pair}`])
        assert.equal(parseLedger(name, header), undefined)
      assert.equal(parseLedger(`${token}-${pair}`, header.subarray(0, 63)), undefined)
      header[bit >> 3]! ^= 1 << (bit & 7)
      assert.equal(parseLedger(`${token}-${pair}`, header), undefined)
    }),
  )
})

test('a LUN is read as it is written (sam-5 4.7.2)', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 16_383 }), (lun) => {
      assert.equal(parseLun(encodeLun(lun)), lun)
    }),
  )
})

test('the levels of a LUN are read as they are written (sam-5 4.7.4)', () => {
  const bus = fc.integer({ min: 1, max: 0x3f })
  const target = plain({ method: fc.constant('target' as const), bus, target: uint(8) })
  const last = fc.oneof(
    plain({ method: fc.constant('peripheral' as const), lun: uint(8) }),
    plain({ method: fc.constant('flat' as const), lun: uint(14) }),
    plain({
      method: fc.constant('logicalUnit' as const),
      bus: uint(3),
      target: uint(6),
      lun: uint(5),
    }),
  )
  fc.assert(
    fc.property(fc.array(target, { maxLength: 3 }), last, (above, unit) => {
      const levels = [...above, unit]
      assert.deepEqual(parseLunLevels(encodeLunLevels(levels)), levels)
    }),
  )
})

test('a list of LUNs is read as it is written, and what was cut is counted (spc-4 6.33)', () => {
  const luns = fc.array(fc.integer({ min: 0, max: 16_383 }), { maxLength: 40 })
  fc.assert(
    fc.property(luns, fc.integer({ min: 16, max: 400 }), (all, allocationLength) => {
      const read = reportLuns({ allocationLength }).parse(encodeReportedLuns(all, allocationLength))
      const room = (allocationLength - 8) >> 3
      assert.deepEqual([read.luns, read.others], [all.slice(0, room), []])
      assert.equal(read.missing, Math.max(all.length - room, 0))
    }),
  )
})

test('provisioning is read as it is written (sbc-3 5.6)', () => {
  const extent = plain({
    lba: fc.bigInt(0n, 2n ** 64n - 1n),
    blocks: uint(32),
    status: uint(4),
  })
  fc.assert(
    fc.property(fc.array(extent, { maxLength: 64 }), (extents) => {
      assert.deepEqual(getLbaStatus({ lba: 0 }).parse(encodeLbaStatus(extents)), extents)
    }),
  )
})

test('a log page is read as it is written (spc-4 7.3.2)', () => {
  const parameter = plain({ code: uint(16), control: uint(8), value: bytes(255) })
  fc.assert(
    fc.property(uint(6), uint(8), fc.array(parameter, { maxLength: 8 }), (page, subpage, list) => {
      const { parse } = logSense({ page, subpage })
      assert.deepEqual(parse(encodeLogPage(page, list, subpage)), {
        page,
        subpage,
        parameters: list,
      })
    }),
  )
})

test('mode parameters that can be read are written again as they were (spc-4 7.5)', () => {
  const parameters = fc.tuple(bytes(8, 8), bytes(16, 16), bytes(30))
  fc.assert(
    fc.property(parameters, fc.boolean(), ([header, descriptor, page], long) => {
      const data = Uint8Array.from([...header, ...descriptor, 0x08, page.length, ...page])
      data.set([0, data.length - 2], 0)
      data.set([long ? 1 : 0, 0, 0, 16], 4)
      const read = parseModeParameters(data, 10)
      const again = parseModeParameters(encodeModeParameters(read, 10), 10)
      assert.deepEqual(again, read)
      assert.deepEqual(again.pages[0]?.bytes, data.subarray(24))
    }),
  )
})

test('sense data tells what it was made of, in either format (spc-4 4.5)', () => {
  fc.assert(
    fc.property(uint(4), uint(16), fc.boolean(), (key, ascAscq, descriptor) => {
      const sense = parseSense(encodeSense(key, ascAscq, { descriptor }))
      assert.deepEqual([sense.key, (sense.asc << 8) | sense.ascq], [key, ascAscq])
    }),
  )
})

test('a configuration that is read is written as one that says the same', async () => {
  const unit = fc.record({ memory: fc.integer({ min: 1, max: 99 }).map((mebi) => `${mebi}M`) })
  const config = fc.record({
    listen: fc.stringMatching(/^[a-z]{1,12}$/),
    mode: fc.integer({ min: 0, max: 0o777 }).map((mode) => mode.toString(8).padStart(4, '0')),
    max_nexuses: fc.integer({ min: 1, max: 100 }),
    units: fc.array(unit, { minLength: 1, maxLength: 4 }),
  })
  await fc.assert(
    fc.asyncProperty(config, async (given) => {
      const read = await parseConfig(JSON.stringify(given), 'it', '/')
      const written = JSON.stringify(configJson(read as never))
      assert.deepEqual(await parseConfig(written, 'it', '/'), read)
    }),
  )
})

test('a mount is found under its number, whatever its name is (proc(5))', () => {
  fc.assert(
    fc.property(uint(12), uint(8), fc.string({ minLength: 1 }), (major, minor, name) => {
      const octal = (word: string) =>
        word.replace(/[ \t\n\\]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`)
      const line = `36 35 ${major}:${minor} / /${octal(name)} rw - ext4 /dev/sda1 rw\n`
      assert.deepEqual(parseMountinfo(line).get(`${major}:${minor}`), [`/${name}`])
    }),
  )
})

test.run()
