/** `sgring reset`: a unit, or a nexus, begins anew. */

import { TaskFunction } from '../task/function.ts'
import { CliError, ExitCode } from './exit-code.ts'
import { MANAGING, manage, needJoin, RESPONSES } from './task-management.ts'
import { ADDRESS, type Verb, verb } from './verb.ts'

export const reset: Verb = verb({
  name: 'sgring reset',
  summary: 'reset a unit, or a nexus',
  usage: 'ADDRESS [--nexus --join TOKEN] [--timeout SECONDS] [--json]',
  about: [
    'Without --nexus: LOGICAL UNIT RESET (SAM-5 7.7). It is felt by everybody who uses the unit: all commands at it are aborted, those of others too, so that of a WRITE among them nobody knows what was written; and every nexus meets a unit attention there. It is the last resort for a unit that hangs: try "sgring abort" first.',
    'With --nexus: I_T NEXUS RESET (SAM-5 7.6) of the nexus whose share() gave the token. All its commands are aborted, at every unit of the target, and it meets a unit attention at each of them. Other nexuses feel nothing.',
    RESPONSES,
  ],
  operands: { ADDRESS },
  options: { nexus: { type: 'boolean', help: 'the nexus of --join, at all units' }, ...MANAGING },
  examples: [
    ['sgring reset ring:disk', 'LUN 0, for everybody'],
    ['sgring reset ring:disk --nexus --join "$TOKEN" --json', 'one nexus, for itself alone'],
  ],
  async run(call) {
    const { nexus = false, join } = call.values
    if (nexus) needJoin(call, '--nexus')
    else if (join !== undefined) {
      throw new CliError(ExitCode.SYNTAX, '--join goes with --nexus: a unit is reset for everybody')
    }
    const { I_T_NEXUS_RESET, LOGICAL_UNIT_RESET } = TaskFunction
    await manage(call, { function: nexus ? I_T_NEXUS_RESET : LOGICAL_UNIT_RESET })
  },
})
