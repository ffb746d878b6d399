/** Debian kernels for guests: found in the package index, fetched into a cache folder without root, and found again there. */

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { run } from './child.js'
import { lock } from './lock.js'
import { Stop } from './stop.js'

/**
 * @typedef {object} Kernel
 * @property {KernelName} name what was asked for
 * @property {string} release as `uname -r` says it
 * @property {string} image the file that boots
 * @property {string} root the folder whose lib/modules/RELEASE has its modules, with modules.dep
 */

/** The kernels that tests run on: Debian 12's, and the newest that there is. @typedef {'6.1' | 'newest'} KernelName */

/** @type {readonly KernelName[]} */
export const kernelNames = ['6.1', 'newest']

/** What the newest must at least be: the first with io_uring commands on bsg nodes. */
const newestAtLeast = '7.1'

/** How long a look into the package index is good for. */
const freshMs = 24 * 3_600_000

/** There is no kernel to boot, which says nothing about what would have run on it. */
export class NoKernel extends Stop {
  /** @param {string} why */
  constructor(why) {
    super(`no kernel: ${why}`, noKernelCode)
    this.why = why
  }
}

/** The exit code of a run that had no kernel, or nothing to boot it with. */
export const noKernelCode = 3

/** Where kernels are kept. @returns {string} */
export function cacheFolder() {
  const caches = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache')
  return process.env.SGRING_KERNEL_CACHE ?? join(caches, 'sgring', 'kernels')
}

/**
 * The newest kernel of a name that is in the cache.
 *
 * @param {KernelName} name
 * @returns {Kernel}
 * @throws {NoKernel} when there is none
 */
export function cachedKernel(name) {
  const cached = inCache(name)
  if (cached !== undefined) return cached
  throw new NoKernel(`${name} is not in ${cacheFolder()} (npm run test:kernel fetches it)`)
}

/**
 * The kernel of a name: the one that the package index names, fetched if the cache has it not; without a network the newest cached one.
 *
 * @param {KernelName} name
 * @returns {Promise<Kernel>}
 * @throws {NoKernel} when there is none
 */
export async function kernel(name) {
  const cache = cacheFolder()
  const looked = join(cache, `.looked-for-${name}`)
  mkdirSync(cache, { recursive: true })
  const unlock = await lock(join(cache, '.lock'), ({ pid }) => {
    process.stderr.write(`kernel: waiting for another fetch to end (process ${pid})\n`)
  })
  try {
    const cached = inCache(name)
    if (cached !== undefined && ageMs(looked) < freshMs) return cached
    const fetched = await fetchKernel(name, cache)
    writeFileSync(looked, '')
    return fetched
  } catch (error) {
    const cached = inCache(name)
    if (!(error instanceof NoKernel) || cached === undefined) throw error
    process.stderr.write(`${error.message}\nkernel: taking the cached ${cached.release}\n`)
    return cached
  } finally {
    unlock()
  }
}

/**
 * @param {KernelName} name
 * @returns {Kernel | undefined}
 */
function inCache(name) {
  const cache = cacheFolder()
  const releases = existsSync(cache) ? readdirSync(cache) : []
  const release = releases
    .filter((found) => fits(name, found))
    .sort(byVersion)
    .at(-1)
  if (release === undefined) return undefined
  const root = join(cache, release)
  return { name, release, root, image: join(root, 'vmlinuz') }
}

/**
 * Whether a release is what a name means.
 *
 * @param {KernelName} name
 * @param {string} release
 */
function fits(name, release) {
  if (!/^\d+\.\d+\..*\w$/.test(release)) return false
  return name === 'newest' ? byVersion(release, newestAtLeast) >= 0 : release.startsWith(`${name}.`)
}

/**
 * Orders versions by their numbers.
 *
 * @param {string} left
 * @param {string} right
 */
export function byVersion(left, right) {
  const [lefts, rights] = [numbers(left), numbers(right)]
  for (let at = 0; at < Math.max(lefts.length, rights.length); at += 1) {
    const difference = (lefts[at] ?? 0) - (rights[at] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

/** @param {string} version */
function numbers(version) {
  return (version.match(/\d+/g) ?? []).map(Number)
}

/** @param {string} path */
function ageMs(path) {
  const found = statSync(path, { throwIfNoEntry: false })
  return found === undefined ? Number.POSITIVE_INFINITY : Date.now() - found.mtimeMs
}

/**
 * Looks into the package index, and fetches the kernel of a name unless the cache has that very one.
 *
 * @param {KernelName} name
 * @param {string} cache
 * @returns {Promise<Kernel>}
 */
async function fetchKernel(name, cache) {
  const work = mkdtempSync(join(cache, '.work-'))
  try {
    const apt = await packageIndex(name, work)
    const packages = await kernelPackages(apt)
    const release = packages
      .map(({ name }) => /^linux-image-(\d.*)$/.exec(name)?.[1])
      .find((found) => found !== undefined)
    if (release === undefined || !fits(name, release)) {
      throw new NoKernel(`${name}: the package index has ${release ?? 'none'}`)
    }
    if (inCache(name)?.release !== release) await unpack(apt, packages, release, work, cache)
    return { name, release, root: join(cache, release), image: join(cache, release, 'vmlinuz') }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/**
 * @typedef {object} Apt
 * @property {string} folder where it works
 * @property {readonly string[]} options what keeps it away from the system's own lists
 */

/**
 * An index of its own, from the mirror that the system takes its packages from.
 *
 * @param {KernelName} name
 * @param {string} folder
 * @returns {Promise<Apt>}
 */
async function packageIndex(name, folder) {
  const { mirror, codename } = await debianMirror()
  const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'
  const signed = existsSync(keyring) ? `[signed-by=${keyring}] ` : ''
  const suites = name === 'newest' ? ['sid', `${codename}-backports`] : ['bookworm']
  writeFileSync(
    join(folder, 'sources.list'),
    suites.map((suite) => `deb ${signed}${mirror} ${suite} main\n`).join(''),
  )
  mkdirSync(join(folder, 'lists/partial'), { recursive: true })
  mkdirSync(join(folder, 'cache/archives/partial'), { recursive: true })
  const settings = {
    'Dir::Etc::sourcelist': join(folder, 'sources.list'),
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::Etc::preferences': '/dev/null',
    'Dir::Etc::preferencesparts': '/dev/null',
    'Dir::State::lists': join(folder, 'lists'),
    'Dir::Cache': join(folder, 'cache'),
    'Acquire::http::Timeout': '20',
    'Acquire::Languages': 'none',
    'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled': 'false',
    // Who fetches owns the folder: no other user can write there.
    'APT::Sandbox::User': '',
  }
  const apt = {
    folder,
    options: Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`]),
  }
  const updated = await run('apt-get', ['update', '-qq', ...apt.options], {
    deadlineMs: 5 * 60_000,
  })
  // A suite that is not there leaves the others: what the index lacks shows when it is asked.
  if (updated.code !== 0)
    process.stderr.write(`kernel: the package index is not whole:\n${updated.output}`)
  return apt
}

/** The mirror that this Debian is installed from, and the name of its release. */
async function debianMirror() {
  const system = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : ''
  const codename = /^VERSION_CODENAME=(\w+)$/m.exec(system)?.[1]
  if (!/^ID=debian$/m.test(system) || codename === undefined) {
    throw new NoKernel(
      'kernels are fetched by apt on Debian only; others can fill the cache folder by hand',
    )
  }
  const wanted = [`Release: ${codename}`, 'Component: main', 'Identifier: Packages']
  const { stdout } = await run('apt-get', ['indextargets', '--format', '$(REPO_URI)', ...wanted])
  const [mirror = ''] = stdout.split('\n')
  if (mirror === '') throw new NoKernel(`apt has no source for ${codename}`)
  return { mirror, codename }
}

/**
 * The packages of the newest kernel: those that the newest `linux-image-amd64` leads to.
 *
 * @param {Apt} apt
 * @returns {Promise<{ name: string, version: string, lenBytes: number }[]>}
 */
async function kernelPackages(apt) {
  /** @type {Map<string, { name: string, version: string, lenBytes: number }>} */
  const found = new Map()
  const wanted = ['linux-image-amd64']
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    if (found.has(name)) continue
    const { stdout } = await run('apt-cache', ['show', ...apt.options, name])
    const records = stdout.split('\n\n').filter((record) => /^Version: /m.test(record))
    const newest = records
      .sort((left, right) => byVersion(field(left, 'Version'), field(right, 'Version')))
      .at(-1)
    if (newest === undefined) throw new NoKernel(`the package index has no ${name}`)
    found.set(name, {
      name,
      version: field(newest, 'Version'),
      lenBytes: Number(field(newest, 'Size')),
    })
    wanted.push(
      ...(field(newest, 'Depends').match(/(?<!\S)linux-(image|base|binary|modules)-\d[^\s,]*/g) ??
        []),
    )
  }
  return [...found.values()]
}

/**
 * @param {string} record
 * @param {string} name
 */
function field(record, name) {
  return new RegExp(`^${name}: (.*)$`, 'm').exec(record)?.[1] ?? ''
}

/**
 * Downloads packages, and makes one folder of the kernel's image and modules.
 *
 * @param {Apt} apt
 * @param {readonly { name: string, version: string, lenBytes: number }[]} packages
 * @param {string} release
 * @param {string} work
 * @param {string} cache
 */
async function unpack(apt, packages, release, work, cache) {
  const megabytes = (packages.reduce((sum, { lenBytes }) => sum + lenBytes, 0) / 1e6).toFixed(0)
  process.stderr.write(
    `kernel: fetching Linux ${release}, ${megabytes} MB, into ${join(cache, release)}\n`,
  )
  const names = packages.map(({ name, version }) => `${name}=${version}`)
  await must('apt-get', ['download', '-qq', ...apt.options, ...names], work)
  const tree = join(work, 'tree')
  for (const deb of readdirSync(work).filter((file) => file.endsWith('.deb'))) {
    await must('dpkg', ['-x', deb, tree], work)
  }
  const modules = ['usr/lib/modules', 'lib/modules']
    .map((path) => join(tree, path, release))
    .find(existsSync)
  if (modules === undefined) throw new NoKernel(`the packages of ${release} have no modules`)
  const image = [join(modules, 'vmlinuz'), join(tree, 'boot', `vmlinuz-${release}`)].find(
    existsSync,
  )
  if (image === undefined) throw new NoKernel(`the packages of ${release} have no image`)

  const made = join(work, 'kernel')
  mkdirSync(join(made, 'lib/modules'), { recursive: true })
  renameSync(image, join(made, 'vmlinuz'))
  renameSync(modules, join(made, 'lib/modules', release))
  await must('/sbin/depmod', ['-b', made, release], work)
  renameSync(made, join(cache, release))
}

/**
 * @param {string} program
 * @param {readonly string[]} args
 * @param {string} cwd
 */
async function must(program, args, cwd) {
  const { code, output } = await run(program, args, { cwd, deadlineMs: 15 * 60_000 })
  if (code !== 0) throw new NoKernel(`${program} ${args[0]} failed:\n${output}`)
}
