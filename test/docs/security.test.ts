/** SECURITY.md claims nothing without a test, and names tests that exist. */

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from '../harness/index.ts'

const root = process.cwd()
const text = readFileSync(join(root, 'SECURITY.md'), 'utf8')
const test = suite('SECURITY.md')

/** Headings whose points are claims; the others say what is trusted, and what is not defended. */
const CLAIMS = /^What .* cannot do/

/** A claim's files, each with the titles of its tests. */
function named(point: string): { file: string; titles: string[] }[] {
  const parts = point.split(/\[`[^`]+`\]\(/).slice(1)
  return parts.map((part) => {
    const end = part.indexOf(')')
    const titles = Array.from(part.slice(end).matchAll(/"([^"]+)"/g), ([, title = '']) => title)
    return { file: part.slice(0, end), titles }
  })
}

const points = text
  .split(/^## /m)
  .slice(1)
  .flatMap((section) => {
    const [heading = '', ...lines] = section.split('\n')
    const list = lines.join('\n').split(/^- /m).slice(1)
    return list.map((point) => ({ heading, point: point.trim() }))
  })

test('has a test for each claim, and files with titles only', () => {
  const claims = points.filter(({ heading }) => CLAIMS.test(heading))
  assert.ok(claims.length >= 20)
  for (const { point } of claims) {
    const tests = named(point)
    assert.ok(tests.length > 0, `no test: ${point}`)
    for (const { file, titles } of tests) assert.ok(titles.length > 0, `${file}: ${point}`)
  }
})

test('names tests that there are', () => {
  for (const { point } of points) {
    for (const { file, titles } of named(point)) {
      assert.ok(existsSync(join(root, file)), file)
      const source = readFileSync(join(root, file), 'utf8')
      for (const title of titles) {
        const definition = file.endsWith('.rs')
          ? new RegExp(`\\b${title}\\b *(?:\\(|:)`)
          : new RegExp(`['\`"]${title.replace(/[.*+?^$()|[\]{}]/g, '\\$&')}['\`"]`)
        assert.match(source, definition, `${file} has no test "${title}"`)
      }
    }
  }
})

test.run()
