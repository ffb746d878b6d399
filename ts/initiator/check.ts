/** A command is looked at before anything of it is sent. */

import { SgringError } from '../errors.ts'
import { type Command, TaskAttribute } from '../task/command.ts'
import { type FunctionRequest, TaskFunction } from '../task/function.ts'
import type { Transport } from './transport.ts'

const MIN_CDB_LENGTH = 6
const MAX_CDB_LENGTH = 260
const MAX_TAG = 2n ** 63n - 1n
/** Those that pairs choose are above. */
const MAX_MANAGED_TAG = 2n ** 64n - 1n
const MAX_PRIORITY = 15
const MAX_FUNCTION = 255
const ATTRIBUTES: readonly number[] = Object.values(TaskAttribute)

/** The first thing that is wrong with a command, if something is. */
export function checkCommand(
  command: Command,
  transport: Pick<Transport, 'maxTransferBytes' | 'tooLong'>,
): SgringError | undefined {
  if (!isObject(command)) return wrong('a command is an object', command)
  const { cdb, dataOut, dataIn, lease, tag, attribute, priority, timeoutMs, signal, onAbort } =
    command
  if (!(cdb instanceof Uint8Array)) return wrong('cdb is a Uint8Array', cdb)
  if (cdb.length < MIN_CDB_LENGTH || cdb.length > MAX_CDB_LENGTH) {
    return new SgringError(
      'ERR_SGRING_CDB_LENGTH',
      `a CDB has 6 to 260 bytes (SPC-5 4.2), not ${cdb.length}`,
    )
  }
  if (dataOut !== undefined && !(dataOut instanceof Uint8Array)) {
    return wrong('dataOut is a Uint8Array', dataOut)
  }
  if (dataIn !== undefined && !(dataIn instanceof Uint8Array) && !isCount(dataIn)) {
    return wrong('dataIn is a Uint8Array or a number of bytes', dataIn)
  }
  const inLength = typeof dataIn === 'object' ? dataIn.length : (dataIn ?? 0)
  const bytes = (dataOut?.length ?? 0) + inLength
  if (bytes > transport.maxTransferBytes) {
    return tooLong(bytes, transport)
  }
  if (tag !== undefined && !isTag(tag, MAX_TAG))
    return wrong('tag is an integer of 0 to 2^63-1', tag)
  if (attribute !== undefined && !ATTRIBUTES.includes(attribute)) {
    return wrong('attribute is one of TaskAttribute', attribute)
  }
  if (priority !== undefined && !(isCount(priority) && priority <= MAX_PRIORITY)) {
    return wrong('priority is an integer of 0 to 15 (SAM-5 8.8)', priority)
  }
  if ((priority ?? 0) !== 0 && (attribute ?? TaskAttribute.SIMPLE) !== TaskAttribute.SIMPLE) {
    return wrong('only a SIMPLE command has a priority (SAM-5 8.8): it is 0 or absent', priority)
  }
  if (timeoutMs !== undefined && !isPatience(timeoutMs)) {
    return wrong('timeoutMs is 0 or more', timeoutMs)
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    return wrong('signal is an AbortSignal', signal)
  }
  if (lease !== undefined && typeof lease !== 'boolean') return wrong('lease is a boolean', lease)
  if (lease === true && typeof dataIn === 'object') {
    return new SgringError(
      'ERR_SGRING_INVALID_ARGUMENT',
      'dataIn is a number of bytes where lease is true: leased bytes are not copied into a buffer',
    )
  }
  if (onAbort !== undefined && onAbort !== 'wait' && onAbort !== 'detach') {
    return wrong("onAbort is 'wait' or 'detach'", onAbort)
  }
  return undefined
}

/**
 * The first thing that is wrong with a request for a task management function, if something is. A number that is no function is not: the
 * target rejects it.
 */
export function checkFunction(request: FunctionRequest): SgringError | undefined {
  if (!isObject(request)) return wrong('a request is an object', request)
  const { function: code, tag, timeoutMs, signal } = request
  if (!(isCount(code) && code >= 1 && code <= MAX_FUNCTION)) {
    return wrong('function is one of TaskFunction', code)
  }
  if (tag !== undefined && !isTag(tag, MAX_MANAGED_TAG)) {
    return wrong('tag is an integer of 0 to 2^64-1', tag)
  }
  if (tag === undefined && (code === TaskFunction.ABORT_TASK || code === TaskFunction.QUERY_TASK)) {
    return wrong('tag is that of the command which ABORT TASK and QUERY TASK are about', tag)
  }
  if (timeoutMs !== undefined && !isPatience(timeoutMs)) {
    return wrong('timeoutMs is 0 or more', timeoutMs)
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    return wrong('signal is an AbortSignal', signal)
  }
  return undefined
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function isPatience(value: unknown): boolean {
  return typeof value === 'number' && value >= 0
}

function isTag(tag: unknown, most: bigint): boolean {
  return typeof tag === 'bigint' ? tag >= 0n && tag <= most : isCount(tag)
}

function wrong(rule: string, value: unknown): SgringError {
  // Not every object can be made a string.
  const shown = isObject(value) ? 'an object' : String(value)
  return new SgringError('ERR_SGRING_INVALID_ARGUMENT', `${rule}, not ${shown}`)
}

/** Why no command of this transport moves so many bytes. */
export function tooLong(
  bytes: number,
  { maxTransferBytes: most, tooLong }: Pick<Transport, 'maxTransferBytes' | 'tooLong'>,
): SgringError {
  if (tooLong !== undefined) return tooLong(bytes)
  return new SgringError(
    'ERR_SGRING_ARENA_TOO_SMALL',
    `the command moves ${bytes} bytes and this nexus at most ${most}; raise arenaBytes, or split it`,
  )
}
