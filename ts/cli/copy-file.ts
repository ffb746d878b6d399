/**
 * A file or a device as an end of a transfer. A new file is called `NAME.part` until it is whole, and stays under that name when a copy is
 * to go on later; where none can, it is `NAME.….part`.
 */

import { randomBytes } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { type FileHandle, lstat, open, readFile, realpath, stat, unlink } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Reading, Writing, WritingOptions } from './copy-end.ts'
import { StreamReading, StreamWriting } from './copy-stream.ts'
import { CliError, ExitCode } from './exit-code.ts'
import { unlessAborted } from './unless-aborted.ts'
import { exists, giveName, syncFolder, unlessAbsent } from './whole-file.ts'

const SECTOR = 512

/** open(2) of a named pipe waits until somebody has its other end. */
export async function openFileReading(name: string, signal: AbortSignal): Promise<Reading> {
  const file = await unlessAborted(signal, open(name))
  try {
    const about = await file.stat()
    if (!about.isFile() && !about.isBlockDevice()) {
      return new StreamReading(name, file.createReadStream())
    }
    const place = await realpath(name)
    const bytes = await sizeOf(about)
    const identity = `${inodeOf(about)} | ${bytes} | ${about.mtimeMs}`
    return new FileReading(file, { name, place, identity, size: bytes })
  } catch (error) {
    await file.close()
    throw error
  }
}

export async function openFileWriting(
  name: string,
  options: WritingOptions,
  signal: AbortSignal,
): Promise<Writing> {
  const there = await unlessAbsent(stat(name))
  if (there?.isFIFO() || there?.isCharacterDevice()) {
    return new StreamWriting(name, await unlessAborted(signal, open(name, 'w')))
  }
  if (there !== undefined && !options.force) throw exists(name)
  const place = there === undefined ? resolve(name) : await realpath(name)
  if (there?.isBlockDevice()) {
    // One that is mounted, or in use otherwise, is EBUSY (open(2)).
    const file = await open(place, constants.O_RDWR | constants.O_EXCL)
    const identity = `device ${there.rdev}`
    return new InPlace(file, { name, place, identity, size: await sizeOf(there) })
  }
  if (there !== undefined && options.inPlace) {
    const file = await open(place, constants.O_RDWR)
    return new InPlace(file, { name, place, identity: inodeOf(there), size: undefined })
  }
  return openFresh(name, place, there, options)
}

async function openFresh(
  name: string,
  place: string,
  there: Stats | undefined,
  { force, resume, keeps }: WritingOptions,
): Promise<Writing> {
  // Also where it is a link that leads nowhere: it has the name.
  if (!force && (await unlessAbsent(lstat(place))) !== undefined) throw exists(name)
  const part = keeps ? `${place}.part` : `${place}.${randomBytes(4).toString('hex')}.part`
  const left = await unlessAbsent(stat(part))
  if (left !== undefined && !resume && !force) {
    throw new CliError(
      ExitCode.FILE,
      `${name}.part is of a copy that did not end; --resume goes on, --force begins anew`,
    )
  }
  // Its name can be foreseen: whoever else may write to the folder must not have it lead elsewhere.
  const how = left === undefined ? constants.O_CREAT | constants.O_EXCL : 0
  const file = await open(part, constants.O_RDWR | constants.O_NOFOLLOW | how)
  try {
    if (there !== undefined) await file.chmod(there.mode & 0o7777)
    const identity = inodeOf(await file.stat())
    const fresh = left === undefined
    return new Fresh(file, { name, place, identity, size: undefined, part, force, fresh })
  } catch (error) {
    await file.close()
    throw error
  }
}

function inodeOf({ dev, ino }: Stats): string {
  return `${dev}:${ino}`
}

/** stat(2) knows no size of a block device; sysfs does, in sectors of 512 bytes. */
async function sizeOf(about: Stats): Promise<number> {
  if (!about.isBlockDevice()) return about.size
  const [major, minor] = [
    (about.rdev >> 8) & 0xfff,
    (about.rdev & 0xff) | ((about.rdev >> 12) & 0xfff00),
  ]
  return SECTOR * Number(await readFile(`/sys/dev/block/${major}:${minor}/size`, 'utf8'))
}

interface FileEnd<Size> {
  readonly name: string
  readonly place: string
  readonly identity: string
  readonly size: Size
}

class OpenFile<Size extends number | undefined> {
  readonly name: string
  readonly place: string
  readonly blockLength = 1
  readonly maxTransferBytes: number = Number.POSITIVE_INFINITY
  readonly size: Size
  protected readonly file: FileHandle
  protected closed: Promise<void> | undefined
  readonly #identity: string

  constructor(file: FileHandle, { name, place, identity, size }: FileEnd<Size>) {
    this.file = file
    this.name = name
    this.place = place
    this.#identity = identity
    this.size = size
  }

  async identity(): Promise<string> {
    return this.#identity
  }

  close(): Promise<void> {
    this.closed ??= this.file.close()
    return this.closed
  }
}

class FileReading extends OpenFile<number> implements Reading {
  read(at: number, length: number, room?: Uint8Array): Promise<Uint8Array> {
    return readAll(this.file, at, length, room)
  }
}

/** A block device, or a file of which other bytes stay what they are. */
class InPlace extends OpenFile<number | undefined> implements Writing {
  readonly ordered = false

  get announcement(): string {
    return this.name
  }

  async begin(_at: number): Promise<void> {}

  async write(at: number, data: Uint8Array): Promise<void> {
    for (let done = 0; done < data.length; ) {
      const { bytesWritten } = await this.file.write(data, done, data.length - done, at + done)
      done += bytesWritten
    }
  }

  readonly readBack = (at: number, length: number): Promise<Uint8Array> =>
    readAll(this.file, at, length)

  sync(): Promise<void> {
    return this.file.sync()
  }

  commit(): Promise<void> {
    return this.close()
  }

  stop(_how: { readonly keep: boolean }): Promise<void> {
    return this.close()
  }
}

/** A new file, or one that takes the place of an old one when it is whole. */
class Fresh extends InPlace {
  readonly #part: string
  readonly #force: boolean
  /** What an earlier run left is not taken away before this one has begun. */
  #own: boolean

  constructor(
    file: FileHandle,
    end: FileEnd<undefined> & {
      readonly part: string
      readonly force: boolean
      readonly fresh: boolean
    },
  ) {
    super(file, end)
    this.#part = end.part
    this.#force = end.force
    this.#own = end.fresh
  }

  override begin(at: number): Promise<void> {
    this.#own = true
    return this.file.truncate(at)
  }

  /** Where the name is taken meanwhile, `stop()` still says what becomes of it. */
  override async commit(): Promise<void> {
    await giveName(this.#part, this.place, { replace: this.#force, name: this.name })
    await this.close()
  }

  settle(): Promise<void> {
    return syncFolder(dirname(this.place))
  }

  override async stop({ keep }: { readonly keep: boolean }): Promise<void> {
    if (this.closed !== undefined) return
    await this.close()
    if (!keep && this.#own) await unlink(this.#part)
  }
}

async function readAll(
  file: FileHandle,
  at: number,
  length: number,
  buffer: Uint8Array = new Uint8Array(length),
): Promise<Uint8Array> {
  for (let done = 0; done < length; ) {
    const { bytesRead } = await file.read(buffer, done, length - done, at + done)
    if (bytesRead === 0) return buffer.subarray(0, done)
    done += bytesRead
  }
  return buffer
}
