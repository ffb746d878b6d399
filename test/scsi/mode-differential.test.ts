import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import type { Field } from '#dist/scsi/fields.js'
import { DeviceType } from '#dist/scsi/inquiry.js'
import { emptyModePage, encodeModeParameters, modePage } from '#dist/scsi/mode.js'
import { type AnyModePageLayout, modePageLayout, modePageName } from '#dist/scsi/mode-names.js'
import { readModePage } from '#dist/scsi/mode-page.js'
import { suite } from '../harness/index.ts'
import { generator, randomBytes, seed } from './random.ts'

const test = suite('mode pages against sg_modes and sdparm')

const missing = (tool: string, from: string) =>
  spawnSync(tool, ['--version']).error === undefined
    ? undefined
    : `needs ${tool}: apt-get install ${from}`
const skipNames = missing('sg_modes', 'sg3-utils')
const skipFields = missing('sdparm', 'sdparm')

/** Every page that has a layout, with a kind of device that has the page. */
const PAGES: readonly (readonly [page: number, subpage: number, deviceType: number])[] = [
  [0x01, 0, DeviceType.DIRECT_ACCESS_BLOCK],
  [0x02, 0, DeviceType.DIRECT_ACCESS_BLOCK],
  [0x08, 0, DeviceType.DIRECT_ACCESS_BLOCK],
  [0x0a, 0, DeviceType.DIRECT_ACCESS_BLOCK],
  [0x0a, 1, DeviceType.DIRECT_ACCESS_BLOCK],
  [0x1a, 0, DeviceType.DIRECT_ACCESS_BLOCK],
  [0x1c, 0, DeviceType.DIRECT_ACCESS_BLOCK],
  [0x01, 0, DeviceType.SEQUENTIAL_ACCESS],
  [0x0f, 0, DeviceType.SEQUENTIAL_ACCESS],
  [0x10, 0, DeviceType.SEQUENTIAL_ACCESS],
  [0x1d, 0, DeviceType.MEDIA_CHANGER],
]

/**
 * Fields that sdparm has and this package has not, by page and place:
 *
 *     page   byte:bit   sdparm      what decides
 *     01h    4:7        COR_S       obsolete since SBC-2; so are HOC (5:7) and DSOC (6:7)
 *     01h    7:1, 9:7   EMCDR ERWS  of MMC-6 7.2, and of no disk
 *     01h    2:7, ...   AWRE ARRE   of SBC and MMC: reserved for tapes (SSC-4 8.3.5); so are RC, LBPERE, MWR and RECOVERY TIME LIMIT
 *     0Ah    4:7        VS_CTL      vendor specific (SPC-4 7.5.8)
 *     0A,01  4:3, 7, 8  DLC NSQCC SQCO  of later drafts of SPC-5: reserved in SPC-4 7.5.9
 *
 * In words it differs once: it counts BUSY TIMEOUT PERIOD in 100 us, SPC-4 7.5.8 in 100 ms.
 */
const OF_SDPARM_ONLY: Readonly<Record<string, readonly string[]>> = {
  '1,0 of 0': ['4:7:8', '5:7:8', '6:7:8', '7:1:2', '9:7:24'],
  '1,0 of 1': '4:7:8 5:7:8 6:7:8 7:1:2 9:7:24 2:7:1 2:6:1 2:4:1 7:7:1 7:6:2 10:7:16'.split(' '),
  '10,0 of 0': ['4:7:1'],
  '10,1 of 0': ['4:3:1', '7:7:8', '8:7:8'],
}

/** Where two names of a page differ by more than spelling: ours, and what sg_modes says. The first is that of the standard. */
const NAME_DIFFERENCES: ReadonlyMap<string, string> = new Map([
  // SPC-4 7.5.1: page 00h is vendor specific, and needs no format.
  ['vendor specific', 'unit attention condition'],
  // SPC-4 7.5.14 writes it out.
  ['protocol specific logical unit', 'protocol specific lu'],
])

const place = ({ byte, bit, width }: Field) => `${byte}:${bit}:${width}`

function layoutOf([page, subpage, type]: (typeof PAGES)[number]): AnyModePageLayout {
  const layout = modePageLayout(page, subpage, type)
  assert.ok(layout !== undefined, `${page},${subpage} of ${type} has a layout`)
  return layout
}

function ran(tool: string, args: readonly string[], input = ''): string {
  const { status, stdout, stderr } = spawnSync(tool, args, { input, encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  return stdout
}

/** The places of the fields that sdparm knows, by their names there, of the sections that it prints for a page. */
function placesOf(text: string, title: RegExp): Map<string, string> {
  const places = new Map<string, string>()
  for (const section of text.split(/\n(?=\S)/)) {
    if (!title.test(section)) continue
    for (const [, name, byte, bit, width] of section.matchAll(
      /^ {2}(\S+) +\[0x([0-9a-f]+):(\d):(\d+) *\]/gm,
    )) {
      places.set(name!, `${Number.parseInt(byte!, 16)}:${bit}:${width}`)
    }
  }
  return places
}

/** Which of several devices' pages of one code is meant. */
const TITLE: Readonly<Record<string, RegExp>> = {
  '16,0 of 1': /^Device configuration \(SSC\)/,
  '29,0 of 8': /^Element address/,
}

test(
  'agrees with sdparm on the place and on the value of every field',
  () => {
    const next = generator(seed)
    let vectors = 0
    let fields = 0
    for (const which of PAGES) {
      const [page, subpage, type] = which
      const key = `${page},${subpage} of ${type}`
      const layout = layoutOf(which)
      const listed = ran('sdparm', ['--enumerate', '--all', `--page=${page},${subpage}`])
      const places = placesOf(listed, TITLE[key] ?? /./)
      const only = OF_SDPARM_ONLY[key] ?? []
      assert.deepEqual(
        [...places.values()].filter((one) => !only.includes(one)).sort(),
        Object.values(layout.fields).map(place).sort(),
        key,
      )
      fields += Object.keys(layout.fields).length
      for (let round = 0; round < 8; round++) {
        const bytes = emptyModePage(page, subpage, layout.lengthBytes)
        const header = subpage === 0 ? 2 : 4
        bytes.set(randomBytes(next, bytes.length - header), header)
        const values = readModePage(layout, modePage(bytes))
        const list = encodeModeParameters({ pages: [{ bytes }] }, 10)
        const input = Buffer.from(list).toString('hex').replaceAll(/../g, '$& ')
        const text = ran('sdparm', ['--inhex=-', `--pdt=${type}`, '--all'], input)
        for (const [name, field] of Object.entries(layout.fields)) {
          const theirs = [...places].find(([, at]) => at === place(field))![0]
          const told = new RegExp(`^ {2}${theirs} +(-?\\d+|0x[0-9a-f]+)`, 'm').exec(text)?.[1]
          const value = Number(values[name])
          // sdparm shows all ones as -1.
          const shown = Number(told) === -1 ? 2 ** field.width - 1 : Number(told)
          assert.equal(shown, value, `seed ${seed}: ${key} ${field.label}\n${text}`)
          vectors += 1
        }
      }
    }
    console.log(
      `  ${fields} fields of ${PAGES.length} pages, ${vectors} values compared with sdparm`,
    )
  },
  { skip: skipFields, deadlineMs: 60_000 },
)

test(
  'agrees with sg_modes on the names of the pages of disks',
  () => {
    let compared = 0
    const plain = (text: string) =>
      text
        .toLowerCase()
        .replaceAll(/\(.*?\)|\[.*?\]/g, '')
        .trim()
    for (const [, code, sub = '0', name] of ran('sg_modes', ['--list']).matchAll(
      /^ 0x([0-9a-f]{2})(?:,0x([0-9a-f]{2}))? +(.+)$/gm,
    )) {
      const page = Number.parseInt(code!, 16)
      if (page === 0x3f) continue
      const ours = modePageName(page, Number.parseInt(sub, 16), DeviceType.DIRECT_ACCESS_BLOCK)
      const expected = NAME_DIFFERENCES.get(ours ?? '') ?? ours?.toLowerCase()
      assert.equal(plain(name!), expected, name)
      compared += 1
    }
    assert.ok(compared > 25, `${compared} names`)
    console.log(
      `  ${compared} names compared with sg_modes, ${NAME_DIFFERENCES.size} of them differ`,
    )
  },
  { skip: skipNames },
)

test('has a name for every page that has a layout', () => {
  for (const which of PAGES) {
    const [page, subpage, type] = which
    assert.equal(modePageName(page, subpage, type), layoutOf(which).name)
  }
})

test.run()
