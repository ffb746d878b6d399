/** Watching a bell: the socket that a peer, or a native thread, rings with a byte. */

import { Socket } from 'node:net'

/** What happens at a bell. */
export interface BellEvents {
  /** Bytes came; `bytes` is valid during the call. */
  ring(bytes: Uint8Array): void
  /** The other end is closed, once. Nothing rings after it. */
  end(): void
}

/** A bell that is watched. */
export interface Watched {
  /** Whether the bell keeps the process alive; not at first. */
  reference(wanted: boolean): void
  /** Stops watching. `end` is still called, later. */
  close(): void
}

/** Watches the bell behind a descriptor, which is the watcher's from then on. */
export type Watch = (fd: number, events: BellEvents) => Watched

/** By the event loop. */
export const watchBell: Watch = (fd, events) => new Bell(fd, events)

/**
 * A watched bell. It owns the descriptor. The buffer is static and there is no callback a byte: a burst of rings is one call.
 * It starts unreferenced: by itself it keeps no process alive.
 */
export class Bell implements Watched {
  readonly #socket: Socket
  #referenced = false

  constructor(fd: number, events: BellEvents) {
    // `onread` is honoured by the constructor (node:net), though its types name it for `connect` only.
    const options = {
      fd,
      onread: {
        buffer: new Uint8Array(256),
        callback: (length: number, bytes: Uint8Array) => {
          events.ring(bytes.subarray(0, length))
          return true
        },
      },
    }
    this.#socket = new Socket(options)
    this.#socket.unref()
    // A reset is an end like any other; who the peer was and why it left is told by the pair.
    this.#socket.on('error', () => {})
    this.#socket.once('close', () => events.end())
    this.#socket.resume()
  }

  reference(wanted: boolean): void {
    if (wanted === this.#referenced) return
    this.#referenced = wanted
    if (wanted) this.#socket.ref()
    else this.#socket.unref()
  }

  close(): void {
    this.#socket.destroy()
  }
}
