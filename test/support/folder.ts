/** Folders for sockets and files. */

import { mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** TMPFS_MAGIC of linux/magic.h. */
const TMPFS = 0x0102_1994

/** Where files are memory, if there is such a folder for everybody. */
export const SHARED_MEMORY: string | undefined = isOnTmpfs('/dev/shm') ? '/dev/shm' : undefined

/** A place of files that a disk, or whatever it is, has behind the memory: of temporary ones, or the checkout. */
export const OFF_SHARED_MEMORY: string | undefined = [tmpdir(), import.meta.dirname].find(
  (folder) => !isOnTmpfs(folder),
)

/** Whether there is a folder of that name, and its files are memory. */
export function isOnTmpfs(folder: string): boolean {
  try {
    return statfsSync(folder).type === TMPFS
  } catch {
    return false
  }
}

const made: string[] = []
process.once('exit', () => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true })
})

/** A new folder of this process's own, removed when the process ends; in the one for temporary files, or in another. */
export function temporaryFolder(within: string = tmpdir()): string {
  const folder = mkdtempSync(join(within, 'sgring-'))
  made.push(folder)
  return folder
}
