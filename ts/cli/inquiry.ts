/** `sgring inquiry`: what a unit says that it is. */

import { DeviceType, type Inquiry, PeripheralQualifier } from '../scsi/inquiry.ts'
import { hexByte } from './hex.ts'
import { jsonLine, nameOf, table } from './output.ts'
import { parseVitalPage } from './page.ts'
import { withUnit } from './unit.ts'
import { ADDRESS, CONNECTING, type Verb, verb } from './verb.ts'
import { vitalPageText } from './vital-page.ts'

/** VERSION (SPC-5 6.6.2, table 152). */
const VERSIONS: Readonly<Record<number, string>> = {
  0: 'none',
  3: 'SPC',
  4: 'SPC-2',
  5: 'SPC-3',
  6: 'SPC-4',
  7: 'SPC-5',
  13: 'SPC-6',
}

export const inquiry: Verb = verb({
  name: 'sgring inquiry',
  summary: 'what a unit says that it is',
  usage: 'ADDRESS [--page P] [--timeout SECONDS] [--json]',
  about: [
    'Sends INQUIRY and prints the standard INQUIRY data (SPC-4 6.6), or with --page a page of the vital product data (SPC-4 7.8). Page 0 is the list of them. What has no names here is printed as bytes.',
  ],
  operands: { ADDRESS },
  options: {
    page: { type: 'string', value: 'P', help: 'a VPD page, as 0x83, 131 or 83h' },
    ...CONNECTING,
  },
  examples: [
    ['sgring inquiry ring:disk', 'LUN 0 of the target that serves the name "disk"'],
    ['sgring inquiry "ring:$PWD/disk.sock?lun=1" --json', 'LUN 1 behind a socket, as JSON'],
    ['sgring inquiry ring:disk --page 0', 'which pages there are'],
    ['sgring inquiry ring:disk --page 0x83 --json', 'its names, as JSON'],
    ['sgring inquiry /dev/bsg/0:0:0:0', 'a device of this machine'],
  ],
  async run(call) {
    const { page: asked } = call.values
    const page = asked === undefined ? undefined : parseVitalPage(asked)
    const text = await withUnit(call, async (unit, options) => {
      if (page !== undefined) return vitalPageText(unit, options, page, call.json)
      const data = await unit.inquiry(options)
      return call.json ? jsonLine(data) : table(rows(data))
    })
    process.stdout.write(text)
  },
})

function rows(data: Inquiry): [string, string][] {
  return [
    ['vendor', data.vendor],
    ['product', data.product],
    ['revision', data.revision],
    ['device type', named(DeviceType, data.deviceType)],
    ['qualifier', named(PeripheralQualifier, data.qualifier)],
    ['version', `${VERSIONS[data.version] ?? 'unknown'} (${hexByte(data.version)})`],
    ['removable', yesNo(data.removable)],
    ['command queue', yesNo(data.commandQueue)],
    ['multiport', yesNo(data.multiPort)],
    ['protection', yesNo(data.protect)],
    ['third-party copy', yesNo(data.thirdPartyCopy)],
    ['port groups', String(data.targetPortGroups)],
    ['normal ACA', yesNo(data.normalAca)],
    ['hierarchical LUNs', yesNo(data.hierarchical)],
  ]
}

function named(names: Readonly<Record<string, number>>, value: number): string {
  return `${nameOf(names, value).toLowerCase()} (${hexByte(value)})`
}

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no'
}
