/** The report as a browser shows it: headless Chromium, in both colour schemes and on paper. */

import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { inflateSync } from 'node:zlib'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import { compiled } from './compiled.ts'
import { specimen } from './specimen.ts'

const test = suite('the report in a browser')
const exec = promisify(execFile)

const browser = ['chromium', 'chromium-headless-shell', 'google-chrome'].find(
  (name) => spawnSync(name, ['--version']).status === 0,
)
const options = {
  deadlineMs: 120_000,
  skip:
    browser === undefined
      ? 'no Chromium, which takes 220 MB; on Debian: apt install chromium-headless-shell'
      : undefined,
}

/** Has the report printed, photographed or read; JavaScript is off, as the report's own policy has it. */
async function shown(
  ...args: string[]
): Promise<{ stdout: string; file: (name: string) => string }> {
  const { page } = await compiled<{ page(results: unknown): string }>('report/page.js')
  const folder = temporaryFolder()
  const file = (name: string) => join(folder, name)
  writeFileSync(file('report.html'), page(specimen))
  const own = ['--headless', '--no-sandbox', '--disable-gpu', `--user-data-dir=${file('profile')}`]
  const url = pathToFileURL(file('report.html')).href
  const all = [...own, ...args.map((arg) => arg.replace('FOLDER', folder)), url]
  const { stdout } = await exec(browser!, all, { maxBuffer: 1 << 26 })
  return { stdout, file }
}

/** The colour of a PNG's first pixel: 8 bits a channel, in whichever filter, for which the first pixel has no neighbours. */
function firstPixel(png: Buffer): number[] {
  const chunks: Buffer[] = []
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at)
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT')
      chunks.push(png.subarray(at + 8, at + 8 + length))
    at += 12 + length
  }
  return [...inflateSync(Buffer.concat(chunks)).subarray(1, 4)]
}

test(
  'is light for who wants it light, and dark for who wants it dark',
  async () => {
    for (const [scheme, background] of [
      [1, [0xff, 0xff, 0xff]],
      [0, [0x16, 0x18, 0x1d]],
    ] as const) {
      const { file } = await shown(
        `--blink-settings=preferredColorScheme=${scheme}`,
        ...['--window-size=900,600', '--screenshot=FOLDER/page.png'],
      )
      assert.deepEqual(firstPixel(readFileSync(file('page.png'))), background)
    }
  },
  options,
)

test(
  'parses as it was written: every picture, goal and sentence is there',
  async () => {
    const { stdout } = await shown('--dump-dom')
    const count = (pattern: RegExp) => [...stdout.matchAll(pattern)].length
    assert.equal(count(/<svg class="plot"/g), 4)
    assert.equal(count(/<figcaption>[^<]+<\/figcaption>/g), 4)
    assert.equal(
      count(/<svg class="against"/g),
      specimen.ratios.filter(({ value }) => value !== null).length,
    )
    assert.equal(count(/<script/g), 0)
    assert.match(stdout, /<\/main>\s*<\/body>/)
  },
  options,
)

test(
  'goes on paper, on a few pages',
  async () => {
    const { file } = await shown('--no-pdf-header-footer', '--print-to-pdf=FOLDER/report.pdf')
    const pdf = readFileSync(file('report.pdf'), 'latin1')
    const [, pages] = /\/Type \/Pages\s*\/Count (\d+)/.exec(pdf) ?? []
    assert.ok(Number(pages) >= 2 && Number(pages) <= 8, `${pages} pages`)
  },
  options,
)

test.run()
