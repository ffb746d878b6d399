/** A target that does what a test says, one queue entry at a time. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type ConnectOptions, connect, type Nexus } from '#dist/index.js'
import { native, type TargetCalls, type TargetListener, type TargetPair } from '#dist/native.js'
import {
  RECORD_ATTRIBUTE,
  RECORD_BYTES,
  RECORD_CDB,
  RECORD_CDB_LEN,
  RECORD_FUNCTION,
  RECORD_IN_RESIDUAL,
  RECORD_LUN,
  RECORD_OUT_RESIDUAL,
  RECORD_SENSE,
  RECORD_SENSE_LEN,
  RECORD_TAG,
} from '#dist/ring/layout.gen.js'
import { listenOptions, resolvePortOptions } from '#dist/ring/port-options.js'
import { temporaryFolder } from '../support/folder.ts'
import { until } from '../support/until.ts'

/** What came in a slot. */
export interface Fetched {
  /** The queue's word: what is answered is added to it. */
  readonly word: number
  readonly lun: number
  readonly tag: bigint
  readonly attribute: number
  /** 0 is a command. */
  readonly function: number
  readonly cdb: Uint8Array
}

/** What is answered, true or not. */
export interface Answer {
  /** A byte each, as in `CompletionWord`. */
  readonly status: number
  readonly flags: number
  readonly sense: Uint8Array
  readonly inResidual: number
  readonly outResidual: number
  readonly data: Uint8Array
}

const folder = temporaryFolder()
let opened = 0

/** One pair, whose other end is `nexus`. */
export class RawTarget {
  readonly nexus: Nexus
  readonly #listener: TargetListener
  readonly #pair: TargetPair
  readonly #calls: TargetCalls
  readonly #slots: number

  private constructor(listener: TargetListener, pair: TargetPair, nexus: Nexus, slots: number) {
    this.#listener = listener
    this.#pair = pair
    this.#calls = pair.calls()
    this.nexus = nexus
    this.#slots = slots
  }

  /** @param keeps it has a ledger, and says so */
  static async open(options: ConnectOptions, keeps = false): Promise<RawTarget> {
    const path = join(folder, `${opened++}.sock`)
    const ledger = keeps ? { path: `${path}.ledger`, units: 0 } : undefined
    const listener = native().listen({ path, ...listenOptions(resolvePortOptions({})) })
    const connecting = connect(path, options)
    const pair = await until('a connection', () => listener.accept() ?? undefined)
    const arrival = pair.arrival()
    assert.ok(arrival)
    assert.ok(pair.welcome(1, 0, new Uint8Array(16).fill(1), ledger))
    return new RawTarget(listener, pair, await connecting, arrival.slots)
  }

  /** How long each of its queues is. */
  get entries(): number {
    return 2 ** Math.ceil(Math.log2(this.#slots))
  }

  /** The next `count` tasks. */
  async fetch(count: number): Promise<Fetched[]> {
    const all: Fetched[] = []
    while (all.length < count) {
      const some = () => {
        const now = this.some()
        return now.length > 0 && now
      }
      all.push(...(await until('tasks', some)))
    }
    assert.equal(all.length, count)
    return all
  }

  /** The tasks that are there. */
  some(): Fetched[] {
    const desk = this.#pair.desk()
    const words = new Uint32Array(desk, this.#slots * RECORD_BYTES, this.#slots)
    const count = this.#calls.fetch(true)
    return Array.from({ length: count }, (_, index) => fetched(desk, words[index]!))
  }

  /** Ends a task in any way. */
  answer(task: Fetched, { status, flags, sense, inResidual, outResidual, data }: Answer): void {
    const slot = task.word & 0xffff
    this.#pair.writeIn(slot, data)
    const record = new DataView(this.#pair.desk(), slot * RECORD_BYTES, RECORD_BYTES)
    record.setInt32(RECORD_IN_RESIDUAL, inResidual, true)
    record.setInt32(RECORD_OUT_RESIDUAL, outResidual, true)
    this.complete([task], flags, sense, status)
  }

  /** Whether nothing more has come. */
  isIdle(): boolean {
    return this.#calls.fetch(true) === 0
  }

  /** Ends tasks: with `flags` in the completion, which are a service response, and with `sense`. */
  complete(tasks: readonly Fetched[], flags = 0, sense?: Uint8Array, status = 0): void {
    const desk = this.#pair.desk()
    const list = this.#slots * (RECORD_BYTES + 4)
    const completions = new Uint32Array(desk, list, this.#slots)
    for (const [index, { word }] of tasks.entries()) {
      if (sense !== undefined) {
        const record = (word & 0xffff) * RECORD_BYTES
        new DataView(desk).setUint16(record + RECORD_SENSE_LEN, sense.length, true)
        new Uint8Array(desk).set(sense, record + RECORD_SENSE)
      }
      completions[index] = (word | (status << 16) | (flags << 24)) >>> 0
    }
    assert.equal(this.#calls.complete(tasks.length), 0)
  }

  /** Ends the connection, and lives. */
  hangUp(): void {
    this.#pair.close()
  }

  async close(): Promise<void> {
    await this.nexus.close()
    this.#pair.close()
    this.#listener.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function fetched(desk: ArrayBuffer, word: number): Fetched {
  const record = new DataView(desk, (word & 0xffff) * RECORD_BYTES, RECORD_BYTES)
  const cdbLength = record.getUint16(RECORD_CDB_LEN, true)
  return {
    word,
    lun: record.getUint32(RECORD_LUN),
    tag: record.getBigUint64(RECORD_TAG, true),
    attribute: record.getUint8(RECORD_ATTRIBUTE),
    function: record.getUint8(RECORD_FUNCTION),
    cdb: new Uint8Array(desk, record.byteOffset + RECORD_CDB, cdbLength).slice(),
  }
}
