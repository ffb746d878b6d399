/** The two ends of a copy, and what they are opened from: a unit, a file or a device, or a standard stream. */

import { openFileReading, openFileWriting } from './copy-file.ts'
import type { Pace } from './copy-pace.ts'
import { StreamReading, StreamWriting, standardOutput } from './copy-stream.ts'
import { type NodeEnd, openUnitReading, openUnitWriting } from './copy-unit.ts'
import { isCommandNode } from './device-claim.ts'
import type { Call, CONNECTING } from './verb.ts'

/** Where bytes come from. Offsets and lengths are in bytes. */
export interface Reading {
  /** As it was named. */
  readonly name: string
  /** The same for the same place, however it is named; undefined for what can be read but once. */
  readonly place: string | undefined
  /** Tells whether it is what it was in an earlier run. */
  identity(): Promise<string>
  /** What no other unit of the world is called; none where it has no such name. */
  worldWideNames?(): Promise<readonly string[]>
  /** Every offset and length is a multiple of it. */
  readonly blockLength: number
  /** Bytes that can be moved at once; infinite where there is no limit. */
  readonly maxTransferBytes: number
  /** Bytes there are; undefined where nobody knows before the end. */
  readonly size: number | undefined
  /**
   * Resolves with fewer bytes only at the end. What can be read but once is read in the order of the calls, whatever they say.
   *
   * @param room so many bytes that the data may be put into, where that saves memory of their own: they are left alone from then on, until the
   * data are of no more use
   */
  read(at: number, length: number, room?: Uint8Array): Promise<Uint8Array>
  /** The same by parts, where that is cheaper; undefined for parts that it has no room for. */
  parts?(pace: Pace): LentParts | undefined
  /** Where both ends have it, bytes may go from node to node by themselves. */
  readonly direct?: NodeEnd
  /** Ends a `read()` that waits. Idempotent. */
  close(): Promise<void>
}

/** Reading by parts, into memory that is not the reader's. */
export interface LentParts {
  /** As `Reading.read()`: the bytes are left alone until they are given back. */
  read(at: number, length: number): Promise<Uint8Array>
  /** Nobody has them any more: so not after a failure, which may leave somebody who has. */
  giveBack(data: Uint8Array): void
}

/** Where bytes go. Once it is written to, Ctrl-C ends no command of it: how each has ended counts. */
export interface Writing extends Omit<Reading, 'read' | 'parts' | 'size'> {
  /** Bytes it has room for; undefined where there is no end. */
  readonly size: number | undefined
  /** What is said before it is written to. */
  readonly announcement: string
  /** Takes bytes in order only. */
  readonly ordered: boolean
  /** Comes before the first write. A new file then ends before `at`. */
  begin(at: number): Promise<void>
  write(at: number, data: Uint8Array): Promise<void>
  /** The same by parts, where that is cheaper; undefined for parts that it has no room for. */
  parts?(pace: Pace): Pick<Writing, 'write'> | undefined
  /** What is there now: past the cache of a unit that knows FUA, and else as its cache or the system's has it. Undefined where nothing can be read. */
  readonly readBack: ((at: number, length: number) => Promise<Uint8Array>) | undefined
  /** All that was written is on the medium. It works after the verb was told to end; when `patience` is over, a unit is not waited for any more. */
  sync(patience: AbortSignal): Promise<void>
  /** All was written, and is on the medium: a file gets its name. */
  commit(): Promise<void>
  /** Comes after `commit()`, where a name was given: that is on the medium, too. */
  settle?(): Promise<void>
  /** It did not come to that. Idempotent, and nothing after `commit()`. */
  stop(how: { readonly keep: boolean }): Promise<void>
}

export interface WritingOptions {
  /** Replace what is there. */
  readonly force: boolean
  /** Go on with what an earlier run left. */
  readonly resume: boolean
  /** What is stopped can stay, for a later run to go on with. */
  readonly keeps: boolean
  /** Other bytes of a file stay what they are. */
  readonly inPlace: boolean
}

/** What `sgring copy` and `sgring verify` say of their operands. */
export const END =
  'a unit (ring:NAME, ring:NAME/LUN, ring:/path.sock?lun=N, /dev/bsg/H:C:T:L, /dev/sgN), a file or a block device, or -'

/** A block device is a file: its commands go by its bsg or sg node. */
export function isUnit(name: string): boolean {
  return name.startsWith('ring:') || isCommandNode(name)
}

export async function openReading(name: string, call: Call<typeof CONNECTING>): Promise<Reading> {
  return isUnit(name) ? openUnitReading(name, call) : openPathReading(name, call.signal)
}

export async function openWriting(
  name: string,
  call: Call<typeof CONNECTING>,
  options: WritingOptions,
): Promise<Writing> {
  return isUnit(name) ? openUnitWriting(name, call) : openPathWriting(name, options, call.signal)
}

/** Opens a file, or stdin for `-`. */
export async function openPathReading(name: string, signal: AbortSignal): Promise<Reading> {
  return name === '-' ? new StreamReading(name, process.stdin) : openFileReading(name, signal)
}

/** Opens a file to be written, or stdout for `-`. */
export async function openPathWriting(
  name: string,
  options: WritingOptions,
  signal: AbortSignal,
): Promise<Writing> {
  return name === '-'
    ? new StreamWriting(name, standardOutput())
    : openFileWriting(name, options, signal)
}
