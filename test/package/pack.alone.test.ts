/** What users install: the packed root and platform package, without Rust and without scripts. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import { commonJs, type Resolution, typedProject } from './programs.ts'

const root = process.cwd()
const { installEnvironment } = await import(join(root, 'scripts/setup.js'))
const test = suite('the packages')
const run = promisify(execFile)
const PATIENT = { deadlineMs: 120_000 }

const folder = temporaryFolder()
// Node and npm, and nothing that could build: what runs here was in the packages.
const env = { ...process.env, PATH: `${dirname(process.execPath)}:/bin`, CARGO: '/nonexistent' }
const node = (...args: string[]) => run(process.execPath, args, { cwd: folder, env })

let tarballs: string[]

test(
  'are a root and what it names for this platform',
  async () => {
    const { stdout } = await run(process.execPath, ['scripts/pack.js', folder], { cwd: root })
    tarballs = stdout.trim().split('\n')
    assert.equal(tarballs.length, 2)
  },
  PATIENT,
)

test(
  'install into an empty project without Rust and scripts',
  async () => {
    writeFileSync(join(folder, 'package.json'), '{"name":"empty","private":true}')
    // What `npm ci` leaves in npm's cache are packages, and not what the registry says of them.
    const install = ['install', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund']
    await run('npm', [...install, ...tarballs], { cwd: folder, env: installEnvironment(env) })

    const bin = join(folder, 'node_modules', '.bin', 'sgring')
    const version = await run(bin, ['--version'], { cwd: folder, env })
    assert.match(version.stdout, /\d+\.\d+\.\d+/)
  },
  PATIENT,
)

test('run the README', async () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  const examples = Array.from(readme.matchAll(/```js\n(.*?)```/gs), (match) => match[1] ?? '')
  const [example] = examples
  const testing = examples.find((text) => text.includes('sgring/testing'))
  assert.ok(example && testing)
  const own = example.replaceAll('/tmp/disk.sock', join(folder, 'disk.sock'))
  writeFileSync(join(folder, 'first.mjs'), own)
  assert.match((await node('first.mjs')).stdout, /^hello$/m)
  writeFileSync(join(folder, 'testing.mjs'), testing)
  await node('testing.mjs')
})

test('can be required, without a warning', async () => {
  const { stdout, stderr } = await node(commonJs(folder))
  assert.deepEqual(stdout.trim().split('\n'), ['the same functions', 'hello', 'MEDIUM ERROR'])
  assert.equal(stderr, '')
})

/** As they stand in package.json. */
const compilers = {
  'TypeScript 5.9': ['@typescript/v5/bin/tsc', 'Version 5.9.'],
  'TypeScript 6': ['typescript/bin/tsc6', 'Version 6.'],
  'TypeScript 7': ['@typescript/native/bin/tsc', 'Version 7.'],
} as const
const projects = new Map<Resolution, string>()

for (const [name, [bin, version]] of Object.entries(compilers)) {
  for (const resolution of ['nodenext', 'bundler'] as const) {
    test(
      `have types for ${name}, resolved as ${resolution}`,
      async () => {
        const tsc = join(root, 'node_modules', bin)
        assert.ok((await node(tsc, '--version')).stdout.startsWith(version))
        const types = join(folder, 'node_modules', '@types')
        if (projects.size === 0) {
          mkdirSync(types)
          symlinkSync(join(root, 'node_modules/@types/node'), join(types, 'node'))
          symlinkSync(
            join(root, 'node_modules/undici-types'),
            join(folder, 'node_modules/undici-types'),
          )
        }
        const project = projects.get(resolution) ?? typedProject(folder, resolution)
        projects.set(resolution, project)
        await node(tsc, '-p', project).catch(({ stdout }) => assert.fail(stdout))
      },
      PATIENT,
    )
  }
}

test.run()
