/** What can be read or written but once, and in order: stdin and stdout, pipes, character devices. */

import type { Reading, Writing } from './copy-end.ts'
import type { Sink } from './sink.ts'
import { StreamSource } from './source.ts'

/** What is left out is read by so many bytes at a time. */
const SKIP_BYTES = 1 << 20

/** Reads in the order of the calls. */
export class StreamReading implements Reading {
  readonly name: string
  readonly place = undefined
  readonly identity = ''
  readonly blockLength = 1
  readonly size = undefined
  readonly #source: StreamSource
  #turn: Promise<unknown> = Promise.resolve()
  /** Bytes that have been read. */
  #at = 0

  constructor(name: string, stream: NodeJS.ReadableStream & { destroy(): void }) {
    this.name = name
    this.#source = new StreamSource(stream)
  }

  read(at: number, length: number): Promise<Uint8Array> {
    const reading = this.#turn.then(async () => {
      while (this.#at < at && (await this.#next(Math.min(SKIP_BYTES, at - this.#at))).length > 0);
      return this.#next(length)
    })
    this.#turn = reading
    return reading
  }

  async #next(length: number): Promise<Uint8Array> {
    const buffer = new Uint8Array(length)
    const filled = await this.#source.fill(buffer)
    this.#at += filled
    return buffer.subarray(0, filled)
  }

  close(): Promise<void> {
    return this.#source.close()
  }
}

/** Writes as it comes, and keeps nothing. */
export class StreamWriting implements Writing {
  readonly name: string
  readonly place = undefined
  readonly identity = ''
  readonly blockLength = 1
  readonly size = undefined
  readonly ordered = true
  readonly readBack = undefined
  readonly announcement: string
  readonly #sink: Pick<Sink, 'write' | 'commit'>
  #done = false

  constructor(name: string, sink: Pick<Sink, 'write' | 'commit'>) {
    this.name = this.announcement = name
    this.#sink = sink
  }

  async begin(): Promise<void> {}

  write(_at: number, data: Uint8Array): Promise<void> {
    return this.#sink.write(data)
  }

  async sync(): Promise<void> {}

  commit(): Promise<void> {
    return this.close()
  }

  stop(): Promise<void> {
    return this.close()
  }

  async close(): Promise<void> {
    if (this.#done) return
    this.#done = true
    await this.#sink.commit()
  }
}
