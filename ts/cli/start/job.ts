/** The steps of the main job. Whatever ends it, the target process and the files that it made go away. */

import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { freemem, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LogicalUnit } from '../../initiator/unit.ts'
import { connect, type Nexus } from '../../ring/nexus.ts'
import { CliError, ExitCode } from '../exit-code.ts'
import { Progress } from '../progress.ts'
import { size } from '../quantity.ts'
import { openSource } from '../source.ts'
import { readBlocks, type Transfer, writeBlocks } from '../transfer.ts'
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
  const blocks = BigInt(Math.ceil(bytes / BLOCK))
  const transfer = (label: string): { progress: Progress; transfer: Transfer } => {
    const progress = new Progress({ label, total: bytes, silent })
    const moved = (count: number) => progress.moved(count)
    const options = { signal, onAbort: 'detach' } as const
    return { progress, transfer: { unit, lba: 0n, blockLength: BLOCK, options, moved } }
  }
  const sha256 = await hashOf(path)

  const writing = transfer('write')
  const source = await openSource(path)
  try {
    await writeBlocks(writing.transfer, { blocks, pad: true }, source)
  } finally {
    writing.progress.end()
    await source.close()
  }
  const writeSeconds = writing.progress.seconds

  const reading = transfer('read')
  const parts: Uint8Array[] = []
  const collect = async (data: Uint8Array) => void parts.push(data)
  try {
    await readBlocks(reading.transfer, blocks, { write: collect })
  } finally {
    reading.progress.end()
  }
  const readSeconds = reading.progress.seconds
  return { bytes, writeSeconds, readSeconds, sha256, sha256Back: hashOfParts(parts, bytes) }
}

async function hashOf(path: string): Promise<string> {
  const source = await openSource(path)
  try {
    const hash = createHash('sha256')
    const buffer = new Uint8Array(1 << 20)
    for (let length = await source.fill(buffer); length > 0; length = await source.fill(buffer)) {
      hash.update(buffer.subarray(0, length))
    }
    return hash.digest('hex')
  } finally {
    await source.close()
  }
}

/** Of the first `bytes` bytes: what fills up the last block is no part of the file. */
function hashOfParts(parts: readonly Uint8Array[], bytes: number): string {
  const hash = createHash('sha256')
  let left = bytes
  for (const part of parts) {
    hash.update(part.subarray(0, left))
    left -= Math.min(left, part.length)
  }
  return hash.digest('hex')
}
