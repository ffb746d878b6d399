/** Where bytes to write come from: a file, or stdin. */

import { type FileHandle, open } from 'node:fs/promises'

/** Bytes in order. */
export interface Source {
  /** Bytes there are, where that is known. */
  readonly size: number | undefined
  /** Fills the buffer, except at the end; resolves with the bytes, 0 when there are none left or it is closed. */
  fill(buffer: Uint8Array): Promise<number>
  /** Ends a `fill()` that waits. Idempotent. */
  close(): Promise<void>
}

/** Opens a file, or stdin for `-`. */
export async function openSource(path: string): Promise<Source> {
  if (path === '-') return new StreamSource(process.stdin)
  const file = await open(path)
  try {
    const stat = await file.stat()
    if (stat.isFile()) return new FileSource(file, stat.size)
    // A device's size is no business of stat(2), and a pipe has none.
    return new StreamSource(file.createReadStream())
  } catch (error) {
    await file.close()
    throw error
  }
}

class FileSource implements Source {
  readonly size: number
  readonly #file: FileHandle
  #closed: Promise<void> | undefined

  constructor(file: FileHandle, size: number) {
    this.#file = file
    this.size = size
  }

  async fill(buffer: Uint8Array): Promise<number> {
    for (let length = 0; ; ) {
      if (this.#closed !== undefined) return 0
      const { bytesRead } = await this.#file.read(buffer, length, buffer.length - length)
      length += bytesRead
      if (bytesRead === 0 || length === buffer.length) return length
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#file.close()
    return this.#closed
  }
}

/** Chunks of any length, put together. */
export class StreamSource implements Source {
  readonly size = undefined
  readonly #stream: NodeJS.ReadableStream & { destroy(): void }
  readonly #chunks: AsyncIterator<Uint8Array>
  #rest: Uint8Array = new Uint8Array(0)
  #closed = false

  constructor(stream: NodeJS.ReadableStream & { destroy(): void }) {
    this.#stream = stream
    this.#chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
  }

  async fill(buffer: Uint8Array): Promise<number> {
    for (let length = 0; ; ) {
      const part = this.#rest.subarray(0, buffer.length - length)
      buffer.set(part, length)
      length += part.length
      this.#rest = this.#rest.subarray(part.length)
      if (length === buffer.length) return length
      const next = await this.#next()
      if (next === undefined) return this.#closed ? 0 : length
      this.#rest = next
    }
  }

  async #next(): Promise<Uint8Array | undefined> {
    try {
      const { done, value } = await this.#chunks.next()
      return done === true ? undefined : value
    } catch (error) {
      // A stream that is destroyed while it is awaited says that it closed too early.
      if (this.#closed) return undefined
      throw error
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#stream.destroy()
  }
}
