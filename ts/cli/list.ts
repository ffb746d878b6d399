/** `sgring list`: the targets in the runtime folder with their units, and the SCSI devices and transport nodes of the kernel. */

import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { SgringError } from '../errors.ts'
import type { HelperOptions, LogicalUnit } from '../initiator/unit.ts'
import { socketOf } from '../ring/address.ts'
import { connect } from '../ring/nexus.ts'
import { DeviceType } from '../scsi/inquiry.ts'
import { MAX_LUN } from '../scsi/lun.ts'
import { listDevices } from '../sg/discovery.ts'
import { listTransportNodes } from '../sg/transport-nodes/discovery.ts'
import { deviceCells, transportCells } from './device.ts'
import { aligned, jsonLine, nameOf } from './output.ts'
import { parseSeconds, size } from './quantity.ts'
import { type Verb, verb } from './verb.ts'

const SOCKET = /^([\w.-]+)\.sock$/
const TIMEOUT_MS = 2000
/** A listing moves next to nothing. */
const SMALL = { slots: 4, arenaBytes: 1 << 20 }

interface Unit {
  readonly lun: number
  readonly address: string
  /** What it says that it is; without it, why it does not. */
  readonly is?: {
    readonly deviceType: number
    readonly vendor: string
    readonly product: string
    readonly revision: string
    /** Of a unit that has blocks, and tells how many. */
    readonly size?: { readonly blocks: bigint; readonly blockLength: number }
  }
  readonly error?: string
}

interface Target {
  readonly address: string
  readonly socket: string
  readonly pid?: number
  /** The socket is there, and nobody serves it. */
  readonly stale: boolean
  readonly error?: string
  readonly units: readonly Unit[]
}

export const list: Verb = verb({
  name: 'sgring list',
  summary: 'targets in the runtime folder, and SCSI devices',
  usage: '[--timeout SECONDS] [--json]',
  about: [
    'Asks every socket in the runtime folder ($XDG_RUNTIME_DIR/sgring, or /run/user/UID/sgring), which is where "sgring serve --listen NAME" puts them, for its units: REPORT LUNS, INQUIRY, READ CAPACITY(16). A line for each: address, device type, vendor, product, size.',
    'Then the SCSI devices of the kernel, as sysfs shows them; nothing is sent to them. A line for each: the node that the other verbs take best, device type, vendor, product, size, how it is attached; then its other nodes, and what uses it: mounts, swap, and what is built on it.',
    'Last the nodes in /dev/bsg that are no devices: hosts, ports and expanders, which take messages of their transport (openTransport() of the package). A line for each: the node, what it is, its driver.',
    'A socket that nobody serves any more is called stale: its target ended without taking it away. The next one that serves the name replaces it.',
  ],
  operands: {},
  options: {
    timeout: {
      type: 'string',
      value: 'SECONDS',
      help: 'give a target up that does not answer in time; default: 2',
    },
  },
  examples: [
    ['sgring list', 'one line a unit'],
    ['sgring list --json', 'all of it as JSON'],
  ],
  async run({ values: { timeout }, json, signal }) {
    const timeoutMs = timeout === undefined ? TIMEOUT_MS : parseSeconds('--timeout', timeout)
    const folder = dirname(socketOf('any'))
    const names = (await namesIn(folder)).sort()
    const options = { signal, timeoutMs }
    const targets = await Promise.all(names.map((name) => ask(name, folder, options)))
    const devices = await listDevices()
    const transportNodes = await listTransportNodes()
    const text = [
      targets.flatMap(cells),
      devices.map(deviceCells),
      transportNodes.map(transportCells),
    ]
      .map(aligned)
      .join('')
    if (json) process.stdout.write(jsonLine({ folder, targets, devices, transportNodes }))
    else if (text !== '') process.stdout.write(text)
    else process.stderr.write(`no targets in ${folder}, and no SCSI devices\n`)
  },
})

/** The folder may not be there yet. */
async function namesIn(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    return entries.flatMap((entry) => (entry.isSocket() && SOCKET.exec(entry.name)?.[1]) || [])
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

type Asking = Required<Pick<HelperOptions, 'signal' | 'timeoutMs'>>

async function ask(name: string, folder: string, options: Asking): Promise<Target> {
  const address = `ring:${name}`
  const socket = join(folder, `${name}.sock`)
  try {
    const { signal, timeoutMs } = options
    const nexus = await connect(socket, { ...SMALL, signal, connectTimeoutMs: timeoutMs })
    try {
      const units: Unit[] = []
      const asking = { ...options, onAbort: 'detach' } as const
      const { luns } = await nexus.unit(0).reportLuns(asking)
      for (const lun of luns.filter((lun) => lun <= MAX_LUN)) {
        units.push(await describe(nexus.unit(lun), address, asking))
      }
      return { address, socket, pid: nexus.targetPid, stale: false, units }
    } finally {
      await nexus.close()
    }
  } catch (error) {
    options.signal.throwIfAborted()
    if (!(error instanceof SgringError)) throw error
    const stale = error.code === 'ERR_SGRING_NO_TARGET'
    return { address, socket, stale, error: error.message, units: [] }
  }
}

async function describe(unit: LogicalUnit, target: string, options: HelperOptions): Promise<Unit> {
  const { lun } = unit
  const address = lun === 0 ? target : `${target}/${lun}`
  try {
    const { deviceType, vendor, product, revision } = await unit.inquiry(options)
    const blocks = await sizeOf(unit, deviceType, options)
    return { lun, address, is: { deviceType, vendor, product, revision, ...blocks } }
  } catch (error) {
    options.signal?.throwIfAborted()
    if (!(error instanceof SgringError) || error.code === 'ERR_SGRING_NEXUS_LOST') throw error
    return { lun, address, error: error.message }
  }
}

async function sizeOf(unit: LogicalUnit, deviceType: number, options: HelperOptions) {
  if (!HAS_BLOCKS.has(deviceType)) return {}
  try {
    const { lastLba, blockLength } = await unit.readCapacity(options)
    return { size: { blocks: lastLba + 1n, blockLength } }
  } catch (error) {
    // A unit without a medium is still there.
    if (error instanceof SgringError && error.code === 'ERR_SGRING_CHECK_CONDITION') return {}
    throw error
  }
}

const HAS_BLOCKS: ReadonlySet<number> = new Set([
  DeviceType.DIRECT_ACCESS_BLOCK,
  DeviceType.HOST_MANAGED_ZONED,
])

function cells(target: Target): string[][] {
  if (target.stale) return [[target.address, `stale: nobody serves ${target.socket}`]]
  if (target.error !== undefined) return [[target.address, `no answer: ${target.error}`]]
  if (target.units.length === 0) return [[target.address, 'no units']]
  return target.units.map(({ address, is, error }) => {
    if (is === undefined) return [address, `no answer: ${error}`]
    const type = nameOf(DeviceType, is.deviceType).toLowerCase()
    const bytes = is.size && size(Number(is.size.blocks) * is.size.blockLength)
    return [address, type, is.vendor, is.product, bytes ?? '-']
  })
}
