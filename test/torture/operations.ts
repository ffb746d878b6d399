/** The commands that a client gives, one after the other for each block: what it asks, and what is told of the end. */

import { writeSync } from 'node:fs'
import type { Nexus } from '#dist/ring/nexus.js'
import { read16, synchronizeCache16, write16 } from '#dist/scsi/block.js'
import { compareAndWrite } from '#dist/scsi/block-verify.js'
import { parseSense, type Sense, SenseKey } from '#dist/scsi/sense.js'
import { type Command, type Response, Status } from '#dist/task/command.js'
import { TaskFunction } from '#dist/task/function.js'
import { BLOCK_BYTES, fillBlock, foundIn } from './block.ts'
import { type CommandName, type Giver, idOf, nameOf, versionOf } from './client-config.ts'
import { ANSWER_BYTES, answerOf, countedCdb } from './counting-unit.ts'
import type { Begin, End, Kind, Outcome, Policy, RunEvent } from './event.ts'

/** Where units stand: two disks, and the one that counts. */
export const DISKS: readonly number[] = [0, 1]
export const COUNTING = 2

const EVENTS = 3

/** Tells one thing, in one call: a death leaves the line whole, or nothing of it. */
export function tell(event: RunEvent): void {
  writeSync(EVENTS, `${JSON.stringify(event)}\n`)
}

/** Names commands, and tells of their beginnings and ends. */
export class Journal {
  readonly #giver: Giver
  readonly #policy: Policy
  readonly #tell: (event: RunEvent) => void
  #commands = 0

  /** @param told whom it tells; default: whoever reads descriptor 3 */
  constructor(giver: Giver, policy: Policy, told: (event: RunEvent) => void = tell) {
    this.#giver = giver
    this.#policy = policy
    this.#tell = told
  }

  /** The next command. It is told before it is given. */
  begin(kind: Kind, about: Partial<Begin> = {}): CommandName {
    const name = { ...this.#giver, command: this.#commands++ }
    const nowhere = { unit: COUNTING, lba: 0, blocks: 0 }
    this.#tell({ at: 'begin', id: idOf(name), kind, policy: this.#policy, ...nowhere, ...about })
    return name
  }

  end(name: CommandName, end: Omit<End, 'at' | 'id'>): void {
    this.#tell({ at: 'end', id: idOf(name), ...end })
  }

  /** An end that no command was waiting for. */
  stray(why: string): void {
    this.#tell({ at: 'end', id: `${nameOf(this.#giver)}/stray`, outcome: 'odd', why })
  }

  /** The version of the next command. */
  get nextVersion(): number {
    return versionOf({ ...this.#giver, command: this.#commands })
  }
}

function senseText({ key, asc, ascq }: Sense): string {
  return [key, asc, ascq].map((value) => value.toString(16).padStart(2, '0')).join('/')
}

/** How a status is told. */
export function outcomeOf(status: number, sense: Uint8Array): Omit<End, 'at' | 'id'> {
  switch (status) {
    case Status.GOOD:
      return { outcome: 'good' }
    case Status.BUSY:
    case Status.TASK_SET_FULL:
      return { outcome: 'refused', why: `status ${status}` }
    case Status.TASK_ABORTED:
      return { outcome: 'partly', why: 'TASK ABORTED' }
    case Status.CHECK_CONDITION:
      break
    default:
      return { outcome: 'odd', why: `status ${status}` }
  }
  const parsed = parseSense(sense)
  return { outcome: OF_SENSE.get(parsed.key) ?? 'odd', why: `sense ${senseText(parsed)}` }
}

const OF_SENSE: ReadonlyMap<number, Outcome> = new Map([
  [SenseKey.UNIT_ATTENTION, 'refused'],
  [SenseKey.MISCOMPARE, 'different'],
  [SenseKey.MEDIUM_ERROR, 'partly'],
  [SenseKey.HARDWARE_ERROR, 'partly'],
  [SenseKey.ABORTED_COMMAND, 'partly'],
  // Space allocation failed: the backing's file system is full, or the process may write no more.
  [SenseKey.DATA_PROTECT, 'partly'],
])

const OF_CODE: ReadonlyMap<string, Outcome> = new Map([
  ['ERR_SGRING_OUTCOME_UNKNOWN', 'unknown'],
  ['ERR_SGRING_ABORTED', 'partly'],
  ['ERR_SGRING_NEXUS_LOST', 'lost'],
  ['ERR_SGRING_CLOSED', 'lost'],
])

/** Why a caller aborts. */
const ENOUGH = new Error('enough')

/** How a rejection is told. */
export function outcomeOfError(error: unknown): Omit<End, 'at' | 'id'> {
  if (error === ENOUGH) return { outcome: 'partly', why: 'aborted' }
  const { code = '', message } = error as { code?: string; message?: string }
  return { outcome: OF_CODE.get(code) ?? 'odd', why: code || String(message) }
}

/** Commands of the promise form, by one who has some blocks of each disk alone. */
export class Lane {
  readonly #nexus: Nexus
  readonly #journal: Journal
  /** The first of its blocks. */
  readonly #lba: number
  /** Versions that its blocks hold, as far as it knows, by unit and block. */
  readonly #known = new Map<number, number>()

  constructor(nexus: Nexus, journal: Journal, lba: number) {
    this.#nexus = nexus
    this.#journal = journal
    this.#lba = lba
  }

  /** Writes some blocks. */
  async write(unit: number, at: number, blocks: number): Promise<Outcome> {
    const lba = this.#lba + at
    const version = this.#journal.nextVersion
    const name = this.#journal.begin('write', { unit, lba, blocks, version })
    const data = new Uint8Array(blocks * BLOCK_BYTES)
    for (let block = 0; block < blocks; block++) {
      const bytes = data.subarray(block * BLOCK_BYTES)
      fillBlock(bytes, { unit, lba: lba + block, version })
    }
    const outcome = await this.#give(
      name,
      unit,
      write16({ lba, data, blockLength: BLOCK_BYTES, fua: version % 5 === 0 }),
    )
    for (let block = 0; block < blocks; block++) {
      this.#learn(unit, lba + block, outcome === 'good' ? version : undefined, outcome)
    }
    return outcome
  }

  /** Reads some blocks. */
  async read(unit: number, at: number, blocks: number): Promise<Outcome> {
    const lba = this.#lba + at
    const name = this.#journal.begin('read', { unit, lba, blocks })
    const { cdb, dataInLength } = read16({ lba, blocks, blockLength: BLOCK_BYTES })
    return this.#give(name, unit, { cdb, dataIn: dataInLength }, ({ data }) => {
      const found: (number | string)[] = []
      for (let block = 0; (block + 1) * BLOCK_BYTES <= data.length; block++) {
        const held = foundIn(data.subarray(block * BLOCK_BYTES), unit, lba + block)
        found.push(held)
        this.#learn(unit, lba + block, typeof held === 'number' ? held : undefined)
      }
      return { outcome: 'good', found }
    })
  }

  /** Writes a block by COMPARE AND WRITE, if it knows what it holds. */
  async swap(unit: number, at: number): Promise<Outcome> {
    const lba = this.#lba + at
    const held = this.#known.get(placeOf(unit, lba))
    if (held === undefined) return this.read(unit, at, 1)
    const version = this.#journal.nextVersion
    const name = this.#journal.begin('swap', { unit, lba, blocks: 1, version })
    const expected = new Uint8Array(BLOCK_BYTES)
    const data = new Uint8Array(BLOCK_BYTES)
    if (held !== 0) fillBlock(expected, { unit, lba, version: held })
    fillBlock(data, { unit, lba, version })
    const command = compareAndWrite({ lba, expected, data, blockLength: BLOCK_BYTES })
    const outcome = await this.#give(name, unit, command)
    this.#learn(unit, lba, outcome === 'good' ? version : undefined, outcome)
    return outcome
  }

  /** COMPARE AND WRITE with what no block ever holds: its answer has sense data. */
  differ(unit: number, at: number): Promise<Outcome> {
    const lba = this.#lba + at
    const version = this.#journal.nextVersion
    const name = this.#journal.begin('differ', { unit, lba, blocks: 1 })
    const data = new Uint8Array(BLOCK_BYTES)
    fillBlock(data, { unit, lba, version })
    const both = { expected: data, data }
    return this.#give(name, unit, compareAndWrite({ lba, ...both, blockLength: BLOCK_BYTES }))
  }

  /** A command that its unit counts. */
  count(): Promise<Outcome> {
    const name = this.#journal.begin('count')
    const cdb = countedCdb(name, false)
    return this.#give(name, COUNTING, { cdb, dataIn: ANSWER_BYTES }, ({ data }) => {
      const same = Buffer.compare(data, answerOf(cdb)) === 0
      if (same) return { outcome: 'good' }
      return { outcome: 'odd', why: `another answer: ${Buffer.from(data).toString('hex')}` }
    })
  }

  /** A command that hangs, and is aborted. */
  async hold(): Promise<Outcome> {
    const name = this.#journal.begin('hold')
    const controller = new AbortController()
    const { signal } = controller
    const given = this.#give(name, COUNTING, { cdb: countedCdb(name, true), signal })
    await this.function()
    controller.abort(ENOUGH)
    return given
  }

  /** SYNCHRONIZE CACHE. */
  flush(unit: number): Promise<Outcome> {
    const name = this.#journal.begin('other', { unit })
    return this.#give(name, unit, synchronizeCache16())
  }

  /** PERSISTENT RESERVE OUT (SPC-4 6.16), which the disk has not: no reservation is made, ever. */
  async reserve(unit: number): Promise<Outcome> {
    const name = this.#journal.begin('other', { unit })
    let end: Omit<End, 'at' | 'id'>
    try {
      const { status, sense } = await this.#nexus.unit(unit).execute(RESERVE)
      const { key } = status === Status.CHECK_CONDITION ? parseSense(sense) : { key: undefined }
      end = key === SenseKey.ILLEGAL_REQUEST ? { outcome: 'refused' } : outcomeOf(status, sense)
      if (end.outcome === 'good') end = { outcome: 'odd', why: 'it was reserved' }
    } catch (error) {
      end = outcomeOfError(error)
    }
    this.#journal.end(name, end)
    return end.outcome
  }

  /** Turns the write cache on or off: MODE SENSE and MODE SELECT of the caching page, which is not kept. */
  async turnCache(unit: number): Promise<Outcome> {
    const asked = this.#journal.begin('other', { unit })
    let page: Uint8Array | undefined
    const answered = await this.#give(asked, unit, MODE_SENSE, ({ data }) => {
      page = Uint8Array.from(data)
      return { outcome: 'good' }
    })
    if (page === undefined) return answered
    // MODE DATA LENGTH and DEVICE-SPECIFIC PARAMETER are reserved here; PS is, too.
    page.set([0, 0, 0])
    page[4]! &= 0x3f
    page[6]! ^= WCE
    const name = this.#journal.begin('other', { unit })
    return this.#give(name, unit, { cdb: modeSelect(page.length), dataOut: page })
  }

  /** Asks whether anything of this nexus is under way. */
  async function(resets = false): Promise<Outcome> {
    const name = this.#journal.begin('function')
    const code = resets ? TaskFunction.LOGICAL_UNIT_RESET : TaskFunction.QUERY_TASK_SET
    let end: Omit<End, 'at' | 'id'>
    try {
      const unit = this.#nexus.unit(COUNTING)
      const { response } = await unit.taskManagement({ function: code })
      end = { outcome: 'good', why: `response ${response}` }
    } catch (error) {
      end = outcomeOfError(error)
    }
    this.#journal.end(name, end)
    return end.outcome
  }

  async #give(
    name: CommandName,
    unit: number,
    command: Command,
    good: (response: Response) => Omit<End, 'at' | 'id'> = () => ({ outcome: 'good' }),
  ): Promise<Outcome> {
    let end: Omit<End, 'at' | 'id'>
    try {
      const response = await this.#nexus.unit(unit).execute(command)
      end = outcomeOf(response.status, response.sense)
      if (end.outcome === 'good') end = good(response)
    } catch (error) {
      end = outcomeOfError(error)
    }
    this.#journal.end(name, end)
    return end.outcome
  }

  #learn(unit: number, lba: number, version: number | undefined, outcome?: Outcome): void {
    const place = placeOf(unit, lba)
    if (version !== undefined) this.#known.set(place, version)
    else if (outcome !== 'refused') this.#known.delete(place)
  }
}

function placeOf(unit: number, lba: number): number {
  return unit * 0x1_0000 + lba
}

/** MODE SENSE(6) of the caching page, without block descriptors (SPC-4 6.13, SBC-3 6.4.5). */
const MODE_SENSE: Command = { cdb: Uint8Array.of(0x1a, 0x08, 0x08, 0, 255, 0), dataIn: 255 }
const WCE = 0x04
/** REGISTER of a key, by a parameter list of 24 bytes. */
const RESERVE: Command = {
  cdb: Uint8Array.of(0x5f, 0, 0, 0, 0, 0, 0, 0, 24, 0),
  dataOut: Uint8Array.from({ length: 24 }, (_, at) => (at >> 3 === 1 ? 7 : 0)),
}

function modeSelect(length: number): Uint8Array {
  return Uint8Array.of(0x15, 0x10, 0, 0, length, 0)
}
