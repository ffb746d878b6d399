/** The first file system of a guest: busybox, modules in the order of their needs, and what the caller adds. */

import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { run } from './child.js'
import { Stop } from './stop.js'
import { find } from './toolchain.js'

/** What it takes to have the host's files. */
const baseModules = ['virtio_pci', '9pnet_virtio', '9p', 'configfs']

/**
 * Makes the archive in a folder.
 *
 * @param {import('./kernels.js').Kernel} kernel
 * @param {readonly string[]} modules a name each, and its parameters: `scsi_debug dev_size_mb=64`
 * @param {Readonly<Record<string, string>>} files texts by name: `init` runs first
 * @param {string} folder where the archive and its tree go
 * @returns {Promise<string>} the archive's path
 * @throws {Stop} when there is no such module
 */
export async function initramfs(kernel, modules, files, folder) {
  const tree = join(folder, 'initramfs')
  mkdirSync(join(tree, 'bin'), { recursive: true })
  mkdirSync(join(tree, 'modules'))
  copyFileSync(find('busybox') ?? '', join(tree, 'bin/busybox'))
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(tree, name), text, { mode: 0o755 })
  }
  const list = await copyModules(kernel, [...baseModules, ...modules], join(tree, 'modules'))
  writeFileSync(join(tree, 'modules/list'), list)
  const archive = join(folder, 'initramfs.cpio')
  await shell('find . | cpio --quiet -o -H newc >"$1"', [archive], tree)
  return archive
}

/**
 * Copies modules and all that they need, unpacked.
 *
 * @param {import('./kernels.js').Kernel} kernel
 * @param {readonly string[]} modules
 * @param {string} to
 * @returns {Promise<string>} a line each, in the order of loading: a file's name and its parameters
 */
async function copyModules(kernel, modules, to) {
  /** @type {Map<string, string[]>} parameters by file */
  const files = new Map()
  for (const module of modules) {
    const [name = '', ...parameters] = module.trim().split(/\s+/)
    for (const path of await needs(kernel, name)) {
      const file = basename(path).replace(/\.(xz|zst)$/, '')
      if (!files.has(file)) {
        files.set(file, [])
        await copyUnpacked(path, join(to, file))
      }
      if (file === `${name}.ko`) files.set(file, parameters)
    }
  }
  return Array.from(files, (words) => `${words.flat().join(' ')}\n`).join('')
}

/**
 * The files to load for a module, its own last; none when it is built in.
 *
 * @param {import('./kernels.js').Kernel} kernel
 * @param {string} name
 */
async function needs({ root, release }, name) {
  const modprobe = find('modprobe') ?? 'modprobe'
  const shown = await run(modprobe, ['-d', root, '-S', release, '--show-depends', name])
  if (shown.code !== 0) throw new Stop(`kernel: no module ${name} in ${release}: ${shown.output}`)
  return Array.from(shown.stdout.matchAll(/^insmod (\S+)/gm), ([, path = '']) => path)
}

/**
 * @param {string} from a module, as the package has it
 * @param {string} to
 */
async function copyUnpacked(from, to) {
  if (from.endsWith('.ko')) copyFileSync(from, to)
  else await shell('$3 -dc "$1" >"$2"', [from, to, from.endsWith('.zst') ? 'zstd' : 'xz'])
}

/**
 * @param {string} script
 * @param {readonly string[]} args
 * @param {string} [cwd]
 */
async function shell(script, args, cwd = '/') {
  const { code, output } = await run('sh', ['-c', script, 'sh', ...args], { cwd })
  if (code !== 0) throw new Stop(`kernel: cannot make an initramfs: ${output}`)
}
