/** A command is looked at before anything of it is sent. */

import { SgringError } from '../errors.ts'
import { type Command, TaskAttribute } from '../task/command.ts'

const MIN_CDB_LENGTH = 6
const MAX_CDB_LENGTH = 260
const MAX_TAG = 2n ** 63n - 1n
const ATTRIBUTES: readonly number[] = Object.values(TaskAttribute)

/**
 * The first thing that is wrong with a command, if something is.
 *
 * @param maxTransferBytes what the transport can move in both directions together
 */
export function checkCommand(command: Command, maxTransferBytes: number): SgringError | undefined {
  const { cdb, dataOut, dataIn, lease, tag, attribute, timeoutMs, signal, onAbort } = command
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
  if (bytes > maxTransferBytes) {
    return new SgringError(
      'ERR_SGRING_ARENA_TOO_SMALL',
      `the command moves ${bytes} bytes and this nexus at most ${maxTransferBytes}; raise arenaBytes, or split it`,
    )
  }
  if (tag !== undefined && !isTag(tag)) return wrong('tag is an integer of 0 to 2^63-1', tag)
  if (attribute !== undefined && !ATTRIBUTES.includes(attribute)) {
    return wrong('attribute is one of TaskAttribute', attribute)
  }
  if (timeoutMs !== undefined && !(typeof timeoutMs === 'number' && timeoutMs >= 0)) {
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

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function isTag(tag: unknown): boolean {
  return typeof tag === 'bigint' ? tag >= 0n && tag <= MAX_TAG : isCount(tag)
}

function wrong(rule: string, value: unknown): SgringError {
  return new SgringError('ERR_SGRING_INVALID_ARGUMENT', `${rule}, not ${String(value)}`)
}
