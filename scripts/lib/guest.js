/** A guest: a Debian kernel under QEMU with the host's files inside, read-only, which runs one job and powers off. */

import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { run } from './child.js'
import { initramfs } from './initramfs.js'
import { NoKernel } from './kernels.js'
import { find } from './toolchain.js'

/**
 * What a guest has.
 *
 * @typedef {object} Machine
 * @property {readonly string[]} modules loaded before the job runs: a name each, and its parameters
 * @property {readonly string[]} qemu further arguments
 */

/**
 * @typedef {object} GuestEnd
 * @property {number | undefined} status the job's exit status; undefined when the guest did not get that far
 * @property {string} trouble why there is no status, and the console's last lines; empty when there is one
 * @property {number} bootSeconds until the job began; of the whole run when it did not
 * @property {number} seconds from QEMU's start to its end
 */

/** Programs that a guest takes, and the packages that have them. */
const programs = {
  'qemu-system-x86_64': 'qemu-system-x86',
  busybox: 'busybox-static',
  modprobe: 'kmod',
  depmod: 'kmod',
  cpio: 'cpio',
  xz: 'xz-utils',
}

/** A guest beats every second: after so long without a sign of life it hangs. */
const silenceMs = 60_000

/**
 * What this machine lacks to run guests, in words; undefined when it has all.
 *
 * @returns {string | undefined}
 */
export function lacking() {
  if (process.arch !== 'x64')
    return `guests are x86-64, as their host must be: this is ${process.arch}`
  const packages = Object.entries(programs).filter(([program]) => find(program) === undefined)
  if (packages.length === 0) return undefined
  return `apt-get install ${[...new Set(packages.map(([, name]) => name))].join(' ')}`
}

/**
 * @typedef {object} GuestOptions
 * @property {readonly string[]} [paths] folders of the host that the job needs: those below /tmp and the like are else not seen
 * @property {boolean} [kvm] default: no. Where KVM does not work, the guest hangs at its start
 * @property {(bytes: Buffer) => void} [onOutput] what the job prints, as it comes
 * @property {(results: string) => string | undefined} [watch] called again and again while the job runs; returns why the guest must end
 */

/**
 * Boots a kernel and runs a job as root.
 *
 * @param {import('./kernels.js').Kernel} kernel
 * @param {Machine} machine
 * @param {string} job a shell script. `$RESULTS` is the one folder that it shares with the host, and it can load further modules
 * @param {string} results that folder on the host, where the console's text goes too
 * @param {GuestOptions} [options]
 * @returns {Promise<GuestEnd>}
 * @throws {NoKernel} when this machine cannot run guests
 */
export async function runGuest(kernel, machine, job, results, options = {}) {
  const lack = lacking()
  if (lack !== undefined) throw new NoKernel(`nothing to boot it with: ${lack}`)
  const folder = mkdtempSync(join(tmpdir(), 'sgring-guest-'))
  try {
    writeFileSync(join(results, 'job'), `${environment(kernel)}${job}\n`)
    const archive = await initramfs(kernel, machine.modules, firstFiles(kernel, options), folder)
    const kill = new AbortController()
    const args = qemuArguments(kernel, machine, archive, results, options.kvm ?? false)
    const qemu = run(find('qemu-system-x86_64') ?? '', args, { signal: kill.signal })
    const seen = await follow(qemu, results, options)
    kill.abort()
    const { output, seconds } = await qemu
    const bootSeconds = seen.bootSeconds ?? seconds
    const status =
      size(join(results, 'status')) > 0 ? Number(read(join(results, 'status'))) : undefined
    if (status !== undefined) return { status, trouble: '', bootSeconds, seconds }
    const why = seen.reason ?? 'it ended by itself before its job had'
    const trouble = `the guest with Linux ${kernel.release}: ${why}\n${output}${lastLines(read(join(results, 'console')))}`
    return { status, trouble, bootSeconds, seconds }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * Follows a guest to its end, or to a reason to end it.
 *
 * @param {Promise<unknown>} qemu
 * @param {string} results
 * @param {GuestOptions} options
 */
async function follow(qemu, results, { onOutput, watch }) {
  const started = performance.now()
  const output = tail(join(results, 'output'))
  let over = false
  const ended = qemu.then(() => {
    over = true
  })
  let life = { signs: '', at: started }
  /** @type {number | undefined} */
  let bootSeconds
  for (;;) {
    // Looked at before the output: what came until the end is read in the last round.
    const last = over
    onOutput?.(output())
    const now = performance.now()
    const signs = ['console', 'beat', 'output'].map((file) => size(join(results, file))).join()
    if (signs !== life.signs) life = { signs, at: now }
    if (size(join(results, 'beat')) > 0) bootSeconds ??= (now - started) / 1000
    const silent = now - life.at > silenceMs
    const reason = silent
      ? `it gave no sign of life for ${silenceMs / 1000} s`
      : bootSeconds && watch?.(results)
    if (last) return { bootSeconds }
    if (reason) return { bootSeconds, reason }
    await Promise.race([delay(100), ended])
  }
}

/**
 * @param {import('./kernels.js').Kernel} kernel
 * @param {Machine} machine
 * @param {string} archive
 * @param {string} results
 * @param {boolean} kvm
 */
function qemuArguments({ image }, machine, archive, results, kvm) {
  /** @type {(path: string, tag: string) => string} */
  const share = (path, tag) => `local,path=${path},mount_tag=${tag},security_model=none`
  return [
    ...(kvm ? ['-accel', 'kvm', '-cpu', 'host'] : ['-accel', 'tcg,thread=multi', '-cpu', 'max']),
    ...['-smp', '2', '-m', '1536'],
    ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none'],
    ...['-serial', `file:${join(results, 'console')}`],
    ...['-kernel', image, '-initrd', archive],
    ...['-append', 'console=ttyS0 panic=-1 oops=panic mitigations=off tsc=reliable'],
    ...['-virtfs', `${share('/', 'host')},readonly=on,multidevs=remap`],
    ...['-virtfs', share(results, 'results')],
    ...machine.qemu,
  ]
}

/**
 * What the initramfs has beside modules.
 *
 * @param {import('./kernels.js').Kernel} kernel
 * @param {GuestOptions} options
 */
function firstFiles({ root }, { paths = [] }) {
  // The guest has these folders to itself, and what is needed below them is shown in its place.
  const needed = [...paths, root, dirname(process.execPath)].filter((path) =>
    /^\/(tmp|run|dev\/shm)\//.test(path),
  )
  return {
    init: readFileSync(fileURLToPath(new URL('guest.sh', import.meta.url)), 'utf8'),
    paths: needed.map((path) => `${path}\n`).join(''),
    // What the kernel calls to load a module by itself.
    modprobe: `#!/bin/sh\nexec chroot /host modprobe -d ${quoted(root)} "$@"\n`,
  }
}

/** @param {import('./kernels.js').Kernel} kernel */
function environment({ name, root }) {
  const path = [dirname(process.execPath), process.env.PATH, '/usr/sbin:/sbin'].join(':')
  const variables = {
    PATH: path,
    HOME: '/tmp',
    RESULTS: '/run/sgring',
    // `modprobe` finds the modules of the guest's kernel, wherever the host keeps them.
    MODPROBE_OPTIONS: `-d ${root}`,
    SGRING_GUEST: name,
  }
  return Object.entries(variables)
    .map(([name, value]) => `export ${name}=${quoted(value)}\n`)
    .join('')
}

/**
 * A word for a shell.
 *
 * @param {string} text
 */
export function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`
}

/**
 * Reads what a file has gained since the last time.
 *
 * @param {string} path
 * @returns {() => Buffer}
 */
function tail(path) {
  let position = 0
  return () => {
    const bytes = existsSync(path) ? readFileSync(path).subarray(position) : Buffer.alloc(0)
    position += bytes.length
    return bytes
  }
}

/** @param {string} console */
function lastLines(console) {
  return console.replaceAll('\r', '').trimEnd().split('\n').slice(-30).join('\n')
}

/** @param {string} path */
function size(path) {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

/** @param {string} path */
function read(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}
