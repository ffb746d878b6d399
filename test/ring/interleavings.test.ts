import assert from 'node:assert/strict'
import { Abort } from '#dist/ring/abort.js'
import { Commands } from '#dist/ring/commands.js'
import type { Outstanding } from '#dist/ring/outstanding.js'
import { FunctionRun } from '#dist/target/function-run.js'
import { TaskAttribute } from '#dist/task/command.js'
import { TaskFunction } from '#dist/task/function.js'
import { suite } from '../harness/index.ts'
import { walk } from '../interleaved/orders.ts'
import { type Action, Scene, type Script, type Sent } from '../interleaved/scene.ts'
import { Stage } from '../interleaved/stage.ts'
import { Kind } from '../interleaved/staged-unit.ts'

const test = suite('every order on the ring itself')

const { ORDERED } = TaskAttribute
const { INSTANT, KEPT, READS } = Kind
const stage = new Stage()

/** Walks every order of a scene, and says how many there are. */
function orders(script: Script): number {
  return walk(() => new Scene(stage, script))
}

/** Walks those of several scenes, and prints their number. */
function all(what: string, scripts: readonly Script[]): void {
  const counts = scripts.map(orders)
  const sum = counts.reduce((total, count) => total + count, 0)
  process.stdout.write(`  ${what}: ${sum} orders in ${counts.length} scenes\n`)
  assert.ok(counts.every((count) => count > 1))
}

// ---- what its callers do

const sends = (index: number, ...after: string[]): Action => ({
  name: `${index} is sent`,
  after,
  run: (scene) => scene.submit(index),
})

const givesUp = (index: number): Action => ({
  name: `${index} is given up`,
  after: [`${index} is sent`],
  isPossible: (scene) => !scene.isSettled(index),
  run: (scene) => scene.giveUp(index),
})

const atOnce: Action = {
  name: '0 is sent and given up at once',
  run: (scene) => scene.submitAndGiveUp(0),
}

/** Sent when the caller of another command has its answer. */
const follows = (index: number, other: number): Action => ({
  ...sends(index, `${other} is sent`),
  isPossible: (scene) => scene.isSettled(other),
})

const manages = (code: keyof typeof TaskFunction, tag?: number): Action => ({
  name: `the nexus asks for ${code}`,
  run: (scene) => scene.manage({ function: TaskFunction[code], ...(tag !== undefined && { tag }) }),
})

const resets: Action = { name: 'another resets the unit', run: (scene) => scene.resetByOther() }

const loses = (first: 'initiator' | 'target'): Action => ({
  name: `the socket breaks at the ${first}`,
  isPossible: (scene) => !scene.isLost,
  run: (scene) => scene.lose(first),
})

const expires = (after: string): Action => ({
  name: `time is up after "${after}"`,
  after: [after],
  isPossible: (scene) => !scene.isLost && scene.hasDeadline,
  run: (scene) => scene.expire(),
})

const WAYS: readonly Omit<Sent, 'kind'>[] = [
  {},
  { onAbort: 'detach' },
  { tag: 7 },
  { tag: 7, onAbort: 'detach' },
]

/** A command of each kind, given up in each way. */
const each = (script: (sent: Sent) => Script): Script[] =>
  [INSTANT, KEPT, READS].flatMap((kind) => WAYS.map((way) => script({ kind, ...way })))

// ---- the scenes

test('a command ends once: answered, aborted, or by a reset of another nexus (sam-5 7.2, 7.7)', () => {
  const scripts = each((sent) => ({ commands: [sent], actions: [sends(0), givesUp(0), resets] }))
  const hasty = each((sent) => ({ commands: [sent], actions: [atOnce, resets] }))
  all('one command', [...scripts, ...hasty])
})

test('pumps that are awake change nothing', () => {
  const actions = [sends(0), givesUp(0), resets]
  all(
    'awake',
    each((sent) => ({ commands: [sent], actions, awake: true })),
  )
})

test('an ORDERED command behind one that ends starts once, or never (sam-5 8.7)', () => {
  const actions = [sends(0), sends(1, '0 is sent'), givesUp(0), givesUp(1), resets]
  const second: Sent = { kind: KEPT, attribute: ORDERED }
  all('ordered', [
    { commands: [{ kind: KEPT, tag: 1 }, second], actions },
    { commands: [{ kind: READS, onAbort: 'detach' }, second], actions },
  ])
})

test("a tag is its caller's again when no ABORT TASK can meet its next command", () => {
  const again = (kind: Kind, pair: number): Script => ({
    commands: [
      { kind, tag: 7 },
      { kind: KEPT, tag: 7, pair },
    ],
    actions: [sends(0), givesUp(0), follows(1, 0), givesUp(1)],
    pairs: 2,
  })
  const kinds = [INSTANT, KEPT, READS]
  all('a tag twice', [
    ...kinds.map((kind) => again(kind, 0)),
    ...kinds.map((kind) => again(kind, 1)),
  ])
})

test("bytes and slots are nobody else's while a transfer runs", () => {
  // One block, or one slot: the second command has to wait for what the first has.
  const actions = [sends(0), givesUp(0), sends(1, '0 is sent'), resets]
  const narrow = WAYS.flatMap((way) =>
    [{ arenaBytes: 4096 }, { slots: 1 }].map((room) => ({
      commands: [{ kind: READS, ...way }, { kind: READS }],
      actions,
      ...room,
    })),
  )
  all('waiting for room', narrow)
})

test('functions of the nexus itself are answered behind what they end (sam-5 7.1, 7.6)', () => {
  const scripts = [KEPT, READS].flatMap((kind) =>
    [
      manages('I_T_NEXUS_RESET'),
      manages('ABORT_TASK_SET'),
      manages('ABORT_TASK', 7),
      manages('LOGICAL_UNIT_RESET'),
    ].map((manage) => ({
      commands: [
        { kind, tag: 7 },
        { kind: KEPT, attribute: ORDERED },
      ],
      actions: [sends(0), givesUp(0), sends(1, '0 is given up'), manage],
      slots: 2,
    })),
  )
  all('functions', scripts)
})

test('a function reaches what its nexus has published before, on any of its pairs (sam-5 7.6)', () => {
  const scripts = (['I_T_NEXUS_RESET', 'ABORT_TASK_SET'] as const).flatMap((code) =>
    [KEPT, READS].map((kind) => ({
      commands: [{ kind: KEPT }, { kind, pair: 1 }],
      actions: [sends(0), sends(1, '0 is sent'), manages(code)],
      pairs: 2,
    })),
  )
  all('two pairs', scripts)
})

for (const first of ['initiator', 'target'] as const) {
  test(`a nexus that is lost, as its ${first} sees first, settles everything then, and nothing later`, () => {
    const actions = [sends(0), givesUp(0), sends(1, '0 is sent'), loses(first)]
    const second: Sent = { kind: KEPT, attribute: ORDERED }
    const ways: Sent[] = [{ kind: KEPT }, { kind: READS, tag: 7, onAbort: 'detach' }]
    const scripts = ways.map((way) => ({ commands: [way, second], actions }))
    const beside = {
      commands: [{ kind: READS }],
      actions: [sends(0), givesUp(0), loses(first), resets],
    }
    all(`lost at the ${first}`, [...scripts, beside])
  })
}

test('a command whose abort is not answered in time is quarantined until its late completion', () => {
  const given = '0 is given up'
  const late = [sends(0), givesUp(0), expires(given), sends(1, given)]
  const scripts = each((sent) => ({ commands: [sent, { kind: KEPT }], actions: late, slots: 1 }))
  const reset = [sends(0), givesUp(0), expires(given), expires(`time is up after "${given}"`)]
  const escalated = each((sent) => ({ commands: [sent], actions: reset, resetUnanswered: true }))
  all('unanswered', [...scripts, ...escalated])
})

// ---- what would be found

/** Walks a scene while a decision is made otherwise. */
function mutated<T extends object>(
  of: T,
  key: keyof T,
  otherwise: PropertyDescriptor,
  script: Script,
) {
  const decision = Object.getOwnPropertyDescriptor(of, key)!
  Object.defineProperty(of, key, { ...otherwise, configurable: true })
  try {
    orders(script)
  } finally {
    Object.defineProperty(of, key, decision)
  }
}

test('it is found when a function does not wait for the transfers of what it ended', () => {
  const script: Script = { commands: [{ kind: READS }], actions: [sends(0), resets] }
  const deaf = { value: () => {} }
  assert.throws(
    () => mutated(FunctionRun.prototype, 'await', deaf, script),
    /a reset is answered while a transfer/,
  )
})

test('it is found when a tag is given back before the ABORT TASK is answered', () => {
  const script: Script = {
    commands: [
      { kind: INSTANT, tag: 7 },
      { kind: KEPT, tag: 7, pair: 1 },
    ],
    actions: [sends(0), givesUp(0), follows(1, 0)],
    pairs: 2,
  }
  const careless = { get: () => false }
  assert.throws(
    () => mutated(Abort.prototype, 'keepsTag', careless, script),
    /command 1 rejects with .*function ended the command/,
  )
})

test("it is found when bytes come home with the caller's answer instead of the completion", () => {
  const script: Script = {
    commands: [{ kind: READS, onAbort: 'detach' }],
    actions: [sends(0), givesUp(0)],
  }
  const { quarantine } = Commands.prototype
  const hasty = {
    value(this: Commands, task: Outstanding, reason: unknown) {
      quarantine.call(this, task, reason)
      this.pair.arena.release(task.into)
    },
  }
  assert.throws(
    () => mutated(Commands.prototype, 'quarantine', hasty, script),
    /bytes come home before the completion/,
  )
})

test('it is found when a completion settles what was settled', () => {
  const script: Script = {
    commands: [{ kind: KEPT, onAbort: 'detach' }],
    actions: [sends(0), givesUp(0)],
  }
  const { quarantine } = Commands.prototype
  const twice = {
    value(this: Commands, task: Outstanding, reason: unknown) {
      quarantine.call(this, task, reason)
      task.settled = false
    },
  }
  assert.throws(() => mutated(Commands.prototype, 'quarantine', twice, script), /command 0 settles/)
})

test.run()
