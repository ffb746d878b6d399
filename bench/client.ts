/** The initiator's program: one case in one process. `node client.js JSON`; it prints its scores, or where a contestant's time goes, as JSON. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  atMost,
  type Contestant,
  type ContestOptions,
  contest,
  profilesOf,
  type Score,
} from './contest.ts'
import { keepOn, keepThreadsOn, type Placement } from './place.ts'
import { type SideProfile, Unprofilable, whyNot } from './profile.ts'
import { Random } from './random.ts'
import { SUITES } from './suites.ts'

export interface ClientOptions extends ContestOptions {
  readonly suite: string
  readonly case: string
  readonly seed: number
  readonly placement: Placement
  readonly nativeProgram: string
  readonly imageBytes: number
  /** The contestant that is looked into, instead of a contest. */
  readonly profile?: string
}

/** What one process of a case says. */
export interface ClientReport {
  readonly scores: readonly Score[]
}

/** What it says of a contestant that is looked into. */
export interface ProfileReport {
  readonly profiles: readonly SideProfile[]
  /** Why there are none. */
  readonly why?: string
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
  const size = atMost(options, chosen.atMost)
  const report =
    options.profile === undefined
      ? ({ scores: await contest(contestants, size, random) } satisfies ClientReport)
      : await lookedInto(contestants, options.profile, size)
  await close()
  process.stdout.write(`${JSON.stringify(report)}\n`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function lookedInto(
  contestants: readonly Contestant[],
  wanted: string,
  size: ContestOptions,
): Promise<ProfileReport> {
  try {
    const contestant = contestants.find(({ name }) => name === wanted)
    if (contestant === undefined) throw new Unprofilable('it takes no part on this machine')
    return { profiles: await profilesOf(contestant, size) }
  } catch (error) {
    return { profiles: [], why: whyNot(error) }
  }
}
