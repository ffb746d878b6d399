/** What users install: the packed root and platform package, without Rust and without scripts. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { suite } from '../harness/index.ts'

const root = process.cwd()
const test = suite('the packages')
const run = promisify(execFile)
const PATIENT = { deadlineMs: 120_000 }

test(
  'install into an empty project without Rust and scripts, and run the README there',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sgring-packed-'))
    try {
      const { stdout } = await run(process.execPath, ['scripts/pack.js', folder], { cwd: root })
      const tarballs = stdout.trim().split('\n')
      assert.equal(tarballs.length, 2)
      // Node and npm, and nothing that could build: what runs here was in the packages.
      const env = {
        ...process.env,
        PATH: `${dirname(process.execPath)}:/bin`,
        CARGO: '/nonexistent',
      }
      writeFileSync(join(folder, 'package.json'), '{"name":"empty","private":true}')
      const install = ['install', '--ignore-scripts', '--offline', '--no-audit', '--no-fund']
      await run('npm', [...install, ...tarballs], { cwd: folder, env })

      const readme = readFileSync(join(root, 'README.md'), 'utf8')
      const examples = Array.from(readme.matchAll(/```js\n(.*?)```/gs), (match) => match[1] ?? '')
      const [example] = examples
      const testing = examples.find((text) => text.includes('sgring/testing'))
      assert.ok(example && testing)
      const own = example.replaceAll('/tmp/disk.sock', join(folder, 'disk.sock'))
      writeFileSync(join(folder, 'first.mjs'), own)
      const first = await run(process.execPath, ['first.mjs'], { cwd: folder, env })
      assert.match(first.stdout, /^hello$/m)
      writeFileSync(join(folder, 'testing.mjs'), testing)
      await run(process.execPath, ['testing.mjs'], { cwd: folder, env })

      const bin = join(folder, 'node_modules', '.bin', 'sgring')
      const version = await run(bin, ['--version'], { cwd: folder, env })
      assert.match(version.stdout, /\d+\.\d+\.\d+/)
    } finally {
      rmSync(folder, { recursive: true })
    }
  },
  PATIENT,
)

test.run()
