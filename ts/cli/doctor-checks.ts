/** What `sgring doctor` looks at, in its order. Nothing here throws: what cannot be found out is told as that. */

import { constants } from 'node:fs'
import { access, mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { native } from '../native.ts'
import { socketOf } from '../ring/address.ts'
import { connect } from '../ring/nexus.ts'
import { SPIN_US } from '../ring/pump.ts'
import { serve } from '../serve.ts'
import { kernelTransports, scsiDevices } from './doctor-devices.ts'
import { size } from './quantity.ts'

/** What there is; with advice where something can be done about it. */
export interface Finding {
  /** `bad`: something does not work. `note`: it works, and could do better. */
  readonly state: 'ok' | 'note' | 'bad'
  readonly found: string
  readonly advice?: string
}

/** What a nexus maps unless it is told otherwise. */
const ARENA_BYTES = 64 << 20
/** A pair has a socket and a segment on either side; few clients are no reason to say anything. */
const FEW_FILES = 1024
const MAX_SOCKET_PATH = 107

export const CHECKS: Readonly<Record<string, () => Promise<Finding>>> = {
  platform: async () => platform(process),
  node: async () => node(process.versions.node, await engines()),
  'native library': nativeLibrary,
  'shared memory': sharedMemory,
  'huge pages': async () =>
    hugePages(await textOf('/sys/kernel/mm/transparent_hugepage/shmem_enabled')),
  'runtime folder': () => runtimeFolder(socketOf('any')),
  limits: async () => limits(await textOf('/proc/self/limits')),
  confinement: async () => confining(native().landlockAbi()),
  CPUs: async () => cpus(availableParallelism()),
  'SCSI devices': scsiDevices,
  'kernel nodes': kernelTransports,
}

export function platform({ platform, arch }: Pick<NodeJS.Process, 'platform' | 'arch'>): Finding {
  const found = `${platform} ${arch}`
  if (platform === 'linux' && (arch === 'x64' || arch === 'arm64')) return { state: 'ok', found }
  return { state: 'bad', found, advice: 'sgring needs Linux on x64 or arm64' }
}

/** @param wanted ranges as package.json has them: `^20.19 || ^22.13 || >=24` */
export function node(version: string, wanted: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const fits = wanted.split(' || ').some((range) => {
    const [, kind, least = 0, leastMinor = 0] =
      /^(\^|>=)(\d+)(?:\.(\d+))?/
        .exec(range)
        ?.map((part, at) => (at > 1 ? Number(part ?? 0) : part)) ?? []
    if (major === least) return minor >= Number(leastMinor)
    return kind === '>=' && major > Number(least)
  })
  if (fits) return { state: 'ok', found: `Node ${version}` }
  return { state: 'bad', found: `Node ${version}`, advice: `sgring is for Node ${wanted}` }
}

async function engines(): Promise<string> {
  const manifest = await readFile(new URL('../../package.json', import.meta.url), 'utf8')
  return JSON.parse(manifest).engines.node
}

async function nativeLibrary(): Promise<Finding> {
  try {
    return { state: 'ok', found: `loaded, protocol version ${native().protocol().version}` }
  } catch (error) {
    return {
      state: 'bad',
      found: messageOf(error),
      advice: 'install sgring again, on this machine, with its optional dependencies',
    }
  }
}

/** The whole way, once: a socket, a memfd that goes over it, a target, a nexus, a command with data. */
async function sharedMemory(): Promise<Finding> {
  let folder: string | undefined
  try {
    folder = await mkdtemp(join(tmpdir(), 'sgring-doctor-'))
    const server = await serve({ listen: join(folder, 'disk.sock'), units: [{ memory: 1 << 20 }] })
    try {
      const nexus = await connect(server.listen)
      const { length } = await nexus.unit(0).read({ lba: 0, blocks: 8 })
      await nexus.close()
      return { state: 'ok', found: `memfd, socket and ring: ${length} bytes read from a disk` }
    } finally {
      await server.close()
    }
  } catch (error) {
    const advice =
      'needed are memfd_create(2), and sockets in TMPDIR that pass descriptors: a sandbox may refuse them'
    return { state: 'bad', found: messageOf(error), advice }
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true })
  }
}

/** @param choices of the kernel, the chosen one in brackets: `always within_size [advise] never deny force` */
export function hugePages(choices: string | undefined): Finding {
  const chosen = /\[(\w+)\]/.exec(choices ?? '')?.[1]
  if (chosen === undefined) {
    return {
      state: 'note',
      found: 'this kernel has none for shared memory (CONFIG_TRANSPARENT_HUGEPAGE)',
    }
  }
  const found = `shared memory: ${chosen}`
  if (chosen !== 'never' && chosen !== 'deny') return { state: 'ok', found }
  return {
    state: 'note',
    found,
    advice:
      'large transfers are somewhat faster with: echo advise > /sys/kernel/mm/transparent_hugepage/shmem_enabled',
  }
}

/** @param socket of any name in it */
export async function runtimeFolder(socket: string): Promise<Finding> {
  const folder = dirname(dirname(socket))
  const found = dirname(socket)
  const own =
    'log in as this user, or set XDG_RUNTIME_DIR to a folder that only this user can enter'
  try {
    const { uid, mode } = await stat(folder)
    if (uid !== process.geteuid?.() || (mode & 0o022) !== 0) {
      return { state: 'note', found: `${folder} can be written by other users`, advice: own }
    }
    await access(folder, constants.W_OK | constants.X_OK)
  } catch (error) {
    return {
      state: 'note',
      found: messageOf(error),
      advice: `${own}; ring:/path.sock needs neither`,
    }
  }
  const room = MAX_SOCKET_PATH - found.length - '/.sock'.length
  if (room > 0) return { state: 'ok', found: `${found}, names of up to ${room} bytes` }
  return { state: 'bad', found: `${found} is too long for a socket (unix(7))`, advice: own }
}

/** @param limits /proc/self/limits (proc(5)) */
export function limits(limits: string | undefined): Finding {
  if (limits === undefined) return { state: 'note', found: '/proc/self/limits cannot be read' }
  const soft = (name: string) => {
    const value = new RegExp(`^${name} +(\\S+)`, 'm').exec(limits)?.[1]
    return value === undefined || value === 'unlimited' ? Number.POSITIVE_INFINITY : Number(value)
  }
  const files = soft('Max open files')
  const space = soft('Max address space')
  const fileSize = soft('Max file size')
  const found = `${files} open files; locked memory is not needed`
  if (fileSize < ARENA_BYTES || space < 4 * ARENA_BYTES) {
    const [which, flag] = fileSize < ARENA_BYTES ? ['file size', '-f'] : ['address space', '-v']
    return {
      state: 'bad',
      found: `${which} is limited to ${size(Math.min(fileSize, space))}`,
      advice: `a nexus maps ${size(ARENA_BYTES)} of shared memory, a file to the kernel: ulimit ${flag} unlimited, or a smaller arenaBytes`,
    }
  }
  if (files >= FEW_FILES) return { state: 'ok', found }
  const advice = 'a target needs two for each pair of its clients: ulimit -n 4096'
  return { state: 'note', found, advice }
}

/** @param abi of Landlock, 0 if there is none */
export function confining(abi: number): Finding {
  const rest = 'no new privileges, and only the capabilities that it needs'
  if (abi === 0) {
    return {
      state: 'note',
      found: `sgring serve keeps ${rest}; this kernel cannot fence its files`,
      advice: 'Landlock does: CONFIG_SECURITY_LANDLOCK, and landlock in lsm= of the command line',
    }
  }
  const open = LATER.filter(([since]) => abi < since).map(([, what]) => what)
  const gaps = open.length === 0 ? '' : `, but for ${open.join(', ')}`
  return {
    state: 'ok',
    found: `sgring serve keeps ${rest}; Landlock ABI ${abi} fences its files${gaps}`,
  }
}

/** What Landlock denies from which version of its interface on. */
const LATER: readonly (readonly [since: number, what: string])[] = [
  [3, 'cutting files'],
  [4, 'TCP'],
  [5, 'ioctls of devices'],
  [6, 'signals and abstract sockets'],
  [9, 'sockets with a path, D-Bus and Docker among them'],
]

export function cpus(count: number): Finding {
  if (count > 1)
    return { state: 'ok', found: `${count}, both sides spin for ${SPIN_US} us before they sleep` }
  return {
    state: 'note',
    found: '1, nobody spins',
    advice: 'every command costs a wake-up: give the process a second CPU (taskset(1), the cgroup)',
  }
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch {
    return undefined
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.replaceAll(/\s*\n\s*/g, ' ') : String(error)
}
