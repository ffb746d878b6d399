/**
 * The ledgers of a port's pairs: files of the state folder, one a pair, named by what the pair says when it comes back. A target that
 * finds some gives their pairs a grace time, before which nobody's commands are carried out: what was begun is settled first.
 */

import { closeSync, constants, fstatSync, openSync, readdirSync, readSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { SgringError } from '../errors.ts'
import {
  LEDGER_MAGIC,
  LEDGER_PAIRS,
  LEDGER_RECORDS,
  LEDGER_SLOTS,
  LEDGER_USER,
} from './layout.gen.ts'

const NAME = /^([0-9a-f]{32})-(0|[1-9]\d{0,9})$/
/** A link is not followed, and nobody is waited for at a FIFO. */
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** Where ledgers are kept, and for how long the pairs of a dead target are waited for. */
export interface LedgerOptions {
  /** The state folder, which this target has alone. */
  readonly folder: string
  /** Milliseconds. */
  readonly graceMs: number
}

/** A pair of an earlier target. */
export interface AwaitedPair {
  /** Of its nexus, in hexadecimal. */
  readonly token: string
  readonly uid: number
  readonly slots: number
  /** How many pairs its nexus had had by the time that the last one joined it. */
  readonly pairs: number
}

/** Who waits for pairs. */
export interface LedgerEvents {
  /** Their time is over: who is at the door is let in now. */
  late(): void
  /** None is waited for any more. */
  settled(): void
}

/**
 * Whose ledger a file is, by its name and its header. `undefined` if it is none: one that its target did not live to make a ledger, whose pair
 * was not let in.
 */
export function parseLedger(name: string, header: Uint8Array): AwaitedPair | undefined {
  const [, token, number] = NAME.exec(name) ?? []
  if (token === undefined || header.length < LEDGER_RECORDS) return undefined
  const bytes = Buffer.from(header.buffer, header.byteOffset, header.length)
  if (bytes.toString('latin1', 0, LEDGER_MAGIC.length) !== LEDGER_MAGIC) return undefined
  return {
    token,
    uid: bytes.readUInt32LE(LEDGER_USER),
    slots: bytes.readUInt32LE(LEDGER_SLOTS),
    pairs: Math.max(bytes.readUInt32LE(LEDGER_PAIRS), Number(number) + 1),
  }
}

export class Ledgers {
  readonly #folder: string
  readonly #graceMs: number
  /** Pairs of an earlier target that have not come back, by the names of their files. */
  readonly #awaited = new Map<string, AwaitedPair>()
  #turn: NodeJS.Immediate | undefined
  #timer: NodeJS.Timeout | undefined
  #settled: () => void = () => {}

  /**
   * @throws `ERR_SGRING_BACKING` if the folder cannot be read
   */
  constructor({ folder, graceMs }: LedgerOptions) {
    this.#folder = join(folder, 'ledgers')
    this.#graceMs = graceMs
    try {
      for (const name of readdirSync(this.#folder)) this.#find(name)
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new SgringError('ERR_SGRING_BACKING', `no ledgers in ${folder}: ${why}`, { cause })
    }
  }

  /** Whether pairs are waited for. */
  get graceful(): boolean {
    return this.#awaited.size > 0
  }

  /** They have their places, before anybody who is new. */
  get awaited(): AwaitedPair[] {
    return [...this.#awaited.values()]
  }

  /**
   * Somebody listens: from the loop's next turn on the time runs. A thread that was busy all that time has heard of nobody who came
   * meanwhile, so whoever is there at its end is let in.
   */
  begin({ late, settled }: LedgerEvents): void {
    this.#settled = settled
    if (this.#awaited.size === 0) return
    const giveUp = () => {
      late()
      this.#giveUp()
    }
    const isLate = () => {
      late()
      // Behind the bells that have rung by now.
      if (this.#awaited.size > 0) this.#turn = setImmediate(giveUp)
    }
    this.#turn = setImmediate(() => {
      this.#timer = setTimeout(isLate, this.#graceMs)
    })
  }

  /** The file for a new pair. */
  pathOf(token: Buffer, pair: number): string {
    return join(this.#folder, nameOf(token, pair))
  }

  /** Whether an earlier target had this pair, and it has not come back. */
  awaits(token: Buffer, pair: number): boolean {
    return this.#awaited.has(nameOf(token, pair))
  }

  /** How many pairs a nexus that is waited for had, those that have ended among them. */
  pairsOf(token: Buffer): number {
    const name = token.toString('hex')
    const counts = this.awaited.filter((pair) => pair.token === name).map(({ pairs }) => pairs)
    return Math.max(0, ...counts)
  }

  /** A pair has come back. */
  returned(token: Buffer, pair: number): void {
    this.#awaited.delete(nameOf(token, pair))
    this.#look()
  }

  /** A pair has ended: nobody comes back to it. */
  remove(token: Buffer, pair: number): void {
    this.#discard(nameOf(token, pair))
  }

  /** Waits for nobody any more; the files stay for the next target. */
  close(): void {
    clearImmediate(this.#turn)
    clearTimeout(this.#timer)
  }

  /** What is no ledger goes: a file that its target did not live to make one was nobody's, and nobody else is to write here. */
  #find(name: string): void {
    if (!NAME.test(name)) return
    const header = headerOf(join(this.#folder, name))
    const pair = header && parseLedger(name, header)
    if (pair === undefined) this.#discard(name)
    else this.#awaited.set(name, pair)
  }

  #giveUp(): void {
    if (this.#awaited.size === 0) return
    for (const name of this.#awaited.keys()) this.#discard(name)
    this.#awaited.clear()
    this.#look()
  }

  /** One that cannot be removed is waited for once more by the next target, and no worse. */
  #discard(name: string): void {
    try {
      rmSync(join(this.#folder, name), { force: true })
    } catch {}
  }

  #look(): void {
    if (this.#awaited.size > 0) return
    this.close()
    this.#settled()
  }
}

/** How open(2) fails for a link, and for a socket. */
const NO_FILE: ReadonlySet<unknown> = new Set(['ELOOP', 'ENXIO'])

/** What a ledger begins with; undefined for what is no ledger, or no regular file of this user. */
function headerOf(path: string): Buffer | undefined {
  let file: number
  try {
    file = openSync(path, READ)
  } catch (error) {
    if (NO_FILE.has((error as NodeJS.ErrnoException).code)) return undefined
    throw error
  }
  try {
    const found = fstatSync(file)
    if (!found.isFile() || found.uid !== process.geteuid?.()) return undefined
    const header = Buffer.alloc(LEDGER_RECORDS)
    const length = readSync(file, header)
    return length === header.length ? header : undefined
  } finally {
    closeSync(file)
  }
}

function nameOf(token: Buffer, pair: number): string {
  return `${token.toString('hex')}-${pair}`
}
