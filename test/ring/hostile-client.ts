/** A client that keeps no rule. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Socket } from 'node:net'
import type { NexusInfo } from '#dist/index.js'
import { type InitiatorCalls, type InitiatorPair, native } from '#dist/native.js'
import {
  SLOT_BYTES,
  SLOT_CDB_LEN,
  SLOT_IN,
  SLOT_IN_LEN,
  SLOT_IN_SEGMENTS,
  SLOT_OUT,
  SLOT_OUT_LEN,
  SLOT_OUT_SEGMENTS,
} from '#dist/ring/layout.gen.js'
import { mappedSegments, SharedBytes } from './shared-bytes.ts'

export const ARENA = 64 << 10
export const SLOTS = 8

/** A client that writes what it likes into its segment. */
export class Hostile {
  readonly pair: InitiatorPair
  readonly calls: InitiatorCalls
  readonly slots: DataView
  readonly arena: DataView
  /** All of its segment. */
  readonly bytes: SharedBytes
  readonly #desk: Uint32Array
  readonly #socket: Socket
  readonly #closed: Promise<void>

  private constructor(path: string, arenaBytes: number) {
    const before = mappedSegments()
    const options = { path, slots: SLOTS, arenaBytes, token: new Uint8Array(16) }
    this.pair = native().connectPair({ ...options, allowedUids: [process.geteuid?.() ?? 0] })
    this.calls = this.pair.calls()
    this.bytes = SharedBytes.since(before)
    this.slots = new DataView(this.pair.slots())
    this.arena = new DataView(this.pair.arena())
    this.#desk = new Uint32Array(this.pair.desk())
    this.#socket = new Socket({ fd: this.pair.takeSocket() })
    // A target that hangs up on what it has not read resets it: that is an end, too.
    this.#socket.on('error', () => {})
    this.#closed = new Promise((resolve) => this.#socket.once('close', () => resolve()))
  }

  static async connect(path: string, arenaBytes = ARENA): Promise<Hostile> {
    const hostile = new Hostile(path, arenaBytes)
    const [bytes] = (await once(hostile.#socket, 'data')) as [Buffer]
    assert.equal(native().decodeWelcome(bytes.subarray(0, 64)).code, 0)
    return hostile
  }

  /** A TEST UNIT READY in slot 0, changed by `forge`, and published. */
  submit(forge: (slot: DataView, arena: DataView) => void): void {
    new Uint8Array(this.slots.buffer, 0, SLOT_BYTES).fill(0)
    this.slots.setUint16(SLOT_CDB_LEN, 6, true)
    forge(this.slots, this.arena)
    this.#desk[0] = 0
    assert.equal(this.calls.submit(1), 0)
  }

  /** Rings the target, whatever its flag says. */
  ring(): void {
    if (!this.#socket.closed) this.#socket.write(new Uint8Array(1))
  }

  /** The SCSI status of the completion that the last reap has put at an index. */
  statusOf(index: number): number {
    return (this.#desk[SLOTS + index]! >> 16) & 0xff
  }

  async hungUp(): Promise<void> {
    await this.#closed
    this.leave()
  }

  leave(): void {
    this.bytes[Symbol.dispose]()
    this.#socket.destroy()
    this.pair.close()
  }
}

interface Segment {
  readonly offset: number
  readonly length: number
}

/** Data segments in the slot's two inline places, under a length of their own. */
export function segments(direction: 'out' | 'in', length: number, ...list: readonly Segment[]) {
  const [at, lengthAt, countAt] =
    direction === 'out'
      ? [SLOT_OUT, SLOT_OUT_LEN, SLOT_OUT_SEGMENTS]
      : [SLOT_IN, SLOT_IN_LEN, SLOT_IN_SEGMENTS]
  return (slot: DataView) => {
    slot.setUint32(lengthAt, length, true)
    slot.setUint16(countAt, list.length, true)
    for (const [index, segment] of list.entries()) {
      slot.setUint32(at + 8 * index, segment.offset, true)
      slot.setUint32(at + 8 * index + 4, segment.length, true)
    }
  }
}

/** As `sgring stat` shows it. */
export function toldEnd({ id, uid, pid }: NexusInfo, why = ''): string {
  return `ended: nexus ${id} of user ${uid}, process ${pid}: ${why}`
}
