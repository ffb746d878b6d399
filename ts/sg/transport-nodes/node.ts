/** An open transport node: messages go out by native threads, and their answers are reaped when the bell rings. */

import { constants } from 'node:os'
import { SgringError, TransportError } from '../../errors.ts'
import type { MessageAnswer, Messenger } from '../../native.ts'
import { Bell } from '../../ring/bell.ts'
import { checkUint } from '../../scsi/bytes.ts'
import type { TransportKind } from './kind.ts'
import type { TransportBytes, TransportMessage } from './message.ts'

/** A message as it stands. */
export interface TransportRequest {
  /** The kernel's structure for the message; for SAS anything. */
  readonly request: Uint8Array
  /** Payload to the driver. */
  readonly dataOut?: Uint8Array
  /** Bytes of payload from the driver. Default: 0. */
  readonly dataIn?: number
}

/** How long a message may take, and who gives it up. */
export interface TransportOptions {
  /**
   * The kernel's limit: 1 to 2^31-1 ms, of which it makes 7 s at least. Many drivers keep to a limit of their own instead, and a driver that
   * has none keeps the message for ever. Default: 60,000.
   */
  readonly timeoutMs?: number
  /**
   * Aborted before the message leaves: nothing is sent. Later it rejects at once, and the message goes on: the kernel takes none back.
   */
  readonly signal?: AbortSignal
}

/** How a message ended that the driver has carried out. */
export interface TransportReply extends TransportBytes {
  /** Bytes of data-in that did not come: only for messages with data both ways, as the kernel knows it for no others. */
  readonly dataInResidual: number
  /** The lowest byte of the driver's result. */
  readonly deviceStatus: number
  /** `DID_…` (include/scsi/scsi_status.h): 0 is OK. */
  readonly transportStatus: number
  readonly driverStatus: number
}

/** A node that is open. */
export interface TransportNode {
  readonly path: string
  readonly kind: TransportKind
  /**
   * Messages that `close()` left behind: the kernel takes none back. They end by themselves, and nobody hears of it; the process does not
   * end before, if their driver does not let go of its threads.
   */
  readonly leftBehind: number
  /**
   * Sends a message.
   *
   * @throws `ERR_SGRING_TRANSFER_LENGTH` for more than 32 MiB, less a sector, at once; `ERR_SGRING_NOT_PERMITTED` without CAP_SYS_RAWIO; `ERR_SGRING_TIMEOUT`, and `ERR_SGRING_DELIVERY` with an `errno`, where the driver
   * failed it; `ERR_SGRING_BUSY` with 64 messages under way; `ERR_SGRING_CLOSED`
   */
  executeTransport(request: TransportRequest, options?: TransportOptions): Promise<TransportReply>
  /** Sends a typed message, and reads its answer. Throws as `executeTransport()`, and what the message's `parse` throws. */
  run<T>(message: TransportMessage<T>, options?: TransportOptions): Promise<T>
  /** Messages under way reject with `ERR_SGRING_CLOSED`: their outcome is unknown. Waits for no driver. Idempotent. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

const ERRNO_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.errno).map(([name, errno]) => [errno, name]),
)

/** A message that its driver failed. */
export class TransportNodeError extends TransportError {
  override readonly name: string = 'TransportNodeError'
  /** As `'EINVAL'`: what the kernel or the driver said. */
  readonly errno: string

  /** @internal Made by a node. */
  constructor(path: string, errno: number) {
    const name = ERRNO_NAMES.get(errno) ?? `errno ${errno}`
    super(codeOf(name), `${path}: ${explained(name)}`)
    this.errno = name
  }
}

const UNDER_WAY_MAX = 64
/** What no driver's queue exceeds: 65,535 sectors. Kernels refuse what their own does, but only after there is memory for it. */
const MESSAGE_MAX = 65_535 * 512
const TIMEOUT_MS = 60_000
const NOTHING = new Uint8Array()

interface Waiting {
  readonly bidirectional: boolean
  resolve(reply: TransportReply): void
  reject(error: unknown): void
}

export class Node implements TransportNode {
  readonly path: string
  readonly kind: TransportKind
  readonly #messenger: Messenger
  readonly #bell: Bell
  readonly #waiting = new Map<number, Waiting>()
  /** Messages in the kernel's hands: those that wait, and those whose callers gave them up. */
  readonly #underWay = new Set<number>()
  #next = 0
  #closed = false

  constructor(path: string, kind: TransportKind, messenger: Messenger) {
    this.path = path
    this.kind = kind
    this.#messenger = messenger
    this.#bell = new Bell(messenger.takeBell(), {
      ring: () => this.#reap(),
      end: () => this.#end(),
    })
  }

  get leftBehind(): number {
    return this.#closed ? this.#underWay.size : 0
  }

  async executeTransport(
    { request, dataOut = NOTHING, dataIn = 0 }: TransportRequest,
    { timeoutMs = TIMEOUT_MS, signal }: TransportOptions = {},
  ): Promise<TransportReply> {
    checkUint('dataIn', dataIn, 2 ** 31 - 1)
    this.#checkLength(Math.max(request.length, dataOut.length, dataIn))
    checkUint('timeoutMs', timeoutMs, 2 ** 31 - 1, 1)
    signal?.throwIfAborted()
    if (this.#closed) throw closedError(this.path)
    if (this.#underWay.size >= UNDER_WAY_MAX) {
      throw new SgringError(
        'ERR_SGRING_BUSY',
        `${this.path}: ${UNDER_WAY_MAX} messages are under way already`,
      )
    }
    const id = this.#next
    this.#next = (this.#next + 1) >>> 0
    const errno = this.#messenger.send(id, request, dataOut, dataIn, timeoutMs)
    if (errno !== 0) throw new TransportNodeError(this.path, errno)
    this.#underWay.add(id)
    this.#bell.reference(true)
    return this.#answer(id, dataIn > 0 && dataOut.length > 0, signal)
  }

  #checkLength(bytes: number): void {
    if (bytes <= MESSAGE_MAX) return
    throw new SgringError(
      'ERR_SGRING_TRANSFER_LENGTH',
      `${this.path}: a message moves ${MESSAGE_MAX} bytes at most, not ${bytes}`,
    )
  }

  async run<T>(message: TransportMessage<T>, options?: TransportOptions): Promise<T> {
    const { request, dataOut, dataInLength: dataIn, parse } = message
    const sent = dataOut === undefined ? { request, dataIn } : { request, dataOut, dataIn }
    return parse(await this.executeTransport(sent, options))
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#messenger.close()
    this.#bell.close()
    this.#rejectAll()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #answer(
    id: number,
    bidirectional: boolean,
    signal: AbortSignal | undefined,
  ): Promise<TransportReply> {
    let giveUp: (() => void) | undefined
    try {
      return await new Promise<TransportReply>((resolve, reject) => {
        this.#waiting.set(id, { bidirectional, resolve, reject })
        giveUp = () => {
          this.#waiting.delete(id)
          this.#rest()
          reject(signal?.reason)
        }
        signal?.addEventListener('abort', giveUp, { once: true })
      })
    } finally {
      if (giveUp !== undefined) signal?.removeEventListener('abort', giveUp)
    }
  }

  #reap(): void {
    for (let answer = this.#messenger.reap(); answer !== null; answer = this.#messenger.reap()) {
      this.#underWay.delete(answer.id)
      const waiting = this.#waiting.get(answer.id)
      this.#waiting.delete(answer.id)
      if (waiting === undefined) continue
      if (answer.errno === 0) waiting.resolve(replyOf(answer, waiting.bidirectional))
      else waiting.reject(new TransportNodeError(this.path, answer.errno))
    }
    this.#rest()
  }

  /** Nobody waits: nothing keeps the process alive. */
  #rest(): void {
    if (this.#waiting.size === 0) this.#bell.reference(false)
  }

  /** The bell is closed: by `close()`, or because it could not be rung. */
  #end(): void {
    this.#reap()
    this.#closed = true
    this.#messenger.close()
    this.#rejectAll()
  }

  #rejectAll(): void {
    for (const { reject } of this.#waiting.values()) reject(closedError(this.path))
    this.#waiting.clear()
  }
}

function replyOf(answer: MessageAnswer, bidirectional: boolean): TransportReply {
  const { reply, dataIn, inResidual, deviceStatus, transportStatus, driverStatus } = answer
  const residual = bidirectional ? Math.min(Math.max(inResidual, 0), dataIn.length) : 0
  return {
    reply,
    data: dataIn.subarray(0, dataIn.length - residual),
    dataInResidual: residual,
    deviceStatus,
    transportStatus,
    driverStatus,
  }
}

function closedError(path: string): SgringError {
  return new SgringError('ERR_SGRING_CLOSED', `${path} was closed`)
}

function codeOf(name: string) {
  if (name === 'EPERM' || name === 'EACCES') return 'ERR_SGRING_NOT_PERMITTED'
  if (name === 'ENODEV' || name === 'ENXIO') return 'ERR_SGRING_NO_DEVICE'
  if (name === 'ETIME' || name === 'ETIMEDOUT') return 'ERR_SGRING_TIMEOUT'
  return 'ERR_SGRING_DELIVERY'
}

function explained(name: string): string {
  if (name === 'EPERM') return 'messages to transport nodes need CAP_SYS_RAWIO (EPERM)'
  return `the message failed in the kernel or its driver (${name})`
}
