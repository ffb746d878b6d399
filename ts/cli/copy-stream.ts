/** What can be read or written but once, and in order: stdin and stdout, pipes, character devices. */

import type { FileHandle } from 'node:fs/promises'
import type { Reading, Writing } from './copy-end.ts'

/** What is left out is read by so many bytes at a time. */
const SKIP_BYTES = 1 << 20

type Stream = NodeJS.ReadableStream & { destroy(): void }

/** What all streams are. */
class StreamEnd {
  readonly name: string
  readonly place = undefined
  readonly blockLength = 1
  readonly maxTransferBytes: number = Number.POSITIVE_INFINITY
  readonly size = undefined

  constructor(name: string) {
    this.name = name
  }

  async identity(): Promise<string> {
    return ''
  }
}

/** Reads in the order of the calls. */
export class StreamReading extends StreamEnd implements Reading {
  readonly #stream: Stream
  readonly #chunks: AsyncIterator<Uint8Array>
  /** What has come of the last chunk and is not read yet. */
  #rest: Uint8Array = new Uint8Array(0)
  #turn: Promise<unknown> = Promise.resolve()
  /** Bytes that have been read. */
  #at = 0
  #closed = false

  constructor(name: string, stream: Stream) {
    super(name)
    this.#stream = stream
    this.#chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
  }

  read(at: number, length: number, room?: Uint8Array): Promise<Uint8Array> {
    const reading = this.#turn.then(async () => {
      while (this.#at < at && (await this.#take(Math.min(SKIP_BYTES, at - this.#at))).length > 0);
      return this.#take(length, room)
    })
    this.#turn = reading
    return reading
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#stream.destroy()
  }

  /** Chunks of any length, put together: so many bytes, except at the end; none once it is closed. */
  async #take(length: number, buffer: Uint8Array = new Uint8Array(length)): Promise<Uint8Array> {
    let filled = 0
    for (;;) {
      const part = this.#rest.subarray(0, length - filled)
      buffer.set(part, filled)
      filled += part.length
      this.#rest = this.#rest.subarray(part.length)
      if (filled === length) break
      const next = await this.#nextChunk()
      if (next === undefined) break
      this.#rest = next
    }
    if (this.#closed) filled = 0
    this.#at += filled
    return buffer.subarray(0, filled)
  }

  async #nextChunk(): Promise<Uint8Array | undefined> {
    try {
      const { done, value } = await this.#chunks.next()
      return done === true ? undefined : value
    } catch (error) {
      // A stream that is destroyed while it is awaited says that it closed too early.
      if (this.#closed) return undefined
      throw error
    }
  }
}

/** What takes bytes in order, and may take fewer than it is given. */
export type Sink = Pick<FileHandle, 'close'> & {
  write(data: Uint8Array, from: number): Promise<{ readonly bytesWritten: number }>
}

/** Stdout. A pipe that is full holds up only the promise: the event loop goes on. */
export function standardOutput(): Sink {
  return {
    write: (data, from) =>
      new Promise((resolve, reject) => {
        process.stdout.write(data.subarray(from), (error) => {
          if (error == null) resolve({ bytesWritten: data.length - from })
          else reject(error)
        })
      }),
    close: async () => {},
  }
}

/** Writes as it comes, and keeps nothing. */
export class StreamWriting extends StreamEnd implements Writing {
  readonly ordered = true
  readonly readBack = undefined
  readonly #sink: Sink
  #closed: Promise<void> | undefined

  constructor(name: string, sink: Sink) {
    super(name)
    this.#sink = sink
  }

  get announcement(): string {
    return this.name
  }

  async begin(): Promise<void> {}

  async write(_at: number, data: Uint8Array): Promise<void> {
    for (let done = 0; done < data.length; ) {
      done += (await this.#sink.write(data, done)).bytesWritten
    }
  }

  async sync(): Promise<void> {}

  commit(): Promise<void> {
    return this.close()
  }

  /** Waits for nothing: a file is closed when its last write has ended, and into a pipe whose reader has stopped that may be never. */
  async stop(): Promise<void> {
    this.close().catch(() => {})
  }

  close(): Promise<void> {
    this.#closed ??= this.#sink.close()
    return this.#closed
  }
}
