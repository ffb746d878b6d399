/** `sgring modes`: mode pages, to read and to change. */

import { modeSense } from '../initiator/mode-sense.ts'
import { CheckConditionError } from '../initiator/status-error.ts'
import type { HelperOptions, LogicalUnit } from '../initiator/unit.ts'
import { DeviceType } from '../scsi/inquiry.ts'
import {
  ALL_PAGES,
  ALL_SUBPAGES,
  type ModePage,
  ModePageControl,
  type ModeParameters,
  modeSelect6,
  modeSelect10,
} from '../scsi/mode.ts'
import { modePageLayout, modePageName } from '../scsi/mode-names.ts'
import { fieldsWithin, readModePage } from '../scsi/mode-page.ts'
import { CliError, ExitCode } from './exit-code.ts'
import { hexBytes } from './hex.ts'
import { changePages, type FieldChange } from './mode-set.ts'
import { jsonLine, table } from './output.ts'
import { pageTitle, parsePage } from './page.ts'
import { withUnit } from './unit.ts'
import { ADDRESS, type Call, CHANGING, CONNECTING, DEVICES, type Verb, verb } from './verb.ts'

const OPTIONS = {
  page: { type: 'string', value: 'P[,SP]', help: 'one page, as 0x0a, 10, 0ah or 0x0a,1' },
  all: { type: 'boolean', help: 'subpages, too' },
  changeable: { type: 'boolean', help: 'which bits can be changed' },
  default: { type: 'boolean', help: 'the values of the manufacturer' },
  saved: { type: 'boolean', help: 'the values that are saved' },
  set: { type: 'string', value: 'FIELD=VALUE', multiple: true, help: 'change a field' },
  save: { type: 'boolean', help: 'have the unit save all pages (SP)' },
  ...CHANGING,
  ...CONNECTING,
} as const

type ModesCall = Call<typeof OPTIONS>

export const modes: Verb = verb({
  name: 'sgring modes',
  summary: 'mode pages, to read and to change',
  usage:
    'ADDRESS [--page P[,SP]] [--all] [--changeable | --default | --saved | --set FIELD=VALUE… [--save] [--yes]] [--timeout SECONDS] [--json]',
  about: [
    'Sends MODE SENSE(10), or (6) to a unit that knows no other (SPC-4 6.11), and prints the current values by the names of the standards; those that can be changed say so. Pages that have no names here are printed as bytes.',
    '--set changes what the unit works by, for everybody who uses it: it reads the page, changes the field and sends the page back by MODE SELECT (SPC-4 6.9), and prints what it was and is; what it is about to change is said on stderr before. With --save the unit also keeps it over a reset; alone, that saves what is there. A unit of "sgring serve" keeps it until that ends, and "sgring admin show --save" writes it into the file that serves it again.',
    DEVICES,
  ],
  operands: { ADDRESS },
  options: OPTIONS,
  examples: [
    ['sgring modes ring:disk', 'every page'],
    ['sgring modes ring:disk --page 0x0a --changeable', 'what of the control page can be changed'],
    ['sgring modes ring:disk --set SWP=1 --save', 'write protection, by software and to stay'],
    ['sgring modes ring:disk --page 8 --json', 'the caching page, as JSON'],
    ['sgring modes /dev/sg0 --set WCE=0 --yes', 'the write cache of a device off'],
  ],
  async run(call) {
    const { set = [], save = false } = call.values
    const control = controlOf(call)
    const changing = set.length > 0 || save
    if (changing && control !== ModePageControl.CURRENT) {
      throw new CliError(ExitCode.SYNTAX, '--set and --save are about the current values')
    }
    await withUnit(
      call,
      (unit, options) =>
        changing ? change(call, unit, options) : show(call, unit, options, control),
      { writes: changing },
    )
  },
})

/** PC, by the one option that says it. */
function controlOf({ values }: ModesCall): ModePageControl {
  const asked = [
    ...(values.changeable === true ? [ModePageControl.CHANGEABLE] : []),
    ...(values.default === true ? [ModePageControl.DEFAULT] : []),
    ...(values.saved === true ? [ModePageControl.SAVED] : []),
  ]
  if (asked.length > 1) {
    throw new CliError(ExitCode.SYNTAX, '--changeable, --default and --saved exclude each other')
  }
  return asked[0] ?? ModePageControl.CURRENT
}

/** What a unit is asked for, and how it is asked. */
interface Asking {
  readonly unit: LogicalUnit
  readonly options: HelperOptions
  readonly page: number
  readonly subpage: number
}

function askingOf(call: ModesCall, unit: LogicalUnit, options: HelperOptions): Asking {
  const { page: text, all = false } = call.values
  const { page, subpage } =
    text === undefined ? { page: ALL_PAGES, subpage: undefined } : parsePage(text)
  return { unit, options, page, subpage: subpage ?? (all ? ALL_SUBPAGES : 0) }
}

function sensed({ unit, options, page, subpage }: Asking, control: ModePageControl) {
  return modeSense(unit, { page, subpage, control }, options)
}

async function show(
  call: ModesCall,
  unit: LogicalUnit,
  options: HelperOptions,
  control: ModePageControl,
): Promise<void> {
  const asking = askingOf(call, unit, options)
  const { deviceType } = await unit.inquiry(options)
  const { parameters } = await sensed(asking, control)
  // A unit may not tell what can be changed.
  const masks =
    control === ModePageControl.CURRENT
      ? await sensed(asking, ModePageControl.CHANGEABLE).then(
          ({ parameters }) => parameters.pages,
          (error) => {
            if (error instanceof CheckConditionError) return []
            throw error
          },
        )
      : []
  const pages = parameters.pages.map((page) => described(page, maskOf(page, masks), deviceType))
  process.stdout.write(
    call.json
      ? jsonLine({
          ...writeProtection(parameters, deviceType),
          blockDescriptors: parameters.blockDescriptors,
          pages: pages.map(({ title, rows, ...page }) => page),
        })
      : [
          table(headerRows(parameters, deviceType)),
          ...pages.map(({ title, rows }) => `\n${title}\n${indented(rows)}`),
        ].join(''),
  )
}

function maskOf({ page, subpage }: ModePage, masks: readonly ModePage[]): ModePage | undefined {
  return masks.find((one) => one.page === page && one.subpage === subpage)
}

/** WP and DPOFUA of disks and WP of tapes, which others have not (SBC-3 6.4.1, SSC-4 8.3.1). */
function writeProtection({ deviceSpecific }: ModeParameters, deviceType: number) {
  const disk =
    deviceType === DeviceType.DIRECT_ACCESS_BLOCK || deviceType === DeviceType.HOST_MANAGED_ZONED
  const tape = deviceType === DeviceType.SEQUENTIAL_ACCESS
  return {
    ...((disk || tape) && { writeProtected: (deviceSpecific & 0x80) !== 0 }),
    ...(disk && { dpofua: (deviceSpecific & 0x10) !== 0 }),
  }
}

function headerRows(parameters: ModeParameters, deviceType: number): [string, string][] {
  const { writeProtected, dpofua } = writeProtection(parameters, deviceType)
  const yesNo = (value: boolean) => (value ? 'yes' : 'no')
  return [
    ...(writeProtected === undefined
      ? []
      : [['write protected', yesNo(writeProtected)] as [string, string]]),
    ...(dpofua === undefined ? [] : [['DPO and FUA', yesNo(dpofua)] as [string, string]]),
    ...parameters.blockDescriptors.map(({ blocks, blockLength }): [string, string] => [
      'blocks',
      `${blocks} of ${blockLength} bytes`,
    ]),
    ...(parameters.vendorPage === undefined
      ? []
      : [['page 00h', hexBytes(parameters.vendorPage)] as [string, string]]),
  ]
}

function described(page: ModePage, mask: ModePage | undefined, deviceType: number) {
  const { page: code, subpage, savable, bytes } = page
  const name = modePageName(code, subpage, deviceType)
  const title = pageTitle(name, code, subpage)
  const layout = modePageLayout(code, subpage, deviceType)
  const plain = { page: code, subpage, name, savable, bytes: Buffer.from(bytes).toString('hex') }
  if (layout === undefined) return { ...plain, title, rows: [['', hexBytes(bytes)]] as const }
  const values = readModePage(layout, page)
  const changeable = mask === undefined ? {} : readModePage(layout, mask)
  const names = [...fieldsWithin(layout, bytes)]
  return {
    ...plain,
    title,
    fields: Object.fromEntries(names.map((field) => [field, values[field]])),
    ...(mask !== undefined && {
      changeable: names
        .filter((field) => Number(changeable[field]) > 0)
        .map((field) => layout.fields[field]!.label),
    }),
    rows: names.map((field) => {
      const can = Number(changeable[field] ?? 0) > 0 ? '  changeable' : ''
      return [layout.fields[field]!.label, `${Number(values[field])}${can}`] as const
    }),
  }
}

function indented(rows: readonly (readonly [string, string])[]): string {
  return table(rows).replaceAll(/^(?=.)/gm, '  ')
}

async function change(call: ModesCall, unit: LogicalUnit, options: HelperOptions): Promise<void> {
  const { set = [], save = false } = call.values
  const { deviceType } = await unit.inquiry(options)
  const { parameters, form } = await sensed(askingOf(call, unit, options), ModePageControl.CURRENT)
  const { pages, changes } = changePages(parameters.pages, deviceType, set)
  if (!call.json) {
    const fields = changes.map(({ field, after }) => `${field}=${Number(after)}`)
    const what = [...fields, ...(save ? ['saving all pages'] : [])].join(', ')
    process.stderr.write(`changing ${call.operands[0]}, LUN ${unit.lun}: ${what}\n`)
  }
  const select = form === 10 ? modeSelect10 : modeSelect6
  await unit.run(select({ pages: set.length > 0 ? pages : parameters.pages, save }), options)
  process.stdout.write(
    call.json ? jsonLine({ changes, saved: save }) : changedText(changes, deviceType, save),
  )
}

function changedText(changes: readonly FieldChange[], deviceType: number, saved: boolean): string {
  const rows = changes.map(({ page, subpage, field, before, after }): [string, string] => [
    field,
    `${Number(before)} -> ${Number(after)}  ${pageTitle(modePageName(page, subpage, deviceType), page, subpage)}`,
  ])
  return (rows.length === 0 ? '' : table(rows)) + (saved ? 'saved\n' : '')
}
