/** Where bytes that were read go: a file, or stdout. A file has its name only when it is whole. */

import { randomBytes } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { type FileHandle, link, open, realpath, rename, stat, unlink } from 'node:fs/promises'
import { CliError, ExitCode } from './exit-code.ts'

/** Takes bytes in order, one write at a time. */
export interface Sink {
  write(data: Uint8Array): Promise<void>
  /** All was written: it gets its name. */
  commit(): Promise<void>
  /** It did not come to that: what there is goes away. After `commit()` this does nothing. */
  discard(): Promise<void>
}

/**
 * Opens a file to be written, or stdout for `-`. A file that exists is replaced only by `force`, and then only by a whole one;
 * pipes and character devices are written as they are, block devices in place, only by `force`, and not while they are in use.
 */
export async function openSink(
  path: string,
  { force }: { readonly force: boolean },
): Promise<Sink> {
  if (path === '-') return new Standard()
  const there = await statOf(path)
  if (there?.isFIFO() || there?.isCharacterDevice()) return new InPlace(await open(path, 'w'))
  if (there !== undefined && !force) throw exists(path)
  if (there?.isBlockDevice()) {
    // One that is mounted, or in use otherwise, is EBUSY (open(2)).
    return new BlockDevice(await open(path, constants.O_WRONLY | constants.O_EXCL))
  }
  // What a symbolic link points at is replaced, not the link.
  const target = there === undefined ? path : await realpath(path)
  const part = `${target}.${randomBytes(4).toString('hex')}.part`
  const file = await open(part, 'wx')
  const sink = new Fresh(file, part, target, force)
  try {
    if (there !== undefined) await file.chmod(there.mode & 0o7777)
    return sink
  } catch (error) {
    await sink.discard()
    throw error
  }
}

export async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

export function exists(path: string): CliError {
  return new CliError(ExitCode.FILE, `${path} exists; --force replaces it`)
}

/** A file under another name beside its own. */
class Fresh implements Sink {
  readonly #file: FileHandle
  readonly #part: string
  readonly #target: string
  readonly #force: boolean
  #done = false

  constructor(file: FileHandle, part: string, target: string, force: boolean) {
    this.#file = file
    this.#part = part
    this.#target = target
    this.#force = force
  }

  write(data: Uint8Array): Promise<void> {
    return writeAll(this.#file, data)
  }

  async commit(): Promise<void> {
    await this.#file.sync()
    await this.#file.close()
    if (this.#force) await rename(this.#part, this.#target)
    else await this.#nameNew()
    this.#done = true
  }

  async discard(): Promise<void> {
    if (this.#done) return
    this.#done = true
    await this.#file.close()
    await unlink(this.#part)
  }

  /** Unlike a renaming, a new link never takes the place of a file that came meanwhile. */
  async #nameNew(): Promise<void> {
    try {
      await link(this.#part, this.#target)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw exists(this.#target)
      // This file system has no links.
      if ((await statOf(this.#target)) !== undefined) throw exists(this.#target)
      return rename(this.#part, this.#target)
    }
    await unlink(this.#part)
  }
}

/** A character device or a pipe. */
class InPlace implements Sink {
  protected readonly file: FileHandle

  constructor(file: FileHandle) {
    this.file = file
  }

  write(data: Uint8Array): Promise<void> {
    return writeAll(this.file, data)
  }

  commit(): Promise<void> {
    return this.file.close()
  }

  discard(): Promise<void> {
    return this.file.close()
  }
}

/** A block device: what the page cache cannot write to it later is an error now. */
class BlockDevice extends InPlace {
  override async commit(): Promise<void> {
    await this.file.sync()
    await super.commit()
  }
}

/** Stdout. A pipe that is full holds up only the promise: the event loop goes on. */
class Standard implements Sink {
  write(data: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      process.stdout.write(data, (error) => (error == null ? resolve() : reject(error)))
    })
  }

  async commit(): Promise<void> {}

  async discard(): Promise<void> {}
}

async function writeAll(file: FileHandle, data: Uint8Array): Promise<void> {
  for (let done = 0; done < data.length; ) {
    done += (await file.write(data, done)).bytesWritten
  }
}
