/** The fuzzer's instruments: what they take for new, and for a fault. */

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import { Coverage } from './coverage.ts'
import { check } from './loop.ts'
import { of } from './parser.ts'

const test = suite("the fuzzer's coverage")

const folder = temporaryFolder()
const file = join(folder, 'watched.mjs')
writeFileSync(file, 'export const outer = (use) => use(() => 1)\n')
const { href } = pathToFileURL(file)

test('a closure that never ran is not reached by the function around it, and new when it runs', async () => {
  using coverage = new Coverage(href)
  const { outer }: { outer: (use: (inner: () => number) => number) => number } = await import(href)
  outer(() => 0)
  assert.ok(coverage.isNew())
  outer(() => 0)
  coverage.note()
  const { reached, known } = coverage.branches
  assert.ok(reached < known, `${reached} of ${known}`)
  outer(() => 0)
  assert.ok(!coverage.isNew())
  outer((inner) => inner())
  assert.ok(coverage.isNew())
  outer((inner) => inner())
  coverage.note()
  assert.equal(coverage.branches.reached, reached + 1)
})

test('a control character is a fault, whatever a parser refuses by', async () => {
  const parser = { ...of('it', (data) => String.fromCharCode(...data)), refuses: () => true }
  await check(parser, Uint8Array.of(0x41))
  await assert.rejects(
    check(parser, Uint8Array.of(0x1b)),
    /^ParserFailed: it: a control character .*: 1b$/,
  )
})

test.run()
