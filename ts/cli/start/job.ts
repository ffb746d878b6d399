/** The steps of the main job. Whatever ends it, the target process and the files that it made go away. */

import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { freemem, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LogicalUnit } from '../../initiator/unit.ts'
import { connect, type Nexus } from '../../ring/nexus.ts'
import { openPathReading } from '../copy-end.ts'
import { paceOf } from '../copy-pace.ts'
import { readerOf, writerOf } from '../copy-unit.ts'
import { type From, pour, type To } from '../copying.ts'
import { CliError, ExitCode } from '../exit-code.ts'
import { Progress } from '../progress.ts'
import { size } from '../quantity.ts'
import { type AbortOutcome, aborts, HANGING_LUN } from './aborts.ts'
import { type MixedOutcome, mixed, REGION_BLOCKS, THREADS } from './mixed.ts'
import { withTarget } from './target.ts'

const BLOCK = 512
const LARGE_BYTES = 64 << 20

export interface JobOptions {
  /** The file; default: a large one of this machine. */
  readonly input: string | undefined
  /** Nothing is shown on the way. */
  readonly silent: boolean
  readonly signal: AbortSignal
}

export interface Outcome {
  readonly input: string
  readonly targetPid: number
  /** Of the input. */
  readonly bytes: number
  readonly writeSeconds: number
  readonly readSeconds: number
  /** Of the input, and of what was read back. */
  readonly sha256: string
  readonly sha256Back: string
  readonly mixed: MixedOutcome
  readonly aborts: AbortOutcome
}

/** Does the main job. */
export async function run({ input, silent, signal }: JobOptions): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'sgring-start-'))
  try {
    const path = input ?? (await largeFile(folder))
    const bytes = await lengthOf(path)
    const blocks = Math.ceil(bytes / BLOCK)
    const memory = (blocks + THREADS * REGION_BLOCKS) * BLOCK
    const socket = join(folder, 'disk.sock')
    return await withTarget({ socket, memory, signal }, async () => {
      const nexus = await connect(socket, { signal })
      try {
        const copied = await thereAndBack(nexus.unit(0), { path, bytes, silent, signal })
        const shared = { socket, join: nexus.share(), firstBlock: blocks }
        const mix = await mixed(shared, { silent, signal })
        const hung = await aborts(nexus.unit(HANGING_LUN), { silent, signal })
        return { ...about(nexus, path), ...copied, mixed: mix, aborts: hung }
      } finally {
        await nexus.close()
      }
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function about(nexus: Nexus, input: string): Pick<Outcome, 'input' | 'targetPid'> {
  return { input, targetPid: nexus.targetPid }
}

async function largeFile(folder: string): Promise<string> {
  if ((await stat(process.execPath)).size > LARGE_BYTES) return process.execPath
  const path = join(folder, 'random')
  await writeFile(path, randomBytes(LARGE_BYTES))
  return path
}

/** The disk and what is read back stay in memory. */
async function lengthOf(path: string): Promise<number> {
  const { size: bytes } = await stat(path)
  if (bytes === 0) throw new CliError(ExitCode.FILE, `${path} has no bytes`)
  if (2 * bytes <= freemem()) return bytes
  const message = `${path} has ${size(bytes)}, and the memory that is free holds no two copies of it`
  throw new CliError(ExitCode.FILE, message)
}

interface Copying {
  readonly path: string
  readonly bytes: number
  readonly silent: boolean
  readonly signal: AbortSignal
}

/** The file to the unit and back. Hashes are made outside of the seconds. */
async function thereAndBack(unit: LogicalUnit, { path, bytes, silent, signal }: Copying) {
  const options = { signal, onAbort: 'detach' } as const
  const blocks = { unit, options, blockLength: BLOCK, lba: 0n }
  const all = Math.ceil(bytes / BLOCK) * BLOCK
  const disk = { name: 'the disk', place: 'disk', blockLength: BLOCK, size: all }
  const limits = { blockLength: BLOCK, maxTransferBytes: unit.maxTransferBytes }
  const pace = paceOf({ values: {} }, limits, limits)
  const timed = async (label: string, from: From, to: To) => {
    const progress = new Progress({ label, total: bytes, silent })
    const range = { skip: 0, seek: 0, length: from.size, done: 0 }
    const moved = (count: number) => progress.moved(count)
    try {
      await pour({ from, to, range, pace, signal, pad: true, verify: false, moved })
    } finally {
      progress.end()
    }
    return progress.seconds
  }
  const sha256 = await hashOf(createReadStream(path))

  const source = await openPathReading(path, signal)
  const toDisk = { ...disk, ordered: false, write: writerOf(blocks), readBack: undefined }
  let writeSeconds: number
  try {
    writeSeconds = await timed('write', source, toDisk)
  } finally {
    await source.close()
  }

  const back = new Uint8Array(all)
  const fromDisk = { ...disk, read: readerOf(blocks), close: async () => {} }
  const collect = async (at: number, data: Uint8Array) => back.set(data, at)
  const memory = { ...disk, name: 'memory', ordered: false, write: collect, readBack: undefined }
  const readSeconds = await timed('read', fromDisk, memory)
  // What fills up the last block is no part of the file.
  const sha256Back = await hashOf([back.subarray(0, bytes)])
  return { bytes, writeSeconds, readSeconds, sha256, sha256Back }
}

async function hashOf(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of chunks) hash.update(chunk)
  return hash.digest('hex')
}
