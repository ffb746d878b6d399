/** A node of the kernel's, as an initiator has it: this thread's pair, and the native thread behind it. */

import { EventEmitter } from 'node:events'
import { getSystemErrorName } from 'node:util'
import { SgringError } from '../errors.ts'
import type { Transport, TransportEvents } from '../initiator/transport.ts'
import { LogicalUnit, type UnitOptions } from '../initiator/unit.ts'
import {
  type KernelCopy,
  type KernelCopyOptions,
  type KernelEngine,
  translated,
} from '../native.ts'
import { type Admit, RingQueue } from '../ring/batch.ts'
import { Commands } from '../ring/commands.ts'
import { Functions } from '../ring/functions.ts'
import {
  FLAG_RESIDUAL,
  FLAG_SENSE,
  FLAG_SERVICE_RESPONSE,
  FLAG_TRANSPORT,
} from '../ring/layout.gen.ts'
import { isBoolean } from '../ring/options.ts'
import { type PairOptions, RingPair } from '../ring/pair.ts'
import { swap } from '../ring/slots.ts'
import { type PairStats, pairStats } from '../ring/stats.ts'
import { MAX_LUN } from '../scsi/lun.ts'
import { SenseKey } from '../scsi/sense.ts'
import { type Command, TaskAttribute } from '../task/command.ts'
import { type FunctionResult, ServiceResponse } from '../task/function.ts'
import { EngineBell } from './engine-bell.ts'
import { nodeError } from './node-error.ts'
import type { NodeFile } from './node-file.ts'
import { type CommandFilter, commandFilter, type FilteredNode, type NodeKind } from './opcodes.ts'
import { type ResetOptions, type ResetScope, resetNode } from './reset.ts'

/** How commands go to the kernel. */
export type NodeTransport = 'io_uring' | 'sg' | 'ioctl'

/** A node that was opened, and how. */
export interface OpenNode {
  readonly file: NodeFile
  readonly engine: KernelEngine
  readonly transport: NodeTransport
  readonly notPicked: Readonly<Partial<Record<NodeTransport, string>>>
  readonly filter: FilteredNode
  readonly options: PairOptions
}

const KERNEL_FLAGS = FLAG_SERVICE_RESPONSE | FLAG_SENSE | FLAG_RESIDUAL | FLAG_TRANSPORT
const DEFAULT_TIMEOUT_MS = 60_000
/** BLK_MIN_SG_TIMEOUT (include/linux/blkdev.h). */
const TIMEOUT_FLOOR_MS = 7000
/** What the kernel is given for "never": it counts in 31 bits. */
const LONGEST_MS = 2 ** 31 - 1
const MAX_CDB_LENGTH = 32
const NO_ABORT =
  'the kernel has the command, and Linux offers no way to end a single one, nor to send a task management function: it ends by itself, or by its timeoutMs'

/** A kernel node. Its unit is a `LogicalUnit` like that of a ring; what a node cannot do is refused by name. */
export class KernelNode {
  /** Where commands go: of a block device mostly its bsg node. */
  readonly path: string
  readonly kind: NodeKind
  readonly transport: NodeTransport
  /** Why each transport that would have been better was not picked. */
  readonly notPicked: Readonly<Partial<Record<NodeTransport, string>>>
  /** The kernel makes this of a shorter `timeoutMs`: 7000 on bsg and block nodes by ioctl, else 0. */
  readonly timeoutFloorMs: number
  /** Bytes that one command can move. */
  readonly maxTransferBytes: number
  /** What happens beside the results of commands. */
  readonly events: EventEmitter<TransportEvents> = new EventEmitter<TransportEvents>()
  readonly #file: NodeFile
  readonly #readOnly: boolean
  readonly #engine: KernelEngine
  readonly #bell: EngineBell
  readonly #commands: Commands
  readonly #transport: Transport
  readonly #check: CommandFilter
  /** Copies that are not over. */
  readonly #copiesFrom = new Set<KernelCopy>()
  readonly #copiesTo = new Set<KernelCopy>()
  #leftBehind = 0
  #closing: Promise<void> | undefined

  /** @internal Made by `openNode`. */
  constructor({ file, engine, transport, notPicked, filter, options }: OpenNode) {
    this.path = file.path
    this.kind = file.kind
    this.transport = transport
    this.notPicked = notPicked
    this.timeoutFloorMs = transport === 'ioctl' && file.kind !== 'sg' ? TIMEOUT_FLOOR_MS : 0
    // A transfer in pieces needs a table for each direction beside it.
    this.maxTransferBytes = Math.min(file.maxTransferBytes, options.arenaBytes - 2 * 4096)
    this.#file = file
    this.#readOnly = filter.readOnly ?? false
    this.#engine = engine
    const native = engine.takePair()
    this.#bell = new EngineBell(native.takeSocket(), () => brokeDown(engine.errno))
    const pair = new RingPair(
      native,
      (events) => this.#bell.listen(events),
      0,
      options,
      (reason) => this.events.emit('end', reason),
      KERNEL_FLAGS,
    )
    const functions = new Functions(pair, options)
    this.#commands = new Commands(pair, functions, options, {
      explain: (command, status, abortedFor) => nodeError(command, status, abortedFor, filter),
      endsByItself: true,
    })
    this.#check = commandFilter(filter)
    this.#transport = this.#transportOf()
  }

  /**
   * Commands that were in the kernel's hands when the node was closed. They go on; a node that left none is closed in the kernel, too, but for one of a copy whose
   * other node has left some: until these end both are open.
   */
  get leftBehind(): number {
    return this.#leftBehind
  }

  /** The unit of the node. */
  unit(options?: UnitOptions): LogicalUnit {
    const { lun } = this.#file.device.address
    return new LogicalUnit(this.#transport, lun <= MAX_LUN ? Number(lun) : 0, options)
  }

  /**
   * `SG_SCSI_RESET`: resets what is named, and where that fails what is greater (device, target, bus, host), unless `noEscalate`. It is none
   * of SAM-5's functions: the commands that it hits end each in its own way, some by their timeouts only. It takes CAP_SYS_ADMIN and CAP_SYS_RAWIO, and can take minutes,
   * in which nobody on that host gets an answer.
   *
   * Rejects with `ERR_SGRING_UNSUPPORTED` on bsg nodes, which know no reset, `ERR_SGRING_READ_ONLY` on a node that was opened so,
   * `ERR_SGRING_NOT_PERMITTED`, or `ERR_SGRING_SYSTEM` for one that failed.
   */
  async reset(what: ResetScope, { noEscalate = false }: ResetOptions = {}): Promise<void> {
    if (this.kind === 'bsg') {
      throw unsupported(`${this.path}: bsg nodes know no reset; the sg node of the device does`)
    }
    if (this.#readOnly) {
      throw new SgringError(
        'ERR_SGRING_READ_ONLY',
        `${this.path} was opened readOnly, and a reset ends what others have under way`,
      )
    }
    await resetNode(this.#engine, what, isBoolean('noEscalate', noEscalate))
  }

  /**
   * Begins a copy to another node, which `copyNodes` looks after. It ends with either node.
   *
   * @internal
   * @throws what a READ or WRITE would be refused with; `ERR_SGRING_SYSTEM` where there are no threads or files to be had
   */
  beginCopy(to: KernelNode, options: Omit<KernelCopyOptions, 'timeoutMs'>): KernelCopy {
    const refused =
      this.#check(options.from.cdb, options.from.cdb.length) ??
      to.#check(options.to.cdb, options.to.cdb.length)
    if (refused !== undefined) throw refused
    const whole = { ...options, timeoutMs: DEFAULT_TIMEOUT_MS }
    const copy = translated(() => this.#engine.copyTo(to.#engine, whole))
    this.#copiesFrom.add(copy)
    to.#copiesTo.add(copy)
    return copy
  }

  /**
   * A copy has none at work any more, and is not among those that the node's closing stops and counts.
   *
   * @internal
   */
  forgetCopy(copy: KernelCopy): void {
    this.#copiesFrom.delete(copy)
    this.#copiesTo.delete(copy)
  }

  /**
   * A command of a copy has ended so, and is to be moved otherwise: it is told as a helper tells it.
   *
   * @internal
   */
  heard(key: number, sense: Uint8Array): void {
    const { emit } = this.#transport
    const { lun } = this.unit()
    if (key === SenseKey.UNIT_ATTENTION) emit('unitAttention', lun, sense)
    if (key === SenseKey.RECOVERED_ERROR) emit('recovered', lun, sense)
  }

  /** Live numbers; commands of a copy between nodes are not among them. */
  get stats(): PairStats {
    return pairStats(this.#commands)
  }

  /**
   * Closes the node. What has not left ends unsent; what is in the kernel's hands goes on, and is not waited for: `leftBehind` and its event
   * say how many. All of it rejects with `ERR_SGRING_NEXUS_LOST`. Idempotent.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    const { outstanding } = this.#commands.pair.counts
    for (const copy of [...this.#copiesFrom, ...this.#copiesTo]) copy.stop()
    this.#engine.stop()
    this.#commands.pair.close()
    // An engine that the kernel keeps waiting says nothing: then all that was published counts.
    this.#leftBehind = (await this.#bell.ended()) ? this.#engine.leftBehind : outstanding
    for (const copy of this.#copiesFrom) this.#leftBehind += copy.progress()[3]
    for (const copy of this.#copiesTo) this.#leftBehind += copy.progress()[4]
    if (this.#leftBehind > 0) this.events.emit('leftBehind', this.#leftBehind)
  }

  /** Apart from this class, because what it takes is taken as checked. */
  #transportOf(): Transport {
    const commands = this.#commands
    const check = this.#check
    const admit: Admit = (cdb, length) => check(cdb, length)
    // The pair has one unit: where a ring has the LUN, its slots say how long the kernel may take.
    const batchTimeout = swap(DEFAULT_TIMEOUT_MS)
    return {
      maxTransferBytes: this.maxTransferBytes,
      tooLong: (bytes) => this.#tooLong(bytes),
      execute: (_lunWord, command) => {
        const refused = impossible(command) ?? check(command.cdb)
        if (refused !== undefined) return Promise.reject(refused)
        const { timeoutMs = DEFAULT_TIMEOUT_MS } = command
        return commands.execute(swap(Math.min(Math.ceil(timeoutMs), LONGEST_MS)), command)
      },
      manage: async (_lunWord, request) => withReason(await commands.functions.manage(0, request)),
      queue: (_lunWord, options) => {
        if ((options.dataBytes ?? 0) > this.maxTransferBytes)
          throw this.#tooLong(options.dataBytes!)
        return new RingQueue(commands.pair, batchTimeout, options, admit)
      },
      emit: (event, ...args) => (this.events as EventEmitter).emit(event, ...args),
    }
  }

  #tooLong(bytes: number): SgringError {
    const limit =
      this.maxTransferBytes < this.#file.maxTransferBytes
        ? 'raise arenaBytes, or split it'
        : 'the limits of its queue (max_hw_sectors_kb, max_segments) allow no more: split it'
    return new SgringError(
      'ERR_SGRING_TRANSFER_LENGTH',
      `the command moves ${bytes} bytes and ${this.path} at most ${this.maxTransferBytes} at once; ${limit}`,
    )
  }
}

/** What no kernel node carries. */
function impossible(command: Command): SgringError | undefined {
  const { cdb, dataOut, dataIn, attribute = TaskAttribute.SIMPLE, priority = 0 } = command
  if (cdb.length > MAX_CDB_LENGTH) {
    return new SgringError(
      'ERR_SGRING_CDB_LENGTH',
      `Linux carries CDBs of 6 to 32 bytes, not of ${cdb.length}`,
    )
  }
  const inLength = typeof dataIn === 'object' ? dataIn.length : (dataIn ?? 0)
  if (inLength > 0 && dataOut !== undefined && dataOut.length > 0) {
    return unsupported('Linux carries no command with data in both directions (since 5.1)')
  }
  if (attribute !== TaskAttribute.SIMPLE || priority !== 0) {
    return unsupported('Linux sends every command of a pass-through as SIMPLE, without priority')
  }
  return undefined
}

function unsupported(why: string): SgringError {
  return new SgringError('ERR_SGRING_UNSUPPORTED', why)
}

function withReason(result: FunctionResult): FunctionResult {
  if (result.response !== ServiceResponse.FUNCTION_REJECTED) return result
  return { ...result, reason: NO_ABORT }
}

/** Why the engine hung up by itself. */
function brokeDown(errno: number): string {
  const why = errno === 0 ? 'it ended' : getSystemErrorName(-errno)
  return `the thread that served the node cannot go on: ${why}`
}
