/** A file system that can be frozen: whoever writes there then waits inside the kernel, as for a device that hangs. */

import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from './folder.ts'

const IMAGE_BYTES = 16 << 20

/** What is missing here, if it cannot be made. */
export function missing(): string | undefined {
  if (process.geteuid?.() !== 0) return 'needs root, to mount and freeze a file system'
  const tools = ['mkfs.ext4', 'mount', 'fsfreeze', 'losetup']
  const absent = tools.filter((tool) => spawnSync(tool, ['--version']).error !== undefined)
  if (absent.length > 0) return `needs ${absent.join(', ')} (Debian: e2fsprogs, util-linux, mount)`
  const device = spawnSync('losetup', ['--find'])
  return device.status === 0 ? undefined : 'needs a loop device'
}

/** An ext4 of its own, over a loop device. */
export class FrozenDisk {
  /** Where it is mounted. */
  readonly folder: string

  constructor() {
    // Before the folder goes, whatever has failed.
    process.once('exit', this.#removeAtExit)
    const folder = temporaryFolder()
    const image = join(folder, 'image')
    writeFileSync(image, '')
    truncateSync(image, IMAGE_BYTES)
    execFileSync('mkfs.ext4', ['-q', image])
    this.folder = join(folder, 'mount')
    mkdirSync(this.folder)
    execFileSync('mount', ['-o', 'loop', image, this.folder])
  }

  /** From now on writes wait. */
  freeze(): void {
    execFileSync('fsfreeze', ['--freeze', this.folder])
  }

  /** They go on. */
  thaw(): void {
    execFileSync('fsfreeze', ['--unfreeze', this.folder])
  }

  /** Unmounts it, thawed, as soon as nobody has a file open there. */
  remove(): void {
    process.off('exit', this.#removeAtExit)
    spawnSync('fsfreeze', ['--unfreeze', this.folder])
    spawnSync('umount', ['--lazy', this.folder])
  }

  readonly #removeAtExit = (): void => this.remove()
}

/** The states of a process's transfer threads, as proc_pid_stat(5) has them: `D` is inside a call that nothing interrupts. */
export function transferThreads(pid: number): string[] {
  return ofTransferThreads(pid, (_folder, state) => state)
}

/** Bytes that a process's transfer threads have read from files and written to files so far (proc_pid_io(5), rchar and wchar). */
export function transferredBytes(pid: number): { read: number; written: number } {
  const all = ofTransferThreads(pid, (folder) => readFileSync(join(folder, 'io'), 'utf8')).join()
  const sum = (counter: RegExp) =>
    [...all.matchAll(counter)].reduce((total, [, bytes]) => total + Number(bytes), 0)
  return { read: sum(/rchar: (\d+)/g), written: sum(/wchar: (\d+)/g) }
}

function ofTransferThreads<T>(pid: number, look: (folder: string, state: string) => T): T[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
    const folder = `/proc/${pid}/task/${thread}`
    try {
      const stat = readFileSync(join(folder, 'stat'), 'utf8')
      const state = /\(sgring-store-\d+\) (\w)/.exec(stat)?.[1]
      return state === undefined ? [] : [look(folder, state)]
    } catch {
      // It ended meanwhile.
      return []
    }
  })
}
