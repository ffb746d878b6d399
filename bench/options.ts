/** The command line of `npm run bench`. */

import { parseArgs } from 'node:util'
import type { Suite } from './cases/case.ts'
import type { ContestOptions } from './contest.ts'

export const helpOf = ({ cases }: Suite): string => `npm run bench [-- OPTION…]

  --only NAME     one case, or several with commas: ${cases.map(({ name }) => name).join(', ')}
  --quick         less of each case, and only those that have a goal: wider intervals
  --smoke         a few operations of each case: checks that they are right, measures nothing
  --processes N   pairs of processes for each case (default: several)
  --beside FOLDER another checkout, measured in turns with this one: says what changed (run its own --smoke first)
  --cpus A,B      CPUs of the initiator and of the target (default: 0,1)
  --node-arg ARG  an argument for Node in both programs, such as --cpu-prof
  --json          prints all results as JSON
`

export interface Options extends ContestOptions {
  readonly only: readonly string[]
  readonly processes: number
  /** The other checkout's folder. */
  readonly beside: string | undefined
  readonly cpus: string
  readonly nodeArgs: readonly string[]
  readonly smoke: boolean
  readonly json: boolean
  readonly help: boolean
}

const SMOKE = { processes: 1, rounds: 2, sampleMs: 1, warmMs: 1 }

/** Throws a `TypeError` for what it does not know. */
export function optionsOf(args: readonly string[], { cases, goals, full, quick }: Suite): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      quick: { type: 'boolean', default: false },
      smoke: { type: 'boolean', default: false },
      processes: { type: 'string' },
      beside: { type: 'string' },
      cpus: { type: 'string', default: '0,1' },
      'node-arg': { type: 'string', multiple: true, default: [] },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const names = cases.map(({ name }) => name)
  const withGoals = names.filter((name) => goals.some((goal) => goal.case === name))
  const only = values.only?.split(',') ?? (values.quick && !values.smoke ? withGoals : names)
  const unknown = only.filter((name) => !names.includes(name))
  if (unknown.length > 0)
    throw new TypeError(`--only: no case ${unknown}; there are ${names.join(', ')}`)
  const size = values.smoke ? SMOKE : values.quick ? quick : full
  const processes = Number(values.processes ?? size.processes)
  if (!(Number.isInteger(processes) && processes > 0))
    throw new TypeError('--processes takes a number')
  const { beside, cpus, smoke, json, help, 'node-arg': nodeArgs } = values
  return { ...size, only, processes, beside, cpus, nodeArgs, smoke, json, help }
}
