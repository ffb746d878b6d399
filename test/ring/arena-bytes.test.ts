import assert from 'node:assert/strict'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { ArenaBytes, TaskData } from '#dist/ring/task-data.js'
import { suite } from '../harness/index.ts'

const test = suite('the bytes in an arena')

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

const PAGE = 4096
const ARENA = 256 << 20
/** Of 65,536 pages: a view of each would be some 7 MiB. */
const MOST = 1 << 20

test('leave nothing on the heap wherever a command had its block', () => {
  const arena = new ArenaBytes(new ArrayBuffer(ARENA), ARENA, () => {})
  collect()
  const before = process.memoryUsage().heapUsed
  fillAndEmpty(arena)
  collect()
  const grown = process.memoryUsage().heapUsed - before
  assert.ok(grown < MOST, `${grown} bytes`)
})

/** A function of its own: what it held is out of reach at its end, and not at the end of its last loop. */
function fillAndEmpty(arena: ArenaBytes): void {
  const into = new Uint8Array(1)
  const held: TaskData[] = []
  for (let page = 0; page < ARENA / PAGE; page++) {
    const data = new TaskData(1)
    assert.ok(arena.reserve(data, true))
    assert.equal(arena.copyIn(data, 1, into), into)
    held.push(data)
  }
  assert.equal(arena.usedBytes, ARENA)
  for (const data of held) arena.release(data)
}

test.run()
