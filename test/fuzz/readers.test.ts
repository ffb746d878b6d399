/** The fuzzer's list is whole: what reads bytes from outside, by its declaration, is in it. */

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from '../harness/index.ts'

const test = suite("the list of the fuzzer's parsers")

const FOLDERS = ['scsi', 'sg', 'cli', 'ring', 'task', 'target']
/** Results that are no reading: data as they came, and nothing. */
const PLAIN = /^(?:TypedCommand|TransportMessage)<(?:void|Uint8Array|WriteResult)>/
const DECLARATION = /^export declare function (\w+)[\s\S]*?\): (.*)$/gm

/** Readers that are in the list by the name of one that has the same parser, or that does nothing else but pass bytes to them. */
const WITHIN: Readonly<Record<string, string>> = {
  inquiry: 'parseInquiry',
  parseDesignators: 'vpdDeviceIdentification',
  parseDetails: 'enclosureStatus',
  parseReferral: 'parseSenseDescriptor',
  parseSmartStatus: 'smartReturnStatus',
  parseSpecific: 'parseSense',
  readFields: 'readModePage',
  requestSense: 'parseSense',
  modeSense6: 'parseModeParameters',
  modeSense10: 'parseModeParameters',
  passThrough12: 'passThrough16',
  passThrough32: 'passThrough16',
  identifyDevice: 'parseIdentifyDevice',
  smartReadData: 'parseSmartData',
  readFlags: 'vpdExtendedInquiry',
  vpdCommand: 'vpdSupportedPages',
  smpMessage: 'reportGeneral',
  ...within('parseFcReply', 'fcAddRport fcDeleteRport fcHostEls fcHostCt fcRportEls fcRportCt'),
  ...within('parseFcReply', 'fcVendor'),
  ...within('parseUfsReply', 'ufsMessage ufsNop ufsQuery ufsTaskRequest'),
  iscsiVendor: 'parseIscsiReply',
  mpi3mrAdapterInformation: 'parseMpi3mrAdapter',
  mpi3mrAllTargets: 'parseMpi3mrTargets',
}

/**
 * No parsers: of an answer without data, of blocks to copy, and of files, whose texts are parsed by others; and what a device server does with a
 * task.
 */
const OTHERS: readonly string[] = [
  'parseNothing',
  'readerOf',
  'readUseTables',
  'readDefectData',
  'readModeSelect',
]

/** The list, without what is only imported there, or spoken of. */
const list = ['parsers.ts', 'pages.ts', 'nodes.ts']
  .map((name) => readFileSync(join(process.cwd(), 'test/fuzz', name), 'utf8'))
  .join('\n')
  .replaceAll(/^import .*$/gm, '')
  .replaceAll(/\/\*\*[\s\S]*?\*\//g, '')

function within(one: string, others: string): Record<string, string> {
  return Object.fromEntries(others.split(' ').map((name) => [name, one]))
}

function declared(): string[] {
  const names = FOLDERS.flatMap((folder) => {
    const root = join(process.cwd(), 'dist', folder)
    const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
    return files
      .filter((file) => file.endsWith('.d.ts'))
      .flatMap((file) => Array.from(readFileSync(join(root, file), 'utf8').matchAll(DECLARATION)))
  })
  const readers = names.filter(([, name = '', result = '']) => {
    const made = /^(?:TypedCommand|TransportMessage)</.test(result) && !PLAIN.test(result)
    return made || /^(?:parse|read(?!\d|$))/.test(name)
  })
  return readers.map(([, name = '']) => name)
}

const isListed = (name: string) => new RegExp(`\\b${name}\\b`).test(list)

test('has every reader that is exported', () => {
  const readers = declared().filter((name) => !OTHERS.includes(name))
  assert.ok(readers.length > 80, `${readers.length}`)
  assert.deepEqual(
    readers.filter((name) => !isListed(WITHIN[name] ?? name)),
    [],
  )
})

test('excuses none that is not there', () => {
  const readers = declared()
  for (const name of [...Object.keys(WITHIN), ...OTHERS]) assert.ok(readers.includes(name), name)
})

test.run()
