/**
 * The channel by which a running server is asked and told: a Unix socket beside its own, with the permissions 0600, so that only
 * the same user and root can connect (unix(7)).
 *
 * Whoever can may still be wrong: a request is a line of bounded length, one is carried out at a time on each connection, a reply is written
 * before the next request is read, connections are few, and one on which nothing happens is closed.
 */

import { once } from 'node:events'
import { lstatSync, unlinkSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { SgringError } from '../../errors.ts'
import { parseJson } from '../config/config.ts'
import { ConfigError, problemsOf } from '../exit-code.ts'
import type { Daemon } from './daemon.ts'
import { linesOf } from './lines.ts'
import { MAX_REQUEST_BYTES, type Reply, type Request, requestCheck } from './protocol.ts'

const MAX_CONNECTIONS = 8
const IDLE_MS = 30_000
/** `sun_path` has 108 bytes, the last of which is NUL (unix(7)). */
const MAX_PATH_BYTES = 107
const SUFFIX = '.admin'
/** Bytes of the path of a target's socket, beside which there is one for its administration. */
export const MAX_TARGET_PATH_BYTES: number = MAX_PATH_BYTES - SUFFIX.length

/** Where the server of a target's socket is administered. */
export function controlSocketOf(socket: string): string {
  return `${socket}${SUFFIX}`
}

/**
 * Looks whether a target's socket can have one for its administration beside it.
 *
 * @throws `ERR_SGRING_PATH_TOO_LONG`
 */
export function checkTargetSocket(socket: string): void {
  const length = Buffer.byteLength(socket)
  if (length <= MAX_TARGET_PATH_BYTES) return
  throw new SgringError(
    'ERR_SGRING_PATH_TOO_LONG',
    `${socket} has ${length} bytes; at most ${MAX_TARGET_PATH_BYTES} are possible, for ${SUFFIX} follows them in the name of the socket beside it`,
  )
}

export class Control {
  readonly #server: Server
  readonly #connections = new Set<Socket>()

  private constructor(daemon: Daemon, idleMs: number) {
    // A client that has asked everything may close its side, and still hear the answer.
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      this.#connections.add(socket)
      socket.once('close', () => this.#connections.delete(socket))
      // What it had to say is in vain.
      socket.on('error', () => {})
      socket.on('timeout', () => socket.destroy())
      void converse(socket, daemon, idleMs)
    })
    this.#server.maxConnections = MAX_CONNECTIONS
    // What cannot be accepted for want of memory or descriptors, may be later.
    this.#server.on('error', () => {})
  }

  /**
   * Listens. A stale socket is replaced, a live one is not: another target may be served at that path.
   *
   * @param socket the target's
   * @throws `ERR_SGRING_PATH_TOO_LONG`, `_NOT_A_SOCKET`, `_ADDRESS_IN_USE`, or what listen(2) says
   */
  static async listen(socket: string, daemon: Daemon, idleMs: number = IDLE_MS): Promise<Control> {
    await Control.makeWay(socket)
    const path = controlSocketOf(socket)
    const control = new Control(daemon, idleMs)
    const listening = once(control.#server, 'listening')
    // It is bound within the call, and never has other permissions.
    const before = process.umask(0o177)
    try {
      control.#server.listen(path)
    } finally {
      process.umask(before)
    }
    await listening
    return control
  }

  /**
   * Sees to it that `listen()` can: by itself, for what has to be made before and would be left behind.
   *
   * @throws as `listen`
   */
  static async makeWay(socket: string): Promise<void> {
    checkTargetSocket(socket)
    await removeStale(controlSocketOf(socket))
  }

  /** Ends every connection, and takes the socket away. */
  async close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const socket of this.#connections) socket.destroy()
    await closed
  }
}

async function removeStale(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return
  if (!found.isSocket()) {
    throw new SgringError('ERR_SGRING_NOT_A_SOCKET', `${path} exists and is no socket`)
  }
  if (await isServed(path)) {
    throw new SgringError('ERR_SGRING_ADDRESS_IN_USE', `${path} is served by another process`)
  }
  unlinkSync(path)
}

/** Any other refusal is that of a listener: of another type of socket (EPROTOTYPE), of another user's, or of a busy one. */
async function isServed(path: string): Promise<boolean> {
  const socket = connect(path)
  try {
    await once(socket, 'connect')
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ECONNREFUSED'
  } finally {
    socket.destroy()
  }
}

/** Answers one connection's requests, in turn. What is not even a line ends it. */
async function converse(socket: Socket, daemon: Daemon, idleMs: number): Promise<void> {
  const waiting = (is: boolean) => socket.setTimeout(is ? idleMs : 0)
  const send = (reply: Reply) =>
    // Called back with an error, too, when the socket is destroyed.
    new Promise<void>((resolve) => {
      socket.write(`${JSON.stringify(reply)}\n`, () => resolve())
    })
  waiting(true)
  try {
    const bytes = socket.iterator({ destroyOnReturn: false })
    for await (const line of linesOf(bytes, MAX_REQUEST_BYTES)) {
      // A unit that is removed may have to wait for its last transfer.
      waiting(false)
      const reply = await answer(line, daemon)
      waiting(true)
      await send(reply)
    }
  } catch (error) {
    if (!socket.destroyed) await send(failure(error))
  } finally {
    socket.destroySoon()
  }
}

async function answer(line: string, daemon: Daemon): Promise<Reply> {
  try {
    const request = parseJson(line, 'the request')
    const problems = (await requestCheck())(request)
    if (problems.length > 0) throw new ConfigError('the request', problems)
    return { result: await daemon.carryOut(request as Request) }
  } catch (error) {
    return failure(error)
  }
}

function failure(error: unknown): Reply {
  const problems = problemsOf(error)
  return {
    error: {
      code: error instanceof SgringError ? error.code : 'ERR_SGRING_SYSTEM',
      message: error instanceof Error ? error.message : String(error),
      ...(problems !== undefined && { problems }),
    },
  }
}
