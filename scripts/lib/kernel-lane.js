/** The kernel lane: which tests there are for a real kernel, and the guests that they need. */

import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { run } from './child.js'
import { builtFile, runFile } from './files.js'
import { lacking } from './guest.js'
import { runGroup } from './guest-group.js'
import { cachedKernel, kernel, NoKernel } from './kernels.js'
import { declared } from './machines.js'
import { filesBelow } from './step.js'
import { Stop } from './stop.js'
import { single } from './tally.js'

/** @typedef {import('./guest-group.js').Group} Group */

/** The tests of the guests themselves, which run on the host. */
const ownTests = 'test/guests/'

/** What they boot. */
const ownKernel = '6.1'

/**
 * Every test that takes a kernel: `test/kernel/….test.ts`, the Rust test programs `tests/kernel….rs` and `tests/kernel…/main.rs`, whose tests are ignored
 * elsewhere, and those of the guests themselves.
 *
 * @param {string} root
 */
export function kernelTests(root) {
  return [
    ...[ownTests, 'test/kernel']
      .flatMap((folder) => filesBelow(root, folder))
      .filter((path) => path.endsWith('.test.ts')),
    ...filesBelow(root, 'crates').filter((path) =>
      /\/tests\/kernel[^/]*(\.rs|\/main\.rs)$/.test(path),
    ),
  ]
}

/**
 * @typedef {object} Lane
 * @property {readonly import('./kernels.js').KernelName[]} kernels
 * @property {(path: string) => boolean} chosen which of the kernel tests to run
 * @property {boolean} fetch whether kernels that are not in the cache are fetched
 * @property {boolean} [kvm]
 * @property {(outcome: import('./tally.js').Outcome) => void} tell
 * @property {(text: string) => void} note told of each guest, and in one line of kernels that are not to be had
 */

/**
 * Runs the kernel tests, two guests at a time.
 *
 * @param {string} root
 * @param {Lane} lane
 * @returns {Promise<readonly string[]>} why the tests were not run on some kernel, a reason each
 */
export async function kernelLane(root, lane) {
  const files = kernelTests(root).filter(lane.chosen)
  const { kernels, missing } = await findKernels(files.length > 0 ? lane.kernels : [], lane.fetch)
  if (missing.length > 0) lane.note(`no kernel: ${missing.join('; ')}`)
  const inside = files.filter((path) => kernels.size > 0 && !path.startsWith(ownTests))
  const { programs, ready } = await prepare(root, inside, lane.tell)
  const jobs = groups(ready).flatMap((group) => {
    const kernel = kernels.get(group.kernel)
    return kernel === undefined ? [] : [() => runGroup(kernel, group, { ...lane, root, programs })]
  })
  const own = files.filter((path) => path.startsWith(ownTests) && kernels.has(ownKernel))
  for (const path of own) jobs.push(() => runOwn(path))
  await Promise.all([work(), work()])
  return missing

  async function work() {
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) await job()
  }

  /** @param {string} path */
  async function runOwn(path) {
    lane.tell(await runFile(root, path, builtFile(root, path), { deadlineMs: 30 * 60_000 }))
  }
}

/**
 * @param {readonly import('./kernels.js').KernelName[]} names
 * @param {boolean} fetch
 */
async function findKernels(names, fetch) {
  /** @type {Map<string, import('./kernels.js').Kernel>} */
  const kernels = new Map()
  const lack = names.length > 0 ? lacking() : undefined
  if (lack !== undefined) return { kernels, missing: [`nothing to boot it with: ${lack}`] }
  const missing = []
  for (const name of names) {
    try {
      kernels.set(name, fetch ? await kernel(name) : cachedKernel(name))
    } catch (error) {
      if (!(error instanceof NoKernel)) throw error
      missing.push(error.why)
    }
  }
  return { kernels, missing }
}

/** @typedef {ReturnType<typeof declared> & { file: string }} Ready */

/**
 * Reads what guests the files need, and builds the Rust test programs. A file that cannot be run has failed.
 *
 * @param {string} root
 * @param {readonly string[]} files
 * @param {Lane['tell']} tell
 */
async function prepare(root, files, tell) {
  /** @type {Map<string, string>} */
  const programs = new Map()
  /** @type {Ready[]} */
  const ready = []
  for (const file of files) {
    try {
      const guest = declared(file, readFileSync(join(root, file), 'utf8'))
      if (file.endsWith('.rs')) programs.set(file, await buildProgram(root, file))
      ready.push({ file, ...guest })
    } catch (error) {
      if (!(error instanceof Stop)) throw error
      tell(single(file, false, 0, error.message))
    }
  }
  return { programs, ready }
}

/**
 * Puts files that need the same guest together, the most first: they take the longest. A file with `.alone.` in its name has a guest to itself.
 *
 * @param {readonly Ready[]} files
 */
export function groups(files) {
  /** @type {Map<string, Group & { files: string[] }>} */
  const found = new Map()
  for (const { file, kernels, machine } of files) {
    for (const kernel of kernels) {
      const key = JSON.stringify([kernel, machine, isAlone(file) && file])
      const group = found.get(key)
      if (group === undefined) found.set(key, { kernel, machine, files: [file] })
      else group.files.push(file)
    }
  }
  return [...found.values()].sort((one, other) => other.files.length - one.files.length)
}

/** @param {string} file */
function isAlone(file) {
  return basename(file).includes('.alone.')
}

/**
 * Builds a Rust test program.
 *
 * @param {string} root
 * @param {string} file
 * @returns {Promise<string>} its path
 * @throws {Stop} when it does not build
 */
async function buildProgram(root, file) {
  const [, folder = '', name = ''] = /^(.*)\/tests\/([^/.]+)/.exec(file) ?? []
  const manifest = ['--manifest-path', join(folder, 'Cargo.toml')]
  const format = '--message-format=json-render-diagnostics'
  const args = ['test', '--offline', '--no-run', format, ...manifest, '--test', name]
  const built = await run('cargo', args, { cwd: root })
  const path = /"executable":"([^"]+)"/.exec(built.stdout)?.[1]
  if (built.code === 0 && path !== undefined) return path
  throw new Stop(built.output.replace(/^\{.*\n/gm, ''))
}
