/** `sgring abort`: ends commands that others have under way, or asks for them. */

import { type FunctionRequest, TaskFunction } from '../task/function.ts'
import { CliError, ExitCode } from './exit-code.ts'
import { parseCount } from './quantity.ts'
import { MANAGING, manage, needJoin, RESPONSES } from './task-management.ts'
import { ADDRESS, type Call, type Verb, verb } from './verb.ts'

const OPTIONS = {
  tag: { type: 'string', value: 'N', help: 'the command with this tag: ABORT TASK' },
  'task-set': { type: 'boolean', help: 'all commands of the nexus at the unit: ABORT TASK SET' },
  clear: { type: 'boolean', help: 'all commands at the unit, of every nexus: CLEAR TASK SET' },
  query: { type: 'boolean', help: 'abort nothing, and ask: QUERY TASK, QUERY TASK SET' },
  ...MANAGING,
} as const

export const abort: Verb = verb({
  name: 'sgring abort',
  summary: 'end commands that hang',
  usage:
    'ADDRESS (--tag N | --task-set | --clear) [--join TOKEN] [--query] [--timeout SECONDS] [--json]',
  about: [
    'Asks the unit for a task management function (SAM-5 clause 7).',
    'A tag is a name inside its nexus, and this process has a nexus of its own: --tag and --task-set need the token that share() of the nexus gives whose commands are meant. --clear needs none. It ends the commands of others: each nexus that loses some meets the unit attention COMMANDS CLEARED BY ANOTHER INITIATOR, or, where the unit is set so, the commands end in TASK ABORTED.',
    `${RESPONSES} FUNCTION COMPLETE says that no such command is left, whether or not there was one. With --query, FUNCTION SUCCEEDED is yes, and FUNCTION COMPLETE is no, with exit code 36.`,
  ],
  operands: { ADDRESS },
  options: OPTIONS,
  examples: [
    ['sgring abort ring:disk --tag 7 --join "$TOKEN"', 'one command of that nexus'],
    ['sgring abort ring:disk/1 --task-set --join "$TOKEN" --json', 'all of its commands at LUN 1'],
    ['sgring abort ring:disk --clear', 'all commands of everybody at LUN 0'],
    [
      'if sgring abort ring:disk --tag 7 --query --join "$TOKEN"; then echo it is there; fi',
      'ask for it first',
    ],
  ],
  run: (call) => manage(call, requestOf(call)),
})

function requestOf(call: Call<typeof OPTIONS>): FunctionRequest {
  const { tag, clear = false, query = false, 'task-set': taskSet = false } = call.values
  if (Number(tag !== undefined) + Number(taskSet) + Number(clear) !== 1) {
    throw new CliError(ExitCode.SYNTAX, 'one of --tag N, --task-set and --clear says what is meant')
  }
  if (tag !== undefined) {
    needJoin(call, '--tag')
    const meant = parseCount('--tag', tag)
    return { function: query ? TaskFunction.QUERY_TASK : TaskFunction.ABORT_TASK, tag: meant }
  }
  if (taskSet) {
    needJoin(call, '--task-set')
    return { function: query ? TaskFunction.QUERY_TASK_SET : TaskFunction.ABORT_TASK_SET }
  }
  if (query) {
    throw new CliError(
      ExitCode.SYNTAX,
      '--query goes with --tag and --task-set: SAM-5 has no other',
    )
  }
  if (call.values.join !== undefined) {
    throw new CliError(ExitCode.SYNTAX, '--clear is for every nexus, and --join names one')
  }
  return { function: TaskFunction.CLEAR_TASK_SET }
}
