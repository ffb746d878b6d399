import assert from 'node:assert/strict'
import {
  encodeSupportedFunctions,
  reportSupportedFunctions,
} from '#dist/scsi/supported-functions.js'
import {
  encodeCommandSupport,
  encodeSupportedCommands,
  reportSupportedOpcode,
  reportSupportedOpcodes,
  Support,
  type SupportedCommand,
} from '#dist/scsi/supported-opcodes.js'
import { suite } from '../harness/index.ts'

const test = suite('supported operation codes and functions')

const response = { code: 'ERR_SGRING_RESPONSE' }
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

const timeouts = { commandSpecific: 7, nominal: 0x0102_0304, recommended: 60 }
const read: SupportedCommand = {
  opcode: 0x28,
  serviceAction: undefined,
  cdbLength: 10,
  durationLimitPage: 0,
  multipleUnits: 0,
  timeouts: undefined,
}
const capacity: SupportedCommand = {
  opcode: 0x9e,
  serviceAction: 0x10,
  cdbLength: 16,
  durationLimitPage: 6,
  multipleUnits: 1,
  timeouts,
}

test('asks for all commands, for one, and for one by its service action (spc-4 6.35)', () => {
  assert.equal(hex(reportSupportedOpcodes().cdb), 'a30c00000000000010000000')
  const timed = reportSupportedOpcodes({ timeouts: true, allocationLength: 0x12345678 })
  assert.equal(hex(timed.cdb), 'a30c80000000123456780000')
  assert.equal(hex(reportSupportedOpcode({ opcode: 0x28 }).cdb), 'a30c01280000000010000000')
  const one = { opcode: 0x9e, serviceAction: 0x10 }
  assert.equal(hex(reportSupportedOpcode(one).cdb), 'a30c029e0010000010000000')
  const lenient = reportSupportedOpcode({ ...one, lenient: true })
  assert.equal(hex(lenient.cdb), 'a30c039e0010000010000000')
  assert.throws(() => reportSupportedOpcode({ opcode: 256 }), {
    code: 'ERR_SGRING_INVALID_ARGUMENT',
  })
})

test('writes and reads the list of all commands (spc-4 6.35)', () => {
  const data = encodeSupportedCommands([read, capacity])
  assert.equal(
    hex(data),
    '0000001c' + '280000000000000a' + '9e00001000' + '5b' + '0010' + '000a0007010203040000003c',
  )
  assert.deepEqual(reportSupportedOpcodes().parse(data), { commands: [read, capacity], missing: 0 })
})

test('reads a list that was cut as far as it goes', () => {
  const data = encodeSupportedCommands([read, capacity, read])
  const { parse } = reportSupportedOpcodes()
  assert.deepEqual(parse(data.subarray(0, 31)), { commands: [read], missing: 28 })
  assert.deepEqual(parse(data.subarray(0, 4)), { commands: [], missing: 36 })
  assert.throws(() => parse(data.subarray(0, 3)), response)
})

test('refuses timeouts that end beyond their list', () => {
  const data = encodeSupportedCommands([capacity])
  data[3] = 19
  assert.throws(() => reportSupportedOpcodes().parse(data), response)
})

test('writes and reads the answer for one command (spc-4 6.35)', () => {
  const usage = Uint8Array.of(0x28, 0x18, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0xff, 0)
  const support = {
    support: Support.STANDARD,
    usage,
    durationLimitPage: 5,
    multipleUnits: 2,
    timeouts,
  }
  const data = encodeCommandSupport(support)
  assert.equal(hex(data), `01cb000a${hex(usage)}000a0007010203040000003c`)
  const { parse } = reportSupportedOpcode({ opcode: 0x28 })
  assert.deepEqual(parse(data), support)
  const none = { ...support, support: Support.NONE, usage: new Uint8Array(0), timeouts: undefined }
  assert.deepEqual(parse(encodeCommandSupport(none)), none)
  for (const length of [0, 3, 13, 25]) {
    assert.throws(() => parse(data.subarray(0, length)), response)
  }
})

const functions = {
  abortTask: true,
  abortTaskSet: false,
  clearAca: true,
  clearTaskSet: false,
  logicalUnitReset: true,
  queryTask: false,
  queryAsynchronousEvent: true,
  queryTaskSet: false,
  iTNexusReset: true,
}

test('asks for, writes and reads task management functions (spc-4 6.36)', () => {
  assert.equal(hex(reportSupportedFunctions().cdb), 'a30d00000000000000040000')
  assert.equal(hex(reportSupportedFunctions({ timeouts: true }).cdb), 'a30d80000000000000100000')
  const basic = { supported: functions, timeouts: undefined }
  assert.equal(hex(encodeSupportedFunctions(basic)), 'a8050000')
  assert.deepEqual(reportSupportedFunctions().parse(encodeSupportedFunctions(basic)), basic)
  const shortFor = { ...functions, abortTask: false, queryTaskSet: true }
  const extended = { supported: functions, timeouts: { long: 600, short: 10, shortFor } }
  const data = encodeSupportedFunctions(extended)
  assert.equal(hex(data), 'a805000c' + '01002807' + '00000258' + '0000000a')
  assert.deepEqual(reportSupportedFunctions().parse(data), extended)
})

test('takes timeouts that are not valid for none, and refuses those that are cut (spc-4 6.36)', () => {
  const { parse } = reportSupportedFunctions({ timeouts: true })
  const timed = { long: 1, short: 1, shortFor: functions }
  const data = encodeSupportedFunctions({ supported: functions, timeouts: timed })
  assert.throws(() => parse(data.subarray(0, 15)), response)
  assert.equal(parse(data.subarray(0, 4)).timeouts, undefined)
  data[4] = 0
  assert.equal(parse(data).timeouts, undefined)
})

test.run()
