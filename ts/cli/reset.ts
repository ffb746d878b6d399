/** `sgring reset`: a unit, or a nexus, begins anew. */

import { TaskFunction } from '../task/function.ts'
import { isDevice } from './device-claim.ts'
import { parseScope, resetDevice } from './device-reset.ts'
import { CliError, ExitCode } from './exit-code.ts'
import { jsonLine } from './output.ts'
import { MANAGING, manage, needJoin, RESPONSES } from './task-management.ts'
import { ADDRESS, type Call, type Verb, verb } from './verb.ts'

const OF_RINGS = {
  nexus: { type: 'boolean', help: 'the nexus of --join, at all units' },
  ...MANAGING,
} as const
const OF_DEVICES = {
  scope: {
    type: 'string',
    value: 'SCOPE',
    help: 'of a device: device, target, bus or host; default: device',
  },
  'no-escalate': { type: 'boolean', help: 'of a device: that reset, and no greater one after it' },
  yes: { type: 'boolean', help: 'a device is meant to be reset: without it nothing is' },
} as const
const OPTIONS = { ...OF_RINGS, ...OF_DEVICES }

export const reset: Verb = verb({
  name: 'sgring reset',
  summary: 'reset a unit, a nexus, or a device',
  usage:
    'ADDRESS ([--nexus --join TOKEN] [--timeout SECONDS] | [--scope SCOPE] [--no-escalate] --yes) [--json]',
  about: [
    'Without --nexus: LOGICAL UNIT RESET (SAM-5 7.7). It is felt by everybody who uses the unit: all commands at it are aborted, those of others too, so that of a WRITE among them nobody knows what was written; and every nexus meets a unit attention there. It is the last resort for a unit that hangs: try "sgring abort" first.',
    'With --nexus: I_T NEXUS RESET (SAM-5 7.6) of the nexus whose share() gave the token. All its commands are aborted, at every unit of the target, and it meets a unit attention at each of them. Other nexuses feel nothing.',
    RESPONSES,
    'On a device it is no such function, since Linux sends none for others: it is SG_SCSI_RESET, by which the kernel begins its own recovery by hand, through the sg or block node of the device. What fails is followed by what is greater: device, target, bus, host, each with all that it serves, unless there is --no-escalate. Commands that it hits end each in its own way. It changes no data, and so is for a device that is mounted, too; it takes CAP_SYS_ADMIN and CAP_SYS_RAWIO, and can take minutes.',
  ],
  operands: { ADDRESS },
  options: OPTIONS,
  examples: [
    ['sgring reset ring:disk', 'LUN 0, for everybody'],
    ['sgring reset ring:disk --nexus --join "$TOKEN" --json', 'one nexus, for itself alone'],
    ['sgring reset /dev/sg0 --no-escalate --yes', 'a device, and nothing beside it'],
    ['sgring reset /dev/bsg/0:0:0:0 --scope target --yes', 'all units of its target'],
  ],
  run(call) {
    const isOne = isDevice(call.operands[0] ?? '')
    const others = isOne ? OF_RINGS : OF_DEVICES
    const other = call.given.find(({ name }) => name in others)
    if (other !== undefined) {
      const [here, there] = isOne ? ['device', 'ring'] : ['ring', 'device']
      throw new CliError(ExitCode.SYNTAX, `--${other.name} is for a ${there}, not for a ${here}`)
    }
    return isOne ? resetNode(call) : manageRing(call)
  },
})

async function manageRing(call: Call<typeof OPTIONS>): Promise<void> {
  const { nexus = false, join } = call.values
  if (nexus) needJoin(call, '--nexus')
  else if (join !== undefined) {
    throw new CliError(ExitCode.SYNTAX, '--join goes with --nexus: a unit is reset for everybody')
  }
  const { I_T_NEXUS_RESET, LOGICAL_UNIT_RESET } = TaskFunction
  await manage(call, { function: nexus ? I_T_NEXUS_RESET : LOGICAL_UNIT_RESET })
}

async function resetNode({ operands, values, json }: Call<typeof OPTIONS>): Promise<void> {
  const scope = parseScope(values.scope ?? 'device')
  const { 'no-escalate': noEscalate = false, yes: confirmed = false } = values
  const node = await resetDevice(operands[0] ?? '', scope, { noEscalate, confirmed })
  const what = scope === 'device' ? node : `the ${scope} of ${node}`
  process.stdout.write(json ? jsonLine({ node, scope, noEscalate }) : `${what} is reset\n`)
}
