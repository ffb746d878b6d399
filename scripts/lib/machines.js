/** What guests have, as options say it: those of `scripts/kernel.js`, and those in the head of a kernel test. */

import { parseArgs } from 'node:util'
import { kernelNames } from './kernels.js'
import { Stop } from './stop.js'

/**
 * @typedef {object} Machine
 * @property {readonly string[]} modules loaded before the job runs: a name each, and its parameters
 * @property {readonly string[]} qemu further arguments; `{disk}` in one stands for the path of an empty image of 64 MiB
 */

/** Three disks whose commands end after 20 µs, by a timer: they are in flight, as those of a real disk are. */
const scsiDebug = 'dev_size_mb=64 max_luns=3 ndelay=20000'

/** The options that say what a guest has, for `parseArgs`. */
export const machineOptions = /** @type {const} */ ({
  'scsi-debug': { type: 'string', default: scsiDebug },
  modules: { type: 'string', default: '' },
  qemu: { type: 'string', default: '' },
})

/**
 * A guest with sd, sg and scsi_debug, and what the options add.
 *
 * @param {{ 'scsi-debug': string, modules: string, qemu: string }} options
 * @returns {Machine}
 */
export function machine({ 'scsi-debug': parameters, modules, qemu }) {
  const added = modules.split(';').map((module) => module.trim())
  const debug = parameters === 'none' ? [] : [`scsi_debug ${parameters}`]
  return {
    modules: ['sd_mod', 'sg', ...added, ...debug].filter((module) => module !== ''),
    qemu: qemu.split(/\s+/).filter((word) => word !== ''),
  }
}

/**
 * What a kernel test says of its guest: the options after `// guest:` in its lines, words of a shell with single quotes.
 *
 *     // guest: --kernel newest --scsi-debug 'ptype=1'
 *
 * @param {string} path names the file when an option is wrong
 * @param {string} source
 * @returns {{ kernels: readonly import('./kernels.js').KernelName[], machine: Machine }}
 * @throws {Stop}
 */
export function declared(path, source) {
  const lines = Array.from(source.matchAll(/^\/\/ guest: (.*)$/gm), ([, options = '']) => options)
  const words = lines.join(' ').match(/(?:[^\s']|'[^']*')+/g) ?? []
  const args = withValues(words.map((word) => word.replaceAll("'", '')))
  try {
    const { values } = parseArgs({
      args,
      options: { ...machineOptions, kernel: { type: 'string' } },
    })
    const kernels = kernelNames.filter(
      (name) => values.kernel === undefined || values.kernel === name,
    )
    if (kernels.length === 0) throw new Error(`there is no kernel ${values.kernel}`)
    return { kernels, machine: machine(values) }
  } catch (error) {
    throw new Stop(`${path}: ${/** @type {Error} */ (error).message}`)
  }
}

/**
 * Arguments with each option of a machine and its value in one word: the values may begin with a dash.
 *
 * @param {readonly string[]} args
 * @returns {string[]}
 */
export function withValues(args) {
  const [first, second, ...rest] = args
  if (first === undefined || first === '--') return [...args]
  if (!Object.keys(machineOptions).some((name) => first === `--${name}`)) {
    return [first, ...withValues(args.slice(1))]
  }
  return [`${first}=${second ?? ''}`, ...withValues(rest)]
}
