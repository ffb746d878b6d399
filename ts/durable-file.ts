/** Files that a kill or a power failure leaves as they were or as they should be, and never a part of either. */

import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** What a system says of a folder that may be written to and not read, or on one that brings no folder to a medium, as some of FUSE and of networks. */
export const UNSYNCED: readonly string[] = ['EACCES', 'EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'EPERM']

/**
 * Makes a file, or another one in the place of what is there: by another name, until all of it is on its medium.
 *
 * @param make makes the file that it is told, which is not there
 * @throws an error of the system, or what `make` throws
 */
export function makeDurable(path: string, make: (unfinished: string) => void): void {
  const unfinished = `${path}.new`
  rmSync(unfinished, { force: true })
  make(unfinished)
  sync(unfinished)
  renameSync(unfinished, path)
  syncNames(dirname(path))
}

/** {@link makeDurable} of a text, for this user alone. */
export function writeDurable(path: string, text: string): void {
  makeDurable(path, (unfinished) => {
    writeFileSync(unfinished, text, { flag: 'wx', mode: 0o600 })
  })
}

/** Brings names to the medium: they are their folder's data (fsync(2)). */
export function syncNames(folder: string): void {
  try {
    sync(folder)
  } catch (error) {
    if (!UNSYNCED.includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}

function sync(path: string): void {
  const open = openSync(path, 'r')
  try {
    fsyncSync(open)
  } finally {
    closeSync(open)
  }
}
