/** Guests by what they have. */

/** @typedef {import('./guest.js').Machine} Machine */

/** Three scsi_debug disks whose commands end after 20 µs, from a timer: they are in flight as those of a real disk are. */
const scsiDebug = 'scsi_debug dev_size_mb=64 max_luns=3 ndelay=20000'

/** @type {Machine} */
export const standard = { modules: ['sd_mod', 'sg', scsiDebug], qemu: [] }

/**
 * The standard guest with further modules, or other parameters for one that it has.
 *
 * @param {readonly string[]} modules
 * @param {readonly string[]} [qemu]
 * @returns {Machine}
 */
export function machine(modules, qemu = []) {
  const named = modules.map(moduleName)
  const kept = standard.modules.filter((module) => !named.includes(moduleName(module)))
  return { modules: [...kept, ...modules], qemu: [...standard.qemu, ...qemu] }
}

/** @param {string} module */
function moduleName(module) {
  return module.trim().split(/\s/)[0]
}
