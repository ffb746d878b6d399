/**
 * The rival's initiator: `execute()` with the same command in and the same response out, over `net`.
 *
 * What one would do for speed is done: commands of one turn of the code leave in one write, what comes is read into one buffer that
 * is never reallocated, data is copied once, straight to the caller's buffer, and there is one promise and one object a command.
 * What `sgring` does beside that is left out in the rival's favour: no checks of the command, no deadline, no signal.
 */

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Command, Response } from '#dist/index.js'
import { soon } from '#dist/ring/soon.js'
import { RivalResponse } from '../outstanding.ts'
import * as record from './record.ts'

const READ_BYTES = 1 << 18
const NO_BYTES = new Uint8Array(0)

interface Outstanding {
  readonly command: Command
  readonly resolve: (response: Response) => void
  readonly reject: (reason: Error) => void
}

/**
 * Connects to a `NetPort`.
 *
 * @param plain whether each command leaves in a write of its own
 */
export async function connectNet(path: string, plain = false): Promise<NetUnit> {
  const unit = new NetUnit(path, plain)
  await unit.connected
  return unit
}

/** LUN 0 of a target behind a socket. */
export class NetUnit {
  readonly connected: Promise<unknown>
  readonly #socket: Socket
  readonly #plain: boolean
  readonly #batches = new record.Batches()
  readonly #tasks: (Outstanding | undefined)[] = []
  readonly #free: number[] = []

  #batch: Buffer
  #words: Uint32Array
  #batchBytes = 0
  #flushScheduled = false
  readonly #flushSoon = soon(() => {
    this.#flushScheduled = false
    this.#flush()
  })

  /** A response's record that came in parts. */
  readonly #part = Buffer.alloc(record.RECORD_BYTES)
  #partBytes = 0
  /** The response whose data is coming. */
  #response: RivalResponse | undefined
  #resolve: (response: Response) => void = () => {}
  #dataAt = 0

  constructor(path: string, plain: boolean) {
    this.#plain = plain
    this.#batch = this.#batches.take()
    this.#words = new Uint32Array(this.#batch.buffer)
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES)
    const callback = (length: number): boolean => {
      this.#received(buffer, length)
      return true
    }
    this.#socket = connect({ path, onread: { buffer, callback } })
    this.connected = once(this.#socket, 'connect')
    this.#socket.on('close', () => {
      for (const task of this.#tasks) task?.reject(new Error('the connection is closed'))
    })
  }

  execute(command: Command): Promise<Response> {
    return new Promise((resolve, reject) => {
      const tag = this.#free.pop() ?? this.#tasks.length
      this.#tasks[tag] = { command, resolve, reject }
      const { cdb, dataIn = 0 } = command
      const word = this.#batchBytes >>> 2
      this.#words[word] = tag
      this.#words[word + 1] = 0
      this.#words[word + 2] = cdb.length
      this.#words[word + 3] = typeof dataIn === 'number' ? dataIn : dataIn.length
      const at = this.#batchBytes + record.CDB
      for (let index = 0; index < cdb.length; index++) this.#batch[at + index] = cdb[index]!
      this.#batchBytes += record.RECORD_BYTES
      if (this.#plain || this.#batchBytes === record.BATCH_BYTES) this.#flush()
      if (this.#flushScheduled) return
      this.#flushScheduled = true
      this.#flushSoon()
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #flush(): void {
    if (this.#batchBytes === 0) return
    const sent = this.#batch
    this.#socket.write(sent.subarray(0, this.#batchBytes), () => this.#batches.giveBack(sent))
    this.#batch = this.#batches.take()
    this.#words = new Uint32Array(this.#batch.buffer)
    this.#batchBytes = 0
  }

  #received(bytes: Buffer, length: number): void {
    for (let at = 0; at < length; ) {
      if (this.#response !== undefined) {
        at += this.#copyData(this.#response, bytes, at, length)
      } else if (this.#partBytes === 0 && length - at >= record.RECORD_BYTES) {
        this.#begin(bytes, at)
        at += record.RECORD_BYTES
      } else {
        const taken = bytes.copy(this.#part, this.#partBytes, at, length)
        this.#partBytes += taken
        at += taken
        if (this.#partBytes < record.RECORD_BYTES) return
        this.#partBytes = 0
        this.#begin(this.#part, 0)
      }
    }
  }

  #begin(bytes: Buffer, at: number): void {
    const tag = bytes.readUInt32LE(at + record.TAG)
    const task = this.#tasks[tag]!
    this.#tasks[tag] = undefined
    this.#free.push(tag)
    const senseLength = bytes.readUInt32LE(at + record.SENSE_LEN)
    const dataLength = bytes.readUInt32LE(at + record.DATA_LEN)
    const response = new RivalResponse(
      bytes.readUInt32LE(at + record.STATUS),
      senseLength === 0
        ? NO_BYTES
        : Uint8Array.prototype.slice.call(
            bytes,
            at + record.SENSE,
            at + record.SENSE + senseLength,
          ),
      dataLength === 0 ? NO_BYTES : room(task.command, dataLength),
      bytes.readInt32LE(at + record.IN_RESIDUAL),
    )
    if (dataLength === 0) {
      task.resolve(response)
    } else {
      this.#response = response
      this.#resolve = task.resolve
      this.#dataAt = 0
    }
  }

  #copyData(response: RivalResponse, bytes: Buffer, at: number, end: number): number {
    const { data } = response
    const taken = bytes.copy(data, this.#dataAt, at, Math.min(end, at + data.length - this.#dataAt))
    this.#dataAt += taken
    if (this.#dataAt === data.length) {
      this.#response = undefined
      this.#resolve(response)
    }
    return taken
  }
}

/** Where a command's data goes. */
function room({ dataIn }: Command, length: number): Uint8Array {
  if (typeof dataIn !== 'object') return new Uint8Array(length)
  return length === dataIn.length ? dataIn : dataIn.subarray(0, length)
}
