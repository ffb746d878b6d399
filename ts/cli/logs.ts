/** `sgring logs`: log pages. */

import { CheckConditionError } from '../initiator/status-error.ts'
import type { HelperOptions, LogicalUnit } from '../initiator/unit.ts'
import { parseAddress } from '../ring/address.ts'
import {
  type LogPage,
  LogPageCode,
  type LogPageName,
  logSense,
  supportedLogPages,
  supportedLogSubpages,
} from '../scsi/log.ts'
import { type LogField, readLogPage } from '../scsi/log-fields.ts'
import { logPageLayout, logPageName } from '../scsi/log-names.ts'
import { readBackgroundScan, readSelfTestResults } from '../scsi/log-results.ts'
import { readPortLog } from '../scsi/log-sas.ts'
import { readTapeAlert } from '../scsi/log-tape.ts'
import { WellKnownLun } from '../scsi/lun.ts'
import { hexBytes } from './hex.ts'
import { jsonLine, table, valueRows } from './output.ts'
import { type PageAddress, pageTitle, parsePage } from './page.ts'
import { type Work, withUnit, withUnitAt } from './unit.ts'
import { ADDRESS, CONNECTING, type Verb, verb } from './verb.ts'

export const logs: Verb = verb({
  name: 'sgring logs',
  summary: 'log pages',
  usage: 'ADDRESS [--page P[,SP]] [--target] [--timeout SECONDS] [--json]',
  about: [
    'Sends LOG SENSE (SPC-4 6.8): without --page for the list of pages that the unit has, with it for a page. Pages that have names here are printed by them, others parameter by parameter.',
    'In JSON, what can pass 2^53 is a decimal string.',
  ],
  operands: { ADDRESS },
  options: {
    page: { type: 'string', value: 'P[,SP]', help: 'a page, as 0x0d, 13, 0dh or 0x15,1' },
    target: {
      type: 'boolean',
      help: 'ask its TARGET LOG PAGES well known unit (SPC-4 8.4), whichever LUN is named',
    },
    ...CONNECTING,
  },
  examples: [
    ['sgring logs ring:disk', 'which pages there are'],
    ['sgring logs ring:disk --page 0x03', 'bytes that were read, and errors of it'],
    ['sgring logs ring:disk --target', 'which pages there are of a target as a whole'],
    ['sgring logs ring:disk --target --page 0x18 --json', 'one of them, as JSON'],
    ['sgring logs /dev/sg0 --page 0x0d', 'how warm a device is'],
  ],
  async run(call) {
    const { page: text, target = false } = call.values
    const wanted = text === undefined ? undefined : parsePage(text)
    const work: Work<void> = async (unit, options) => {
      const { deviceType } = await unit.inquiry(options)
      const text =
        wanted === undefined
          ? listText(await listed(unit, options), deviceType, call.json)
          : pageText(await read(unit, options, wanted), deviceType, call.json)
      process.stdout.write(text)
    }
    if (!target) return withUnit(call, work)
    const { socket } = parseAddress(call.operands[0] ?? '')
    await withUnitAt(socket, WellKnownLun.TARGET_LOG_PAGES, call, work)
  },
})

/** The pages that a unit has; those that know no subpages tell the pages alone. */
async function listed(unit: LogicalUnit, options: HelperOptions): Promise<readonly LogPageName[]> {
  try {
    return await unit.run(supportedLogSubpages(), options)
  } catch (error) {
    if (!(error instanceof CheckConditionError)) throw error
    const pages = await unit.run(supportedLogPages(), options)
    return pages.map((page) => ({ page, subpage: 0 }))
  }
}

function read(
  unit: LogicalUnit,
  options: HelperOptions,
  { page, subpage = 0 }: PageAddress,
): Promise<LogPage> {
  return unit.run(logSense({ page, subpage, allocationLength: MAX_PAGE }), options)
}

function listText(pages: readonly LogPageName[], deviceType: number, json: boolean): string {
  const named = pages.map(({ page, subpage }) => ({
    page,
    subpage,
    name: logPageName(page, subpage, deviceType),
  }))
  return json
    ? jsonLine({ pages: named })
    : named.map(({ name, page, subpage }) => `${pageTitle(name, page, subpage)}\n`).join('')
}

function pageText(read: LogPage, deviceType: number, json: boolean): string {
  const { page, subpage, parameters } = read
  const name = logPageName(page, subpage, deviceType)
  if (!json) {
    const rows = rowsOf(read, deviceType)
    return `${pageTitle(name, page, subpage)}\n${rows.length === 0 ? '' : table(rows)}`
  }
  const layout = logPageLayout(page, subpage, deviceType)
  const list = LISTS.get((page << 8) | subpage)
  return jsonLine({
    page,
    subpage,
    name,
    ...(layout !== undefined && { fields: readLogPage(layout, read) }),
    ...(list !== undefined && { list: inHex(list(read)) }),
    parameters: parameters.map(({ code, control, value }) => ({
      code,
      control,
      value: Buffer.from(value).toString('hex'),
    })),
  })
}

function rowsOf(read: LogPage, deviceType: number): [string, string][] {
  const layout = logPageLayout(read.page, read.subpage, deviceType)
  if (layout !== undefined) {
    const values = readLogPage(layout, read)
    return Object.entries<LogField>(layout.fields)
      .filter(([name]) => values[name] !== undefined)
      .map(([name, { label }]) => [label, String(values[name])])
  }
  const list = LISTS.get((read.page << 8) | read.subpage)
  if (list !== undefined) return valueRows(list(read))
  return read.parameters.map(({ code, value }) => [
    `${code.toString(16).padStart(4, '0')}h`,
    hexBytes(value),
  ])
}

/** Pages that are lists: a row for each value, under its place and its name. */
const LISTS: ReadonlyMap<number, (page: LogPage) => unknown> = new Map<
  number,
  (page: LogPage) => unknown
>([
  [0x1000, readSelfTestResults],
  [0x1500, readBackgroundScan],
  [LogPageCode.PROTOCOL_SPECIFIC_PORT << 8, readPortLog],
  [0x2e00, readTapeAlert],
])

/** The same with bytes as digits. */
function inHex(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (Array.isArray(value)) return value.map(inHex)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, inHex(inner)]))
}

/** The most that LOG SENSE can ask for, in whole words. */
const MAX_PAGE = 0xfffc
