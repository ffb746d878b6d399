/** What a parser fails over is kept, and tried again. */

import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import { Coverage } from './coverage.ts'
import { Fuzzed, ParserFailed } from './loop.ts'
import type { Parser } from './parser.ts'
import { save, saved } from './saved.ts'

const test = suite('an input that a parser fails over')

/** Fails over any input with a byte of 255. */
const fragile: Parser = {
  name: 'what is fragile',
  read: (data) => {
    if (data.includes(0xff)) throw new TypeError('a byte too much')
  },
  refuses: () => false,
  fromDevice: false,
  seeds: [Uint8Array.of(0, 1, 2)],
}

async function failure(fuzzed: Fuzzed): Promise<ParserFailed> {
  try {
    await fuzzed.begin()
    for (let round = 0; round < 1000; round++) await fuzzed.batch()
  } catch (error) {
    if (error instanceof ParserFailed) return error
    throw error
  }
  throw new Error('it has not failed')
}

test('is found, kept once, and tried before anything else from then on', async () => {
  const folder = `${temporaryFolder()}/failed`
  using coverage = new Coverage(new URL('../../../dist/', import.meta.url).href)
  const found = await failure(new Fuzzed(fragile, coverage, 1))
  assert.equal(found.parser, fragile.name)
  assert.ok(found.input.includes(0xff))
  assert.deepEqual(saved(folder, fragile.name), [])
  const path = save(folder, found.parser, found.input)
  assert.equal(save(folder, found.parser, found.input), path)
  assert.deepEqual(readdirSync(folder).length, 1)
  const again = new Fuzzed(fragile, coverage, 2, saved(folder, fragile.name))
  assert.deepEqual((await failure(again)).input, found.input)
  assert.equal(again.executions, 1)
  assert.deepEqual(saved(folder, 'what is'), [])
})

test('overwrites none that is there, whatever it holds', () => {
  const folder = temporaryFolder()
  const path = save(folder, 'it', Uint8Array.of(7))
  writeFileSync(path, 'changed by hand')
  assert.equal(save(folder, 'it', Uint8Array.of(7)), path)
  assert.equal(readFileSync(path, 'utf8'), 'changed by hand')
})

test.run()
