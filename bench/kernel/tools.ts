/** Programs that do the same: each measures itself, without its start. */

import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Contestant } from '../contest.ts'
import { type Disk, spoil } from './disks.ts'

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

/** What is copied at a time: whoever asks for more, or for less, gets the time that it would have taken. */
export const COPY_MIB = 16

/** Copies from disk to disk; where one has been, it is looked at. */
function copying(name: string, to: Disk, copy: (mib: number) => Promise<number>): Contestant {
  const run = async (mib: number) => {
    const check = await spoil(to, COPY_MIB * MIB)
    const ms = await copy(COPY_MIB)
    await check()
    return (ms * mib) / COPY_MIB
  }
  return { name, run, elsewhere: true }
}

/** `sgring copy`. */
export function sgringCopy(from: Disk, to: Disk): Contestant {
  return copying('sgring', to, async (mib) => {
    const { stdout } = await exec(process.execPath, [
      ...[SGRING, 'copy', from.bsg, to.bsg, '--yes', '--json'],
      ...['--bs=1M', `--count=${mib}`],
    ])
    const { bytes, seconds } = JSON.parse(stdout) as { bytes: number; seconds: number }
    if (bytes !== mib * MIB) throw new Error(`sgring copy: ${stdout}`)
    return seconds * 1000
  })
}

/** sg3_utils' `sg_dd`, whose block size is that of `sgring copy`: 1 MiB a command. */
export function sgDd(name: string, from: Disk, to: Disk): Contestant {
  return copying(name, to, async (mib) => {
    const { stderr } = await exec('sg_dd', [
      ...[`if=${from.sg}`, `of=${to.sg}`, 'bs=512', 'bpt=2048', 'time=1'],
      `count=${(mib * MIB) / 512}`,
    ])
    const seconds = Number(/: ([\d.]+) secs/.exec(stderr)?.[1])
    if (!stderr.includes(`${(mib * MIB) / 512}+0 records out`) || !(seconds > 0))
      throw new Error(`sg_dd: ${stderr}`)
    return seconds * 1000
  })
}
