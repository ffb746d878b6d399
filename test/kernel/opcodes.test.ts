// guest: --scsi-debug 'dev_size_mb=8 lbpu=1'
/** REPORT SUPPORTED OPERATION CODES of a device, as sg_opcodes reads it and as `sgring opcodes` does (SPC-4 6.35). */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { hexBytes } from '#dist/cli/hex.js'
import { open, reportSupportedOpcode, reportSupportedOpcodes, Support } from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { Folder } from './in-process.ts'

const test = suite(`REPORT SUPPORTED OPERATION CODES in the kernel ${process.env.SGRING_GUEST}`)
const NODE = '/dev/sg0'

/** A command as one of the two has it: all in hex, but the length of the CDB. */
interface Told {
  readonly opcode: string
  readonly action: string
  readonly length: number
  readonly usage: string
}

const sgOpcodes = (...options: readonly string[]) =>
  execFileSync('sg_opcodes', [...options, NODE], { encoding: 'utf8', stdio: 'pipe' })

/** What `sgring opcodes` tells. */
async function listed() {
  const folder = new Folder()
  try {
    const { code, stdout } = await folder.sgring('opcodes', NODE, '--json')
    assert.equal(code, 0)
    return JSON.parse(String(stdout)).commands
  } finally {
    folder.remove()
  }
}

/** What `sg_opcodes --mask` prints: a row ` 9e       10        16    0,0    Read capacity(16)`, and one with its CDB usage data. */
function theirs(): Told[] {
  const row =
    /^ (?<opcode>[\da-f]{2}) {1,8}(?<action>[\da-f]{1,4})? +(?<length>\d+) +\S+ +.*\n +cdb usage: (?<usage>[\da-f ]+)$/gm
  return [...sgOpcodes('--mask', '--unsorted').matchAll(row)].map(({ groups = {} }) => ({
    opcode: groups.opcode ?? '',
    action: groups.action ?? '',
    length: Number(groups.length),
    usage: (groups.usage ?? '').trim(),
  }))
}

test('every command, its service action, length and CDB usage data is what sg_opcodes tells', async () => {
  const expected = theirs()
  assert.ok(expected.length >= 30, `${expected.length} commands`)
  await using unit = await open(NODE)
  const ours: Told[] = []
  for (const { opcode, service_action: serviceAction, cdb_length: length } of await listed()) {
    const asked = { opcode, ...(serviceAction !== undefined && { serviceAction }) }
    const { support, usage } = await unit.run(reportSupportedOpcode(asked))
    assert.equal(support, Support.STANDARD)
    ours.push({
      opcode: hexBytes(Uint8Array.of(opcode)),
      action: serviceAction?.toString(16) ?? '',
      length,
      usage: hexBytes(usage),
    })
  }
  assert.deepEqual(ours, expected)
})

test('a command that is not there is not there for either', async () => {
  await using unit = await open(NODE)
  const { commands } = await unit.run(reportSupportedOpcodes())
  const there = new Set(commands.map(({ opcode }) => opcode))
  for (const opcode of [0x04, 0x83, 0x99, 0xc0]) {
    assert.equal(there.has(opcode), false)
    const { support } = await unit.run(reportSupportedOpcode({ opcode }))
    assert.equal(support, Support.NONE)
    assert.match(sgOpcodes(`--opcode=0x${opcode.toString(16)}`), /Command is NOT supported/)
  }
})

test('the bytes of the answer are those that sg_opcodes has got, with timeouts and without', async () => {
  await using unit = await open(NODE)
  for (const timeouts of [false, true]) {
    const options = ['--raw', ...(timeouts ? ['--rctd'] : [])]
    const raw = execFileSync('sg_opcodes', [...options, NODE], { stdio: 'pipe' })
    const { cdb, dataInLength, parse } = reportSupportedOpcodes({ timeouts })
    const { data } = await unit.execute({ cdb, dataIn: dataInLength })
    assert.deepEqual(Buffer.from(data), raw)
    assert.deepEqual(parse(data), parse(raw))
  }
})

test.run()
