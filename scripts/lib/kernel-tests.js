/** The kernel lane: which tests there are for a real kernel, and the guests that they need. */

import { readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { run } from './child.js'
import { builtFile, runFile } from './files.js'
import { lacking } from './guest.js'
import { runGroup } from './guest-tests.js'
import { cachedKernel, kernel, NoKernel } from './kernels.js'
import { declared } from './machines.js'
import { filesBelow } from './step.js'
import { Stop } from './stop.js'

/** @typedef {import('./guest-tests.js').Group} Group */

/** The tests of the guests themselves, which run on the host. */
const ownTests = 'test/guests/'

/** What they boot. */
const ownKernel = '6.1'

/**
 * Every test that takes a kernel: `test/kernel/….test.ts`, the Rust test programs `tests/kernel….rs` of a crate, whose tests are ignored
 * elsewhere, and those of the guests themselves.
 *
 * @param {string} root
 */
export function kernelTests(root) {
  return [
    ...[ownTests, 'test/kernel']
      .flatMap((folder) => filesBelow(root, folder))
      .filter((path) => path.endsWith('.test.ts')),
    ...filesBelow(root, 'crates').filter((path) => /\/tests\/kernel[^/]*\.rs$/.test(path)),
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
  const inside = files.filter((path) => !path.startsWith(ownTests))
  const wanted = groups(root, inside).filter(({ kernel }) => kernels.has(kernel))
  const programs = wanted.length > 0 ? await buildPrograms(root, inside) : new Map()
  const alone = wanted.filter(({ files: [file = ''] }) => isAlone(file))
  const others = wanted.filter((group) => !alone.includes(group))
  await Promise.all([work(others), work(others)])
  await work(alone)
  const own = files.filter((path) => path.startsWith(ownTests) && kernels.has(ownKernel))
  for (const path of own)
    lane.tell(await runFile(root, path, builtFile(root, path), { deadlineMs: 15 * 60_000 }))
  return missing

  /** @param {Group[]} queue */
  async function work(queue) {
    for (let group = queue.shift(); group !== undefined; group = queue.shift()) {
      const kernel = kernels.get(group.kernel)
      if (kernel !== undefined) await runGroup(kernel, group, { ...lane, root, programs })
    }
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

/**
 * Puts files that need the same guest together. A file with `.alone.` in its name has a guest to itself.
 *
 * @param {string} root
 * @param {readonly string[]} files
 */
export function groups(root, files) {
  /** @type {Map<string, Group & { files: string[] }>} */
  const found = new Map()
  for (const file of files) {
    const { kernels, machine } = declared(file, readFileSync(join(root, file), 'utf8'))
    for (const kernel of kernels) {
      const key = JSON.stringify([kernel, machine, isAlone(file) && file])
      const group = found.get(key)
      if (group === undefined) found.set(key, { kernel, machine, files: [file] })
      else group.files.push(file)
    }
  }
  return [...found.values()]
}

/** @param {string} file */
function isAlone(file) {
  return basename(file).includes('.alone.')
}

/**
 * Builds the Rust test programs among the files.
 *
 * @param {string} root
 * @param {readonly string[]} files
 * @returns {Promise<Map<string, string>>} a program's path by its source
 * @throws {Stop} when one does not build
 */
async function buildPrograms(root, files) {
  /** @type {Map<string, string>} */
  const programs = new Map()
  for (const file of files.filter((path) => path.endsWith('.rs'))) {
    const manifest = join(dirname(dirname(file)), 'Cargo.toml')
    const args = ['test', '--offline', '--no-run', '--message-format=json-render-diagnostics']
    const built = await run(
      'cargo',
      [...args, '--manifest-path', manifest, '--test', basename(file, '.rs')],
      { cwd: root },
    )
    const path = /"executable":"([^"]+)"/.exec(built.stdout)?.[1]
    if (built.code !== 0 || path === undefined) throw new Stop(`${file}: ${built.output}`)
    programs.set(file, path)
  }
  return programs
}
