/** The command line of `npm run bench`. */

import { parseArgs } from 'node:util'
import type { Size, Suite } from './cases/case.ts'
import type { ContestOptions } from './contest.ts'

export const helpOf = ({ cases, sweeps = [], full }: Suite): string => `npm run bench [-- OPTION…]

  --only NAME     one case, or several with commas: ${names(cases)};
                  or all cases of what is drawn as a line: ${names(sweeps)}
  --quick         less of each case, and only those that have a goal: wider intervals
  --smoke         a few operations of each case: checks that they are right, measures nothing
  --processes N   pairs of processes for each case (default: several)
  --beside FOLDER another checkout, measured in turns with this one: says what changed (run its own --smoke first)
  --cpus A,B      CPUs of the initiator and of the target (default: 0,1)
  --node-arg ARG  an argument for Node in both programs, such as --cpu-prof
  --profile       of what falls short of a goal, where its time goes${full.profile ? '; without --quick and --smoke that is told anyway' : ''}
  --json          prints all results as JSON

npm run bench -- --compare BEFORE.json AFTER.json [--anyway]
  measures nothing: tells what of two results became slower or faster and what is noise; exit code 1 where something became slower,
  2 where the runs' environments differ, unless --anyway

npm run bench -- --publish [RESULTS.json]
  measures nothing: takes the numbers of a run, the latest if none is named, over into published.json and the README
`

const names = (all: readonly { readonly name: string }[]): string =>
  all.map(({ name }) => name).join(', ')

export interface Options extends ContestOptions {
  readonly only: readonly string[]
  readonly processes: number
  /** The other checkout's folder. */
  readonly beside: string | undefined
  readonly cpus: string
  readonly nodeArgs: readonly string[]
  /** Whether what falls short of a goal is looked into. */
  readonly profile: boolean
  readonly smoke: boolean
  readonly json: boolean
}

/** What is wanted. */
export type Wanted =
  | { readonly job: 'measure'; readonly options: Options }
  | { readonly job: 'compare'; readonly files: readonly [string, string]; readonly anyway: boolean }
  | { readonly job: 'publish'; readonly file: string | undefined }
  | { readonly job: 'help' }

const SMOKE: Size = { processes: 1, rounds: 2, sampleMs: 1, warmMs: 1, profile: false }

/** What was asked for cannot be done; the message says why. */
export class Unusable extends Error {}

/** @throws `Unusable` for what it does not know */
export function wantedOf(
  args: readonly string[],
  { cases, goals, sweeps = [], full, quick }: Suite,
): Wanted {
  const { values, positionals } = parsed(args)
  if (values.help) return { job: 'help' }
  const [first, second, ...more] = positionals
  if (values.compare) {
    if (first === undefined || second === undefined || more.length > 0)
      throw new Unusable('--compare takes two files')
    return { job: 'compare', files: [first, second], anyway: values.anyway }
  }
  if (values.publish && second === undefined) return { job: 'publish', file: first }
  if (first !== undefined) throw new Unusable(`what is ${first} for?`)
  const names = cases.map(({ name }) => name)
  const withGoals = names.filter((name) => goals.some((goal) => goal.case === name))
  const ofSweep = (name: string) =>
    sweeps.find((sweep) => sweep.name === name)?.points.map((point) => point.case)
  const wanted = values.only?.split(',').flatMap((name) => ofSweep(name) ?? [name])
  const only = wanted ?? (values.quick && !values.smoke ? withGoals : names)
  const unknown = only.filter((name) => !names.includes(name))
  if (unknown.length > 0)
    throw new Unusable(`--only: no case ${unknown}; there are ${names.join(', ')}`)
  const size = values.smoke ? SMOKE : values.quick ? quick : full
  const processes = Number(values.processes ?? size.processes)
  if (!(Number.isInteger(processes) && processes > 0))
    throw new Unusable('--processes takes a number')
  const { beside, cpus, smoke, json, 'node-arg': nodeArgs } = values
  const profile = size.profile || values.profile
  const options = { ...size, only, processes, beside, cpus, nodeArgs, profile, smoke, json }
  return { job: 'measure', options }
}

/** Whether a case that is wanted needs the native rivals' program. What is not known is told by who runs it. */
export function takesRivals(args: readonly string[], suite: Suite): boolean {
  try {
    const wanted = wantedOf(args, suite)
    if (wanted.job !== 'measure') return false
    const { only } = wanted.options
    return suite.cases.some((one) => one.takesRivals === true && only.includes(one.name))
  } catch (error) {
    if (error instanceof Unusable) return false
    throw error
  }
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        only: { type: 'string' },
        quick: { type: 'boolean', default: false },
        smoke: { type: 'boolean', default: false },
        processes: { type: 'string' },
        beside: { type: 'string' },
        cpus: { type: 'string', default: '0,1' },
        'node-arg': { type: 'string', multiple: true, default: [] },
        profile: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        compare: { type: 'boolean', default: false },
        anyway: { type: 'boolean', default: false },
        publish: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
      allowPositionals: true,
    })
  } catch (error) {
    throw new Unusable(error instanceof Error ? error.message : String(error))
  }
}
