/** `sgring admin`: what a running `sgring serve` serves, shown and changed. */

import { resolve } from 'node:path'
import { parseAddress } from '../ring/address.ts'
import { ask } from './admin/client.ts'
import { controlSocketOf } from './admin/control.ts'
import type { Request, Results } from './admin/protocol.ts'
import type { UnitConfig } from './config/config.ts'
import { confinementText } from './confine/confinement.ts'
import { CliError, ExitCode } from './exit-code.ts'
import { aligned, jsonLine, snakeCase } from './output.ts'
import { parseSeconds, parseSize, size } from './quantity.ts'
import { parseLun, UNIT_FLAGS, UNIT_OPTIONS, unitsOf } from './unit-flags.ts'
import { type Call, type Verb, verb } from './verb.ts'
import { writeWhole } from './whole-file.ts'

const OPTIONS = {
  ...UNIT_FLAGS,
  save: { type: 'string', value: 'FILE', help: 'of show: write it, as a file of serve --config' },
  force: {
    type: 'boolean',
    help: 'replace that file; remove a unit with commands under way, which are aborted; cut off what is lost',
  },
  timeout: {
    type: 'string',
    value: 'SECONDS',
    help: 'give up when there is no answer in time; default: 60',
  },
} as const

type AdminCall = Call<typeof OPTIONS>

const TIMEOUT_MS = 60_000

export const admin: Verb = verb({
  name: 'sgring admin',
  summary: 'show and change what a running server serves',
  usage:
    'ADDRESS (show [--save FILE [--force]] | add UNIT | resize LUN SIZE [--force] | remove LUN [--force]) [--timeout SECONDS] [--json]',
  about: [
    'Talks to a running "sgring serve", as the user who runs it, or as root. Every initiator hears of a change by a unit attention: REPORTED LUNS DATA HAS CHANGED, or CAPACITY DATA HAS CHANGED.',
    `A UNIT is ${UNIT_OPTIONS}. It has the first free LUN, unless it says another one.`,
    'show prints the units; with --json, or into the file that --save names, as a file that "sgring serve --config" takes, with the mode parameters that MODE SELECT has saved. resize is for disks in memory and on regular files. A device has a server to itself, "sgring serve --device", and nothing to administer.',
  ],
  operands: {
    ADDRESS: 'the target: ring:NAME or ring:/path.sock',
    ACTION: 'show, add, resize or remove',
    '[LUN [SIZE]]…': 'of resize and remove: the unit; and its new size, as 64M',
  },
  options: OPTIONS,
  examples: [
    ['sgring admin ring:disk show', 'a line a unit'],
    ['sgring admin ring:disk show --save disks.json', 'as a file, to serve the same again'],
    ['sgring admin ring:disk add --memory 1G --thin', 'one disk more'],
    ['sgring admin ring:disk add --file new.img --create 10G --lun 7', 'on a new file, as LUN 7'],
    ['sgring admin ring:disk resize 1 128M', 'a larger disk'],
    ['sgring admin ring:disk remove 1', 'if no command is under way there'],
  ],
  async run(call) {
    const [address = '', action = '', ...rest] = call.operands
    const carryOut = ACTIONS.get(action)
    if (carryOut === undefined) {
      throw new CliError(
        ExitCode.SYNTAX,
        `ACTION is ${[...ACTIONS.keys()].join(', ')}, not '${action}'`,
      )
    }
    refuseOthers(action, call)
    await carryOut(call, rest, asking(address, call))
  },
})

type Ask = <R extends Request>(request: R) => Promise<Results[R['do']]>

const ACTIONS: ReadonlyMap<
  string,
  (call: AdminCall, operands: readonly string[], ask: Ask) => Promise<void>
> = new Map([
  ['show', show],
  ['add', add],
  ['resize', resize],
  ['remove', remove],
])

/** An option that means nothing to an action is a mistake. */
function refuseOthers(action: string, { given }: AdminCall): void {
  const taken: Readonly<Record<string, readonly string[]>> = {
    show: ['save', 'force'],
    add: Object.keys(UNIT_FLAGS),
    resize: ['force'],
    remove: ['force'],
  }
  const other = given.find(
    ({ name }) => !['timeout', 'json', ...(taken[action] ?? [])].includes(name),
  )
  if (other !== undefined) {
    throw new CliError(ExitCode.SYNTAX, `${action} takes no --${other.name}`)
  }
}

function asking(address: string, { values: { timeout }, signal }: AdminCall): Ask {
  const { socket, lun } = parseAddress(address)
  if (lun !== 0) {
    throw new CliError(
      ExitCode.SYNTAX,
      `${address} is a unit: admin takes its target, and the LUN after the action`,
    )
  }
  const timeoutMs = timeout === undefined ? TIMEOUT_MS : parseSeconds('--timeout', timeout)
  return (request) => ask(controlSocketOf(socket), request, { signal, timeoutMs })
}

function none(action: string, [extra]: readonly string[]): void {
  if (extra !== undefined) {
    throw new CliError(ExitCode.SYNTAX, `${action}: unexpected argument '${extra}'`)
  }
}

/** The LUN, and the operands behind it. */
function lunOf(action: string, [lun, ...rest]: readonly string[]): [number, readonly string[]] {
  if (lun === undefined) throw new CliError(ExitCode.SYNTAX, `${action}: LUN is missing`)
  return [parseLun('LUN', lun), rest]
}

async function show({ values, json }: AdminCall, operands: readonly string[], ask: Ask) {
  none('show', operands)
  const shown = await ask({ do: 'show' })
  if (values.save !== undefined) {
    const text = `${JSON.stringify(shown.config, undefined, 2)}\n`
    await writeWhole(values.save, text, { replace: values.force === true })
  }
  if (json) process.stdout.write(jsonLine(shown.config))
  else if (values.save === undefined) process.stdout.write(listing(shown))
}

function listing({ config, units, confinement }: Results['show']): string {
  const described = config.units as readonly Readonly<Record<string, unknown>>[]
  const rows = units.map(({ lun, bytes, block_length, commands }, at) => {
    const { lun: _, memory, file, block_length: __, ...others } = described[at] ?? {}
    const traits = Object.entries(others).map(([key, value]) => {
      const name = key.replaceAll('_', '-')
      return value === true || typeof value === 'object' ? name : `${name} ${value}`
    })
    const what = memory === undefined ? String(file) : 'memory'
    return [
      String(lun),
      size(bytes),
      String(block_length),
      String(commands),
      what,
      traits.join(', ') || '-',
    ]
  })
  const table = aligned([['LUN', 'size', 'block', 'commands', 'backing', 'traits'], ...rows])
  return `${table}${confinementText(confinement)}\n`
}

async function add({ given, json }: AdminCall, operands: readonly string[], ask: Ask) {
  none('add', operands)
  const units = unitsOf(given)
  const [unit, another] = units
  if (unit === undefined || another !== undefined) {
    throw new CliError(ExitCode.SYNTAX, 'add takes one --memory or --file at a time')
  }
  const described = snakeCase(withPath(unit)) as object
  const { lun } = await ask({ do: 'add', unit: described })
  process.stdout.write(json ? jsonLine({ lun, ...withPath(unit) }) : `LUN ${lun} is there\n`)
}

/** The server has another working folder. */
function withPath(unit: UnitConfig): UnitConfig {
  return 'file' in unit ? { ...unit, file: resolve(unit.file) } : unit
}

async function resize({ values, json }: AdminCall, operands: readonly string[], ask: Ask) {
  const [lun, [text, ...rest]] = lunOf('resize', operands)
  none('resize', rest)
  if (text === undefined) throw new CliError(ExitCode.SYNTAX, 'resize: SIZE is missing')
  const bytes = parseSize('SIZE', text)
  const resized = await ask({ do: 'resize', lun, bytes, force: values.force === true })
  process.stdout.write(json ? jsonLine(resized) : `LUN ${lun} has ${size(resized.bytes)}\n`)
}

async function remove({ values, json }: AdminCall, operands: readonly string[], ask: Ask) {
  const [lun, rest] = lunOf('remove', operands)
  none('remove', rest)
  const removed = await ask({ do: 'remove', lun, force: values.force === true })
  process.stdout.write(json ? jsonLine(removed) : `LUN ${lun} is gone\n`)
}
