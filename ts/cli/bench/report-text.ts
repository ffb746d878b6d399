/** What a job has to tell, in lines for people. */

import { aligned } from '../output.ts'
import { clock, duration, rate, size } from '../quantity.ts'
import type { Job } from './job.ts'
import type { Report } from './report.ts'
import type { Tally } from './tally.ts'

/** The report as it goes to stdout. */
export function reportText(report: Report): string {
  const { job, seconds, openLoop, unanswered, failures } = report
  const kinds = Object.entries(report.operations)
  const moves = job.sizeBytes > 0
  const lines = [
    `${report.address}: ${report.unit}\n`,
    `${job.mode}${mixText(report)}${moves ? ` of ${size(job.sizeBytes)}` : ''}, ${loopText(report)}, ${job.form} form, ${report.transport}: ${seconds.toFixed(2)} s\n\n`,
    rightAligned([
      ['', 'commands', 'a second', ...(moves ? ['bandwidth'] : []), 'errors'],
      ...kinds.map(([name, each]) => [
        name,
        String(each.commands),
        String(Math.round(each.commandsPerS)),
        ...(moves ? [rate(each.bytesPerS, 1)] : []),
        String(each.errors),
      ]),
    ]),
    '\n',
    rightAligned([
      ['latency', ...LATENCIES.map(([title]) => title)],
      ...kinds.map(([name, { latencyNs }]) => [
        name,
        ...LATENCIES.map(([, key]) => (latencyNs === null ? '-' : duration(latencyNs[key]))),
      ]),
    ]),
    `\n${costText(report)}\n`,
  ]
  if (openLoop !== null) lines.push(openLoopText(openLoop))
  if (unanswered > 0) lines.push(`${unanswered} commands were not waited for any longer\n`)
  if (failures.length > 0) {
    lines.push('\nerrors\n')
    lines.push(aligned(failures.map(({ what, commands }) => [`  ${commands}`, what])))
  }
  return lines.join('')
}

const LATENCIES = [
  ['min', 'min'],
  ['mean', 'mean'],
  ['p50', 'p50'],
  ['p90', 'p90'],
  ['p95', 'p95'],
  ['p99', 'p99'],
  ['p99.9', 'p99_9'],
  ['p99.99', 'p99_99'],
  ['max', 'max'],
] as const

function mixText({ job: { readPercent } }: Report): string {
  return readPercent === null ? '' : ` (${readPercent}% reads)`
}

function loopText({ job: { depth, ratePerS } }: Report): string {
  const most = `${depth} at a time`
  return ratePerS === null ? most : `${Number(ratePerS.toFixed(1))} a second, at most ${most}`
}

function costText({ cpu, ring }: Report): string {
  const { nsPerCommand, switchesPerCommand } = cpu
  const { commandsPerBatch, wakesPerCommand } = ring
  if (nsPerCommand === null || switchesPerCommand === null || wakesPerCommand === null) {
    return 'no command ended'
  }
  const batches =
    commandsPerBatch === null ? '' : `, ${commandsPerBatch.toFixed(1)} commands a batch`
  return `a command: ${duration(nsPerCommand)} of this process's CPU, ${switchesPerCommand.toFixed(3)} context switches, ${wakesPerCommand.toFixed(3)} wake-ups${batches}`
}

function openLoopText({ waited, unsent }: NonNullable<Report['openLoop']>): string {
  const late = unsent === 0 ? '' : `, and ${unsent} were never sent`
  return `latency counts from when a command was due; ${waited} had to wait for room${late}\n`
}

/** The line of the progress, on a terminal. */
export function progressText(job: Job, tally: Tally | undefined, seconds: number): string {
  if (tally === undefined) return `${job.mode}  warming up`
  const { commands, bytes, errors } = tally.totals
  const of = Number.isFinite(job.timeMs) ? ` of ${clock(job.timeMs / 1000)}` : ''
  return `${job.mode}  ${clock(seconds)}${of}  ${Math.round(commands / seconds)} a second  ${rate(bytes, seconds)}  ${errors} errors`
}

/** Columns whose cells end below each other, but for the first. */
function rightAligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!),
      )
      .join('  ')
  return rows.map((row) => `${line(row)}\n`).join('')
}
