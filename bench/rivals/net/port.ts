/**
 * The rival's port: brings records from a socket to the same `Target` and the same device server, in the same process as the ring's.
 *
 * What came in one read is answered by one write; data is copied once, from the image to the batch; tasks are reused, and nothing is
 * allocated for a command.
 */

import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { constants } from 'node:os'
import type { Answer } from '#dist/task/answer.js'
import {
  type Background,
  type Backing,
  type BackingOperation,
  type BackingRange,
  type OperationDone,
  type TargetNexus,
  type Task,
  type TaskOwner,
  type TaskRouter,
  type TaskSource,
  Traffic,
  type TransferDone,
} from '#dist/task/task.js'
import * as record from './record.ts'

/** A disk's bytes on this thread's own heap: the fastest there is for a port that is all JavaScript. */
export class HeapBacking implements Backing {
  readonly kind = 'memory'
  readonly readOnly = false
  /** Nothing here outlasts its call. */
  readonly traffic: Traffic = new Traffic()
  readonly native: Buffer

  constructor(image: Uint8Array) {
    this.native = Buffer.from(image.buffer, image.byteOffset, image.length)
  }

  get lengthBytes(): number {
    return this.native.length
  }
}

/** Serves a socket. */
export async function serveNet(path: string, router: TaskRouter): Promise<Server> {
  const server = createServer((socket) => new Connection(socket, router))
  server.listen(path)
  await once(server, 'listening')
  return server
}

const NO_TASKS: TaskSource = {
  fetch() {},
  hold() {},
  release() {},
  tasks: () => [],
  find: () => undefined,
  named: () => undefined,
  flush() {},
  failed() {},
}

const { EOPNOTSUPP } = constants.errno

class Connection {
  readonly nexus: TargetNexus
  readonly #socket: Socket
  readonly #router: TaskRouter
  readonly #task = new NetTask(this)
  readonly #batches = new record.Batches()
  #batch: Buffer
  #view: DataView
  #batchBytes = 0
  readonly #part = Buffer.alloc(record.RECORD_BYTES)
  #partBytes = 0

  constructor(socket: Socket, router: TaskRouter) {
    this.#socket = socket
    this.#router = router
    // Its records are commands only, and each is over when `execute` returns.
    this.nexus = router.openNexus(NO_TASKS)
    this.#batch = this.#batches.take()
    this.#view = new DataView(this.#batch.buffer)
    socket.on('data', (bytes: Buffer) => this.#received(bytes))
    socket.on('error', () => {})
    socket.on('close', () => router.closeNexus(this.nexus))
  }

  #received(bytes: Buffer): void {
    let at = 0
    if (this.#partBytes > 0) {
      at = bytes.copy(this.#part, this.#partBytes, 0, record.RECORD_BYTES - this.#partBytes)
      this.#partBytes += at
      if (this.#partBytes < record.RECORD_BYTES) return
      this.#partBytes = 0
      this.#execute(this.#part, 0)
    }
    for (; bytes.length - at >= record.RECORD_BYTES; at += record.RECORD_BYTES)
      this.#execute(bytes, at)
    this.#partBytes = bytes.copy(this.#part, 0, at)
    this.#flush()
  }

  #execute(bytes: Buffer, at: number): void {
    const task = this.#task
    task.begin(bytes, at)
    // Every backing of this rival is memory, so it is answered when this returns.
    this.#router.execute(task)
  }

  /** Copies `length` bytes to where the data of the next response goes. */
  gather(from: Buffer, offset: number, length: number): void {
    if (this.#batchBytes + record.RECORD_BYTES + length > record.BATCH_BYTES) this.#flush()
    from.copy(this.#batch, this.#batchBytes + record.RECORD_BYTES, offset, offset + length)
  }

  respond(
    tag: number,
    status: number,
    residual: number,
    dataLength: number,
    sense: Uint8Array | undefined,
  ): void {
    if (this.#batchBytes + record.RECORD_BYTES > record.BATCH_BYTES) this.#flush()
    const at = this.#batchBytes
    const senseLength = Math.min(sense?.length ?? 0, record.MAX_SENSE)
    this.#view.setUint32(at + record.TAG, tag, true)
    this.#view.setUint32(at + record.STATUS, status, true)
    this.#view.setInt32(at + record.IN_RESIDUAL, residual, true)
    this.#view.setUint32(at + record.DATA_LEN, dataLength, true)
    this.#view.setUint32(at + record.SENSE_LEN, senseLength, true)
    if (sense !== undefined) this.#batch.set(sense.subarray(0, senseLength), at + record.SENSE)
    this.#batchBytes += record.RECORD_BYTES + dataLength
  }

  #flush(): void {
    if (this.#batchBytes === 0) return
    const sent = this.#batch
    this.#socket.write(sent.subarray(0, this.#batchBytes), () => this.#batches.giveBack(sent))
    this.#batch = this.#batches.take()
    this.#view = new DataView(this.#batch.buffer)
    this.#batchBytes = 0
  }
}

/** See `Task`. One a connection: a task is answered before the next begins. */
class NetTask implements Task {
  readonly cdb = new Uint8Array(260)
  readonly background: Background = {
    begin: (_backing, _operation, _range, done) => done(EOPNOTSUPP),
  }
  readonly plain = true
  readonly function = 0
  readonly attribute = 0
  readonly priority = 0
  readonly ownTag = true
  readonly managedTag = 0n
  readonly dataOutLength = 0
  owner: TaskOwner | undefined = undefined
  onAbort: (() => void) | undefined = undefined
  lun = 0
  cdbLength = 0
  dataInLength = 0
  readonly #connection: Connection
  #tag = 0
  #moved = 0

  constructor(connection: Connection) {
    this.#connection = connection
  }

  get nexus(): TargetNexus {
    return this.#connection.nexus
  }

  get tag(): bigint {
    return BigInt(this.#tag)
  }

  begin(bytes: Buffer, at: number): void {
    this.#tag = bytes.readUInt32LE(at + record.TAG)
    this.lun = bytes.readUInt32LE(at + record.LUN)
    this.cdbLength = Math.min(bytes.readUInt32LE(at + record.CDB_LEN), record.MAX_CDB)
    this.dataInLength = bytes.readUInt32LE(at + record.IN_LEN)
    this.#moved = 0
    for (let index = 0; index < this.cdbLength; index++)
      this.cdb[index] = bytes[at + record.CDB + index]!
  }

  copyDataOut(): Uint8Array {
    return new Uint8Array(0)
  }

  good(): void {
    this.#end(0, this.dataInLength, 0, undefined)
  }

  answer({ status, data, sense }: Answer): void {
    const came = data?.length ?? 0
    const length = Math.min(came, this.dataInLength)
    if (data !== undefined)
      this.#connection.gather(Buffer.from(data.buffer, data.byteOffset), 0, length)
    this.#end(status, this.dataInLength - came, length, sense)
  }

  read(backing: Backing, offset: number, length: number, done: TransferDone): void {
    this.#connection.gather(backing.native as Buffer, offset, length)
    this.#moved = length
    done(this, 0)
  }

  write(
    _backing: Backing,
    _offset: number,
    _length: number,
    _fua: boolean,
    done: TransferDone,
  ): void {
    done(this, 0)
  }

  flush(_backing: Backing, done: TransferDone): void {
    done(this, 0)
  }

  /** It has READ and no more. */
  elsewhere(): () => void {
    throw new Error('every unit of this rival answers by itself')
  }

  operate(
    _backing: Backing,
    _operation: BackingOperation,
    _range: BackingRange,
    done: OperationDone,
  ): void {
    done(this, EOPNOTSUPP, 0)
  }

  moved(length: number): void {
    this.#end(0, this.dataInLength - length, this.#moved, undefined)
  }

  abort(): void {}

  respond(): void {}

  #end(status: number, residual: number, length: number, sense: Uint8Array | undefined): void {
    this.#connection.respond(this.#tag, status, residual, length, sense)
    const { owner } = this
    this.owner = undefined
    owner?.ended(this)
  }
}
