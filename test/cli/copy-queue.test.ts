import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openFileWriting } from '#dist/cli/copy-file.js'
import { partsOf } from '#dist/cli/copy-unit.js'
import { type Copying, pour } from '#dist/cli/copying.js'
import {
  connect,
  encodeSense,
  type LogicalUnit,
  type Sense,
  type SenseInit,
  SenseKey,
  type SgringErrorCode,
  Status,
  serve,
  TaskFunction,
} from '#dist/index.js'
import { blockCount } from '#dist/scsi/block.js'
import { encodeCapacity16 } from '#dist/scsi/capacity.js'
import { Opcode } from '#dist/scsi/opcode.js'
import type { Unit } from '#dist/target/unit.js'
import { type Answer, good } from '#dist/task/answer.js'
import type { Task } from '#dist/task/task.js'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import { pattern } from '../support/pattern.ts'
import { until } from '../support/until.ts'

const test = suite('parts of a unit in the batch form')

const folder = temporaryFolder()
const listen = join(folder, 'parts.sock')
const BLOCK = 512
const PART = 8 * BLOCK
const BYTES = 8 * PART
const PACE = { partBytes: PART, depth: 3 }
const CAPACITY_CHANGED = 0x2a09
const UNRECOVERED_READ = 0x1100
const WRITE_ERROR = 0x0c00
const RECOVERED_BY_RETRY = 0x1701

/** Blocks in memory, which say something else first when they have `pending` answers. */
class Medium implements Unit {
  readonly bytes = new Uint8Array(BYTES)
  readonly pending: Answer[] = []
  blockLength = BLOCK
  /** READ and WRITE that came. */
  moves = 0
  holds = false
  readonly held: Task[] = []

  execute(task: Task): void {
    const opcode = task.cdb[0]!
    if (opcode === Opcode.SERVICE_ACTION_IN_16) task.answer(good(this.#capacity()))
    else if (opcode !== Opcode.READ_16 && opcode !== Opcode.WRITE_16) task.answer(good())
    else this.#move(task)
  }

  #move(task: Task): void {
    this.moves += 1
    if (this.holds) this.held.push(task)
    else task.answer(this.pending.shift() ?? this.#moved(task))
  }

  #moved(task: Task): Answer {
    const at = Buffer.from(task.cdb).readUInt32BE(6) * BLOCK
    if (task.cdb[0] === Opcode.READ_16)
      return good(this.bytes.slice(at, at + blockCount(task.cdb) * BLOCK))
    this.bytes.set(task.copyDataOut(task.dataOutLength), at)
    return { status: Status.GOOD, taken: task.dataOutLength }
  }

  #capacity(): Uint8Array {
    return encodeCapacity16({
      lastLba: BigInt(BYTES / this.blockLength - 1),
      blockLength: this.blockLength,
      protectionType: 0,
      logicalBlocksPerPhysicalBlock: 1,
      lowestAlignedLba: 0,
      provisioning: false,
      unmappedReadsZeros: false,
    })
  }
}

/** Two units of a nexus, one with blocks to copy. */
async function opened(arenaBytes = 1 << 20) {
  const [source, sink] = [new Medium(), new Medium()]
  source.bytes.set(pattern(BYTES, 1))
  const server = await serve({ listen, units: [source, sink] })
  const nexus = await connect(listen, { arenaBytes })
  const units = [nexus.unit(0), nexus.unit(1)] as const
  for (const unit of units) await unit.testUnitReady()
  const close = async () => {
    await nexus.close()
    await server.close()
  }
  return { source, sink, units, nexus, [Symbol.asyncDispose]: close }
}

function blocksOf(unit: LogicalUnit, signal?: AbortSignal) {
  const options = signal === undefined ? {} : { signal, onAbort: 'detach' as const }
  return { unit, options, blockLength: BLOCK, lba: 0n }
}

const END = { name: 'a unit', blockLength: BLOCK, size: BYTES, ordered: false, readBack: undefined }
const never = () => assert.fail('moved by no part')

/** All of a unit, by its parts alone, to `to`. */
function copying(from: LogicalUnit, to: Copying['to'], signal?: AbortSignal): Copying {
  return {
    from: { ...END, place: '', read: never, close: never, parts: partsOf(blocksOf(from, signal)) },
    to,
    range: { skip: 0, seek: 0, length: BYTES, done: 0 },
    pace: PACE,
    signal: signal ?? new AbortController().signal,
    pad: false,
    verify: false,
    moved: () => {},
  }
}

/** Copies all, by parts of both units alone. */
function copied(
  [from, to]: readonly [LogicalUnit, LogicalUnit],
  signal?: AbortSignal,
): Promise<void> {
  return pour(copying(from, { ...END, write: never, parts: partsOf(blocksOf(to, signal)) }, signal))
}

function checkCondition(key: SenseKey, ascAscq: number, init?: SenseInit): Answer {
  return { status: Status.CHECK_CONDITION, sense: encodeSense(key, ascAscq, init) }
}

function code(code: SgringErrorCode): { code: SgringErrorCode } {
  return { code }
}

test('every byte arrives, by one READ and one WRITE a part', async () => {
  await using open = await opened()
  const { source, sink, units } = open
  await copied(units)
  assert.deepEqual(sink.bytes, source.bytes)
  assert.deepEqual([source.moves, sink.moves], [BYTES / PART, BYTES / PART])
})

test('a part that meets a unit attention or a recovered error, or is moved but in part, is moved again', async () => {
  await using open = await opened()
  const { source, sink, units } = open
  source.pending.push(checkCondition(SenseKey.UNIT_ATTENTION, CAPACITY_CHANGED))
  source.pending.push(good(new Uint8Array(BLOCK)))
  sink.pending.push({ status: Status.BUSY })
  sink.pending.push(checkCondition(SenseKey.UNIT_ATTENTION, CAPACITY_CHANGED))
  for (const deferred of [false, true]) {
    source.pending.push(checkCondition(SenseKey.RECOVERED_ERROR, RECOVERED_BY_RETRY, { deferred }))
  }
  await copied(units)
  assert.deepEqual(sink.bytes, source.bytes)
  assert.deepEqual([source.moves, sink.moves], [BYTES / PART + 4, BYTES / PART + 2])
})

test('an error that tells of an earlier write is not over when its part is moved again (spc-4 4.5.7)', async () => {
  for (const key of [SenseKey.MEDIUM_ERROR, SenseKey.UNIT_ATTENTION]) {
    for (const descriptor of [false, true]) {
      await using open = await opened()
      const { sink, units } = open
      sink.pending.push(checkCondition(key, WRITE_ERROR, { deferred: true, descriptor }))
      const told = { ...code('ERR_SGRING_CHECK_CONDITION'), senseKey: key }
      await assert.rejects(copied(units), told)
    }
  }
})

test('a part is not moved again to a unit at which no copy can go on', async () => {
  for (const end of [0, 1] as const) {
    await using open = await opened()
    const { source, sink, units } = open
    const medium = [source, sink][end]!
    medium.pending.push(checkCondition(SenseKey.UNIT_ATTENTION, CAPACITY_CHANGED))
    const error = new Error('another medium')
    const attention = ({ asc }: Sense) => {
      assert.equal(asc, CAPACITY_CHANGED >> 8)
      throw error
    }
    const blocks = units.map((unit, at) => ({
      ...blocksOf(unit),
      ...(at === end && { attention }),
    }))
    const [from, to] = blocks.map((one) => ({ parts: partsOf(one) }))
    const copy = copying(units[0], { ...END, write: never, ...to! })
    await assert.rejects(pour({ ...copy, from: { ...copy.from, ...from! } }), error)
    assert.ok(medium.moves <= PACE.depth)
  }
})

test('what fails is told as a helper tells it, and is not tried again', async () => {
  await using open = await opened()
  const { source, sink, units } = open
  const error = checkCondition(SenseKey.MEDIUM_ERROR, UNRECOVERED_READ)
  source.pending.push(...Array.from({ length: PACE.depth }, () => error))
  await assert.rejects(copied(units), {
    ...code('ERR_SGRING_CHECK_CONDITION'),
    senseKey: SenseKey.MEDIUM_ERROR,
  })
  assert.deepEqual([source.moves, sink.moves], [PACE.depth, 0])
})

test('a part that a task management function ended is told as a helper tells it', async () => {
  await using open = await opened()
  const { sink, units } = open
  sink.holds = true
  const ended = assert.rejects(copied(units), code('ERR_SGRING_ABORTED'))
  await until('all parts are under way', () => sink.moves === PACE.depth)
  sink.holds = false
  await units[1].taskManagement({ function: TaskFunction.ABORT_TASK_SET })
  await ended
  assert.equal(sink.moves, PACE.depth)
})

test('nothing is sent again to a unit whose block length has changed', async () => {
  await using open = await opened()
  const { sink, units } = open
  const attention = checkCondition(SenseKey.UNIT_ATTENTION, CAPACITY_CHANGED)
  sink.pending.push(...Array.from({ length: PACE.depth }, () => attention))
  sink.blockLength = 2 * BLOCK
  await assert.rejects(copied(units), {
    ...code('ERR_SGRING_RESPONSE'),
    message: /had 512 bytes, and have 1024 now/,
  })
  assert.deepEqual(sink.bytes, new Uint8Array(BYTES))
})

test('who is told to end waits for nothing that is under way', async () => {
  await using open = await opened()
  const { source, units } = open
  source.holds = true
  const ending = new AbortController()
  const copy = copied(units, ending.signal)
  const reason = new Error('Ctrl-C')
  ending.abort(reason)
  await assert.rejects(copy, reason)
})

test('what is under way when they end is heard, a part that is moved once more among it', async () => {
  for (const isMovedAgain of [false, true]) {
    await using open = await opened()
    const { sink, units } = open
    sink.holds = true
    const ending = new AbortController()
    const told: unknown[] = []
    let written = async (): Promise<unknown> => assert.fail('it was not handed over')
    // Who is written to is not told of Ctrl-C.
    const to = { ...END, write: never, parts: partsOf(blocksOf(units[1])) }
    const copy = pour({
      ...copying(units[0], to, ending.signal),
      lost: (error) => told.push(error),
      begun: (given) => {
        written = given
      },
    })
    await until('all parts are under way', () => sink.held.length === PACE.depth)
    if (isMovedAgain) {
      for (const task of sink.held.splice(0)) task.answer({ status: Status.BUSY })
      await until('they are moved once more', () => sink.held.length === PACE.depth)
    }
    const reason = new Error('Ctrl-C')
    ending.abort(reason)
    await assert.rejects(copy, reason)
    let isOver = false
    const over = written().then(() => {
      isOver = true
    })
    const [first, ...others] = sink.held
    for (const task of others) task.answer(checkCondition(SenseKey.MEDIUM_ERROR, WRITE_ERROR))
    await units[1].testUnitReady()
    assert.deepEqual([isOver, told], [false, []])
    first?.answer(checkCondition(SenseKey.MEDIUM_ERROR, WRITE_ERROR, { deferred: true }))
    await over
    assert.equal(told.length, 1)
    assert.equal(sink.held.length, PACE.depth)
  }
})

test('a part whose bytes went with their nexus before a file had them is not taken as written', async () => {
  await using open = await opened()
  const { nexus, units } = open
  const name = join(folder, 'image')
  const options = { force: false, resume: false, keeps: true, inPlace: false }
  const file = await openFileWriting(name, options, new AbortController().signal)
  const write = async (at: number, data: Uint8Array) => {
    await nexus.close()
    await file.write(at, data)
  }
  const moved: number[] = []
  const copy = pour({
    ...copying(units[0], { ...END, write }),
    range: { skip: 0, seek: 0, length: PART, done: 0 },
    moved: (bytes) => moved.push(bytes),
  })
  await assert.rejects(copy, code('ERR_SGRING_NEXUS_LOST'))
  await file.stop({ keep: true })
  assert.deepEqual([moved, readFileSync(`${name}.part`).length], [[], 0])
})

test('there are none where the arena has no room for them, and for one part beside them', async () => {
  await using open = await opened(PACE.depth * PART)
  const [unit] = open.units
  assert.equal(partsOf(blocksOf(unit))(PACE), undefined)
  // Nor is anything kept.
  assert.equal((await unit.read({ lba: 0, blocks: PART / BLOCK })).length, PART)
  const fewer = { ...PACE, depth: PACE.depth - 1 }
  assert.notEqual(partsOf(blocksOf(unit))(fewer), undefined)
})

test.run()
