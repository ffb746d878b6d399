/**
 * Suites on uvu, with what uvu leaves out: every test has a deadline and is named when it hangs, a hook that throws fails its
 * suite, a skip has a reason, and a suite that was registered and not run fails its file.
 *
 *     const test = suite('a queue')
 *     test('hands entries over in order', () => { … })
 *     test('survives a slow peer', async () => { … }, { deadlineMs: 60_000 })
 *     test.skip('reads a real tape', 'needs /dev/nst0')
 *     test.run()
 *
 * Assertions are those of `node:assert/strict`. `scripts/test.js` runs one file in one process and reads what `report.ts` writes.
 */

import { type Test as UvuTest, suite as uvuSuite } from 'uvu'
import { within } from './deadline.ts'
import { Report } from './report.ts'

export interface TestOptions {
  /** Milliseconds until the test has failed. Default: 20,000. */
  readonly deadlineMs?: number
  /** Skips the test, for the reason given: what is missing, and what to install. */
  readonly skip?: string | undefined
}

type Body = () => void | Promise<void>

export interface Hook {
  /** Once for the suite. What it throws fails every test of the suite. */
  (body: Body): void
  /** Around every test, within the test's own deadline. What it throws fails the test. */
  each(body: Body): void
}

export interface Suite {
  (name: string, body: Body, options?: TestOptions): void
  /** A test that this machine cannot run; `reason` says what it would take. */
  skip(name: string, reason: string): void
  readonly before: Hook
  readonly after: Hook
  /** Must be called once, after the suite's last test, while the file is loaded. */
  run(): void
}

const deadlineMsDefault = 20_000
const report = new Report()

/** A new suite. `name` says what is tested; a test's name says what it does, in the present tense. */
export function suite(name: string): Suite {
  const uvu = uvuSuite(name)
  const beforeEach: Body[] = []
  const afterEach: Body[] = []
  let broken: Error | undefined
  let tests = 0
  const entry = report.register(name)

  const test = (title: string, body: Body, options: TestOptions = {}): void => {
    if (options.skip !== undefined) {
      test.skip(title, options.skip)
      return
    }
    const whole = `${name} > ${title}`
    // uvu would drop it without a word.
    if (entry.state !== 'registered') throw new Error(`${whole}: its suite is already run`)
    tests += 1
    uvu(title, async () => {
      report.started(name, title)
      try {
        if (broken !== undefined) throw broken
        const steps = () => surrounded(beforeEach, body, afterEach)
        await within(options.deadlineMs ?? deadlineMsDefault, whole, steps)
      } catch (error) {
        report.failed(name, title, error)
        throw error
      }
      report.passed(name, title)
    })
  }

  test.skip = (title: string, reason: string): void => {
    if (reason.trim() === '') throw new TypeError(`${name} > ${title}: a skip has a reason`)
    uvu.skip(title)
    report.skipped(name, title, reason)
  }

  test.before = hook((body) => {
    onceBefore(uvu, name, body, (error) => {
      broken ??= error
    })
  }, beforeEach)

  test.after = hook((body) => {
    uvu.after(async () => {
      try {
        await within(deadlineMsDefault, `${name} > after`, body)
      } catch (error) {
        report.failed(name, 'after', error)
        process.stdout.write(`\n  ${name} > after: ${String(error)}\n`)
      }
    })
  }, afterEach)

  test.run = (): void => {
    // Hooks run in the order of their registration, so this one sees the end of all others.
    uvu.after(() => report.ended(entry))
    report.ran(entry, tests)
    uvu.run()
  }

  return test
}

/** A failing `before` of uvu's own ends the suite in silence: here it is kept, and each test throws it. */
function onceBefore(uvu: UvuTest, name: string, body: Body, keep: (error: Error) => void): void {
  uvu.before(async () => {
    try {
      await within(deadlineMsDefault, `${name} > before`, body)
    } catch (error) {
      keep(new Error(`the suite's before failed: ${String(error)}`, { cause: error }))
    }
  })
}

function hook(once: (body: Body) => void, each: Body[]): Hook {
  return Object.assign(once, { each: (body: Body) => void each.push(body) })
}

async function surrounded(
  before: readonly Body[],
  body: Body,
  after: readonly Body[],
): Promise<void> {
  try {
    for (const step of before) await step()
    await body()
  } finally {
    for (const step of after) await step()
  }
}
