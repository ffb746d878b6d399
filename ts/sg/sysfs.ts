/** Reading what the kernel shows in files, of which nothing is believed: what is missing, too long or odd is null. */

import { open, readdir, readlink, realpath } from 'node:fs/promises'
import { basename } from 'node:path'

/** sysfs gives at most a page, and the two tables of /proc that are read here seldom more than some of them. */
const PAGE = 4096
const MOST_TEXT = 256

/** The first bytes of a file, or null. */
export async function bytesOf(path: string, most: number = PAGE): Promise<Buffer | null> {
  let file: Awaited<ReturnType<typeof open>> | undefined
  try {
    file = await open(path)
    const parts: Buffer[] = []
    for (let length = 0; length < most; ) {
      // A file of /proc gives a part at a time.
      const { bytesRead, buffer } = await file.read(Buffer.alloc(Math.min(PAGE, most - length)))
      if (bytesRead === 0) break
      parts.push(buffer.subarray(0, bytesRead))
      length += bytesRead
    }
    return Buffer.concat(parts)
  } catch {
    return null
  } finally {
    await file?.close()
  }
}

/** One line of printable ASCII without the blanks around it, or null: also where nothing is left of it. */
export async function textOf(path: string): Promise<string | null> {
  const bytes = await bytesOf(path)
  if (bytes === null || bytes.length > MOST_TEXT) return null
  const text = bytes.toString('latin1').trim()
  return /^[\x20-\x7e]+$/.test(text) ? text : null
}

/** A decimal number below 2^64, or null. */
export async function bigintOf(path: string): Promise<bigint | null> {
  const text = await textOf(path)
  if (text === null || !/^\d{1,20}$/.test(text)) return null
  const value = BigInt(text)
  return value < 1n << 64n ? value : null
}

/** A decimal number that is a safe integer, or null. */
export async function numberOf(path: string): Promise<number | null> {
  const value = await bigintOf(path)
  return value !== null && value <= Number.MAX_SAFE_INTEGER ? Number(value) : null
}

/** Names in a folder, sorted as people count; none where there is no folder. */
export async function namesIn(path: string): Promise<string[]> {
  try {
    return (await readdir(path)).sort((one, other) =>
      one.localeCompare(other, 'en', { numeric: true }),
    )
  } catch {
    return []
  }
}

/** The name of what a link leads to, or null. */
export async function linkName(path: string): Promise<string | null> {
  try {
    return basename(await readlink(path))
  } catch {
    return null
  }
}

/** Where a path leads, or the path itself where it cannot be followed. */
export async function realOf(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch {
    return path
  }
}
