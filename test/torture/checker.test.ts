/** The checker of the torture, with histories that it must refuse, and some that it must not. */

import assert from 'node:assert/strict'
import { suite } from '../harness/index.ts'
import { BLOCK_BYTES, fillBlock, foundIn } from './block.ts'
import { Checker, type Faults } from './checker.ts'
import { type CommandName, idOf, versionOf } from './client-config.ts'
import type { Begin, Kind, Outcome, Policy, RunEvent } from './event.ts'
import { beyond, TOLERANCE } from './memory.ts'

const test = suite('the checker of the torture')

const NONE: Faults = { lost: 0, doubled: 0, corrupt: 0, leaked: 0 }

/** What the checker finds in a history, to its end. */
function faults(...events: readonly RunEvent[]): Faults {
  const told: string[] = []
  const checker = new Checker(({ fault }) => void told.push(fault))
  for (const event of events) checker.see(event)
  checker.finish()
  const sum = Object.values(checker.faults).reduce((all, count) => all + count, 0)
  assert.equal(told.length, sum, 'each fault is told')
  return checker.faults
}

function begin(id: string, kind: Kind, policy: Policy, about: Partial<Begin> = {}): Begin {
  return { at: 'begin', id, kind, policy, unit: 0, lba: 7, blocks: 1, ...about }
}

function write(id: string, version: number, about: Partial<Begin> = {}): Begin {
  return begin(id, 'write', 'fail', { version, ...about })
}

function read(id: string, blocks = 1): Begin {
  return begin(id, 'read', 'fail', { blocks })
}

function end(id: string, outcome: Outcome, found?: readonly (number | string)[]): RunEvent {
  return { at: 'end', id, outcome, ...(found && { found }) }
}

const executed = (id: string): RunEvent => ({ at: 'executed', id })

test('takes a run in which all is right', () => {
  const found = faults(
    ...[read('a/0', 2), end('a/0', 'good', [0, 0])],
    ...[write('a/1', 11, { blocks: 2 }), end('a/1', 'good')],
    ...[read('a/2', 2), end('a/2', 'good', [11, 11])],
    ...[begin('a/3', 'count', 'fail'), executed('a/3'), end('a/3', 'good')],
    ...[begin('a/4', 'swap', 'fail', { version: 12 }), end('a/4', 'good')],
    ...[read('a/5', 2), end('a/5', 'good', [12, 11])],
  )
  assert.deepEqual(found, NONE)
})

test('refuses a command without an end, as lost', () => {
  assert.deepEqual(faults(read('a/0')), { ...NONE, lost: 1 })
  assert.deepEqual(faults(begin('a/0', 'function', 'fail')), { ...NONE, lost: 1 })
})

test('refuses an end that no command may have, as lost', () => {
  assert.deepEqual(faults(read('a/0'), end('a/0', 'odd')), { ...NONE, lost: 1 })
})

test('refuses a second end, and one of a command that nobody gave, as doubled', () => {
  const twice = [write('a/0', 11), end('a/0', 'good'), end('a/0', 'good')]
  assert.deepEqual(faults(...twice), { ...NONE, doubled: 1 })
  assert.deepEqual(faults(end('a/9', 'good')), { ...NONE, doubled: 1 })
})

test('refuses a second execution under the policy fail, as doubled, and allows it under rerun', () => {
  const run = (policy: Policy) => [
    ...[begin('a/0', 'count', policy), executed('a/0'), executed('a/0')],
    end('a/0', 'good'),
  ]
  assert.deepEqual(faults(...run('fail')), { ...NONE, doubled: 1 })
  assert.deepEqual(faults(...run('rerun')), NONE)
})

test('refuses an execution of what was refused, and of what nobody gave, as doubled', () => {
  const refused = [begin('a/0', 'count', 'rerun'), executed('a/0'), end('a/0', 'refused')]
  assert.deepEqual(faults(...refused), { ...NONE, doubled: 1 })
  assert.deepEqual(faults(executed('a/0')), { ...NONE, doubled: 1 })
})

test('refuses GOOD for what was never carried out, as lost', () => {
  assert.deepEqual(faults(begin('a/0', 'count', 'fail'), end('a/0', 'good')), { ...NONE, lost: 1 })
})

test('hears of an execution before the client is heard', () => {
  assert.deepEqual(faults(executed('a/0'), begin('a/0', 'count', 'fail'), end('a/0', 'good')), NONE)
})

test('refuses a block that does not hold what was answered, as corrupt', () => {
  const found = (version: number | string) =>
    faults(write('a/0', 11), end('a/0', 'good'), read('a/1'), end('a/1', 'good', [version]))
  assert.deepEqual(found(11), NONE)
  assert.deepEqual(found(0), { ...NONE, corrupt: 1 })
  assert.deepEqual(found('bytes of no write'), { ...NONE, corrupt: 1 })
})

test('refuses a write that comes back after it was known to be overwritten, as corrupt', () => {
  const found = faults(
    ...[write('a/0', 11), end('a/0', 'unknown'), write('a/1', 12), end('a/1', 'good')],
    ...[read('a/2'), end('a/2', 'good', [11])],
  )
  assert.deepEqual(found, { ...NONE, corrupt: 1 })
})

for (const outcome of ['unknown', 'partly', 'lost'] as const) {
  test(`allows both of a write that ended ${outcome}, until one of them was read`, () => {
    const events = [write('a/0', 11), end('a/0', outcome)]
    for (const version of [0, 11]) {
      const once = [...events, read('a/1'), end('a/1', 'good', [version])]
      assert.deepEqual(faults(...once), NONE)
      const other = [...once, read('a/2'), end('a/2', 'good', [11 - version])]
      assert.deepEqual(faults(...other), { ...NONE, corrupt: 1 })
    }
  })
}

test('refuses what was refused and is there all the same, as corrupt', () => {
  const found = faults(
    ...[write('a/0', 11), end('a/0', 'refused')],
    ...[read('a/1'), end('a/1', 'good', [11])],
  )
  assert.deepEqual(found, { ...NONE, corrupt: 1 })
})

test('refuses a comparison that finds something else than what is known to be there, as corrupt', () => {
  const swap = begin('a/1', 'swap', 'fail', { version: 12 })
  const known = faults(write('a/0', 11), end('a/0', 'good'), swap, end('a/1', 'different'))
  assert.deepEqual(known, { ...NONE, corrupt: 1 })
  const either = faults(write('a/0', 11), end('a/0', 'unknown'), swap, end('a/1', 'different'))
  assert.deepEqual(either, NONE)
})

test('refuses GOOD for a comparison that cannot succeed, as corrupt', () => {
  const differ = begin('a/0', 'differ', 'fail')
  assert.deepEqual(faults(differ, end('a/0', 'different')), NONE)
  assert.deepEqual(faults(differ, end('a/0', 'good')), { ...NONE, corrupt: 1 })
})

test('refuses a READ that brought fewer blocks than it said, as corrupt', () => {
  assert.deepEqual(faults(read('a/0', 2), end('a/0', 'good', [0])), { ...NONE, corrupt: 1 })
})

test('refuses what did not come home, as leaked', () => {
  assert.deepEqual(faults({ at: 'leaked', what: 'a descriptor' }), { ...NONE, leaked: 1 })
})

test('expects no end of a client that is gone, nor of its worker, and of others all the same', () => {
  const gone = { at: 'gone', client: '1.1' } as const
  const begun = [write('1.1/0', 11), write('1.1.2/0', 12, { lba: 8 })]
  assert.deepEqual(faults(...begun, gone), NONE)
  assert.deepEqual(faults(write('1.11/0', 13), gone), { ...NONE, lost: 1 })
  const either = [read('2.1/0'), end('2.1/0', 'good', [11])]
  assert.deepEqual(faults(...begun, gone, ...either), NONE)
})

test('knows a block of another place, of two writes, and of none', () => {
  const bytes = new Uint8Array(BLOCK_BYTES)
  assert.equal(foundIn(bytes, 1, 7), 0)
  const version = versionOf({ client: 63, life: 16_383, worker: 1023, command: 4_194_302 })
  fillBlock(bytes, { unit: 1, lba: 7, version })
  assert.equal(foundIn(bytes, 1, 7), version)
  assert.match(String(foundIn(bytes, 0, 7)), /^block 7 of unit 1/)
  assert.match(String(foundIn(bytes, 1, 8)), /^block 7 of unit 1/)
  for (let at = 0; at < BLOCK_BYTES; at++) {
    bytes[at]! ^= 0x10
    assert.equal(typeof foundIn(bytes, 1, 7) === 'number', false, `byte ${at}`)
    bytes[at]! ^= 0x10
  }
})

test('has a version for each command that no other one has', () => {
  const names: CommandName[] = []
  for (const client of [0, 1, 63]) {
    for (const life of [1, 2, 16_383]) {
      for (const worker of [0, 1, 1023]) {
        for (const command of [0, 1, 4_194_302]) names.push({ client, life, worker, command })
      }
    }
  }
  assert.equal(new Set(names.map(versionOf)).size, names.length)
  assert.equal(new Set(names.map(idOf)).size, names.length)
  assert.ok(names.every((name) => Number.isSafeInteger(versionOf(name))))
})

test('takes memory for a leak beyond what a process may keep, and no other', () => {
  const before = { reached: 6 << 20, resident: 40 << 20 }
  const within = {
    reached: before.reached + TOLERANCE.reached,
    resident: before.resident + TOLERANCE.resident,
  }
  assert.equal(beyond(before, within), undefined)
  assert.match(beyond(before, { ...within, reached: 15 << 20 }) ?? '', /^15.0 MiB reached, 6.0 at/)
  assert.match(beyond(before, { ...within, resident: 73 << 20 }) ?? '', /^73.0 MiB resident, 40.0/)
})

test.run()
