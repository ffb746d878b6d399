/** `npm run check`: all that is checked without running a test. Every step runs, whatever the others find. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { laneEnvironment } from './lib/cargo.js'
import { run } from './lib/child.js'
import { main, Stop } from './lib/stop.js'
import { exitCode, line, single, summary } from './lib/tally.js'
import { root, setup } from './setup.js'

/**
 * A step: a command that must end with 0, or a function that returns what is wrong.
 *
 * @typedef {object} Check
 * @property {string} name
 * @property {readonly string[]} [command]
 * @property {NodeJS.ProcessEnv} [env]
 * @property {() => Promise<string | undefined>} [find]
 */

const bin = join(root, 'node_modules')
const node = process.execPath
const clippy = ['cargo', 'clippy', '--offline', '--all-targets']
const denied = ['--', '-D', 'warnings']
const modelsOfTasks = ['-p', 'sgring-task', '--lib', '--test', 'loom']

/**
 * Cargo on a workspace of its own.
 *
 * @param {string} folder
 * @param {string} command
 */
const apart = (folder, command) => ['cargo', command, '--manifest-path', `${folder}/Cargo.toml`]
/** @param {string} command */
const ofRivals = (command) => apart('bench/rivals/native', command)
/** @param {string} command */
const ofFuzz = (command) => apart('crates/fuzz', command)

/** @type {readonly Check[]} */
const checks = [
  { name: 'biome', command: [node, `${bin}/@biomejs/biome/bin/biome`, 'check', '.'] },
  { name: 'types of ts/', find: () => complaints(setup(['dist'])) },
  { name: 'types of test/', find: () => complaints(setup(['dist', 'tests'])) },
  {
    name: 'types of bench/',
    command: [node, `${bin}/@typescript/native/bin/tsc`, '-p', 'bench', '--noEmit'],
  },
  {
    name: 'types of scripts/',
    command: [node, `${bin}/@typescript/native/bin/tsc`, '-p', 'scripts'],
  },
  { name: 'native code builds', find: () => complaints(setup(['native'])) },
  {
    name: 'Cargo.lock is up to date',
    command: ['cargo', 'metadata', '--locked', '--format-version=1'],
  },
  { name: 'rustfmt', command: ['cargo', 'fmt', '--all', '--check'] },
  { name: 'clippy', command: [...clippy, '--workspace', ...denied] },
  {
    name: 'clippy of the loom models',
    command: [...clippy, '-p', 'sgring-ring', ...denied],
    env: laneEnvironment(root, 'loom', '--cfg loom'),
  },
  {
    // Its other tests are over real memory.
    name: 'clippy of the loom models of tasks',
    command: ['cargo', 'clippy', '--offline', ...modelsOfTasks, ...denied],
    env: laneEnvironment(root, 'loom', '--cfg loom'),
  },
  { name: 'rustfmt of the native rivals', command: [...ofRivals('fmt'), '--check'] },
  {
    name: 'clippy of the native rivals',
    command: [...ofRivals('clippy'), '--locked', '--all-targets', ...denied],
    env: laneEnvironment(root, 'rivals', ''),
  },
  {
    name: 'tests of the native rivals',
    command: [...ofRivals('test'), '--locked'],
    env: laneEnvironment(root, 'rivals', ''),
  },
  { name: 'rustfmt of the fuzz targets', command: [...ofFuzz('fmt'), '--check'] },
  {
    name: 'clippy of the fuzz targets',
    command: [...ofFuzz('clippy'), '--locked', '--all-targets', '--features', 'fuzzer', ...denied],
    // Nothing is linked: libFuzzer itself need not be built.
    env: laneEnvironment(root, 'corpora', '', { CUSTOM_LIBFUZZER_PATH: '/none/libFuzzer.a' }),
  },
  {
    name: 'the corpora, without a fuzzer',
    command: [...ofFuzz('test'), '--locked'],
    env: laneEnvironment(root, 'corpora', ''),
  },
  {
    name: 'rustdoc',
    command: ['cargo', 'doc', '--offline', '--workspace', '--no-deps', '--document-private-items'],
    env: { ...process.env, RUSTDOCFLAGS: '-D warnings' },
  },
  { name: 'package-lock.json names no registry', find: registryNames },
  { name: 'nothing generated is committed', find: generatedFiles },
  { name: 'the package is whole', find: packedFiles },
  { name: 'the package as publint and are-the-types-wrong see it', find: packedPackage },
  { name: 'the API reference', command: [node, `${bin}/typedoc/bin/typedoc`] },
]

main(async () => {
  await setup(['packages'])
  /** @type {import('./lib/tally.js').Outcome[]} */
  const outcomes = []
  for (const check of checks) {
    const started = performance.now()
    const trouble = await carryOut(check)
    const took = (performance.now() - started) / 1000
    const outcome = single(check.name, trouble === undefined, took, trouble ?? '')
    outcomes.push(outcome)
    process.stdout.write(line(outcome))
  }
  process.stdout.write(`\n${summary(outcomes)}`)
  return exitCode(outcomes)
})

/**
 * @param {Check} check
 * @returns {Promise<string | undefined>} what is wrong
 */
async function carryOut({ command, env = process.env, find }) {
  if (find !== undefined) return find()
  const [program = '', ...args] = command ?? []
  const { code, output } = await run(program, args, { cwd: root, env })
  return code === 0 ? undefined : output
}

/**
 * A set-up step as a check.
 *
 * @param {Promise<unknown>} step
 */
async function complaints(step) {
  try {
    await step
    return undefined
  } catch (error) {
    if (error instanceof Stop) return error.message
    throw error
  }
}

async function registryNames() {
  const lines = readFileSync(join(root, 'package-lock.json'), 'utf8').split('\n')
  const found = lines.filter((text) => text.includes('"resolved"'))
  return found.length === 0 ? undefined : found.join('\n')
}

async function generatedFiles() {
  const folders = ['native', 'dist', 'build', 'docs/api', 'npm', 'target', 'node_modules', '.setup']
  const { code, output } = await run('git', ['ls-files', '--', ...folders], { cwd: root })
  return code === 0 && output === '' ? undefined : output
}

/** What `npm pack` would send: every file that package.json points at, and nothing that is not for users. */
async function packedFiles() {
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts', '--silent']
  const { code, stdout, output } = await run('npm', args, { cwd: root })
  if (code !== 0) return output
  const [packed] = JSON.parse(stdout)
  /** @type {Set<string>} */
  const files = new Set(packed.files.map((/** @type {{ path: string }} */ { path }) => path))
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const named = [
    ...Object.values(manifest.bin),
    ...Object.values(manifest.exports).flatMap((to) =>
      typeof to === 'string' ? [to] : Object.values(to),
    ),
    ...manifest.files.filter((/** @type {string} */ path) => /\.\w+$/.test(path)),
  ].map((path) => path.replace(/^\.\//, ''))

  const wrong = [
    ...named
      .filter((path) => !files.has(path))
      .map((path) => `package.json names ${path}: missing`),
    ...[...files]
      .filter((path) => /(^|\/)(test|scripts|crates|\.ci)\/|\.node$/.test(path))
      .map((path) => `${path}: is not for users`),
  ]
  return wrong.length === 0 ? undefined : wrong.join('\n')
}

/** The tarball as it is published: entries, modules and types, as Node and as bundlers resolve them. */
async function packedPackage() {
  const folder = mkdtempSync(join(tmpdir(), 'sgring-check-'))
  try {
    const packed = await run(node, ['scripts/pack.js', folder], { cwd: root })
    if (packed.code !== 0) return packed.output
    const tarball = packed.stdout.trim().split('\n').at(-1) ?? ''
    const found = await Promise.all([
      run(node, [`${bin}/publint/src/cli.js`, tarball, '--strict'], { cwd: root }),
      // Modules only: `require()` of them is for the Nodes of `engines`, and a test has it.
      run(node, [`${bin}/@arethetypeswrong/cli/dist/index.js`, tarball, '--profile', 'esm-only'], {
        cwd: root,
      }),
    ])
    const wrong = found.filter(({ code }) => code !== 0).map(({ output }) => output)
    return wrong.length === 0 ? undefined : wrong.join('\n')
  } finally {
    rmSync(folder, { recursive: true })
  }
}
