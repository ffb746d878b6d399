/**
 * What a test file tells its runner: one JSON line an event, written at once, so that it is there whatever happens next.
 *
 *     {"at":"start","suite":"a queue","test":"hands entries over in order"}
 *     {"at":"pass" | "fail" | "skip", "suite":…, "test":…, "reason":…}
 *     {"at":"result","passed":3,"failed":0,"skipped":[{"suite":…,"test":…,"reason":…}]}
 *
 * They go to the file that SGRING_TEST_REPORT names. Without one, the result alone goes to stdout, as the last line.
 */

import { appendFileSync } from 'node:fs'

/** One suite, from its registration to its end. */
export interface Entry {
  readonly name: string
  state: 'registered' | 'waiting' | 'ended'
}

interface Skip {
  readonly suite: string
  readonly test: string
  readonly reason: string
}

const path = process.env.SGRING_TEST_REPORT
// Programs that a test starts are no part of this file's result.
delete process.env.SGRING_TEST_REPORT

export class Report {
  readonly #entries: Entry[] = []
  readonly #skipped: Skip[] = []
  #passed = 0
  #failed = 0

  constructor() {
    process.once('exit', () => this.#finish())
  }

  register(name: string): Entry {
    const entry: Entry = { name, state: 'registered' }
    this.#entries.push(entry)
    return entry
  }

  ran(entry: Entry, tests: number): void {
    if (entry.state !== 'registered') throw new Error(`the suite ${entry.name} is run twice`)
    if (this.#entries.some(({ state }) => state === 'ended')) {
      throw new Error(`the suite ${entry.name} is run after others have ended`)
    }
    if (tests === 0 && !this.#skipped.some(({ suite }) => suite === entry.name)) {
      this.failed(entry.name, '(the suite)', new Error('it has no tests'))
    }
    entry.state = 'waiting'
  }

  /** Ends the process after the last suite if a test failed: what it left behind may keep the process for ever. */
  ended(entry: Entry): void {
    entry.state = 'ended'
    if (this.#failed > 0 && this.#entries.every(({ state }) => state !== 'waiting')) {
      setImmediate(() => process.exit(1))
    }
  }

  started(suite: string, test: string): void {
    write({ at: 'start', suite, test })
  }

  passed(suite: string, test: string): void {
    this.#passed += 1
    write({ at: 'pass', suite, test })
  }

  failed(suite: string, test: string, error: unknown): void {
    this.#failed += 1
    write({ at: 'fail', suite, test, reason: String(error) })
  }

  skipped(suite: string, test: string, reason: string): void {
    this.#skipped.push({ suite, test, reason })
    write({ at: 'skip', suite, test, reason })
    process.stdout.write(`  skipped: ${suite} > ${test}: ${reason}\n`)
  }

  #finish(): void {
    for (const { name, state } of this.#entries) {
      if (state === 'registered') this.#lost(name, 'it is registered and never run')
      if (state === 'waiting') this.#lost(name, 'the process ended before it')
    }
    if (this.#passed + this.#failed + this.#skipped.length === 0) this.#lost('(none)', 'no suite')
    if (this.#failed > 0) process.exitCode ||= 1

    const result = { passed: this.#passed, failed: this.#failed, skipped: this.#skipped }
    if (path === undefined) process.stdout.write(`${JSON.stringify(result)}\n`)
    else write({ at: 'result', ...result })
  }

  #lost(suite: string, why: string): void {
    this.failed(suite, '(the suite)', new Error(why))
    process.stdout.write(`  failed: the suite ${suite}: ${why}\n`)
  }
}

function write(event: object): void {
  if (path !== undefined) appendFileSync(path, `${JSON.stringify(event)}\n`)
}
