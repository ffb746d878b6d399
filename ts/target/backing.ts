/** Where a unit's bytes live: memory, a file, a block device. */

import { realpathSync, statSync, unlinkSync } from 'node:fs'
import { stat, statfs } from 'node:fs/promises'
import { getSystemErrorName } from 'node:util'
import { SgringError } from '../errors.ts'
import { type NativeStore, native, translated } from '../native.ts'
import { type Backing, type BackingUsage, Traffic } from '../task/task.ts'

/** Zeroed memory, taken from the system as it is written. */
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

/** An open backing; `close()` lets go of it, once what runs on it has ended. */
export interface OpenBacking extends Backing {
  /** The file's real path, if it is one. */
  readonly path: string | undefined
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
 * @throws `ERR_SGRING_BACKING` with what is wrong: not there, in use, of a wrong kind, empty, no memory
 */
export function openBacking(options: BackingOptions): OpenBacking {
  if ('memory' in options) {
    const length = byteCount('memory', options.memory)
    const store = translated(() => native().memoryStore(length))
    return backing('memory', store, undefined, false)
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
  return backing('file', store, realpathSync(file), create !== undefined)
}

function backing(
  kind: Backing['kind'],
  store: NativeStore,
  path: string | undefined,
  created: boolean,
): OpenBacking {
  const { readOnly } = store
  let { length } = store
  const close = () => store.close()
  const discard = () => {
    close()
    if (created && path !== undefined) unlinkSync(path)
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
    get lengthBytes() {
      return length
    },
    readOnly,
    native: store,
    traffic: new Traffic(),
    path,
    resize,
    close,
    discard,
    ...(path !== undefined && statSync(path).isFile() && { usage: () => usageOf(path) }),
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
