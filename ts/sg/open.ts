/** Opening a kernel node by the best transport that works. */

import type { FileHandle } from 'node:fs/promises'
import { SgringError } from '../errors.ts'
import { type KernelEngine, native, translated } from '../native.ts'
import { type ConnectOptions, pairOptions } from '../ring/connect.ts'
import { inRange, isBoolean } from '../ring/options.ts'
import { FUNCTION_SLOTS } from '../ring/pair.ts'
import { processCapabilities } from './capabilities.ts'
import { KernelNode, type NodeTransport } from './node.ts'
import { openDescriptor } from './node-descriptor.ts'
import { type NodeFile, nodeFile } from './node-file.ts'
import { type CommandRules, checkRules, type NodeKind } from './opcodes.ts'

/** How a node is opened, all optional. */
export interface NodeOptions
  extends Pick<
      ConnectOptions,
      'slots' | 'arenaBytes' | 'arenaKeepBytes' | 'maxWaiting' | 'spinUs' | 'abortTimeoutMs'
    >,
    CommandRules {
  /**
   * How commands go to the kernel. Default: `'auto'`, the best that works here: io_uring on bsg nodes since Linux 7.1, else read and write on sg nodes, else
   * ioctls on native threads. `node.transport` tells which it is, `node.notPicked` why no better one.
   */
  readonly transport?: NodeTransport | 'auto'
  /** Keeps others from opening the node (`O_EXCL`); bsg nodes do not know that, and are refused. Default: false. */
  readonly exclusive?: boolean
  /** Native threads of the ioctl transport, and so commands that it has under way: 1 to 256, on sg nodes to 16. Default: the device's queue depth, up to 32. */
  readonly threads?: number
}

const TRANSPORTS: Readonly<Record<NodeKind, readonly NodeTransport[]>> = {
  bsg: ['io_uring', 'ioctl'],
  sg: ['sg', 'ioctl'],
  block: ['ioctl'],
}
const MAX_THREADS = 256
const DEFAULT_THREADS = 32
/** Commands of one open sg node (include/scsi/sg.h): one more is EDOM. */
const SG_MAX_QUEUE = 16
/** Where sysfs does not tell how many requests a queue has. */
const ANY_NUMBER = 2 ** 32 - 1

/**
 * Opens a node of a SCSI device: `/dev/bsg/0:0:0:0`, `/dev/sg0`, or `/dev/sda`, whose bsg or sg node it then is.
 *
 * @throws `ERR_SGRING_NO_DEVICE`, `_ADDRESS` (no such node, a partition), `_NODE_DENIED`, `_NODE_BUSY`, `_TRANSPORT` (the one that was
 * asked for is not offered), `_UNSUPPORTED`, `_INVALID_ARGUMENT`, or `_SYSTEM` for what else the system says. Nothing is left behind then.
 */
export async function openNode(path: string, options: NodeOptions = {}): Promise<KernelNode> {
  const resolved = pairOptions(options)
  const wanted = options.transport ?? 'auto'
  const readOnly = isBoolean('readOnly', options.readOnly ?? false)
  const exclusive = isBoolean('exclusive', options.exclusive ?? false)
  checkRules(options)
  const file = await nodeFile(path)
  if (exclusive && file.kind === 'bsg') {
    throw new SgringError(
      'ERR_SGRING_UNSUPPORTED',
      `${file.path}: a bsg node cannot be kept from others; open the sg node`,
    )
  }
  const most = file.kind === 'sg' ? SG_MAX_QUEUE : MAX_THREADS
  const threads = Math.min(file.queueDepth ?? DEFAULT_THREADS, DEFAULT_THREADS, most)
  const settings = {
    path: file.path,
    device: file.number,
    threads: inRange('threads', options.threads ?? Math.max(1, threads), 1, most),
    requests: Math.min(file.requests ?? ANY_NUMBER, ANY_NUMBER),
    maxTransferBytes: Math.min(file.maxTransferBytes, ANY_NUMBER),
    slots: resolved.slots + FUNCTION_SLOTS,
    arenaBytes: resolved.arenaBytes,
    spinUs: options.spinUs ?? 0,
  }
  const descriptor = await openDescriptor(file.path, { readOnly, exclusive })
  const { engine, transport, notPicked } = await kept(descriptor, ({ fd }) =>
    pick(file, wanted, (name) =>
      translated(() => native().openKernel({ ...settings, fd, transport: name })),
    ),
  )
  const filter = {
    ...options,
    nodeKind: file.kind,
    deviceType: file.device.deviceType ?? undefined,
    openedForWriting: !readOnly,
    capabilities: processCapabilities(),
  }
  return new KernelNode({ file, engine, transport, notPicked, filter, options: resolved })
}

/** Closes the descriptor once it was used: native code has its own. */
async function kept<T>(descriptor: FileHandle, use: (descriptor: FileHandle) => T): Promise<T> {
  try {
    return use(descriptor)
  } finally {
    await descriptor.close()
  }
}

/** Tries the transports that a node may have, the best one first. */
function pick(
  file: NodeFile,
  wanted: NodeTransport | 'auto',
  start: (name: string) => KernelEngine,
): {
  engine: KernelEngine
  transport: NodeTransport
  notPicked: Partial<Record<NodeTransport, string>>
} {
  const offered = TRANSPORTS[file.kind]
  const candidates = wanted === 'auto' ? offered : offered.filter((name) => name === wanted)
  const notPicked: Partial<Record<NodeTransport, string>> = {}
  let failure = new SgringError(
    'ERR_SGRING_TRANSPORT',
    `${file.path} is a node of kind ${file.kind}, whose transports are ${offered.join(' and ')}, not ${wanted}`,
  )
  for (const transport of candidates) {
    try {
      return { engine: start(nativeName(transport, file.kind)), transport, notPicked }
    } catch (error) {
      const isElsewhere = error instanceof SgringError && error.code === 'ERR_SGRING_TRANSPORT'
      if (!isElsewhere) throw error
      failure = error
      notPicked[transport] = error.message
    }
  }
  throw failure
}

function nativeName(transport: NodeTransport, kind: NodeKind): string {
  if (transport !== 'ioctl') return transport
  return kind === 'bsg' ? 'ioctl-v4' : 'ioctl-v3'
}
