/**
 * Makes a checkout ready: packages, native code, TypeScript. `node scripts/setup.js`, and behind `npm start` and `npm test`.
 * Only Node's own modules are used here: it runs before anything is installed. Everything it prints goes to stderr.
 */

import { mkdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from './lib/child.js'
import { lock } from './lib/lock.js'
import { bring, filesBelow } from './lib/step.js'
import { main, Stop } from './lib/stop.js'
import { toolchain } from './lib/toolchain.js'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** In the order in which they need each other. */
const steps = /** @type {const} */ (['packages', 'native', 'dist', 'tests'])

/** @typedef {(typeof steps)[number]} StepName */

/**
 * Brings the named steps up to date, one set-up at a time. Rust is asked for only where native code is.
 *
 * @param {readonly StepName[]} [wanted] default: all of them
 * @returns {Promise<import('./lib/toolchain.js').Toolchain>}
 * @throws {Stop} when the machine lacks something (exit code 2) or a step fails (1)
 */
export async function setup(wanted = steps) {
  const tools = await toolchain(root, wanted.includes('native'))
  mkdirSync(join(root, '.setup'), { recursive: true })
  const release = await lock(join(root, '.setup', 'lock'), ({ pid }) => {
    process.stderr.write(`set-up: waiting for another one to end (process ${pid})\n`)
  })
  try {
    for (const name of steps) if (wanted.includes(name)) await bring(root, recipes[name](tools))
  } finally {
    release()
  }
  return tools
}

/** @type {Record<StepName, (tools: import('./lib/toolchain.js').Toolchain) => import('./lib/step.js').Step>} */
const recipes = {
  packages: () => ({
    name: 'packages',
    doing: 'installing packages',
    inputs: ['package.json', 'package-lock.json'],
    versions: [process.platform, process.arch],
    outputs: ['node_modules/.package-lock.json'],
    make: installPackages,
  }),
  native: ({ rustc }) => ({
    name: 'native',
    doing: 'building native code',
    inputs: ['Cargo.toml', 'Cargo.lock', '.cargo', 'crates', 'package.json', 'package-lock.json'],
    uses: (path) =>
      !/^crates\/((bench|fuzz|profile)\/|[^/]+\/(tests|benches|examples)\/)/.test(path),
    versions: [rustc, process.env.RUSTFLAGS ?? ''],
    outputs: ['native'],
    make: buildNative,
  }),
  dist: () => typeScript('dist', 'compiling TypeScript', 'tsconfig.json', ['ts'], 'dist'),
  tests: () =>
    typeScript(
      'tests',
      'compiling the tests',
      'test/tsconfig.json',
      ['test', 'dist'],
      'build/test',
    ),
}

async function installPackages() {
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--ignore-scripts']
  // The npm that runs this script, where there is one.
  const npm = process.env.npm_execpath
  const [program, before] =
    npm !== undefined && basename(npm) === 'npm-cli.js' ? [process.execPath, [npm]] : ['npm', []]
  await mustRun('npm ci', program, [...before, ...args], installEnvironment(process.env))
}

/**
 * The environment without what `npm start --silent`, `npm test --omit=dev` or NODE_ENV would change about an install;
 * what says where packages come from stays.
 *
 * @param {NodeJS.ProcessEnv} env
 * @returns {NodeJS.ProcessEnv}
 */
export function installEnvironment(env) {
  const source =
    /^npm_config_(registry|.*proxy|noproxy|ca|cafile|strict_ssl|cache|userconfig|globalconfig|fetch_.*|\/\/.*|@.*)$/i
  return Object.fromEntries(
    Object.entries(env).filter(
      ([name]) => name !== 'NODE_ENV' && (!/^npm_config_/i.test(name) || source.test(name)),
    ),
  )
}

/**
 * Fetches every crate of every target, those of the tests and of `cfg(loom)` too, so that nothing later needs a network: `napi build` asks for the metadata
 * of all of them. Then builds the add-on (`ts/native.ts` loads it).
 */
async function buildNative() {
  await mustRun('cargo fetch', 'cargo', ['fetch'], process.env)
  // Whatever is there was built from other sources, and must never be loaded again.
  rmSync(join(root, 'native'), { recursive: true, force: true })
  const napi = join(root, 'node_modules/@napi-rs/cli/dist/cli.js')
  await mustRun(
    'napi build',
    process.execPath,
    [
      ...[napi, 'build', '--platform', '--release'],
      ...['--manifest-path', 'crates/node/Cargo.toml', '-p', 'sgring-node'],
      ...['--package-json-path', 'package.json'],
      ...['--output-dir', 'native', '--no-js', '--dts', 'binding.d.ts'],
    ],
    { ...process.env, CARGO_NET_OFFLINE: 'true' },
  )
}

/**
 * @param {StepName} name
 * @param {string} doing
 * @param {string} project
 * @param {readonly string[]} sources
 * @param {string} out
 * @returns {import('./lib/step.js').Step}
 */
function typeScript(name, doing, project, sources, out) {
  return {
    name,
    doing,
    inputs: ['tsconfig.json', 'package.json', 'package-lock.json', project, ...sources],
    outputs: [out],
    make: () => compile(project, out),
  }
}

/**
 * Compiles, and removes what an earlier compilation left behind: a deleted module must not be imported.
 *
 * @param {string} project
 * @param {string} out
 */
async function compile(project, out) {
  const tsc = join(root, 'node_modules/@typescript/native/bin/tsc')
  const args = [tsc, '-p', project, '--noEmitOnError', '--listEmittedFiles', '--pretty', 'false']
  const { stdout } = await mustRun(`tsc -p ${project}`, process.execPath, args, process.env)
  const emitted = new Set(
    Array.from(stdout.matchAll(/^TSFILE: (.*)$/gm), ([, path]) => resolve(root, path ?? '')),
  )
  for (const file of filesBelow(root, out)) {
    if (!emitted.has(join(root, file))) rmSync(join(root, file))
  }
}

/**
 * @param {string} title
 * @param {string} program
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env
 */
async function mustRun(title, program, args, env) {
  const ended = await run(program, args, { cwd: root, env })
  if (ended.code !== 0) throw new Stop(`${ended.output.trimEnd()}\nset-up: ${title} failed`)
  return ended
}

if (realpathSync(process.argv[1] ?? '') === fileURLToPath(import.meta.url)) {
  main(async () => {
    const started = performance.now()
    await setup()
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const took = ((performance.now() - started) / 1000).toFixed(1)
    process.stderr.write(`set-up: sgring ${version} is ready, ${took} s\n`)
  })
}
