/** Asking a running server. */

import { connect, type Socket } from 'node:net'
import { CODES, SgringError, type SgringErrorCode } from '../../errors.ts'
import { ConfigError } from '../exit-code.ts'
import { linesOf } from './lines.ts'
import {
  type Failure,
  MAX_REPLY_BYTES,
  type Reply,
  type Request,
  type Results,
  replyCheck,
} from './protocol.ts'

/**
 * Sends one request, and returns what it brought.
 *
 * @param path of the control socket
 * @throws `ERR_SGRING_NO_TARGET`, `_PEER_NOT_ALLOWED`, `_TIMEOUT`, `_RESPONSE`, what the server answered, or what `signal` says
 */
export async function ask<R extends Request>(
  path: string,
  request: R,
  { signal, timeoutMs }: { readonly signal: AbortSignal; readonly timeoutMs: number },
): Promise<Results[R['do']]> {
  signal.throwIfAborted()
  const socket = connect(path)
  const abort = () => socket.destroy(signal.reason)
  signal.addEventListener('abort', abort)
  const timer = setTimeout(() => {
    socket.destroy(new SgringError('ERR_SGRING_TIMEOUT', `${path}: no answer in ${timeoutMs} ms`))
  }, timeoutMs)
  try {
    socket.write(`${JSON.stringify(request)}\n`)
    const reply = await replyOf(socket, path, request)
    if ('result' in reply) return reply.result as Results[R['do']]
    throw errorOf(reply.error)
  } catch (error) {
    throw connectionError(error, path)
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
    socket.destroy()
  }
}

async function replyOf(socket: Socket, path: string, request: Request): Promise<Reply> {
  for await (const line of linesOf(socket, MAX_REPLY_BYTES)) {
    const reply: unknown = JSON.parse(line)
    const [problem] = (await replyCheck(request.do))(reply)
    if (problem === undefined) return reply as Reply
    throw new SgringError('ERR_SGRING_RESPONSE', `${path} answered what makes no sense: ${problem}`)
  }
  throw new SgringError('ERR_SGRING_RESPONSE', `${path} closed the connection without an answer`)
}

function errorOf({ code, message, problems }: Failure): Error {
  if (problems !== undefined && problems.length > 0) return new ConfigError('the request', problems)
  return new SgringError(code in CODES ? (code as SgringErrorCode) : 'ERR_SGRING_RESPONSE', message)
}

const CANNOT: Readonly<Record<string, readonly [SgringErrorCode, string]>> = {
  ENOENT: ['ERR_SGRING_NO_TARGET', 'is not there: no sgring serve runs for this address'],
  ECONNREFUSED: ['ERR_SGRING_NO_TARGET', 'is served by nobody any more'],
  EACCES: ['ERR_SGRING_PEER_NOT_ALLOWED', 'is for the user who serves it, and for root'],
}

function connectionError(error: unknown, path: string): unknown {
  if (error instanceof SyntaxError) {
    return new SgringError('ERR_SGRING_RESPONSE', `${path} answered no JSON`, { cause: error })
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const cannot = CANNOT[code]
  if (cannot === undefined) return error
  return new SgringError(cannot[0], `${path} ${cannot[1]}`, { cause: error })
}
