import assert from 'node:assert/strict'
import { join } from 'node:path'
import {
  CheckConditionError,
  connect,
  encodeSense,
  type Response,
  SenseKey,
  type SgringErrorCode,
  Status,
  serve,
  TransportError,
} from '#dist/index.js'
import type { Transport } from '#dist/initiator/transport.js'
import { LogicalUnit } from '#dist/initiator/unit.js'
import { blockCount, blockLba } from '#dist/scsi/block.js'
import { encodeCapacity16 } from '#dist/scsi/capacity.js'
import { encodeModeParameters } from '#dist/scsi/mode.js'
import { CACHING } from '#dist/scsi/mode-block.js'
import { encodeModePage } from '#dist/scsi/mode-page.js'
import { Opcode } from '#dist/scsi/opcode.js'
import { commandFilter } from '#dist/sg/opcodes.js'
import type { Unit } from '#dist/target/unit.js'
import { type Answer, good } from '#dist/task/answer.js'
import type { Task } from '#dist/task/task.js'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'

const test = suite('the typed helpers, on units that are not as they should be')

const listen = join(temporaryFolder(), 'odd.sock')
const CAPACITY_CHANGED = 0x2a09
const MEDIUM_CHANGED = 0x2800
const THRESHOLD_EXCEEDED = 0x5d00
const WRITE_ERROR = 0x0c00
const INVALID_OPCODE = 0x2000
const INVALID_FIELD = 0x2400

/** A unit whose block length can change, and which says something else first when it has `pending` answers. */
class OddUnit implements Unit {
  blockLength = 512
  readonly pending: Answer[] = []
  /** Operation codes of the commands that came. */
  readonly seen: number[] = []
  /** The last CDB that came. */
  last: Uint8Array = new Uint8Array(0)
  /** What is answered to an operation code instead. */
  special: (opcode: number) => Answer | undefined = () => undefined
  /** How it answers READ and WRITE; default: zeros, and as if it had taken all. */
  move: (task: Task) => Answer = (task) =>
    good(new Uint8Array(task.dataOutLength > 0 ? 0 : blockCount(task.cdb) * this.blockLength))

  execute(task: Task): void {
    const opcode = task.cdb[0]!
    this.seen.push(opcode)
    this.last = task.cdb.slice(0, task.cdbLength)
    const first =
      opcode === Opcode.READ_16 || opcode === Opcode.WRITE_16 ? this.pending.shift() : undefined
    task.answer(first ?? this.special(opcode) ?? this.#answer(task))
  }

  #answer(task: Task): Answer {
    switch (task.cdb[0]) {
      case Opcode.SERVICE_ACTION_IN_16:
        return good(capacityOf(this.blockLength))
      case Opcode.READ_16:
      case Opcode.WRITE_16:
        return this.move(task)
      default:
        return good()
    }
  }
}

function capacityOf(blockLength: number): Uint8Array {
  return encodeCapacity16({
    lastLba: 0xffffn,
    blockLength,
    protectionType: 0,
    logicalBlocksPerPhysicalBlock: 1,
    lowestAlignedLba: 0,
    provisioning: false,
    unmappedReadsZeros: false,
  })
}

/** A nexus to an odd unit, whose first unit attention is over. */
async function opened(odd = new OddUnit(), lastLun = 0, arenaBytes = 1 << 20) {
  const units = Array.from({ length: lastLun + 1 }, () => odd)
  const server = await serve({ listen, units })
  const nexus = await connect(listen, { arenaBytes })
  const unit = nexus.unit(0)
  await unit.testUnitReady()
  odd.seen.length = 0
  const close = async () => {
    await nexus.close()
    await server.close()
  }
  return { odd, unit, nexus, [Symbol.asyncDispose]: close }
}

function checkCondition(key: SenseKey, ascAscq: number, deferred = false): Answer {
  return { status: Status.CHECK_CONDITION, sense: encodeSense(key, ascAscq, { deferred }) }
}

function code(code: SgringErrorCode): { code: SgringErrorCode } {
  return { code }
}

test("sends a command again that told an earlier command's RECOVERED ERROR (spc-4 4.5.7)", async () => {
  await using open = await opened()
  const { odd, unit, nexus } = open
  let told = 0
  nexus.events.on('recovered', () => told++)
  odd.move = ({ cdb }) => good(new Uint8Array(blockCount(cdb) * 512).fill(7))
  odd.pending.push(checkCondition(SenseKey.RECOVERED_ERROR, THRESHOLD_EXCEEDED, true))
  assert.deepEqual(await unit.read({ lba: 0, blocks: 1 }), new Uint8Array(512).fill(7))
  assert.equal(told, 1)
  assert.deepEqual(odd.seen, [Opcode.SERVICE_ACTION_IN_16, Opcode.READ_16, Opcode.READ_16])
})

test('rejects with a deferred error of any other key, and sends nothing again (spc-4 4.5.7)', async () => {
  for (const key of [SenseKey.MEDIUM_ERROR, SenseKey.UNIT_ATTENTION]) {
    await using open = await opened()
    const { odd, unit } = open
    odd.pending.push(checkCondition(key, WRITE_ERROR, true))
    const told = { ...code('ERR_SGRING_CHECK_CONDITION'), senseKey: key }
    await assert.rejects(unit.read({ lba: 0, blocks: 1 }), told)
    assert.deepEqual(odd.seen, [Opcode.SERVICE_ACTION_IN_16, Opcode.READ_16])
  }
})

test('write() rejects with a deferred error before what else has failed', async () => {
  await using open = await opened(new OddUnit(), 0, 1 << 23)
  const { odd, unit } = open
  odd.pending.push(
    checkCondition(SenseKey.MEDIUM_ERROR, WRITE_ERROR),
    checkCondition(SenseKey.HARDWARE_ERROR, WRITE_ERROR, true),
  )
  await assert.rejects(unit.write({ lba: 0, data: new Uint8Array(2 << 20) }), {
    ...code('ERR_SGRING_CHECK_CONDITION'),
    senseKey: SenseKey.HARDWARE_ERROR,
  })
})

test('read() reads into the memory that it is given, if that has the length of its blocks', async () => {
  await using open = await opened()
  const { odd, unit } = open
  odd.move = ({ cdb }) => good(new Uint8Array(blockCount(cdb) * 512).fill(7))
  const into = new Uint8Array(1024)
  assert.equal(await unit.read({ lba: 0, blocks: 2, into }), into)
  assert.deepEqual(into, new Uint8Array(1024).fill(7))
  odd.seen.length = 0
  for (const blocks of [1, 3]) {
    const wrong = code('ERR_SGRING_INVALID_ARGUMENT')
    await assert.rejects(unit.read({ lba: 0, blocks, into }), wrong)
  }
  assert.deepEqual(odd.seen, [])
})

test('synchronizeCache() sends the short command where the long one is none of the unit (sbc-3 5.26)', async () => {
  await using open = await opened()
  const { odd, unit } = open
  const refusals = new Map<number, Answer>()
  odd.special = (opcode) => refusals.get(opcode)
  const long = Opcode.SYNCHRONIZE_CACHE_16
  refusals.set(long, checkCondition(SenseKey.ILLEGAL_REQUEST, INVALID_OPCODE))
  await unit.synchronizeCache()
  assert.deepEqual(odd.seen, [long, Opcode.SYNCHRONIZE_CACHE_10])
  assert.deepEqual(odd.last, Uint8Array.of(Opcode.SYNCHRONIZE_CACHE_10, 0, 0, 0, 0, 0, 0, 0, 0, 0))
  odd.seen.length = 0
  refusals.set(long, checkCondition(SenseKey.MEDIUM_ERROR, WRITE_ERROR))
  await assert.rejects(unit.synchronizeCache(), { senseKey: SenseKey.MEDIUM_ERROR })
  assert.deepEqual(odd.seen, [long])
})

/** What a unit without SYNCHRONIZE CACHE tells of its cache. */
const caching = (wce: boolean): Answer =>
  good(encodeModeParameters({ pages: [encodeModePage(CACHING, { wce })] }, 10))
const noCommand = checkCondition(SenseKey.ILLEGAL_REQUEST, INVALID_OPCODE)
const noField = checkCondition(SenseKey.ILLEGAL_REQUEST, INVALID_FIELD)
const { SYNCHRONIZE_CACHE_10, SYNCHRONIZE_CACHE_16, MODE_SENSE_6, MODE_SENSE_10 } = Opcode

test('synchronizeCache() takes a unit that knows neither command as one without a cache, unless its Caching page says WCE (sbc-3 6.4.5)', async () => {
  await using open = await opened()
  const { odd, unit } = open
  const answers = new Map<number, Answer>([
    [SYNCHRONIZE_CACHE_16, noCommand],
    [SYNCHRONIZE_CACHE_10, noCommand],
  ])
  odd.special = (opcode) => answers.get(opcode)
  const short = encodeModeParameters({ pages: [encodeModePage(CACHING, {})] }, 6)
  for (const [ten, six] of [
    [caching(false)],
    [good(encodeModeParameters({ pages: [] }, 10))],
    [noField],
    [noCommand, good(short)],
    [noCommand, noCommand],
    [good(Uint8Array.of(0xff, 0xff, 0, 0, 0, 0, 0, 0))],
  ] as const) {
    answers.set(MODE_SENSE_10, ten)
    if (six !== undefined) answers.set(MODE_SENSE_6, six)
    odd.seen.length = 0
    await unit.synchronizeCache()
    const asked = [SYNCHRONIZE_CACHE_16, SYNCHRONIZE_CACHE_10, MODE_SENSE_10]
    assert.deepEqual(odd.seen, six === undefined ? asked : [...asked, MODE_SENSE_6])
  }
  answers.set(MODE_SENSE_10, caching(true))
  await assert.rejects(unit.synchronizeCache(), {
    ...code('ERR_SGRING_CHECK_CONDITION'),
    message: /\(20h 00h\): its Caching page says WCE, and it has no SYNCHRONIZE CACHE/,
  })
  answers.set(MODE_SENSE_10, checkCondition(SenseKey.HARDWARE_ERROR, WRITE_ERROR))
  await assert.rejects(unit.synchronizeCache(), { senseKey: SenseKey.HARDWARE_ERROR })
})

test('synchronizeCache() takes no deferred error for a refusal, whatever it says (spc-4 4.5.7)', async () => {
  const earlier = checkCondition(SenseKey.ILLEGAL_REQUEST, INVALID_OPCODE, true)
  for (const [opcode, seen] of [
    [SYNCHRONIZE_CACHE_16, [SYNCHRONIZE_CACHE_16]],
    [SYNCHRONIZE_CACHE_10, [SYNCHRONIZE_CACHE_16, SYNCHRONIZE_CACHE_10]],
    [MODE_SENSE_10, [SYNCHRONIZE_CACHE_16, SYNCHRONIZE_CACHE_10, MODE_SENSE_10]],
  ] as const) {
    await using open = await opened()
    const { odd, unit } = open
    odd.special = (one) => (one === opcode ? earlier : noCommand)
    await assert.rejects(unit.synchronizeCache(), (error: unknown) => {
      return error instanceof CheckConditionError && error.sense.deferred
    })
    assert.deepEqual(odd.seen, seen)
  }
})

const NONE = new Uint8Array(0)

function responseOf({ status, sense = NONE, data = NONE }: Answer): Response {
  return { status, sense, data, residual: 0, residualOut: 0, release() {}, [Symbol.dispose]() {} }
}

/** A unit whose transport does nothing but execute. */
function unitBehind(execute: Transport['execute'], maxTransferBytes = 1 << 20): LogicalUnit {
  const transport: Partial<Transport> = { maxTransferBytes, execute }
  return new LogicalUnit(transport as Transport, 0)
}

/** One behind a bsg node whose kernel lets an ordinary user send only some commands. */
function filteredUnit(answer: Answer, seen: number[] = []): LogicalUnit {
  const filter = commandFilter({
    nodeKind: 'bsg',
    openedForWriting: true,
    capabilities: { sysRawio: false, sysAdmin: false },
  })
  return unitBehind(async (_lun, { cdb }) => {
    const refused = filter(cdb)
    if (refused !== undefined) throw refused
    seen.push(cdb[0]!)
    return responseOf(answer)
  })
}

test('synchronizeCache() does not take a unit as one without a cache whose long command the kernel has refused', async () => {
  await assert.rejects(filteredUnit(noCommand).synchronizeCache(), { asc: INVALID_OPCODE >> 8 })
})

test('synchronizeCache() sends the short command where the kernel takes the long one of nobody else', async () => {
  const seen: number[] = []
  await filteredUnit(good(), seen).synchronizeCache()
  assert.deepEqual(seen, [Opcode.SYNCHRONIZE_CACHE_10])
})

test('a part without an answer counts before one that failed', async () => {
  const timeout = new TransportError('ERR_SGRING_TIMEOUT')
  const unit = unitBehind(async (_lun, { cdb }) => {
    if (cdb[0] !== Opcode.WRITE_16) return responseOf(good(capacityOf(512)))
    if (blockLba(cdb) === 1) throw timeout
    return responseOf(noCommand)
  }, 512)
  await assert.rejects(unit.write({ lba: 0, data: new Uint8Array(1024) }), timeout)
})

test('gives up after 8 deferred errors in a row', async () => {
  await using open = await opened()
  const { odd, unit } = open
  for (let count = 0; count < 9; count++) {
    odd.pending.push(checkCondition(SenseKey.RECOVERED_ERROR, THRESHOLD_EXCEEDED, true))
  }
  await assert.rejects(unit.read({ lba: 0, blocks: 1 }), {
    ...code('ERR_SGRING_CHECK_CONDITION'),
    senseKey: SenseKey.RECOVERED_ERROR,
  })
  assert.equal(odd.seen.filter((opcode) => opcode === Opcode.READ_16).length, 9)
})

test('write() rejects when the unit took fewer bytes than it was given, with GOOD', async () => {
  await using open = await opened()
  const { unit } = open
  await assert.rejects(
    unit.write({ lba: 0, data: new Uint8Array(1024) }),
    code('ERR_SGRING_RESPONSE'),
  )
})

test('asks the function that it is given before it sends a command again that met a unit attention', async () => {
  await using open = await opened()
  const { odd, nexus } = open
  const asked: number[] = []
  const error = new Error('the medium is another one')
  const unit = nexus.unit(0, {
    unitAttention: ({ asc }) => {
      asked.push(asc)
      if (asc === 0x28) throw error
    },
  })
  let events = 0
  nexus.events.on('unitAttention', () => events++)
  odd.pending.push(checkCondition(SenseKey.UNIT_ATTENTION, CAPACITY_CHANGED))
  await unit.read({ lba: 0, blocks: 1 })
  assert.deepEqual([asked, events], [[0x2a], 1])
  odd.seen.length = 0
  odd.pending.push(checkCondition(SenseKey.UNIT_ATTENTION, MEDIUM_CHANGED))
  await assert.rejects(unit.write({ lba: 0, data: new Uint8Array(512) }), error)
  assert.deepEqual([asked, events], [[0x2a, 0x28], 1])
  assert.deepEqual(odd.seen, [Opcode.WRITE_16])
})

test('read() and write() send nothing again to a unit whose block length has changed', async () => {
  for (const opcode of [Opcode.READ_16, Opcode.WRITE_16]) {
    await using open = await opened()
    const { odd, unit } = open
    await unit.read({ lba: 0, blocks: 1 })
    odd.seen.length = 0
    odd.pending.push(checkCondition(SenseKey.UNIT_ATTENTION, CAPACITY_CHANGED))
    odd.blockLength = 4096
    await assert.rejects(
      opcode === Opcode.READ_16
        ? unit.read({ lba: 0, blocks: 8 })
        : unit.write({ lba: 0, data: new Uint8Array(4096) }),
      { ...code('ERR_SGRING_RESPONSE'), message: /had 512 bytes, and have 4096 now/ },
    )
    assert.deepEqual(odd.seen, [opcode, Opcode.SERVICE_ACTION_IN_16])
    assert.equal((await unit.read({ lba: 0, blocks: 8 })).length, 8 * 4096)
  }
})

test('read() goes on after a unit attention that left the block length as it was', async () => {
  await using open = await opened()
  const { odd, unit } = open
  odd.pending.push(checkCondition(SenseKey.UNIT_ATTENTION, CAPACITY_CHANGED))
  assert.equal((await unit.read({ lba: 0, blocks: 8 })).length, 4096)
})

test('read() and write() refuse arguments outside their range, before anything is sent', async () => {
  await using open = await opened()
  const { odd, unit } = open
  const wrong = code('ERR_SGRING_INVALID_ARGUMENT')
  for (const lba of [2 ** 53 + 2, 1.5, -1, Number.NaN, -1n, 2n ** 64n]) {
    await assert.rejects(unit.read({ lba, blocks: 1 }), wrong)
    await assert.rejects(unit.write({ lba, data: new Uint8Array(512) }), wrong)
  }
  for (const blocks of [-1, 1.5, Number.NaN, 2 ** 32]) {
    await assert.rejects(unit.read({ lba: 0, blocks }), wrong)
  }
  assert.deepEqual(odd.seen, [])
})

test('read() rejects on a unit with blocks of 0 bytes', async () => {
  await using open = await opened()
  open.odd.blockLength = 0
  await assert.rejects(open.unit.read({ lba: 0, blocks: 8 }), code('ERR_SGRING_RESPONSE'))
})

test('read() rejects where no command moves one block, and says what does', async () => {
  await using open = await opened(new OddUnit(), 0, 8192)
  open.odd.blockLength = 16_384
  await assert.rejects(
    open.unit.read({ lba: 0, blocks: 1 }),
    /moves 16384 bytes and this nexus at most 4096; raise arenaBytes/,
  )
  await assert.rejects(open.unit.read({ lba: 0, blocks: 1 }), code('ERR_SGRING_ARENA_TOO_SMALL'))
})

test('reportLuns() asks again for a list that is longer than its first room', async () => {
  await using open = await opened(new OddUnit(), 599)
  const { luns, missing } = await open.unit.reportLuns()
  assert.deepEqual([luns.length, luns.at(-1), missing], [600, 599, 0])
})

test('reportLuns() tells how many are missing on a nexus that cannot move them all', async () => {
  await using open = await opened(new OddUnit(), 599, 4096)
  const { luns, missing } = await open.unit.reportLuns()
  assert.deepEqual([luns.length, missing], [511, 89])
})

test.run()
