/**
 * The rival's port: brings records from a socket to the same `Target` and the same device server, in the same process as the ring's.
 *
 * What came in one read is answered by one write; data is copied once, from the image to the batch; tasks are reused, and nothing is
 * allocated for a command.
 */

import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import type { TargetNexus, TaskRouter } from '#dist/task/task.js'
import { type Carrier, NO_TASKS, RivalTask } from '../task.ts'
import * as record from './record.ts'

/** Serves a socket. */
export async function serveNet(path: string, router: TaskRouter): Promise<Server> {
  const server = createServer((socket) => new Connection(socket, router))
  server.listen(path)
  await once(server, 'listening')
  return server
}

class Connection implements Carrier {
  readonly nexus: TargetNexus
  readonly #socket: Socket
  readonly #router: TaskRouter
  readonly #task = new RivalTask(this)
  readonly #batches = new record.Batches()
  #batch: Buffer
  #view: DataView
  #batchBytes = 0
  readonly #part = Buffer.alloc(record.RECORD_BYTES)
  #partBytes = 0

  constructor(socket: Socket, router: TaskRouter) {
    this.#socket = socket
    this.#router = router
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
    task.begin(
      bytes.readUInt32LE(at + record.TAG),
      bytes.readUInt32LE(at + record.LUN),
      bytes.readUInt32LE(at + record.IN_LEN),
      bytes,
      at + record.CDB,
      Math.min(bytes.readUInt32LE(at + record.CDB_LEN), record.MAX_CDB),
    )
    // Every backing of this rival is memory, so it is answered when this returns.
    this.#router.execute(task)
  }

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
