/** Where a unit's bytes live: memory, a file, a block device. */

import { type BigIntStats, lstatSync, realpathSync, rmSync, statSync } from 'node:fs'
import { stat, statfs } from 'node:fs/promises'
import { getSystemErrorName } from 'node:util'
import { makeDurable } from '../durable-file.ts'
import { SgringError } from '../errors.ts'
import { type NativeStore, native, translated } from '../native.ts'
import { type Backing, type BackingUsage, Traffic } from '../task/task.ts'

/**
 * Zeroed memory, taken from the system as it is written; with `ServeOptions.state` a file of that folder, and what the last server left in it. On
 * tmpfs such a file is mapped, and takes room 64 KiB at a time; elsewhere it is as any file.
 */
export interface MemoryBackingOptions {
  /** Bytes. */
  readonly memory: number
}

/** A regular file or a block device. It is locked for as long as it is open: one writer, or readers. */
export interface FileBackingOptions {
  readonly file: string
  /** Default: false. */
  readonly readOnly?: boolean
  /** Makes a new sparse file of this many bytes, and fails if there is one. */
  readonly createBytes?: number
}

export type BackingOptions = MemoryBackingOptions | FileBackingOptions

/** Where a disk in memory is kept. */
export interface KeptMemory {
  /** Its bytes. */
  readonly path: string
  /** On tmpfs: what was being copied there when a server was killed. The next one finishes it, so that no block is half of a write. */
  readonly intent: string
}

/** An open backing; `close()` lets go of it, once what runs on it has ended. */
export interface OpenBacking extends Backing {
  /** The file's real path, if it is one. */
  readonly path: string | undefined
  /** Whether it was made by opening it. */
  readonly created: boolean
  /** Which file or device it is, whatever its path, as long as the system lives; undefined for memory without a file. */
  readonly place: string | undefined
  /**
   * Gives memory or a regular file another length: the disk on it has to be told (`Disk.resized`).
   *
   * @throws `ERR_SGRING_BACKING` for a device, for what is read-only, and if the system has no room for it
   */
  resize(lengthBytes: number): void
  close(): void
  /** Closes it, and removes the file if this made it: for a server that did not come about. */
  discard(): void
}

/**
 * Opens a backing.
 *
 * @param kept the files of what is in memory, if it is to outlive the process
 * @throws `ERR_SGRING_BACKING` with what is wrong: not there, in use, of a wrong kind, empty, no memory
 */
export function openBacking(options: BackingOptions, kept?: KeptMemory): OpenBacking {
  if ('memory' in options) {
    const length = byteCount('memory', options.memory)
    if (kept !== undefined) return keptMemory(kept, length)
    const store = translated(() => native().memoryStore(length))
    return backing('memory', store, undefined, true)
  }
  const { file, readOnly = false, createBytes } = options
  if (typeof file !== 'string' || file === '') {
    throw new SgringError(
      'ERR_SGRING_INVALID_ARGUMENT',
      'file is the path of a file or block device',
    )
  }
  const create = createBytes === undefined ? undefined : byteCount('createBytes', createBytes)
  const store = translated(() => native().fileStore(file, readOnly, create))
  return backing('file', store, file, create !== undefined)
}

/** A file in place of memory: on tmpfs its pages, else by the pool's threads, as any file. One that an earlier process has left has its bytes, and its length if that is larger. */
function keptMemory({ path, intent }: KeptMemory, lengthBytes: number): OpenBacking {
  const found = systemCall(() => lstatSync(path, { throwIfNoEntry: false }))
  if (found?.isFile() === false) {
    throw new SgringError('ERR_SGRING_BACKING', `${path} is no regular file`)
  }
  const there = (found?.size ?? 0) > 0
  if (!there) {
    systemCall(() => {
      rmSync(intent, { force: true })
      makeDurable(path, (unfinished) => native().fileStore(unfinished, false, lengthBytes).close())
    })
  }
  const store = systemCall(() => native().mappedStore(path, intent))
  const open = backing('memory', store, path, !there)
  try {
    if (open.lengthBytes < lengthBytes) open.resize(lengthBytes)
  } catch (error) {
    open.discard()
    throw error
  }
  return open
}

/** @param file where the store is, if it is a file or device */
function backing(
  kind: Backing['kind'],
  store: NativeStore,
  file: string | undefined,
  created: boolean,
): OpenBacking {
  const { readOnly } = store
  let { length } = store
  const close = () => store.close()
  const discard = () => {
    close()
    // Best effort: whoever calls this has an error to tell already.
    if (created && file !== undefined) {
      try {
        rmSync(file)
      } catch {}
    }
  }
  let path: string | undefined
  let found: BigIntStats | undefined
  try {
    path = file === undefined ? undefined : systemCall(() => realpathSync(file))
    found = path === undefined ? undefined : systemCall(() => statSync(path!, { bigint: true }))
  } catch (error) {
    discard()
    throw error
  }
  const resize = (lengthBytes: number) => {
    const errno = store.resize(byteCount('lengthBytes', lengthBytes))
    if (errno !== 0) {
      const why = getSystemErrorName(-errno)
      throw new SgringError(
        'ERR_SGRING_BACKING',
        `${path ?? 'a backing in memory'} cannot have ${lengthBytes} bytes: ${why}`,
      )
    }
    length = lengthBytes
  }
  return {
    kind,
    volatileCache: file !== undefined && !readOnly,
    get lengthBytes() {
      return length
    },
    readOnly,
    native: store,
    traffic: new Traffic(),
    path,
    created,
    place: found === undefined ? undefined : placeOf(found),
    resize,
    close,
    discard,
    ...(path !== undefined && found?.isFile() && { usage: () => usageOf(path) }),
  }
}

/** The number of a file may be another one's later: its birth is not. */
function placeOf(found: BigIntStats): string {
  return found.isFile() ? `${found.dev}:${found.ino}:${found.birthtimeNs}` : `${found.rdev}`
}

/** @throws `ERR_SGRING_BACKING` for what the system refuses */
function systemCall<T>(call: () => T): T {
  try {
    return call()
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new SgringError('ERR_SGRING_BACKING', why, { cause })
  }
}

/** stat(2) counts room in units of 512 bytes, whatever the file system's are. */
const STAT_BLOCK = 512

async function usageOf(path: string): Promise<BackingUsage> {
  const [file, system] = await Promise.all([stat(path), statfs(path)])
  return {
    usedBytes: file.blocks * STAT_BLOCK,
    availableBytes: system.bavail * system.bsize,
  }
}

function byteCount(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new SgringError(
    'ERR_SGRING_INVALID_ARGUMENT',
    `${name} is a positive number of bytes, not ${value}`,
  )
}
