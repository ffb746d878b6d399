/** Programs that do the same: each measures itself, without its start. */

import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { paceOf } from '#dist/cli/copy-pace.js'
import { readerOf, writerOf } from '#dist/cli/copy-unit.js'
import { pour } from '#dist/cli/copying.js'
import type { Contestant } from '../contest.ts'
import { BLOCK_BYTES } from '../image.ts'
import { type Disk, ready, spoil } from './disks.ts'

const exec = promisify(execFile)
const MIB = 1 << 20
const SGRING = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url))

/** sg3_utils' `sg_turs`: one TEST UNIT READY after the other, over a bsg node by its own low-level interface. */
export function sgTurs(name: string, node: string): Contestant {
  const run = async (count: number) => {
    const { stdout, stderr } = await exec('sg_turs', ['--low', '--time', `--number=${count}`, node])
    const text = stdout + stderr
    const seconds = Number(/was ([\d.]+) secs/.exec(text)?.[1])
    if (!text.includes('with 0 errors') || !(seconds > 0)) throw new Error(`sg_turs: ${text}`)
    return seconds * 1000
  }
  return { name, run, elsewhere: true }
}

/** fio's engine `sg`: random reads of `dataBytes` below `bytes`, asynchronously over an sg node. */
export function fio(sg: string, bytes: number, dataBytes: number, depth: number): Contestant {
  const run = async (count: number) => {
    const { stdout } = await exec('fio', [
      ...['--name=read', '--ioengine=sg', `--filename=${sg}`, `--iodepth=${depth}`],
      ...['--rw=randread', '--norandommap', `--bs=${dataBytes}`, `--size=${bytes}`],
      ...[`--io_size=${count * dataBytes}`, '--gtod_reduce=1', '--output-format=json'],
    ])
    const { jobs } = JSON.parse(stdout.slice(stdout.indexOf('{'))) as FioReport
    const { error, read } = jobs[0]!
    if (error !== 0 || read.total_ios !== count) throw new Error(`fio: ${stdout}`)
    return read.runtime
  }
  return { name: 'fio', run, elsewhere: true }
}

interface FioReport {
  readonly jobs: readonly {
    readonly error: number
    readonly read: { readonly total_ios: number; readonly runtime: number }
  }[]
}

/** What is copied, and by commands of how many bytes. */
export interface Copying {
  readonly from: Disk
  readonly to: Disk
  readonly bytes: number
  readonly commandBytes: number
}

/**
 * Copies all of it, however many MiB are asked for, and takes the time that those would have taken. Where the copy has been is looked at.
 *
 * @param copy resolves with its milliseconds
 */
function copying(name: string, { to, bytes }: Copying, copy: () => Promise<number>): Contestant {
  const run = async (mib: number) => {
    const check = await spoil(to, bytes)
    const ms = await copy()
    await check()
    return (ms * mib * MIB) / bytes
  }
  return { name, run, elsewhere: true }
}

/** `sgring copy`, in a process of its own. */
export function sgringCopy(job: Copying): Contestant {
  const { from, to, bytes, commandBytes } = job
  return copying('sgring', job, async () => {
    const { stdout } = await exec(process.execPath, [
      ...[SGRING, 'copy', from.bsg, to.bsg, '--yes', '--json', `--part-bytes=${commandBytes}`],
      ...[`--bs=${BLOCK_BYTES}`, `--count=${bytes / BLOCK_BYTES}`],
    ])
    const copied = JSON.parse(stdout) as { bytes: number; seconds: number }
    if (copied.bytes !== bytes) throw new Error(`sgring copy: ${stdout}`)
    return copied.seconds * 1000
  })
}

/** What `sgring copy` does, in this process: after the first time its code is compiled, as it soon is where a disk is larger. */
export function poured(job: Copying): Contestant {
  const { from, to, bytes, commandBytes } = job
  return copying('warm', job, async () => {
    const [source, sink] = [await ready(from.bsg), await ready(to.bsg)]
    const place = { blockLength: BLOCK_BYTES, size: bytes }
    const blocks = { options: {}, blockLength: BLOCK_BYTES, lba: 0n }
    const limits = { blockLength: BLOCK_BYTES, maxTransferBytes: commandBytes }
    const none = async () => {}
    const begun = performance.now()
    await pour({
      from: {
        ...place,
        name: '',
        place: '',
        read: readerOf({ ...blocks, unit: source }),
        direct: { ...blocks, unit: source, node: source.node },
        close: none,
      },
      to: {
        ...place,
        name: '',
        ordered: false,
        write: writerOf({ ...blocks, unit: sink }),
        direct: { ...blocks, unit: sink, node: sink.node },
        readBack: undefined,
      },
      range: { skip: 0, seek: 0, length: bytes, done: 0 },
      pace: paceOf({ values: {} }, limits, limits),
      signal: new AbortController().signal,
      pad: false,
      verify: false,
      moved: () => {},
    })
    const ms = performance.now() - begun
    await Promise.all([source.close(), sink.close()])
    return ms
  })
}

/** sg3_utils' `sg_dd`. */
export function sgDd(job: Copying): Contestant {
  const { from, to, bytes, commandBytes } = job
  const blocks = bytes / BLOCK_BYTES
  return copying('sg_dd', job, async () => {
    const { stderr } = await exec('sg_dd', [
      ...[`if=${from.sg}`, `of=${to.sg}`, `bs=${BLOCK_BYTES}`, `bpt=${commandBytes / BLOCK_BYTES}`],
      ...['time=1', `count=${blocks}`],
    ])
    const seconds = Number(/: ([\d.]+) secs/.exec(stderr)?.[1])
    if (!stderr.includes(`${blocks}+0 records out`) || !(seconds > 0))
      throw new Error(`sg_dd: ${stderr}`)
    return seconds * 1000
  })
}
