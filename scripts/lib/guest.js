/** A guest: a Debian kernel under QEMU with the host's files inside, read-only, which runs one job and powers off. */

import {
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { run } from './child.js'
import { initramfs } from './initramfs.js'
import { NoKernel } from './kernels.js'
import { find } from './toolchain.js'

/**
 * @typedef {object} GuestEnd
 * @property {number | undefined} status the job's exit status; undefined when the guest did not get that far
 * @property {string} trouble why there is no status, and the console's last lines; empty when there is one
 * @property {number} bootSeconds until the job began; of the whole run when it did not
 * @property {number} seconds from QEMU's start to its end
 * @property {number} cpuSeconds what it has used of the host's CPUs, as of its last tenth of a second
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

/**
 * What this machine lacks to run guests, in words; undefined when it has all.
 *
 * @returns {string | undefined}
 */
export function lacking() {
  if (process.arch !== 'x64')
    return `guests are x86-64, as their host must be: this is ${process.arch}`
  const packages = Object.entries(programs).filter(([program]) => !usable(program))
  if (packages.length === 0) return undefined
  return `apt-get install ${[...new Set(packages.map(([, name]) => name))].join(' ')}`
}

/**
 * Whether a program is there; busybox, which stands alone in a guest, must name no loader of libraries.
 *
 * @param {string} program
 */
function usable(program) {
  const path = find(program)
  if (path === undefined) return false
  return program !== 'busybox' || !/\/lib\S*\/ld-/.test(readFileSync(path, 'latin1').slice(0, 4096))
}

/**
 * A guest hangs that spends so much of the host's CPU time, or lets so much time pass, without a sign of life. It may just as well be
 * starved by others on a busy host: the first is the shorter, and the second long.
 *
 * @typedef {object} Silence
 * @property {number} cpuSeconds
 * @property {number} seconds
 */

/** @type {Silence} */
const ordinarySilence = { cpuSeconds: 40, seconds: 300 }

/**
 * @typedef {object} GuestOptions
 * @property {readonly string[]} [paths] folders of the host that the job needs: those below /tmp and the like are else not seen
 * @property {boolean} [kvm] default: no. Where KVM does not work, the guest hangs at its start
 * @property {boolean} [counted] its clock counts instructions, 8 ns each, of all its CPUs, which take turns: the same work takes it the same time, whatever
 *   else the host does
 * @property {Silence} [silence] how long it may give no sign of life: it beats every second
 * @property {(bytes: Buffer) => void} [onOutput] what the job prints, as it comes
 * @property {(results: string) => string | undefined} [watch] called again and again while the job runs; returns why the guest must end
 */

/**
 * Boots a kernel and runs a job as root. A kernel that dies or hangs under emulation before its job has begun is booted once more: while it comes up,
 * it changes its own code, and QEMU's emulated CPUs, of which one may still have the old, trip over that now and then.
 *
 * @param {import('./kernels.js').Kernel} kernel
 * @param {import('./machines.js').Machine} machine
 * @param {string} job a shell script. `$RESULTS` is the one folder that it shares with the host, and it can load further modules
 * @param {string} results that folder on the host, where the console's text goes too
 * @param {GuestOptions} [options]
 * @returns {Promise<GuestEnd>}
 * @throws {NoKernel} when this machine cannot run guests
 */
export async function runGuest(kernel, machine, job, results, options = {}) {
  const lack = lacking()
  if (lack !== undefined) throw new NoKernel(`nothing to boot it with: ${lack}`)
  const first = await boot(kernel, machine, job, results, options)
  if (first.began || options.kvm) return first
  process.stderr.write(`${first.trouble}\nguest: it is booted once more\n`)
  return boot(kernel, machine, job, results, options)
}

/**
 * @param {import('./kernels.js').Kernel} kernel
 * @param {import('./machines.js').Machine} machine
 * @param {string} job
 * @param {string} results
 * @param {GuestOptions} options
 * @returns {Promise<GuestEnd & { began: boolean }>} `began`: its job did, and has left traces in the results
 */
async function boot(kernel, machine, job, results, options) {
  const folder = mkdtempSync(join(tmpdir(), 'sgring-guest-'))
  try {
    writeFileSync(join(results, 'job'), `${environment(kernel)}${job}\n`)
    const archive = await initramfs(kernel, machine.modules, firstFiles(kernel, options), folder)
    const kill = new AbortController()
    const args = [
      ...qemuArguments(kernel, archive, results, options),
      ...withDisks(machine.qemu, folder),
    ]
    let pid = 0
    const qemu = run(find('qemu-system-x86_64') ?? '', args, {
      signal: kill.signal,
      onStart: (started) => {
        pid = started
      },
    })
    const seen = await follow(qemu, pid, results, options).finally(() => kill.abort())
    const { output, seconds } = await qemu
    const { cpuSeconds } = seen
    const status =
      size(join(results, 'status')) > 0 ? Number(read(join(results, 'status'))) : undefined
    // It may have come while the guest was ended for its silence.
    const began = size(join(results, 'beat')) > 0 || status !== undefined
    const end = { status, began, bootSeconds: seen.bootSeconds ?? seconds, seconds, cpuSeconds }
    if (status !== undefined) return { ...end, trouble: '' }
    const why = seen.reason ?? 'it ended by itself before its job had'
    const trouble = `the guest with Linux ${kernel.release}: ${why}\n${output}${lastLines(read(join(results, 'console')))}`
    return { ...end, trouble }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * Follows a guest to its end, or to a reason to end it.
 *
 * @param {Promise<unknown>} qemu
 * @param {number} pid
 * @param {string} results
 * @param {GuestOptions} options
 */
async function follow(qemu, pid, results, { silence = ordinarySilence, onOutput, watch }) {
  const started = performance.now()
  const output = tail(join(results, 'output'))
  let over = false
  const ended = qemu.then(() => {
    over = true
  })
  let life = { signs: '', at: started, cpuSeconds: 0 }
  /** @type {number | undefined} */
  let bootSeconds
  for (;;) {
    // Looked at before the output: what came until the end is read in the last round.
    const last = over
    onOutput?.(output())
    const now = performance.now()
    const signs = ['console', 'beat', 'output'].map((file) => size(join(results, file))).join()
    const cpuSeconds = cpuTime(pid) ?? life.cpuSeconds
    if (signs !== life.signs) life = { signs, at: now, cpuSeconds }
    if (size(join(results, 'beat')) > 0) bootSeconds ??= (now - started) / 1000
    const silent = { cpuSeconds: cpuSeconds - life.cpuSeconds, seconds: (now - life.at) / 1000 }
    const hangs = silent.cpuSeconds > silence.cpuSeconds || silent.seconds > silence.seconds
    const reason = hangs
      ? `it gave no sign of life for ${silent.seconds.toFixed(0)} s, ${silent.cpuSeconds.toFixed(0)} s of CPU time`
      : bootSeconds && watch?.(results)
    if (last) return { bootSeconds, cpuSeconds }
    if (reason) {
      if (!hangs) await explained(results)
      return { bootSeconds, cpuSeconds, reason }
    }
    await Promise.race([delay(100), ended])
  }
}

/**
 * Has the kernel write onto the console where its blocked tasks stand. The guest takes the request away once it has.
 *
 * @param {string} results
 */
async function explained(results) {
  const request = join(results, 'explain')
  writeFileSync(request, '')
  for (let tries = 0; existsSync(request) && tries < 50; tries += 1) await delay(100)
}

/**
 * @param {import('./kernels.js').Kernel} kernel
 * @param {string} archive
 * @param {string} results
 * @param {GuestOptions} options
 */
function qemuArguments({ image }, archive, results, options) {
  /** @type {(path: string, tag: string) => string} */
  const share = (path, tag) => `local,path=${path},mount_tag=${tag},security_model=none`
  return [
    ...accelerator(options),
    ...['-smp', '2', '-m', '1536'],
    ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none'],
    ...['-serial', `file:${join(results, 'console')}`],
    ...['-kernel', image, '-initrd', archive],
    ...['-append', 'console=ttyS0 panic=-1 oops=panic mitigations=off tsc=reliable'],
    ...['-virtfs', `${share('/', 'host')},readonly=on,multidevs=remap`],
    ...['-virtfs', share(results, 'results')],
  ]
}

/** @param {GuestOptions} options */
function accelerator({ kvm = false, counted = false }) {
  if (kvm) return ['-accel', 'kvm', '-cpu', 'host']
  if (!counted) return ['-accel', 'tcg,thread=multi', '-cpu', 'max']
  return ['-accel', 'tcg,thread=single', '-icount', 'shift=3,sleep=off', '-cpu', 'max']
}

/**
 * Arguments with a new image for each `{disk}`.
 *
 * @param {readonly string[]} args
 * @param {string} folder
 */
function withDisks(args, folder) {
  let disks = 0
  return args.map((word) =>
    word.replace('{disk}', () => {
      const image = join(folder, `disk${disks}`)
      writeFileSync(image, '')
      truncateSync(image, 64 << 20)
      disks += 1
      return image
    }),
  )
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

/**
 * The console's end, from where the kernel began to complain if that is not long ago.
 *
 * @param {string} console
 */
function lastLines(console) {
  const lines = console.replaceAll('\r', '').trimEnd().split('\n').slice(-80)
  const complaint = lines.findIndex((line) => /Kernel panic|BUG:|Oops|sysrq: Show/.test(line))
  return lines.slice(complaint < 0 ? -30 : complaint).join('\n')
}

/**
 * What a process has used of the CPUs, in seconds: fields 14 and 15 of proc(5)'s stat, in hundredths. Undefined when it is gone.
 *
 * @param {number} pid
 */
function cpuTime(pid) {
  const stat = read(`/proc/${pid}/stat`)
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return stat === '' ? undefined : (Number(fields[11]) + Number(fields[12])) / 100
}

/** @param {string} path */
function size(path) {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

/** @param {string} path */
function read(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
