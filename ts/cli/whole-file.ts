/** Files that are whole or not there: written under another name, brought to the medium, and only then given their own. */

import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { link, mkdir, open, realpath, rename, stat, unlink, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { UNSYNCED } from '../durable-file.ts'
import { CliError, ExitCode } from './exit-code.ts'

const PERMISSIONS = 0o7777

export interface WholeFile {
  /** What has the name goes, and its permissions stay; else it is an error that something has it. */
  readonly replace: boolean
  /** Permission bits of a new file, less those of the umask. Default: 0o666. */
  readonly mode?: number
  /** What it is called until it is whole. Default: a name that nobody can foresee, in the same folder. */
  readonly part?: string
}

/**
 * Writes a file. When it fails nothing is left behind, and what was there is. What is there and is no regular file, such as a terminal or
 * /dev/null, is written to, and stays.
 *
 * @throws `CliError` where the name is taken, and what the system says
 */
export async function writeWhole(
  name: string,
  text: string,
  { replace, mode = 0o666, part: named }: WholeFile,
): Promise<void> {
  const there = replace ? await unlessAbsent(stat(name)) : undefined
  if (there !== undefined && !there.isFile()) {
    await writeFile(name, text, { flag: constants.O_WRONLY })
    return
  }
  // A link stays one.
  const place = there === undefined ? name : await realpath(name)
  const part = named ?? `${place}.${randomBytes(4).toString('hex')}.part`
  const file = await open(part, named === undefined ? 'wx' : 'w', mode)
  try {
    try {
      if (there !== undefined) await file.chmod(there.mode & PERMISSIONS)
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await giveName(part, place, { replace, name })
  } catch (error) {
    await unlink(part).catch(() => {})
    throw error
  }
  await syncFolder(dirname(place))
}

/**
 * Gives a file that is whole, and on the medium, its name, which is not there yet: `syncFolder()`.
 *
 * @param name as the user has called it
 * @throws `CliError` where the name is taken and not to be replaced, and what the system says
 */
export async function giveName(
  part: string,
  place: string,
  { replace, name }: { readonly replace: boolean; readonly name: string },
): Promise<void> {
  if (replace) await rename(part, place)
  else await giveFreeName(part, place, name)
}

/** Unlike a renaming, a new link never takes the place of a file that came meanwhile. */
async function giveFreeName(part: string, place: string, name: string): Promise<void> {
  try {
    await link(part, place)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw exists(name)
    if ((await unlessAbsent(stat(place))) !== undefined) throw exists(name)
    // This file system has no links.
    await rename(part, place)
    return
  }
  await unlink(part)
}

export function exists(name: string): CliError {
  return new CliError(ExitCode.FILE, `${name} exists; --force replaces it`)
}

/** Brings names to the medium: they are their folder's data (fsync(2)). */
export async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(path)
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  } catch (error) {
    if (!UNSYNCED.includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}

/**
 * Makes a folder, and those above it that are not there, which nobody else may enter. One that is there stays as it is. Node's own never
 * ends where the system says of a folder that can be made nowhere that the one above it is absent, as in /proc.
 */
export async function makeFolder(path: string): Promise<void> {
  const make = () => mkdir(path, 0o700)
  const above = dirname(path)
  try {
    await make().catch(async (error) => {
      if (error.code !== 'ENOENT' || above === path) throw error
      await makeFolder(above)
      await make()
    })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/** What is asked of a file; undefined where there is none. */
export async function unlessAbsent<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
