/**
 * What outlives a target of the media of its disks: which of them an operation was about to make whole, and has not (SBC-3 4.11, 5.3). An
 * operation that its target has died over has failed, whatever its command was answered: its medium is not what anybody asked for.
 *
 * One file: JSON, a word for each such medium by the real path of what it is on.
 *
 *     { "/srv/disk.img": "sanitizing" }
 */

import { lstatSync, readFileSync } from 'node:fs'
import { writeDurable } from '../durable-file.ts'
import { SgringError } from '../errors.ts'

/** With `unrestricted exit`, AUSE allowed to leave a failure behind by EXIT FAILURE MODE. */
const WORDS = ['formatting', 'sanitizing', 'sanitizing, unrestricted exit'] as const
export type KeptWord = (typeof WORDS)[number]

/** Of one medium. */
export interface KeptCondition {
  /** What an earlier target has left. */
  readonly left: KeptWord | undefined
  /**
   * An operation is about to touch the medium.
   *
   * @throws an error of the system if it cannot be noted: then it must not
   */
  begin(word: KeptWord): void
  /** The medium is whole, or taken for that. */
  end(): void
}

export class KeptConditions {
  readonly #path: string
  readonly #words: Map<string, KeptWord>
  /** A disk that was removed, whose operation goes on, says nothing about its medium any more once another disk is on it. */
  readonly #current = new Map<string, KeptCondition>()

  /**
   * @param path the file, which need not be there
   * @throws `ERR_SGRING_BACKING` for one that is another's
   */
  constructor(path: string) {
    this.#path = path
    this.#words = read(path)
  }

  /**
   * Of the medium on this file or device.
   *
   * @param anew it was made by this target: what was there by that name before is no more
   */
  of(medium: string, anew: boolean): KeptCondition {
    if (anew) this.#forget(medium)
    const isCurrent = () => this.#current.get(medium) === condition
    const condition: KeptCondition = {
      left: anew ? undefined : this.#words.get(medium),
      begin: (word) => {
        if (isCurrent()) this.#set(medium, word)
      },
      end: () => {
        if (isCurrent()) this.#forget(medium)
      },
    }
    this.#current.set(medium, condition)
    return condition
  }

  /** Another target has the file from now on: whatever still goes on here says nothing of its media any more. */
  close(): void {
    this.#current.clear()
  }

  /** Where that fails, the next target takes the medium for one that is not whole: as it does when it comes up in the middle of this. */
  #forget(medium: string): void {
    try {
      this.#set(medium, undefined)
    } catch {}
  }

  /** A kill, or a power failure, leaves the old words or the new ones. */
  #set(medium: string, word: KeptWord | undefined): void {
    if (this.#words.get(medium) === word) return
    const words = new Map(this.#words)
    if (word === undefined) words.delete(medium)
    else words.set(medium, word)
    writeDurable(this.#path, `${JSON.stringify(Object.fromEntries(words), undefined, 2)}\n`)
    if (word === undefined) this.#words.delete(medium)
    else this.#words.set(medium, word)
  }
}

function read(path: string): Map<string, KeptWord> {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return new Map()
  if (!found.isFile()) throw unusable(path, 'it is no regular file')
  return parseConditions(path, readFileSync(path, 'utf8'))
}

/**
 * The words by their media, from the text of such a file at `path`.
 *
 * @throws `ERR_SGRING_BACKING` for any other text
 */
export function parseConditions(path: string, text: string): Map<string, KeptWord> {
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch (cause) {
    throw unusable(path, cause instanceof Error ? cause.message : String(cause))
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content))
    throw unusable(path, `${JSON.stringify(content)} names no media`)
  const words = Object.entries(content)
  const other = words.find(([, word]) => !WORDS.includes(word))
  if (other === undefined) return new Map(words)
  throw unusable(path, `${JSON.stringify(other[1])} is no condition of a medium`)
}

function unusable(path: string, why: string): SgringError {
  return new SgringError(
    'ERR_SGRING_BACKING',
    `${path} does not tell which media were being formatted or sanitized: ${why}`,
  )
}
