/** `sgring opcodes`: which commands a unit has. */

import type { HelperOptions, LogicalUnit } from '../initiator/unit.ts'
import {
  type CommandSupport,
  reportSupportedOpcode,
  reportSupportedOpcodes,
  Support,
  type SupportedCommand,
} from '../scsi/supported-opcodes.ts'
import { commandName } from './command-name.ts'
import { CliError, ExitCode } from './exit-code.ts'
import { hexByte, hexBytes } from './hex.ts'
import { jsonLine, table } from './output.ts'
import { withUnit } from './unit.ts'
import { ADDRESS, type Call, CONNECTING, type Verb, verb } from './verb.ts'

const OPTIONS = {
  one: {
    type: 'string',
    value: 'OP[,SA]',
    help: 'only this operation code, with its service action if it has one, in hex as 9e,10',
  },
  timeouts: { type: 'boolean', help: 'ask for the timeouts of commands, too (RCTD)' },
  ...CONNECTING,
} as const

const SUPPORT: Readonly<Record<number, string>> = {
  [Support.NOT_NOW]: 'not known just now',
  [Support.NONE]: 'no',
  [Support.STANDARD]: 'as its standard says',
  [Support.VENDOR]: "in the vendor's way",
}

export const opcodes: Verb = verb({
  name: 'sgring opcodes',
  summary: 'which commands a unit has',
  usage: 'ADDRESS [--one OP[,SA]] [--timeouts] [--timeout SECONDS] [--json]',
  about: [
    'Sends REPORT SUPPORTED OPERATION CODES (SPC-4 6.35). A line for each command: operation code, service action, bytes of the CDB, name. With --one, which bits of its CDB count; the exit code is 36 if the unit does not have it.',
  ],
  operands: { ADDRESS },
  options: OPTIONS,
  examples: [
    ['sgring opcodes ring:disk', 'all of them'],
    ['sgring opcodes ring:disk --one 42 || echo cannot unmap', 'UNMAP'],
    ['sgring opcodes ring:disk --one 9e,10 --timeouts --json', 'READ CAPACITY(16)'],
    ['sgring opcodes /dev/bsg/0:0:0:0', 'those of a device'],
  ],
  run: (call) => (call.values.one === undefined ? tellAll(call) : tellOne(call, call.values.one)),
})

async function tellAll(call: Call<typeof OPTIONS>): Promise<void> {
  const { timeouts = false } = call.values
  const commands = await withUnit(call, (unit, options) => report(unit, options, timeouts))
  if (call.json) {
    const named = commands.map((one) => ({ name: nameOf(one), ...one }))
    process.stdout.write(jsonLine({ commands: named }))
  } else process.stdout.write(commands.map(line).join(''))
}

/** All of them, as many as there are. */
async function report(
  unit: LogicalUnit,
  options: HelperOptions,
  timeouts: boolean,
): Promise<readonly SupportedCommand[]> {
  const first = reportSupportedOpcodes({ timeouts })
  const { commands, missing } = await unit.run(first, options)
  if (missing === 0) return commands
  const allocationLength = first.dataInLength + missing
  return (await unit.run(reportSupportedOpcodes({ timeouts, allocationLength }), options)).commands
}

function line(one: SupportedCommand): string {
  const { opcode, serviceAction, cdbLength, timeouts } = one
  const action = serviceAction === undefined ? '' : `${serviceAction.toString(16)}h`
  const seconds = timeouts && `  ${timeouts.nominal} s, at most ${timeouts.recommended} s`
  return `${hexByte(opcode)}  ${action.padStart(4)}  ${String(cdbLength).padStart(3)}  ${nameOf(one)}${seconds ?? ''}\n`
}

async function tellOne(call: Call<typeof OPTIONS>, text: string): Promise<void> {
  const asked = parseOne(text)
  const { timeouts = false } = call.values
  const told = await withUnit(call, (unit, options) =>
    unit.run(reportSupportedOpcode({ ...asked, timeouts }), options),
  )
  const name = commandName(asked.opcode, asked.serviceAction)
  process.stdout.write(call.json ? jsonLine({ name, ...asked, ...told }) : table(rows(name, told)))
  if (told.support !== Support.STANDARD && told.support !== Support.VENDOR) {
    process.exitCode = ExitCode.FALSE
  }
}

function rows(name: string, { support, usage, timeouts }: CommandSupport): [string, string][] {
  return [
    ['command', name],
    ['supported', SUPPORT[support] ?? `in a way that is not known (${support})`],
    ...(usage.length === 0 ? [] : [['CDB bits', hexBytes(usage)] as [string, string]]),
    ...(timeouts === undefined
      ? []
      : ([
          ['nominal', `${timeouts.nominal} s`],
          ['recommended', `${timeouts.recommended} s`],
        ] as [string, string][])),
  ]
}

function parseOne(text: string): { opcode: number; serviceAction?: number } {
  const [, code = '', action] =
    /^(?:0x)?([\da-f]{1,2})(?:,(?:0x)?([\da-f]{1,4}))?$/i.exec(text) ?? []
  if (code === '') {
    throw new CliError(
      ExitCode.SYNTAX,
      `--one is an operation code in hex, as 42 or 9e,10, not '${text}'`,
    )
  }
  const opcode = Number.parseInt(code, 16)
  return action === undefined ? { opcode } : { opcode, serviceAction: Number.parseInt(action, 16) }
}

function nameOf({ opcode, serviceAction }: SupportedCommand): string {
  return commandName(opcode, serviceAction)
}
