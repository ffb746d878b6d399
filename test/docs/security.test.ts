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

/** Whether a source has a test of this title that runs: neither a comment nor an ignored test counts. */
function hasTest(file: string, source: string, title: string): boolean {
  const code = source.replaceAll(/^\s*(?:\/\/|\/?\*).*$/gm, '')
  const name = title.replace(/[.*+?^$()|[\]{}]/g, '\\$&')
  if (!file.endsWith('.rs')) {
    return new RegExp(`(?:^|[^.\\w])\\w+\\(\\s*(['\`"])${name}\\1`, 'm').test(code)
  }
  const attributes = new RegExp(`((?:#\\[[^\\]]*\\]\\s*)+)fn ${name}\\(`).exec(code)?.[1] ?? ''
  if (/#\[test\]/.test(attributes)) return !/#\[ignore/.test(attributes)
  // The entry of a macro that makes tests of its entries.
  const made = /^macro_rules! (\w+) \{[\s\S]*?#\[test\]\s*fn \$[\s\S]*?^\}/m.exec(code)?.[1]
  return made !== undefined && new RegExp(`^${made}! \\{[^}]*\\b${name}: `, 'm').test(code)
}

test('takes no comment, ignored test or other word for a test', () => {
  const rust = (source: string) => hasTest('a.rs', source, 'it_works')
  assert.ok(rust('#[test]\nfn it_works() {'))
  assert.ok(rust('proptest! {\n    #[test]\n    fn it_works(a in b()) {'))
  assert.ok(!rust('#[test]\n#[ignore = "slow"]\nfn it_works() {'))
  assert.ok(!rust('#[ignore = "slow"]\n#[test]\nfn it_works() {'))
  assert.ok(!rust('// #[test]\n// fn it_works() {'))
  assert.ok(!rust('fn it_works() {'))
  assert.ok(!rust('#[test]\nfn it_works_not() {'))
  const macro = 'macro_rules! of {\n  () => {\n#[test]\nfn $test() {}\n  }\n}\n'
  assert.ok(rust(`${macro}of! {\n    it_works: it,\n}`))
  assert.ok(!rust('of! {\n    it_works: it,\n}'))
  const script = (source: string) => hasTest('a.ts', source, 'it works (sam-5 7)')
  assert.ok(script('  test(`it works (sam-5 7)`, () => {'))
  assert.ok(script("onAll(\n  'it works (sam-5 7)',"))
  assert.ok(!script("  // test('it works (sam-5 7)', () => {"))
  assert.ok(!script(" * test('it works (sam-5 7)', () => {"))
  assert.ok(!script("test.skip('it works (sam-5 7)', 'why')"))
  assert.ok(!script("const title = 'it works (sam-5 7)'"))
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
        assert.ok(hasTest(file, source, title), `${file} has no test "${title}"`)
      }
    }
  }
})

test.run()
