/** `sgring luns`: which logical units a target has. */

import type { HelperOptions, LogicalUnit } from '../initiator/unit.ts'
import { WellKnownLun } from '../scsi/lun.ts'
import { type ReportedLuns, reportLuns, SelectReport } from '../scsi/report-luns.ts'
import { CliError, ExitCode } from './exit-code.ts'
import { jsonLine, nameOf } from './output.ts'
import { withUnit } from './unit.ts'
import { ADDRESS, CONNECTING, type Verb, verb } from './verb.ts'

const SELECT: ReadonlyMap<string, SelectReport> = new Map([
  ['units', SelectReport.LOGICAL_UNITS],
  ['well-known', SelectReport.WELL_KNOWN],
  ['all', SelectReport.ALL],
])

export const luns: Verb = verb({
  name: 'sgring luns',
  summary: 'which logical units a target has',
  usage: 'ADDRESS [--select units|well-known|all] [--timeout SECONDS] [--json]',
  about: [
    'Sends REPORT LUNS (SPC-4 6.33), which any LUN answers for the whole target, and prints a LUN a line, in decimal. Well known logical units, and LUNs of several levels, are printed as their eight bytes.',
  ],
  operands: { ADDRESS },
  options: {
    select: {
      type: 'string',
      value: 'WHICH',
      help: 'units, well-known or all (SELECT REPORT); default: units',
    },
    ...CONNECTING,
  },
  examples: [
    ['sgring luns ring:disk', 'a line each'],
    ['for lun in $(sgring luns ring:disk); do sgring turs ring:disk/$lun; done', 'in a script'],
    ['sgring luns ring:disk --select all --json', 'those that are well known, too; as JSON'],
    ['sgring luns /dev/sg0', 'what else the target of a device has'],
  ],
  async run(call) {
    const select = SELECT.get(call.values.select ?? 'units')
    if (select === undefined) {
      throw new CliError(
        ExitCode.SYNTAX,
        `--select is units, well-known or all, not '${call.values.select}'`,
      )
    }
    const reported = await withUnit(call, (unit, options) => report(unit, options, select))
    const { missing } = reported
    const others = reported.others.map((lun) => lun.toString(16).padStart(16, '0'))
    if (call.json) {
      process.stdout.write(jsonLine({ ...reported, others }))
      return
    }
    const lines = [...reported.luns, ...others.map(otherLine)]
    process.stdout.write(lines.map((line) => `${line}\n`).join(''))
    if (missing > 0) process.stderr.write(`${missing} more do not fit into one answer\n`)
  },
})

/** All of them, as many as there are. */
async function report(
  unit: LogicalUnit,
  options: HelperOptions,
  select: SelectReport,
): Promise<ReportedLuns> {
  const some = await unit.run(reportLuns({ select }), options)
  if (some.missing === 0) return some
  const all = 8 * (1 + some.luns.length + some.others.length + some.missing)
  return unit.run(reportLuns({ select, allocationLength: all }), options)
}

function otherLine(hex: string): string {
  const wellKnown = hex.endsWith('000000000000')
    ? nameOf(WellKnownLun, Number.parseInt(hex.slice(0, 4), 16))
    : 'unknown'
  return wellKnown === 'unknown' ? `${hex}h` : `${hex}h  ${wellKnown}`
}
