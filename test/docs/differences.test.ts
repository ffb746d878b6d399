/** `docs/differences.md` lists what differs from the tools that this package is compared with: it is made of what the suites go by. */

import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from '../harness/index.ts'
import {
  COMMAND_NAMES,
  DISK,
  type Difference,
  INQUIRY,
  LOG_PAGES,
  MODE_PAGES,
  SENSE_CODES,
  SENSE_DATA,
} from '../scsi/differences.ts'

const root = process.cwd()
const path = join(root, 'docs/differences.md')
const test = suite('differences')

const hex = (code: number) => code.toString(16).toUpperCase().padStart(4, '0').replace(/../, '$&h ')
const range = (from: number, to: number) =>
  from === to ? `${hex(from)}h` : `${hex(from)}h to ${hex(to)}h`

function section(title: string, about: string, rows: readonly Difference[]): string {
  const table = rows.map(([what, clause]) => `| ${what} | ${clause} |`)
  return [
    `## ${title}`,
    '',
    about,
    '',
    '| what | what decides it |',
    '|---|---|',
    ...table,
    '',
  ].join('\n')
}

const text = [
  '# Where this package and the tools differ',
  '',
  'Each suite that compares prints how many vectors it has compared. Whatever is not listed here is the same, or the suite fails. This file is',
  'made of `test/scsi/differences.ts`: `SGRING_WRITE=1 node build/test/docs/differences.test.js` writes it anew.',
  '',
  section(
    'Names of additional sense codes',
    'All of 0000h to FFFFh, against `sg_decode_sense` of sg3-utils 1.46.',
    SENSE_CODES.map(([from, to, clause]) => [range(from, to), clause]),
  ),
  section('Sense data', 'Every key, format and descriptor, against `sg_decode_sense`.', SENSE_DATA),
  section('INQUIRY', 'Standard data and VPD pages, against `sg_inq` and `sg_vpd`.', INQUIRY),
  section('Mode pages', 'Fields against `sdparm`, names against `sg_modes`.', MODE_PAGES),
  section('Log pages', 'Every field of every page with a layout, against `sg_logs`.', LOG_PAGES),
  section(
    'Names of commands',
    'A disk’s, by operation code and service action, against `sg_decode_sense --cdb`: the standards’ names are younger or longer.',
    Object.entries(COMMAND_NAMES).map(([code, name]) => [
      `${code}h: the tool says “${name}”`,
      'SPC-6, SBC-5',
    ]),
  ),
  section('The disk', 'What `serve()` has for a disk, against its standards.', DISK),
].join('\n')

test('are all in docs/differences.md', () => {
  if (process.env.SGRING_WRITE !== undefined) {
    mkdirSync(join(root, 'docs'), { recursive: true })
    writeFileSync(path, text)
    return
  }
  assert.equal(readFileSync(path, 'utf8'), text, 'stale: run this test with SGRING_WRITE=1')
})

test('are told with counts: each suite that compares prints how much', () => {
  const suites = ['test/scsi', 'test/target'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('differential.test.ts'))
      .map((name) => join(folder, name)),
  )
  assert.ok(suites.length >= 8, suites.join(', '))
  for (const name of suites) {
    const source = readFileSync(join(root, name), 'utf8')
    assert.ok(/console\.log\([^;]{0,200}?compared/s.test(source), name)
  }
})

test.run()
