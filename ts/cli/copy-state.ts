/** What a copy that was stopped leaves behind, so that a later run goes on with it: a small file in the user's state folder. */

import { createHash } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import type { Reading, Writing } from './copy-end.ts'
import { firstDifference, type Range } from './copying.ts'
import { CliError, ExitCode } from './exit-code.ts'
import { makeFolder, writeWhole } from './whole-file.ts'

/** What must be the same when it goes on. */
interface Facts {
  readonly from: string
  readonly to: string
  readonly skip: number
  readonly seek: number
  /** -1 where it ends where the source does. */
  readonly length: number
}

const VERSION = 1
/** What a state is called until it is whole. One that a killed run has left is overwritten, or removed with the state. */
const PART = '.part'

/** The state of a copy between two places. */
export class CopyState {
  readonly #path: string
  readonly #facts: Facts

  /** @returns undefined where an end can be read or written but once */
  static async of(
    from: Reading,
    to: Writing,
    { skip, seek, length = -1 }: Range,
  ): Promise<CopyState | undefined> {
    if (from.place === undefined || to.place === undefined) return undefined
    const places = createHash('sha256').update(JSON.stringify([from.place, to.place]))
    const path = join(folder(), `copy-${places.digest('hex').slice(0, 16)}.json`)
    const [one, other] = [await from.identity(), await to.identity()]
    return new CopyState(path, { from: one, to: other, skip, seek, length })
  }

  private constructor(path: string, facts: Facts) {
    this.#path = path
    this.#facts = facts
  }

  /**
   * The bytes that an earlier run has copied; 0 if it left no state.
   *
   * @throws if it was another copy than this one
   */
  async load(): Promise<number> {
    const text = await this.#read()
    if (text === undefined) return 0
    const state = parsed(text)
    if (state === undefined) throw this.#refused('is no state of a copy')
    for (const key of Object.keys(this.#facts) as (keyof Facts)[]) {
      if (state[key] === this.#facts[key]) continue
      throw this.#refused(
        `is of a copy with another ${WORDS[key]}: ${state[key]}, and now ${this.#facts[key]}`,
      )
    }
    const { length } = this.#facts
    const fits = Number.isSafeInteger(state.done) && state.done >= 0
    if (!fits || (length >= 0 && state.done > length)) throw this.#refused('is no state of a copy')
    return state.done
  }

  /** Replaces the state at once, or not at all. `done` bytes are on the medium. */
  async save(done: number): Promise<void> {
    await makeFolder(dirname(this.#path))
    const text = `${JSON.stringify({ version: VERSION, ...this.#facts, done })}\n`
    await writeWhole(this.#path, text, { replace: true, mode: 0o600, part: this.#path + PART })
  }

  async remove(): Promise<void> {
    for (const path of [this.#path, this.#path + PART]) {
      try {
        await rm(path, { force: true })
      } catch (error) {
        if (!isAbsent(error)) throw error
      }
    }
  }

  async #read(): Promise<string | undefined> {
    try {
      return await readFile(this.#path, 'utf8')
    } catch (error) {
      if (isAbsent(error)) return undefined
      throw error
    }
  }

  #refused(what: string): CliError {
    return new CliError(
      ExitCode.FILE,
      `${this.#path} ${what}; without --resume the copy begins anew`,
    )
  }
}

/**
 * Looks whether the last bytes that an earlier run copied are what the source has there.
 *
 * @param part how many, at most
 * @throws if they are not
 */
export async function checkResumed(
  from: Reading,
  to: Writing,
  range: Range,
  part: number,
): Promise<void> {
  const start = Math.max(0, Math.floor((range.done - 1) / part) * part)
  const length = range.done - start
  const source = await from.read(range.skip + start, length)
  const copied = await to.readBack?.(range.seek + start, length)
  if (copied !== undefined && firstDifference(source, copied) < 0) return
  throw new CliError(
    ExitCode.FILE,
    `${to.name} does not have what was copied before byte ${range.seek + range.done}; without --resume the copy begins anew`,
  )
}

const WORDS: Readonly<Record<keyof Facts, string>> = {
  from: 'source',
  to: 'destination',
  skip: '--skip',
  seek: '--seek',
  length: 'length',
}

function parsed(text: string): (Facts & { readonly done: number }) | undefined {
  try {
    const state = JSON.parse(text)
    return state?.version === VERSION ? state : undefined
  } catch {
    return undefined
  }
}

/** There is no such file, nor can there be where a folder of its path is none. */
function isAbsent(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOENT' || code === 'ENOTDIR'
}

/** As the XDG Base Directory Specification has it, a relative XDG_STATE_HOME counts as none. */
function folder(): string {
  const { XDG_STATE_HOME: named = '' } = process.env
  return join(isAbsolute(named) ? named : join(homedir(), '.local', 'state'), 'sgring')
}
