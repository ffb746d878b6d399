/** The README says what is true: its codes, its commands, its examples. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { CODES } from 'sgring'
import { suite } from '../harness/index.ts'

const root = process.cwd()
const path = join(root, 'README.md')
const test = suite('README')
const run = promisify(execFile)

test('lists every error code with its meaning', () => {
  const rows = Object.entries(CODES).map(([code, meaning]) => `| \`${code}\` | ${meaning} |`)
  const begin = '<!-- codes -->\n'
  const end = '\n<!-- /codes -->'
  const text = readFileSync(path, 'utf8')
  const from = text.indexOf(begin) + begin.length
  const to = text.indexOf(end)
  if (process.env.SGRING_WRITE !== undefined) {
    writeFileSync(path, text.slice(0, from) + rows.join('\n') + text.slice(Math.max(to, from - 1)))
    return
  }
  assert.equal(text.slice(from, to), rows.join('\n'), 'stale: run this test with SGRING_WRITE=1')
})

test('names only scripts that exist', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const named = [...readFileSync(path, 'utf8').matchAll(/`npm (?:run )?([\w:]+)/g)]
  assert.ok(named.length >= 6)
  for (const [, script] of named) assert.ok(script !== undefined && script in scripts, script)
})

test('shows examples that run as they stand', async () => {
  const [first, command, batch, units, testing] = [
    ...readFileSync(path, 'utf8').matchAll(/```js\n(.*?)```/gs),
  ].map((match) => match[1] ?? '')
  const folder = mkdtempSync(join(tmpdir(), 'sgring-readme-'))
  try {
    mkdirSync(join(folder, 'node_modules'))
    symlinkSync(root, join(folder, 'node_modules', 'sgring'))
    const own = (text = '') => text.replaceAll('/tmp/disk.sock', join(folder, 'disk.sock'))
    writeFileSync(join(folder, 'first.mjs'), own(first))
    const { stdout } = await run(process.execPath, ['first.mjs'], { cwd: folder })
    assert.match(stdout, /vendor: 'sgring'/)
    assert.match(stdout, /^hello$/m)
    // The further examples stand where the first one has opened a disk.
    const around = own(first).replace('connect, serve', 'connect, read10, serve')
    const [before, after] = around.split('  console.log(await disk.inquiry())\n')
    const further = `${before}await disk.testUnitReady()\n${command}console.log(status, data.length)\n${batch}${after}`
    writeFileSync(join(folder, 'further.mjs'), further)
    const more = await run(process.execPath, ['further.mjs'], { cwd: folder })
    assert.match(more.stdout, /^0 \d+$/m)
    assert.match(more.stdout, /^\d+ 0 4096$/m)
    writeFileSync(join(folder, 'units.mjs'), own(units?.replaceAll('own.sock', 'disk.sock')))
    const answered = await run(process.execPath, ['units.mjs'], { cwd: folder })
    assert.match(answered.stdout, /^DATA PROTECT: WRITE PROTECTED \(27h 00h\)\nECHO \[ 1, 2 \]$/m)
    writeFileSync(join(folder, 'testing.mjs'), testing ?? '')
    await run(process.execPath, ['testing.mjs'], { cwd: folder })
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test.run()
