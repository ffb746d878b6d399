/** What is drawn as lines in the report: how a command's cost goes with one factor. */

import type { Sweep, SweepPoint } from './case.ts'
import { DEPTHS, IDLE, UNITS } from './growth.ts'

/** The contestants of one case, each at its own place. */
function places(name: string, values: readonly number[]): SweepPoint[] {
  return values.map((at) => ({
    at,
    case: name,
    only: { contestant: `${name}-${at}`, as: 'promise' },
  }))
}

export const SWEEPS: readonly Sweep[] = [
  {
    name: 'depth',
    title: 'TEST UNIT READY by execute(), between two processes, by how many are under way',
    factor: 'commands under way',
    points: places('depth', DEPTHS),
  },
  {
    name: 'luns',
    title: 'The same, 64 at a time, by how many units are addressed in turn',
    factor: 'logical units',
    points: places('luns', UNITS),
  },
  {
    name: 'idle',
    title: 'The same, by how many nexuses of the target are idle beside',
    factor: 'idle nexuses',
    points: places('idle', IDLE),
  },
]
