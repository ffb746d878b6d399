/** Parsers of pages that other pages, or tables of fields, are needed for. */

import * as scsi from '#dist/scsi/index.js'
import { parseModeParameters } from '#dist/scsi/mode.js'
import { bytes, command, of, type Parser } from './parser.ts'

const { ses } = scsi

/** An array device slot, a slot, and sensors of every kind. Its generation is that of a page of zeros. */
const CONFIGURATION = bytes(
  `01 00 00 44 00000000 11 00 06 24 5000000000000001 ${'41'.repeat(28)}
   17 01 00 00  01 01 00 00  04 01 00 00  12 01 00 00  13 01 00 00  03 01 00 00`.replaceAll(
    /\s/g,
    '',
  ),
)
const known = ses.configuration().parse(CONFIGURATION)

/** Descriptors of SAS: a slot's phy with an element's index, and an expander without phys. */
const ADDITIONAL = bytes(
  `0a 00 00 38 00000000 16 22 01 01 01 00 00 03 10 00 00 01 ${'50'.repeat(24)}
   16 0e 01 02 00 40 00 00 5000000000000001`.replaceAll(/\s/g, ''),
)

const enclosures: readonly Parser[] = [
  command('an enclosure', ses.configuration(), CONFIGURATION),
  command(
    'status of an enclosure',
    ses.enclosureStatus(known),
    bytes(`02 00 00 34 00000000 ${'01 02 03 04'.repeat(12)}`),
  ),
  command(
    'names of elements',
    ses.elementDescriptors(known),
    bytes(`07 00 00 38 00000000 ${'00 00 00 00'.repeat(10)} 00 00 00 04 41 42 43 44 00 00 00 00`),
  ),
  of('devices in slots', additional, ADDITIONAL),
  command(
    'any diagnostic page',
    scsi.receiveDiagnosticPage(0x80, (page) => page.length),
    bytes('80 00 00 02 01 02'),
  ),
]

const lists: readonly Parser[] = [
  logged('self-test results', scsi.readSelfTestResults, [
    0x10,
    `10 00 00 14 0001 03 10 20 00 1000 ${'ff'.repeat(8)} 00 00 00 00`,
  ]),
  logged('background scans', scsi.readBackgroundScan, [
    0x15,
    `15 00 00 28 0000 03 0c 00000001 00 01 0001 0001 0001 0001 03 14 00000001 13 11 00 00 ${'00'.repeat(12)}`,
  ]),
  logged('ports', scsi.readPortLog, [
    0x18,
    `18 00 00 38 0001 03 34 06 00 00 01 00 01 00 2c ${'01'.repeat(44)}`,
  ]),
  logged('TapeAlert', scsi.readTapeAlert, [0x2e, '2e 00 00 0a 0001 00 01 01 0002 00 01 00']),
  of('values of a log page', values, bytes('0d 00 00 0c 0000 03 02 00 20 0001 03 02 00 40')),
  of(
    'values of mode pages',
    fields,
    bytes('17 00 10 00 08 12 04 00 ffff 0000 ffff ffff 00 00 00 00 0000 0000'),
  ),
]

/** All of them. */
export const pages: readonly Parser[] = [...enclosures, ...lists]

function additional(data: Uint8Array): unknown {
  const all = ses.additionalElementStatus(known).parse(data)
  return all.map((one) => [one, ses.elementAt(known, one)])
}

function logged(
  name: string,
  read: (page: scsi.LogPage) => unknown,
  [page, seed]: readonly [page: number, seed: string],
): Parser {
  const { parse } = scsi.logSense({ page })
  return of(name, (data) => read(parse(data)), bytes(seed), Uint8Array.of(page, 0, 0, 0))
}

/** A log page by each layout that it has, of whichever kind of device. */
function values(data: Uint8Array): unknown {
  const page = (data[0] ?? 0) & 0x3f
  const subpage = ((data[0] ?? 0) & 0x40) === 0 ? 0 : (data[1] ?? 0)
  const log = scsi.logSense({ page, subpage }).parse(data)
  return Object.values(scsi.DeviceType).map((type) => {
    const layout = scsi.logPageLayout(page, subpage, type)
    return layout && scsi.readLogPage(layout, log)
  })
}

/** Mode pages, likewise, and as they are alone. */
function fields(data: Uint8Array): unknown {
  const all = [...parseModeParameters(data, 6).pages, scsi.modePage(data)]
  return all.flatMap((one) =>
    Object.values(scsi.DeviceType).map((type) => {
      const layout = scsi.modePageLayout(one.page, one.subpage, type)
      return layout && scsi.readModePage(layout, one)
    }),
  )
}
