import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cdbLength, NACA } from '#dist/scsi/opcode.js'
import {
  reportSupportedOpcode,
  reportSupportedOpcodes,
  Support,
  type SupportedCommand,
} from '#dist/scsi/supported-opcodes.js'
import { suite } from '../harness/index.ts'
import { hex, type ServedDisk, servedDisk } from './served-disk.ts'

const test = suite('the commands of a disk')

const KINDS = [{}, { thin: true }, { removable: true }, { thin: true, removable: true }] as const

function commandsOf({ send }: ServedDisk): readonly SupportedCommand[] {
  const all = reportSupportedOpcodes()
  return all.parse(send(all).data).commands
}

function usageOf({ send }: ServedDisk, opcode: number, serviceAction: number | undefined) {
  const one = reportSupportedOpcode({
    opcode,
    ...(serviceAction !== undefined && { serviceAction }),
  })
  return one.parse(send(one).data)
}

test('REPORT SUPPORTED OPERATION CODES lists all that are answered, and no other (spc-4 6.35)', () => {
  for (const kind of KINDS) {
    const listed = commandsOf(servedDisk(kind))
    for (let opcode = 0; opcode < 256; opcode++) {
      const known = listed.filter((one) => one.opcode === opcode)
      for (let action = 0; action < 32; action++) {
        // Of variable length, byte 1 is the CONTROL byte: NACA is the target's to refuse.
        if (opcode >> 5 === 3 && (action & NACA) !== 0) continue
        const cdb = new Uint8Array(32)
        cdb[0] = opcode
        cdb[1] = action
        // REPORT LUNS is the target's.
        const end = opcode === 0xa0 ? 'GOOD' : servedDisk(kind).begin({ cdb }).end
        const name = `${opcode.toString(16)}/${action.toString(16)}: ${end}`
        if (known.length === 0) {
          assert.equal(end, '5/20/00', name)
        } else if (
          known.every((one) => one.serviceAction !== undefined && one.serviceAction !== action)
        ) {
          assert.equal(end, '5/24/00', name)
        } else {
          assert.notEqual(end, '5/20/00', name)
        }
      }
    }
  }
})

test('each usage map is as long as its CDB, and begins with the operation code (spc-4 6.35.3)', () => {
  const disk = servedDisk({ thin: true, removable: true })
  const listed = commandsOf(disk)
  assert.equal(listed.length, 47)
  for (const { opcode, serviceAction, cdbLength: length } of listed) {
    const { support, usage } = usageOf(disk, opcode, serviceAction)
    assert.equal(support, Support.STANDARD)
    assert.equal(usage[0], opcode)
    assert.deepEqual([usage.length, length], [cdbLength(opcode), length], opcode.toString(16))
    if (serviceAction !== undefined) assert.equal(usage[1]! & 0x1f, serviceAction)
  }
})

/** What a command ends with: all of it that an initiator sees. */
function outcomeOf(cdb: Uint8Array): unknown {
  const disk = servedDisk({ thin: true, removable: true, serial: 'S' })
  const task = disk.begin({ cdb, dataOut: hex('0101 0001').slice(), dataInLength: 256 })
  disk.nexus.background.finish()
  if (!task.isOver) throw new Error('it hangs')
  const { status, senseText, data, residual, residualOut } = task.outcome()
  return {
    status,
    senseText,
    data: Buffer.from(data).toString('hex'),
    residual,
    residualOut,
    log: disk.backing.log,
  }
}

/** Obsolete bits, CMDDT and PPC, that are treated as reserved: who sets one must not be answered something else. */
const REFUSED: ReadonlyMap<number, number> = new Map([
  [0x12, 0x02],
  [0x4d, 0x02],
])

test('no bit outside of the usage maps counts, and obsolete ones are refused (spc-4 6.35.3)', () => {
  const disk = servedDisk({ thin: true, removable: true })
  for (const { opcode, serviceAction } of commandsOf(disk)) {
    const { usage } = usageOf(disk, opcode, serviceAction)
    const plain = new Uint8Array(usage.length)
    plain[0] = opcode
    plain[1] = serviceAction ?? 0
    const expected = outcomeOf(plain)
    for (let bit = 8; bit < usage.length * 8; bit++) {
      const [byte, mask] = [bit >> 3, 0x80 >> (bit & 7)]
      const isAction = serviceAction !== undefined && byte === 1 && (mask & 0x1f) !== 0
      if ((usage[byte]! & mask) !== 0 || isAction) continue
      const cdb = plain.with(byte, plain[byte]! | mask)
      if (byte === 1 && REFUSED.get(opcode) === mask) {
        assert.equal(disk.end({ cdb }), '5/24/00')
        continue
      }
      assert.deepEqual(outcomeOf(cdb), expected, `${Buffer.from(cdb).toString('hex')}`)
    }
  }
})

test('one command is asked for as it is: with its service action, or without (spc-4 6.35.1)', () => {
  const { send } = servedDisk()
  const ask = (options: number, opcode: number, action: number) => {
    const cdb = hex(
      `a30c 0${options} ${opcode.toString(16).padStart(2, '0')} 00${action.toString(16).padStart(2, '0')} 00000100 00 00`,
    )
    const { senseText, data } = send({ cdb, dataInLength: 256 })
    return senseText === '' ? data[1] : senseText
  }
  assert.equal(ask(1, 0x28, 0), Support.STANDARD)
  assert.equal(ask(1, 0xc0, 0), Support.NONE)
  assert.equal(ask(1, 0x9e, 0x10), '5/24/00')
  assert.equal(ask(2, 0x9e, 0x10), Support.STANDARD)
  assert.equal(ask(2, 0x9e, 0x1f), Support.NONE)
  assert.equal(ask(2, 0x28, 0), '5/24/00')
  assert.equal(ask(3, 0x28, 0), Support.STANDARD)
  assert.equal(ask(3, 0x9e, 0x10), Support.STANDARD)
  assert.equal(ask(4, 0x28, 0), '5/24/00')
})

test('timeouts are told where they are asked for, as not known (spc-4 6.35.4)', () => {
  const { send } = servedDisk()
  const all = reportSupportedOpcodes({ timeouts: true })
  const unknown = { commandSpecific: 0, nominal: 0, recommended: 0 }
  for (const { timeouts } of all.parse(send(all).data).commands) assert.deepEqual(timeouts, unknown)
  const one = reportSupportedOpcode({ opcode: 0x28, timeouts: true })
  assert.deepEqual(one.parse(send(one).data).timeouts, unknown)
  const { cdb } = all
  assert.equal(send({ cdb: cdb.with(8, 0).with(9, 6), dataInLength: 8 }).data.length, 6)
})

const skip =
  spawnSync('sg_opcodes', ['--version']).error === undefined
    ? undefined
    : 'needs sg_opcodes: apt-get install sg3-utils'

test(
  'sg_opcodes has a name for each of them',
  () => {
    const names: string[] = []
    for (const { opcode, serviceAction } of commandsOf(
      servedDisk({ thin: true, removable: true }),
    )) {
      const asked = [opcode, serviceAction].filter((one) => one !== undefined).join(',')
      const args = ['--enumerate', `--opcode=${asked}`, '--pdt=0']
      const ran = spawnSync('sg_opcodes', args, { encoding: 'utf8' })
      assert.equal(ran.status, 0, ran.stderr)
      assert.doesNotMatch(ran.stdout, /vendor specific|unknown|Opcode=0x/i, asked)
      names.push(ran.stdout)
    }
    for (const name of ['Compare and write', 'Get LBA status', 'Unmap', 'Sanitize, block erase']) {
      assert.ok(
        names.some((one) => one.includes(name)),
        name,
      )
    }
  },
  { skip },
)

test.run()
