/** The initiator's program: one case in one process. `node client.js JSON`; it prints its scores as JSON. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { atMost, type ContestOptions, contest, type Score } from './contest.ts'
import { keepOn, keepThreadsOn, type Placement } from './place.ts'
import { Random } from './random.ts'
import { SUITES } from './suites.ts'

export interface ClientOptions extends ContestOptions {
  readonly suite: string
  readonly case: string
  readonly seed: number
  readonly placement: Placement
  readonly nativeProgram: string
  readonly imageBytes: number
}

/** What one process of a case says. */
export interface ClientReport {
  readonly scores: readonly Score[]
}

const options = JSON.parse(process.argv[2] ?? '{}') as ClientOptions
const suite = SUITES.find(({ name }) => name === options.suite)
const chosen = suite?.cases.find(({ name }) => name === options.case)
if (suite === undefined || chosen === undefined) throw new Error(`no case ${options.case}`)
const folder = mkdtempSync(join(tmpdir(), 'sgring-bench-'))
try {
  const random = new Random(options.seed)
  const { contestants, there = [], close } = await chosen.open({ ...options, folder, random })
  if (suite.pins) {
    const { placement } = options
    keepOn(placement.here, placement, process.pid)
    keepThreadsOn(placement.there, placement, there)
  }
  const scores = await contest(contestants, atMost(options, chosen.atMost), random)
  await close()
  process.stdout.write(`${JSON.stringify({ scores } satisfies ClientReport)}\n`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
