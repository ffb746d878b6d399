import assert from 'node:assert/strict'
import {
  type Answer,
  type Command,
  checkCondition,
  connect,
  type Designator,
  type Handler,
  type LogicalUnit,
  passThrough,
  reportSupportedOpcode,
  reportSupportedOpcodes,
  requestSense,
  SenseKey,
  type Server,
  ServiceResponse,
  Status,
  Support,
  serve,
  TaskFunction,
  VpdPage,
  vpdBlockLimits,
  vpdDeviceIdentification,
  vpdSupportedPages,
  write10,
} from '#dist/index.js'
import { encodeDesignators, encodeVpd } from '#dist/scsi/vpd.js'
import { type TestUnit, testUnit } from '#dist/testing/index.js'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import { cdb, powerOn, told } from '../support/ready-unit.ts'
import { until } from '../support/until.ts'

const test = suite('a unit that is passed through')

const folder = temporaryFolder()
let sockets = 0
const socket = () => `${folder}/front-${sockets++}.sock`

/** A disk behind, and a server in front of it. */
class Front {
  readonly behind: TestUnit
  readonly server: Server

  private constructor(behind: TestUnit, server: Server) {
    this.behind = behind
    this.server = server
  }

  static async open(handler?: Handler, arenaBytes?: number): Promise<Front> {
    const behind = await testUnit({
      blocks: 4096,
      ...(handler && { handler }),
      ...(arenaBytes && { connect: { arenaBytes } }),
    })
    const units = [await passThrough(behind.unit)]
    return new Front(behind, await serve({ listen: socket(), units }))
  }

  /** A nexus whose POWER ON is over. */
  async connect() {
    const nexus = await connect(this.server.listen)
    await powerOn(nexus, 0)
    return nexus
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close()
    await this.behind.close()
  }
}

/** A handler that answers one operation code, or page of INQUIRY. */
const answering = (isOne: (cdb: Uint8Array) => boolean, answer: () => Answer): Handler => {
  return (task, next) => (isOne(task.cdb) ? answer() : next())
}
const good = (data: Uint8Array): Answer => ({ status: Status.GOOD, data })

test('is told as it is, but for what is the target’s: ACA, port groups, copies, hierarchy', async () => {
  const data = new Uint8Array(36).fill(0x20)
  data.set([0, 0, 6, 0xff, 31, 0xff, 0, 2])
  const handler = answering(
    (cdb) => cdb[0] === 0x12 && cdb[1] === 0,
    () => good(data),
  )
  await using front = await Front.open(handler)
  await using nexus = await front.connect()
  const raw = await nexus.unit(0).execute({ cdb: Uint8Array.of(0x12, 0, 0, 0, 96, 0), dataIn: 96 })
  assert.equal(raw.data.length, 36)
  assert.equal(raw.residual, 60)
  assert.equal(raw.data[3], 0xdf, 'NORMACA is 0')
  assert.equal(raw.data[5], 0x87, 'ACC, TPGS and 3PC are 0')
  const short = await nexus.unit(0).execute({ cdb: Uint8Array.of(0x12, 0, 0, 0, 4, 0), dataIn: 96 })
  assert.deepEqual([...short.data], [0, 0, 6, 0xdf])
})

test('lists itself alone, whatever else is behind', async () => {
  await using front = await Front.open()
  await using nexus = await front.connect()
  assert.deepEqual((await nexus.reportLuns()).luns, [0])
})

test('hides the pages of ports and copies, and the names of the device’s ports', async () => {
  const names: Designator[] = [
    { association: 0, type: 3, codeSet: 1, protocol: undefined, designator: new Uint8Array(8) },
    { association: 1, type: 4, codeSet: 1, protocol: 6, designator: new Uint8Array(4) },
    { association: 1, type: 5, codeSet: 1, protocol: 6, designator: new Uint8Array(4) },
    { association: 2, type: 8, codeSet: 3, protocol: 6, designator: new Uint8Array(20) },
  ]
  const pages: Record<number, Uint8Array> = {
    [VpdPage.SUPPORTED_PAGES]: Uint8Array.of(0x00, 0x83, 0x88, 0x8f, 0xb0),
    [VpdPage.DEVICE_IDENTIFICATION]: encodeDesignators(names),
    136: new Uint8Array(8),
  }
  const handler: Handler = (task, next) => {
    const body = task.cdb[0] === 0x12 && task.cdb[1] === 1 ? pages[task.cdb[2]!] : undefined
    return body === undefined ? next() : good(encodeVpd(0, task.cdb[2]!, body))
  }
  await using front = await Front.open(handler)
  await using nexus = await front.connect()
  const unit = nexus.unit(0)
  assert.deepEqual(await unit.run(vpdSupportedPages()), [0x00, 0x83, 0xb0])
  const left = await unit.run(vpdDeviceIdentification())
  assert.deepEqual(
    left.map(({ association }) => association),
    [0, 2],
  )
  const ports = await unit.execute({ cdb: Uint8Array.of(0x12, 1, 0x88, 0, 96, 0), dataIn: 96 })
  assert.equal(told(ports), '2 5/24/00')
  // The length that a short allocation tells is the whole page's (SPC-4 4.2.5.6).
  const short = await unit.execute({ cdb: Uint8Array.of(0x12, 1, 0x83, 0, 4, 0), dataIn: 4 })
  assert.deepEqual([...short.data], [0, 0x83, 0, 12 + 24])
})

test('tells block limits that one command can move, and refuses what is longer', async () => {
  await using front = await Front.open(undefined, 1 << 20)
  await using nexus = await front.connect()
  const unit = nexus.unit(0)
  const most = Math.floor(front.behind.unit.maxTransferBytes / 512)
  const limits = await unit.run(vpdBlockLimits())
  assert.equal(limits.maxTransferLength, most)
  assert.ok(limits.optimalTransferLength <= most)
  const fits = write10({ lba: 0, data: new Uint8Array(512 * most), blockLength: 512 })
  await unit.run(fits)
  const over = write10({ lba: 0, data: new Uint8Array(512 * (most + 2)), blockLength: 512 })
  await assert.rejects(unit.run(over), { senseKey: SenseKey.ILLEGAL_REQUEST, asc: 0x24 })
})

test('refuses reservations, third-party copies, access controls and port groups, and says that it does not have them', async () => {
  const seen: number[] = []
  const handler: Handler = (task, next) => {
    seen.push(task.cdb[0]!)
    return next()
  }
  await using front = await Front.open(handler)
  await using nexus = await front.connect()
  const unit = nexus.unit(0)
  seen.length = 0
  for (const opcode of [0x16, 0x17, 0x18, 0x56, 0x57, 0x5e, 0x5f, 0x83, 0x84, 0x86, 0x87]) {
    const command = new Uint8Array(16)
    command[0] = opcode
    assert.equal(told(await unit.execute({ cdb: command })), '2 5/20/00', opcode.toString(16))
    const support = await unit.run(reportSupportedOpcode({ opcode }))
    assert.equal(support.support, Support.NONE)
  }
  for (const opcode of [0xa3, 0xa4]) {
    const command = new Uint8Array(12)
    command.set([opcode, 0x0a])
    assert.equal(told(await unit.execute({ cdb: command })), '2 5/24/00', opcode.toString(16))
  }
  const naca = Uint8Array.of(0, 0, 0, 0, 0, 4)
  assert.equal(told(await unit.execute({ cdb: naca })), '2 5/24/00')
  assert.deepEqual(seen, [], 'none of it has reached the device')
})

test('reports the operation codes of the device without those that it refuses', async () => {
  const list = [0x00, 0x16, 0x28, 0x5e, 0x83].flatMap((opcode) => [opcode, 0, 0, 0, 0, 0, 0, 6])
  const groups = [0xa3, 0, 0, 0x0a, 0, 1, 0, 12]
  const data = Uint8Array.of(0, 0, 0, list.length + groups.length, ...list, ...groups)
  const handler = answering(
    (cdb) => cdb[0] === 0xa3,
    () => good(data),
  )
  await using front = await Front.open(handler)
  await using nexus = await front.connect()
  const { commands } = await nexus.unit(0).run(reportSupportedOpcodes())
  assert.deepEqual(
    commands.map(({ opcode }) => opcode),
    [0x00, 0x28],
  )
})

test('hands status, sense data and residuals on as they come', async () => {
  const descriptor = checkCondition(SenseKey.MEDIUM_ERROR, 0x1100, { descriptor: true })
  const handler: Handler = (task, next) => {
    if (task.cdb[0] === 0xc0) return { ...descriptor, data: Uint8Array.of(1, 2, 3) }
    if (task.cdb[0] === 0xc1) return { status: Status.BUSY }
    return task.cdb[0] === 0xc2 ? { status: Status.GOOD, taken: 3 } : next()
  }
  await using front = await Front.open(handler)
  await using nexus = await front.connect()
  const unit = nexus.unit(0)
  const failed = await unit.execute({ cdb: cdb(0xc0), dataIn: 10 })
  assert.deepEqual([...failed.sense], [...descriptor.sense!])
  assert.deepEqual([[...failed.data], failed.residual], [[1, 2, 3], 7])
  assert.equal((await unit.execute({ cdb: cdb(0xc1) })).status, Status.BUSY)
  const taken = await unit.execute({ cdb: cdb(0xc2), dataOut: new Uint8Array(10) })
  assert.equal(taken.residualOut, 7)
})

test('is for one nexus at a time: another meets RESERVATION CONFLICT until that has gone', async () => {
  await using front = await Front.open()
  const first = await front.connect()
  await using second = await front.connect()
  await first.unit(0).testUnitReady()
  const refused = await second.unit(0).execute({ cdb: cdb(0) })
  assert.equal(refused.status, Status.RESERVATION_CONFLICT)
  await first.close()
  await until('the first nexus is forgotten', () => front.server.nexuses.length === 1)
  await second.unit(0).testUnitReady()
})

test('reservations of no kind keep INQUIRY, REPORT LUNS and REQUEST SENSE from another nexus (spc-4 5.13)', async () => {
  const asked: number[] = []
  await using front = await Front.open((task, next) => {
    asked.push(task.cdb[0]!)
    return next()
  })
  await using first = await front.connect()
  await using second = await front.connect()
  // Who only looks does not have the unit.
  await second.unit(0).inquiry()
  await first.unit(0).testUnitReady()
  assert.equal((await second.unit(0).inquiry()).product, (await first.unit(0).inquiry()).product)
  assert.deepEqual((await second.reportLuns()).luns, [0])
  asked.length = 0
  const { key, asc, ascq } = await second.unit(0).run(requestSense())
  assert.deepEqual([key, asc, ascq, asked], [SenseKey.NO_SENSE, 0, 0, []])
  await first.unit(0).run(requestSense())
  assert.deepEqual(asked, [0x03], 'the device has sense data for one nexus alone')
  for (const opcode of [0x00, 0x08, 0x1a, 0xc0]) {
    const refused = await second.unit(0).execute({ cdb: cdb(opcode), dataIn: 512 })
    assert.equal(refused.status, Status.RESERVATION_CONFLICT, opcode.toString(16))
  }
})

test('no function is answered while the device still has the command (sam-5 7.1)', async () => {
  const started: (() => void)[] = []
  const handler: Handler = (task, next) => {
    if (task.cdb[0] !== 0xc0) return next()
    return new Promise((resolve) => started.push(() => resolve({ status: Status.GOOD })))
  }
  // What is behind cannot abort: it rejects the function, as a kernel node does.
  const behind = await testUnit({ handler })
  const { unit } = behind
  const deaf = {
    maxTransferBytes: unit.maxTransferBytes,
    inquiry: () => unit.inquiry(),
    testUnitReady: () => unit.testUnitReady(),
    execute: ({ signal: _, ...command }: Command) => unit.execute({ ...command, timeoutMs: 0 }),
  } as unknown as LogicalUnit
  const server = await serve({
    listen: socket(),
    units: [await passThrough(deaf)],
  })
  try {
    await using nexus = await connect(server.listen)
    await powerOn(nexus, 0)
    const front = nexus.unit(0)
    const command = front.execute({ cdb: cdb(0xc0), tag: 7, timeoutMs: 0 })
    const ended = assert.rejects(command, { code: 'ERR_SGRING_ABORTED' })
    await until('the device has it', () => started.length === 1)
    let answered = false
    const aborted = front
      .taskManagement({ function: TaskFunction.ABORT_TASK, tag: 7 })
      .then((result) => {
        answered = true
        return result
      })
    // Another nexus is served meanwhile, and so would be the answer.
    await using other = await connect(server.listen)
    await other.reportLuns()
    await other.reportLuns()
    assert.equal(answered, false)
    assert.equal(server.stats.tasks > 0, true)
    started[0]!()
    assert.equal((await aborted).response, ServiceResponse.FUNCTION_COMPLETE)
    await ended
  } finally {
    await server.close()
    await behind.close()
  }
})

test('a server closes while the device has a command, whose end then disturbs nobody', async () => {
  const hang: Handler = (task, next) => (task.cdb[0] === 0xc0 ? new Promise(() => {}) : next())
  const front = await Front.open(hang)
  await using nexus = await front.connect()
  const lost = assert.rejects(nexus.unit(0).execute({ cdb: cdb(0xc0), timeoutMs: 0 }), {
    code: 'ERR_SGRING_NEXUS_LOST',
  })
  await until('the device has it', () => front.behind.server.stats.handlers.running === 1)
  await front.server.close()
  await lost
  await front.behind.close()
})

test('an abort goes on to a device that can', async () => {
  const hang: Handler = (task, next) => (task.cdb[0] === 0xc0 ? new Promise(() => {}) : next())
  await using front = await Front.open(hang)
  await using nexus = await front.connect()
  const controller = new AbortController()
  const command = nexus.unit(0).execute({ cdb: cdb(0xc0), signal: controller.signal, timeoutMs: 0 })
  const ended = assert.rejects(command, { name: 'AbortError' })
  await until('the device has it', () => front.behind.server.stats.handlers.running === 1)
  controller.abort()
  await ended
  assert.equal(front.behind.server.stats.aborted, 1)
})

test('LOGICAL UNIT RESET is the device’s, and fails where the device does not carry it out', async () => {
  await using front = await Front.open()
  await using nexus = await front.connect()
  const reset = { function: TaskFunction.LOGICAL_UNIT_RESET }
  const done = await nexus.unit(0).taskManagement(reset)
  assert.equal(done.response, ServiceResponse.FUNCTION_COMPLETE)
  assert.equal(told(await nexus.unit(0).execute({ cdb: cdb(0) })), '2 6/29/03', 'the target’s')
  assert.equal(told(await nexus.unit(0).execute({ cdb: cdb(0) })), '2 6/29/03', 'the device’s')

  const unit = await passThrough(front.behind.unit, {
    reset: () => Promise.reject(new Error('no')),
  })
  await using server = await serve({ listen: socket(), units: [unit] })
  await using other = await connect(server.listen)
  const failed = await other.unit(0).taskManagement(reset)
  assert.equal(failed.response, ServiceResponse.SERVICE_DELIVERY_OR_TARGET_FAILURE)
})

test('LOGICAL UNIT RESET of what cannot be reset is rejected, and ends no command', async () => {
  const answers: (() => void)[] = []
  const handler: Handler = (task, next) => {
    if (task.cdb[0] !== 0xc0) return next()
    return new Promise((resolve) => answers.push(() => resolve({ status: Status.GOOD })))
  }
  await using behind = await testUnit({ handler })
  const units = [await passThrough(behind.unit, { reset: false })]
  await using server = await serve({ listen: socket(), units })
  await using nexus = await connect(server.listen)
  await powerOn(nexus, 0)
  const command = nexus.unit(0).execute({ cdb: cdb(0xc0) })
  await until('the device has it', () => answers.length === 1)
  const { response } = await nexus
    .unit(0)
    .taskManagement({ function: TaskFunction.LOGICAL_UNIT_RESET })
  assert.equal(response, ServiceResponse.FUNCTION_REJECTED)
  answers[0]!()
  assert.equal((await command).status, Status.GOOD)
  const after = await nexus.unit(0).execute({ cdb: cdb(0) })
  assert.equal(after.status, Status.GOOD, 'nobody is told of a reset')
})

test('a device that is gone is a unit that does not communicate, and the server goes on', async () => {
  await using front = await Front.open()
  await using nexus = await front.connect()
  await front.behind.close()
  assert.equal(told(await nexus.unit(0).execute({ cdb: cdb(0) })), '2 4/08/00')
  assert.deepEqual((await nexus.reportLuns()).luns, [0])
})

test.run()
