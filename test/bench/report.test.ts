/** The report: one page that says what the results say, and needs nothing else. */

import assert from 'node:assert/strict'
import { suite } from '../harness/index.ts'
import { compiled } from './compiled.ts'
import { HOSTILE, specimen } from './specimen.ts'

const test = suite('the report')

interface Page {
  page(results: unknown): string
}

const page = async () => (await compiled<Page>('report/page.js')).page(specimen)

test('is one file below 2 MB that loads nothing and runs nothing', async () => {
  const html = await page()
  assert.ok(Buffer.byteLength(html) < 2_000_000)
  assert.doesNotMatch(html, /<script|<link|<img|<iframe|\bsrc=|@import|url\(|\bon\w+=/i)
  const elsewhere = [...html.matchAll(/href="([^"]*)"/g)].filter(([, to]) => !to!.startsWith('#'))
  assert.deepEqual(elsewhere, [])
  assert.match(html, /default-src &#39;none&#39;/)
})

test('closes every element that it opens, and says no number that is none', async () => {
  const html = await page()
  const open: string[] = []
  for (const [, closing, name, itself] of html.matchAll(
    /<(\/?)([a-z][\w-]*)(?:\s[^>]*?)?(\/?)>/g,
  )) {
    if (itself === '/' || name === 'meta') continue
    if (closing === '') open.push(name!)
    else assert.equal(open.pop(), name)
  }
  assert.deepEqual(open, [])
  assert.doesNotMatch(html, /\b(?:NaN|Infinity|undefined|null)\b/)
})

test('shows what a contestant is called, whatever that is', async () => {
  const html = await page()
  assert.ok(!html.includes(HOSTILE))
  assert.ok(html.includes('&#60;script&#62;alert(&#34;1&#34;)&#60;/script&#62;&#38;&#39;\ufffd'))
})

test('has every goal on top, those that did not run or were oversubscribed with their reason', async () => {
  const html = await page()
  const [table = ''] = /<table>.*?<\/table>/s.exec(html) ?? []
  const rows = [...table.matchAll(/<tr><th scope="row">(.*?)<\/th>.*?<span class="(\w+)">/g)]
  assert.deepEqual(
    rows.map(([, name, verdict]) => [name, verdict]),
    specimen.ratios.map(({ name, verdict }) => [name, verdict]),
  )
  assert.match(table, /missed<\/span>: 1\.25 times off/)
  assert.match(table, /unclear<\/span>: oversubscribed/)
  assert.match(table, /unclear<\/span>: did not run/)
  assert.match(html, /Goals met: 1 of 5; missed: 1; unclear: 3\./)
})

test('says of a yardstick what it reaches, and what that means; of none, nothing', async () => {
  const html = await page()
  assert.match(html, /<td>at least 4 times as fast \(memcpy: 3\.60\)<\/td>/)
  assert.match(html, /else it is unclear\..* In brackets behind a goal stands a yardstick/)
  const { report } = await compiled<{ report(results: unknown): string }>('report.js')
  assert.match(report(specimen), / goal >= 4 times as fast \(memcpy: 3\.60\)\n/)
  assert.match(report(specimen), /^In brackets behind a goal stands a yardstick/m)
  const ratios = specimen.ratios.filter(({ name }) => !name.startsWith('READ'))
  assert.doesNotMatch(report({ ...specimen, ratios }), /memcpy: |yardstick/)
})

test('tells under each picture what it shows, and gives its values on hover', async () => {
  const html = await page()
  const figures = [...html.matchAll(/<figure>(.*?)<\/figure>/gs)].map(([, inner]) => inner!)
  assert.equal(figures.length, 4)
  for (const figure of figures) {
    assert.match(figure, /<title>[^<]+<\/title>/)
    assert.match(figure, /<figcaption>[^<]{20,}\.<\/figcaption>/)
  }
  assert.match(html, /batch is the fastest with 21\d ns an operation/)
  assert.match(html, /Fastest by payload, bytes: rtrb-chunks from 0 to 4 Ki/)
  assert.match(
    html,
    /Half of the operations take up to: batch 25\.\d µs, promise 27\.\d µs, net 83\.\d µs\. 99 of 100 /,
  )
})

test('dashes limits, and colours and marks an interface alike in every picture', async () => {
  const html = await page()
  const look = (name: string) =>
    new Set(
      [
        ...html.matchAll(new RegExp(`<g fill="(var\\(--\\w+\\))"><text[^>]*>${name}</text>`, 'g')),
      ].map(([, colour]) => colour),
    )
  assert.deepEqual([...look('promise')], ['var(--c2)'])
  assert.deepEqual([...look('net')], ['var(--c6)'])
  assert.deepEqual([...look('memcpy')], ['var(--limit)'])
  assert.match(html, /<path class="line limit" stroke="var\(--limit\)"/)
})

test('tells what failed, and marks what was oversubscribed', async () => {
  const html = await page()
  assert.match(html, /broken failed<\/span>: no such luck/)
  assert.match(html, />9\.\d\d µs \*<\/text>/)
})

test('shows below a case, or a sweep, where the time of its contestants goes, or says why not', async () => {
  const html = await page()
  const section = (id: string) => html.split('<section id="').find((part) => part.startsWith(id))!
  const ready = section('case-ready')
  assert.match(ready, /<h4>Where the time of ready, promise, goes: initiator<\/h4>/)
  assert.match(
    ready,
    /2 functions by their own time: 41\u00a0% of 840 samples\. It was idle for 12\u00a0% of the time\./,
  )
  assert.match(ready, /No sample was taken: it was idle for 100\u00a0% of the time\./)
  const row = ['#startTransfers: native code', '65\u00a0%', 'ring/port-pair.js:410']
  assert.ok(ready.includes(`<th scope="row">${row[0]}</th><td>${row[1]}</td><td>${row[2]}</td>`))
  assert.doesNotMatch(ready, /<details[^>]*>(?:(?!<\/details>).)*<h4>/s)
  assert.match(section('case-device'), /No profile of device, promise: it is a specimen\./)
  assert.match(section('sweep-payload'), /<h4>Where the time of payload-512, /)
})

test('tells a smoke run from a measurement', async () => {
  const { page } = await compiled<Page>('report/page.js')
  const smoke = page({ ...specimen, options: { ...specimen.options, smoke: true } })
  assert.match(smoke, /A smoke run/)
  assert.doesNotMatch(page(specimen), /A smoke run/)
})

test('is made of no cases as well', async () => {
  const { page } = await compiled<Page>('report/page.js')
  assert.match(page({ ...specimen, cases: [], sweeps: [], ratios: [] }), /No case ran\./)
})

test.run()
