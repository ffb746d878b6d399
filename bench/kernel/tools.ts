/** Programs that do the same: each measures itself, without its start. */

import { type ChildProcess, execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { paceOf } from '#dist/cli/copy-pace.js'
import type { Contestant } from '../contest.ts'
import { BLOCK_BYTES } from '../image.ts'
import { commands, type Disk, spoil } from './disks.ts'

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

/** What a program sends beside READs and WRITEs, at most: it asks for capacities and pages, and has caches written. */
const OTHER_COMMANDS = 40

/**
 * Copies all of it, however many MiB are asked for, and takes the time that those would have taken. Where the copy has been is looked at, and
 * that it took commands as long as they are to be.
 *
 * @param copy resolves with its milliseconds
 */
function copying(name: string, job: Copying, copy: () => Promise<number>): Contestant {
  const { from, to, bytes, commandBytes } = job
  const run = async (mib: number) => {
    const check = await spoil(to, bytes)
    const before = [commands(from), commands(to)]
    const ms = await copy()
    for (const [index, disk] of [from, to].entries()) {
      const more = commands(disk) - before[index]! - bytes / commandBytes
      if (more < 0 || more > OTHER_COMMANDS)
        throw new Error(`${name}: ${more} commands more than ${disk.sg} should have had`)
    }
    await check()
    return (ms * mib * MIB) / bytes
  }
  return { name, run, elsewhere: true }
}

/** `sgring copy`, in a process of its own. */
export function sgringCopy(name: string, kind: 'bsg' | 'sg', job: Copying): Contestant {
  const { from, to, bytes, commandBytes } = job
  return copying(name, job, async () => {
    const copy = exec(process.execPath, [
      ...[SGRING, 'copy', from[kind], to[kind], '--yes', '--json', `--part-bytes=${commandBytes}`],
      ...[`--bs=${BLOCK_BYTES}`, `--count=${bytes / BLOCK_BYTES}`],
    ])
    const [isDirect, { stdout }] = await Promise.all([hasMovers(copy.child), copy])
    if (!isDirect) throw new Error('sgring copy: no thread has moved parts from node to node')
    const copied = JSON.parse(stdout) as { bytes: number; seconds: number }
    if (copied.bytes !== bytes) throw new Error(`sgring copy: ${stdout}`)
    return copied.seconds * 1000
  })
}

/** Whether a process has a thread that moves parts from node to node (`crates/sg/src/copy.rs`); looks until it has, or has ended. */
async function hasMovers(child: ChildProcess): Promise<boolean> {
  const folder = `/proc/${child.pid}/task`
  const isMover = (thread: string) =>
    readFileSync(`${folder}/${thread}/comm`, 'utf8') === 'sgring-copy\n'
  while (child.exitCode === null && child.signalCode === null) {
    try {
      if (readdirSync(folder).some(isMover)) return true
    } catch {
      // One of them ended meanwhile.
    }
    await pause(5)
  }
  return false
}

/** sg3_utils' `sg_dd`, which has one command at a time. */
export function sgDd(job: Copying): Contestant {
  return dd('sg_dd', [], job)
}

/** sg3_utils' `sgp_dd`, by as many threads as `sgring copy` has commands under way. */
export function sgpDd(job: Copying): Contestant {
  const limits = { blockLength: BLOCK_BYTES, maxTransferBytes: job.commandBytes }
  return dd('sgp_dd', [`thr=${paceOf({ values: {} }, limits, limits).depth}`], job)
}

function dd(program: string, options: readonly string[], job: Copying): Contestant {
  const { from, to, bytes, commandBytes } = job
  const blocks = bytes / BLOCK_BYTES
  return copying(program, job, async () => {
    const { stderr } = await exec(program, [
      ...[`if=${from.sg}`, `of=${to.sg}`, `bs=${BLOCK_BYTES}`, `bpt=${commandBytes / BLOCK_BYTES}`],
      ...['time=1', `count=${blocks}`, ...options],
    ])
    const seconds = Number(/ ([\d.]+) secs/.exec(stderr)?.[1])
    if (!stderr.includes(`${blocks}+0 records out`) || !(seconds > 0))
      throw new Error(`${program}: ${stderr}`)
    return seconds * 1000
  })
}
