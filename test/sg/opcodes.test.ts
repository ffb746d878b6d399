import assert from 'node:assert/strict'
import { ata, DeviceType } from '#dist/scsi/index.js'
import { parseCapabilities } from '#dist/sg/capabilities.js'
import { commandFilter, type FilteredNode, refusedByKernel } from '#dist/sg/opcodes.js'
import { suite } from '../harness/index.ts'

const test = suite('which commands a node takes')

const ORDINARY = { sysRawio: false, sysAdmin: false }
const ROOT = { sysRawio: true, sysAdmin: true }
const DISK: FilteredNode = {
  nodeKind: 'sg',
  openedForWriting: true,
  deviceType: DeviceType.DIRECT_ACCESS_BLOCK,
  capabilities: ROOT,
}

const LENGTHS = [6, 10, 10, 32, 16, 12, 6, 6] as const
/** A CDB with an operation code and, where it has one, a service action. */
function cdb(opcode: number, action = 0): Uint8Array {
  const bytes = new Uint8Array(LENGTHS[opcode >> 5]!)
  bytes[0] = opcode
  if (opcode === 0x7f) bytes.set([24, action >> 8, action & 0xff], 7)
  else bytes[1] = action
  return bytes
}

test('a process without CAP_SYS_RAWIO may send through bsg and block nodes what it may, and no more', () => {
  for (const nodeKind of ['bsg', 'block'] as const) {
    for (const openedForWriting of [false, true]) {
      const check = commandFilter({ ...DISK, nodeKind, openedForWriting, capabilities: ORDINARY })
      assert.equal(check(cdb(0x28)), undefined)
      assert.equal(check(cdb(0x2a)) === undefined, openedForWriting)
      assert.notEqual(check(cdb(0x3b)), undefined)
      assert.notEqual(check(cdb(0x5f)), undefined)
    }
  }
})

test('an sg node that is open for writing takes everything, and else what any node does', () => {
  for (let opcode = 0; opcode < 256; opcode++) {
    const writable = commandFilter({ ...DISK, capabilities: ORDINARY })
    assert.equal(writable(cdb(opcode)), undefined)
    const sg = commandFilter({ ...DISK, openedForWriting: false, capabilities: ORDINARY })
    const bsg = commandFilter({
      ...DISK,
      nodeKind: 'bsg',
      openedForWriting: false,
      capabilities: ORDINARY,
    })
    assert.equal(sg(cdb(opcode)) === undefined, bsg(cdb(opcode)) === undefined)
  }
})

test('a process with CAP_SYS_RAWIO, or one of which nobody knows, is left to the kernel', () => {
  for (const capabilities of [ROOT, undefined]) {
    const check = commandFilter({ ...DISK, nodeKind: 'bsg', openedForWriting: false, capabilities })
    assert.equal(check(cdb(0x3b)), undefined)
  }
})

test('what the kernel would refuse is named, with the node and what it takes', () => {
  const check = commandFilter({
    ...DISK,
    nodeKind: 'bsg',
    openedForWriting: false,
    capabilities: ORDINARY,
  })
  const buffer = check(cdb(0x3b))
  assert.equal(buffer?.code, 'ERR_SGRING_NOT_PERMITTED')
  assert.match(buffer.message, /^WRITE BUFFER\(10\) \(3Bh\) needs CAP_SYS_RAWIO on a bsg node /)
  assert.match(
    check(cdb(0x2a))!.message,
    /^WRITE\(10\) \(2Ah\) needs a bsg node that is open for writing, or CAP_SYS_RAWIO/,
  )
  assert.match(check(cdb(0xc1))!.message, /^operation code C1h \(C1h\) needs CAP_SYS_RAWIO/)
  const late = refusedByKernel(cdb(0x5f, 1), 10, { nodeKind: 'block', deviceType: 0 })
  assert.match(
    late.message,
    /^PERSISTENT RESERVE OUT, RESERVE \(5Fh\) needs CAP_SYS_RAWIO on a block node/,
  )
})

test('readOnly refuses on every kind of node what changes a disk, and takes what reads it', () => {
  for (const nodeKind of ['bsg', 'sg', 'block'] as const) {
    const check = commandFilter({ ...DISK, nodeKind, readOnly: true })
    for (const [opcode, action] of [
      [0x00],
      [0x12],
      [0x28],
      [0x88],
      [0x5e, 1],
      [0x7f, 9],
      [0x9e, 0x10],
      [0xa3, 0x0c],
    ] as const) {
      assert.equal(check(cdb(opcode, action)), undefined, opcode.toString(16))
    }
    for (const [opcode, action] of [
      [0x04],
      [0x0a],
      [0x1b],
      [0x2a],
      [0x3b],
      [0x42],
      [0x48, 1],
      [0x5f, 0],
      [0x7f, 0xb],
      [0x89],
      [0x93],
      [0x9f, 0x11],
      [0xa4, 0xa],
    ] as const) {
      const refused = check(cdb(opcode, action))
      assert.equal(refused?.code, 'ERR_SGRING_READ_ONLY', opcode.toString(16))
      assert.match(refused.message, /may change the device/)
    }
  }
})

test('readOnly tells the service actions of one operation code apart', () => {
  const check = commandFilter({ ...DISK, readOnly: true })
  // 9Eh has five that change a disk, and the kernel lets everybody send it.
  for (const action of [0x14, 0x15, 0x18, 0x19, 0x1a]) {
    assert.match(check(cdb(0x9e, action))!.message, /may change the device/, String(action))
  }
  assert.match(check(cdb(0x9e, 0x18))!.message, /^REMOVE ELEMENT AND TRUNCATE \(9Eh\)/)
  assert.notEqual(check(cdb(0x95, 0x08)), undefined, 'ZONE ACTIVATE')
  assert.equal(check(cdb(0x95, 0x00)), undefined, 'REPORT ZONES')
  assert.notEqual(
    check(cdb(0x3c, 0x1a)),
    undefined,
    'READ BUFFER that enables expander communications',
  )
  assert.equal(check(cdb(0x3c, 0x02)), undefined, 'READ BUFFER of data')
  for (const opcode of [0x3c, 0x9b]) {
    assert.match(check(cdb(opcode, 0x1c))!.message, /error history .* may change the device/)
  }
})

test('readOnly refuses NACA, which can leave an ACA condition behind (SAM-5 5.2)', () => {
  const check = commandFilter({ ...DISK, readOnly: true })
  const POWER_MODE = { protocol: ata.Protocol.NON_DATA, command: 0xe5 }
  const CONTROL = { 0: 5, 40: 9, 168: 11, 136: 15, 133: 15, 127: 1 }
  for (const [opcode, at] of Object.entries(CONTROL)) {
    const reading = cdb(Number(opcode), opcode === '127' ? 0x09 : 0)
    if (opcode === '133') reading.set(ata.passThrough16(POWER_MODE).cdb)
    assert.equal(check(reading), undefined, opcode)
    reading[at] = 0x04
    assert.match(check(reading)!.message, /with NACA \(..h\) may change the device/)
  }
})

test('readOnly refuses LOG SENSE with SP, which saves parameters (SPC-4 6.8)', () => {
  const check = commandFilter({ ...DISK, readOnly: true })
  assert.equal(check(cdb(0x4d, 0x00)), undefined)
  assert.equal(check(cdb(0x4d, 0x02)), undefined)
  assert.match(check(cdb(0x4d, 0x01))!.message, /^LOG SENSE with SP/)
})

test('readOnly knows that an operation code is another command on another kind of device', () => {
  const takes = (deviceType: number | undefined, opcode: number, action = 0) =>
    commandFilter({ ...DISK, deviceType, readOnly: true })(cdb(opcode, action)) === undefined
  const {
    DIRECT_ACCESS_BLOCK,
    SEQUENTIAL_ACCESS,
    CD_DVD,
    MEDIA_CHANGER,
    ENCLOSURE_SERVICES,
    HOST_MANAGED_ZONED,
  } = DeviceType
  assert.ok(takes(CD_DVD, 0x42), 'READ SUB-CHANNEL')
  assert.ok(!takes(DIRECT_ACCESS_BLOCK, 0x42), 'UNMAP')
  assert.ok(takes(SEQUENTIAL_ACCESS, 0x91), 'SPACE(16)')
  assert.ok(!takes(DIRECT_ACCESS_BLOCK, 0x91), 'SYNCHRONIZE CACHE(16)')
  assert.ok(takes(DIRECT_ACCESS_BLOCK, 0x37), 'READ DEFECT DATA(10)')
  assert.ok(!takes(MEDIA_CHANGER, 0x37), 'INITIALIZE ELEMENT STATUS WITH RANGE')
  assert.ok(
    takes(SEQUENTIAL_ACCESS, 0x2b) && !takes(MEDIA_CHANGER, 0x2b),
    'LOCATE, POSITION TO ELEMENT',
  )
  assert.ok(
    takes(CD_DVD, 0xa4) && !takes(DIRECT_ACCESS_BLOCK, 0xa4, 0x0a),
    'REPORT KEY, SET TARGET PORT GROUPS',
  )
  assert.ok(
    !takes(CD_DVD, 0xa3, 0x0c) && takes(DIRECT_ACCESS_BLOCK, 0xa3, 0x0c),
    'SEND KEY, REPORT SUPPORTED…',
  )
  assert.ok(!takes(CD_DVD, 0xa1), 'BLANK')
  assert.ok(takes(ENCLOSURE_SERVICES, 0x1c) && !takes(ENCLOSURE_SERVICES, 0x1d), 'diagnostic pages')
  assert.ok(!takes(ENCLOSURE_SERVICES, 0x28), 'an enclosure has no READ(10)')
  assert.ok(takes(HOST_MANAGED_ZONED, 0x95, 0) && !takes(HOST_MANAGED_ZONED, 0x94, 4), 'zones')
  assert.ok(
    takes(undefined, 0x12) && !takes(undefined, 0xa3, 0x0c) && !takes(undefined, 0x37),
    'any kind',
  )
})

test('readOnly refuses what it does not know, and CDBs too short to tell', () => {
  const check = commandFilter({ ...DISK, readOnly: true })
  for (const opcode of [0xc0, 0xd1, 0xe6, 0xff, 0x02, 0x06, 0x60]) {
    assert.match(check(cdb(opcode))!.message, /is not known to leave the device as it is/)
  }
  assert.notEqual(check(cdb(0x28).subarray(0, 6)), undefined)
  assert.notEqual(check(cdb(0x7f, 9).subarray(0, 9)), undefined)
  // What stands beyond the length is another command's.
  assert.notEqual(check(cdb(0x28), 6), undefined)
  assert.notEqual(check(cdb(0x9e, 0x1f)), undefined)
})

test('readOnly judges ATA PASS-THROUGH by its protocol and its command', () => {
  const check = commandFilter({ ...DISK, readOnly: true })
  const { Protocol } = ata
  const identify = { protocol: Protocol.PIO_DATA_IN, command: 0xec, count: 1, dataInLength: 512 }
  const reading: readonly ata.PassThroughOptions[] = [
    identify,
    { protocol: Protocol.NON_DATA, command: 0xe5 },
    { protocol: Protocol.PIO_DATA_IN, command: 0xb0, features: 0xd0, dataInLength: 512 },
    { protocol: Protocol.NON_DATA, command: 0xb0, features: 0xda },
    { protocol: Protocol.RETURN_RESPONSE_INFORMATION, command: 0 },
  ]
  const changing: readonly ata.PassThroughOptions[] = [
    { protocol: Protocol.PIO_DATA_OUT, command: 0x30, count: 1, dataOut: new Uint8Array(512) },
    { protocol: Protocol.PIO_DATA_IN, command: 0x30, count: 1, dataInLength: 512 }, // WRITE SECTORS called reading
    { protocol: Protocol.NON_DATA, command: 0xec },
    { protocol: Protocol.NON_DATA, command: 0xb0, features: 0xd4 }, // SMART EXECUTE OFF-LINE IMMEDIATE
    { protocol: Protocol.NON_DATA, command: 0xb0, features: 0xd9 }, // SMART DISABLE OPERATIONS
    { protocol: Protocol.NON_DATA, command: 0xe0 }, // STANDBY IMMEDIATE
    { protocol: Protocol.NON_DATA, command: 0xf4 }, // SECURITY ERASE UNIT
    { protocol: Protocol.HARD_RESET, command: 0 },
    { protocol: Protocol.DEVICE_RESET, command: 0x08 },
    { protocol: Protocol.DMA, command: 0x25, dataOut: new Uint8Array(512) }, // READ DMA EXT that sends
  ]
  for (const make of [ata.passThrough12, ata.passThrough16, ata.passThrough32]) {
    for (const options of reading) assert.equal(check(make(options).cdb), undefined)
    for (const options of changing) {
      assert.match(check(make(options).cdb)!.message, /^ATA PASS-THROUGH\(\d\d\) .* may change/)
    }
  }
  const features = { protocol: Protocol.NON_DATA, command: 0x78, extend: true }
  assert.equal(check(ata.passThrough16({ ...features, features: 0x0000 }).cdb), undefined)
  assert.notEqual(check(ata.passThrough16({ ...features, features: 0x0100 }).cdb), undefined)
  const log = { protocol: Protocol.PIO_DATA_IN, command: 0x2f, extend: true, dataInLength: 512 }
  assert.equal(check(ata.passThrough16(log).cdb), undefined)
  for (const command of [0x2f, 0x47]) {
    const reset = ata.passThrough16({ ...log, command, features: 0x0001 })
    assert.notEqual(check(reset.cdb), undefined, 'the Phy event counters begin anew')
  }
  const disc = commandFilter({ ...DISK, deviceType: DeviceType.CD_DVD, readOnly: true })
  assert.equal(disc(ata.passThrough16(identify).cdb), undefined)
  assert.notEqual(disc(ata.passThrough12(identify).cdb), undefined)
})

test('allow and deny extend what is taken; deny wins, and needs no readOnly', () => {
  const check = commandFilter({
    ...DISK,
    readOnly: true,
    allow: [0x1b, { opcode: 0x5f, serviceAction: 3 }, 0xc1],
    deny: [{ opcode: 0x9e, serviceAction: 0x11 }, 0xc1],
  })
  assert.equal(check(cdb(0x1b)), undefined)
  assert.equal(check(cdb(0x5f, 3)), undefined)
  assert.notEqual(check(cdb(0x5f, 4)), undefined)
  assert.match(check(cdb(0x9e, 0x11))!.message, /^READ LONG\(16\) \(9Eh\) is denied/)
  assert.equal(check(cdb(0x9e, 0x10)), undefined)
  assert.notEqual(check(cdb(0xc1)), undefined)
  assert.equal(commandFilter({ ...DISK, deny: [0x04] })(cdb(0x04))?.code, 'ERR_SGRING_READ_ONLY')
  const variable = commandFilter({ ...DISK, deny: [{ opcode: 0x7f, serviceAction: 0x0b }] })
  assert.notEqual(variable(cdb(0x7f, 0x0b)), undefined)
  assert.equal(variable(cdb(0x7f, 0x09)), undefined)
})

test('rules that are no operation codes are refused', () => {
  for (const rule of [
    -1,
    256,
    1.5,
    '18',
    null,
    { opcode: 0x9e },
    { opcode: 1, serviceAction: 0x10000 },
  ]) {
    assert.throws(() => commandFilter({ ...DISK, allow: [rule as number] }), {
      code: 'ERR_SGRING_INVALID_ARGUMENT',
    })
  }
})

test('capabilities count in the initial user namespace alone', () => {
  const status = 'Name:\tnode\nCapInh:\t0000000000000000\nCapEff:\t0000000000020000\n'
  const initial = 'user:[4026531837]'
  assert.deepEqual(parseCapabilities(status, initial), { sysRawio: true, sysAdmin: false })
  assert.deepEqual(parseCapabilities(status, 'user:[4026532000]'), ORDINARY)
  const all = status.replace('0000000000020000', '000001ffffffffff')
  assert.deepEqual(parseCapabilities(all, initial), ROOT)
  assert.equal(parseCapabilities('Name:\tnode\n', initial), undefined)
})

test.run()
