/** The numbers that the README tells are those of `bench/results/published.json`. */

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { suite } from '../harness/index.ts'
import { compiled } from './compiled.ts'
import { specimen } from './specimen.ts'

const test = suite('published numbers')

interface Published {
  environment: Record<string, unknown>
  ratios: { name: string; value: number | null }[]
  times: { case: string; ns: Record<string, number> }[]
}

interface Module {
  publishedOf(results: unknown): Published
  withNumbers(readme: string, published: unknown): string
}

const root = new URL('../../../', import.meta.url)
const module = () => compiled<Module>('publish.js')

test("are the README's, word for word", async () => {
  const { withNumbers } = await module()
  const readme = readFileSync(new URL('README.md', root), 'utf8')
  const published = JSON.parse(readFileSync(new URL('bench/results/published.json', root), 'utf8'))
  assert.equal(readme, withNumbers(readme, published), 'stale: run `npm run bench -- --publish`')
})

test('name of the machine what their reader needs, and nothing else', async () => {
  const { publishedOf } = await module()
  const { environment } = publishedOf(specimen)
  assert.deepEqual(environment, {
    ...{ cpu: 'Imagined CPU 9000', cpus: 2, virtual: true, kernel: '6.18', node: 'v22.13.0' },
    ...{ rustc: 'rustc 1.88.0', glibc: '2.36', placement: { here: 0, there: 1, pinned: true } },
  })
  const committed = new URL('bench/results/published.json', root)
  assert.ok(existsSync(committed))
  const keys = Object.keys(JSON.parse(readFileSync(committed, 'utf8')).environment)
  assert.deepEqual(keys, Object.keys(environment))
})

test('hold every goal, and the times of the cases that have one', async () => {
  const { publishedOf } = await module()
  const { ratios, times } = publishedOf(specimen)
  assert.deepEqual(
    ratios.map(({ name }) => name),
    specimen.ratios.map(({ name }) => name),
  )
  assert.deepEqual(
    times.map((one) => one.case),
    ['ready'],
  )
  assert.deepEqual(Object.keys(times[0]?.ns ?? {}).slice(0, 3), ['promise', 'batch', 'net'])
})

test('stand between their marks, with what was not measured told as such', async () => {
  const { publishedOf, withNumbers } = await module()
  const text = withNumbers(
    'before\n<!-- numbers -->\nold\n<!-- /numbers -->\nafter\n',
    publishedOf(specimen),
  )
  assert.match(
    text,
    /^before\n<!-- numbers -->\n`npm run bench` on a virtual machine with 2 CPUs \(Imagined CPU 9000\), /,
  )
  assert.match(
    text,
    /^\| READ of 4 KiB, promise form \| 3\.20 times as fast \(3\.10 to 3\.30\) \| at least 4 times as fast \(memcpy: 3\.60\) \| missed \|$/m,
  )
  assert.match(text, /^In brackets behind a goal stands a yardstick/m)
  assert.match(text, /^\| worker messages \| – \| .* \| unclear: did not run \|$/m)
  assert.match(text, /\n<!-- \/numbers -->\nafter\n$/)
  assert.ok(!text.includes('old'))
})

test('are not those of a smoke run, and need a place', async () => {
  const { publishedOf, withNumbers } = await module()
  const smoke = { ...specimen, options: { ...specimen.options, smoke: true } }
  assert.throws(() => publishedOf(smoke), RangeError)
  assert.throws(() => withNumbers('no place', publishedOf(specimen)), RangeError)
})

test.run()
