import assert from 'node:assert/strict'
import { connect, type Handler, type Nexus, type Server, serve } from '#dist/index.js'
import { native } from '#dist/native.js'
import { listenOptions, resolvePortOptions } from '#dist/ring/port-options.js'
import { suite } from '../harness/index.ts'
import { until } from '../support/until.ts'
import { MAIN, Place } from './program.ts'

const test = suite('sgring abort, sgring reset')

const HANG = 0xc0
const hangs: Handler = (task, next) =>
  task.cdb[0] === HANG ? new Promise<never>(() => {}) : next()

let place: Place
let server: Server
let nexus: Nexus
let other: Nexus
test.before.each(async () => {
  place = new Place()
  const listen = place.path('unit.sock')
  server = await serve({ listen, units: [{ handler: hangs }, { handler: hangs }] })
  nexus = await connect(listen)
  other = await connect(listen)
  for (const { by, lun } of everywhere()) await by.unit(lun).testUnitReady()
})
test.after.each(async () => {
  await nexus.close()
  await other.close()
  await server.close()
  await place.remove()
})

/** Each nexus at each unit, without the helpers' patience. */
function everywhere() {
  return [nexus, other].flatMap((by) =>
    [0, 1].map((lun) => ({ by, lun, unit: by.unit(lun, { unitAttention: 'throw' }) })),
  )
}

/** A command that hangs in its handler; `ended` is how it ends, or undefined while it does not. */
async function hang(by: Nexus, lun = 0, tag?: number) {
  const command = { ended: undefined as string | undefined, end: Promise.resolve() }
  const cdb = Uint8Array.of(HANG, 0, 0, 0, 0, 0)
  command.end = by
    .unit(lun)
    .execute({ cdb, timeoutMs: 0, ...(tag !== undefined && { tag }) })
    .then(
      ({ status }) => String(status),
      (error) => error.code,
    )
    .then((ended) => {
      command.ended = ended
    })
  // The target has it before this.
  await by.unit(lun).testUnitReady()
  return command
}

/** What each nexus is told at each unit: ASC and ASCQ of a unit attention, or ''. */
async function attentions() {
  const told: string[] = []
  for (const { unit } of everywhere()) {
    const error = await unit.testUnitReady().catch((error) => error)
    told.push(error === undefined ? '' : Buffer.of(error.asc, error.ascq).toString('hex'))
  }
  return told
}

const sgring = (verb: string, query: string, ...args: readonly string[]) =>
  place.sgring([verb, `ring:${place.path('unit.sock')}${query}`, ...args])

/** Runs a verb and compares what it prints and how it ends. */
async function says(response: string, code: number, ...command: Parameters<typeof sgring>) {
  const ended = await sgring(...command)
  assert.deepEqual(
    [ended.stdout.toString(), ended.code, ended.stderr],
    [`${response}\n`, code, ''],
    command.join(' '),
  )
}

test('abort --tag ends one command of the nexus, and no other (sam-5 7.2)', async () => {
  const seven = await hang(nexus, 0, 7)
  const eight = await hang(nexus, 0, 8)
  const theirs = await hang(other, 0, 7)
  await says('FUNCTION COMPLETE', 0, 'abort', '', '--tag', '7', '--join', nexus.share())
  await seven.end
  assert.equal(seven.ended, 'ERR_SGRING_ABORTED')
  assert.deepEqual([eight.ended, theirs.ended], [undefined, undefined])
  assert.deepEqual(await attentions(), ['', '', '', ''])
})

test('abort says the same of a tag that is not there', async () => {
  await says('FUNCTION COMPLETE', 0, 'abort', '', '--tag', '0x7', '--join', nexus.share())
})

test('abort --task-set ends all commands of the nexus at the unit (sam-5 7.3)', async () => {
  const ours = [await hang(nexus), await hang(nexus)]
  const elsewhere = await hang(nexus, 1)
  const theirs = await hang(other)
  await says('FUNCTION COMPLETE', 0, 'abort', '', '--task-set', '--join', nexus.share())
  for (const { end } of ours) await end
  assert.deepEqual(
    [...ours, elsewhere, theirs].map(({ ended }) => ended),
    ['ERR_SGRING_ABORTED', 'ERR_SGRING_ABORTED', undefined, undefined],
  )
})

test('abort --clear ends all commands at the unit, and tells whose they were (sam-5 7.5)', async () => {
  const theirs = await hang(other)
  const elsewhere = await hang(nexus, 1)
  await says('FUNCTION COMPLETE', 0, 'abort', '', '--clear')
  await theirs.end
  assert.deepEqual([theirs.ended, elsewhere.ended], ['ERR_SGRING_ABORTED', undefined])
  assert.deepEqual(await attentions(), ['', '', '2f00', ''])
})

test('abort --query asks, and ends nothing (sam-5 7.8, 7.9)', async () => {
  const join = ['--join', nexus.share(), '--query']
  await says('FUNCTION COMPLETE', 36, 'abort', '', '--tag', '7', ...join)
  await says('FUNCTION COMPLETE', 36, 'abort', '', '--task-set', ...join)
  const command = await hang(nexus, 0, 7)
  await says('FUNCTION SUCCEEDED', 0, 'abort', '', '--tag', '7', ...join)
  await says('FUNCTION SUCCEEDED', 0, 'abort', '', '--task-set', ...join)
  await says('FUNCTION COMPLETE', 36, 'abort', '?lun=1', '--tag', '7', ...join)
  assert.equal(command.ended, undefined)
})

test('reset ends all commands at the unit, and tells everybody (sam-5 7.7)', async () => {
  const theirs = await hang(other)
  const elsewhere = await hang(nexus, 1)
  await says('FUNCTION COMPLETE', 0, 'reset', '')
  await theirs.end
  assert.deepEqual([theirs.ended, elsewhere.ended], ['ERR_SGRING_ABORTED', undefined])
  assert.deepEqual(await attentions(), ['2903', '', '2903', ''])
})

test('reset --nexus ends all commands of the nexus, and tells it alone (sam-5 7.6)', async () => {
  const ours = [await hang(nexus), await hang(nexus, 1)]
  const theirs = await hang(other)
  await says('FUNCTION COMPLETE', 0, 'reset', '', '--nexus', '--join', nexus.share())
  for (const { end } of ours) await end
  assert.deepEqual(
    [...ours, theirs].map(({ ended }) => ended),
    ['ERR_SGRING_ABORTED', 'ERR_SGRING_ABORTED', undefined],
  )
  assert.deepEqual(await attentions(), ['2907', '2907', '', ''])
})

test('both say where there is no unit, and end with the code of a refusal', async () => {
  await says('INCORRECT LOGICAL UNIT NUMBER', 5, 'abort', '?lun=2', '--clear')
  await says('INCORRECT LOGICAL UNIT NUMBER', 5, 'reset', '?lun=2')
})

test('both tell function and response as JSON', async () => {
  const join = ['--join', nexus.share(), '--json']
  for (const [verb, args, name] of [
    ['abort', ['--tag', '9007199254740993'], 'ABORT TASK'],
    ['abort', ['--task-set'], 'ABORT TASK SET'],
    ['reset', ['--nexus'], 'I_T NEXUS RESET'],
  ] as const) {
    const { stdout } = await sgring(verb, '', ...args, ...join)
    assert.deepEqual(JSON.parse(stdout.toString()), {
      function: name,
      response: 'FUNCTION COMPLETE',
    })
  }
})

test('both refuse command lines that do not say what is meant', async () => {
  const needs = (option: string) =>
    `${option} needs --join TOKEN, to say whose: what share() of that nexus gives`
  const one = 'one of --tag N, --task-set and --clear says what is meant'
  for (const [verb, args, message] of [
    ['abort', [], one],
    ['abort', ['--tag', '1', '--clear'], one],
    ['abort', ['--tag', '1'], needs('--tag')],
    ['abort', ['--task-set'], needs('--task-set')],
    ['abort', ['--tag', 'x', '--join', 'y'], "--tag is a number, as 2048 or 0x800, not 'x'"],
    ['abort', ['--clear', '--query'], '--query goes with --tag and --task-set: SAM-5 has no other'],
    ['abort', ['--clear', '--join', 'x'], '--clear is for every nexus, and --join names one'],
    ['reset', ['--nexus'], needs('--nexus')],
    ['reset', ['--join', 'x'], '--join goes with --nexus: a unit is reset for everybody'],
  ] as const) {
    const { code, stderr } = await sgring(verb, '', ...args)
    assert.deepEqual([code, stderr], [1, `sgring: ${message}\n`], args.join(' '))
  }
})

test('both refuse a token that names no nexus', async () => {
  for (const token of ['x', 'A'.repeat(22), 'B'.repeat(22)]) {
    const { code, stderr } = await sgring('abort', '', '--task-set', '--join', token, '--json')
    assert.deepEqual([code, JSON.parse(stderr).error.code], [15, 'ERR_SGRING_JOIN'])
  }
})

/** Starts a verb at a target that lets it in and answers nothing, and waits until it has asked. */
async function unanswered(...args: readonly string[]) {
  const path = place.path('silent.sock')
  const listener = native().listen({ path, ...listenOptions(resolvePortOptions({})) })
  const [verb = '', ...options] = args
  const running = place.start(process.execPath, [MAIN, verb, `ring:${path}`, ...options])
  const pair = await until('a connection', () => listener.accept() ?? undefined)
  assert.ok(pair.arrival() && pair.welcome(1, 0, new Uint8Array(16).fill(1)))
  const { fetch } = pair.calls()
  await until('a function', () => fetch(true) > 0)
  const close = () => {
    pair.close()
    listener.close()
  }
  return { running, close }
}

test('both give up on a target that does not answer', async () => {
  for (const verb of [['reset'], ['abort', '--clear']]) {
    const { running, close } = await unanswered(...verb, '--timeout', '2', '--json')
    const { code, stdout, stderr } = await running.ended()
    close()
    assert.deepEqual([code, stdout.length], [33, 0])
    assert.equal(JSON.parse(stderr).error.code, 'ERR_SGRING_ABORT_UNANSWERED')
  }
})

test('both leave on Ctrl-C, in silence', async () => {
  const { running, close } = await unanswered('reset')
  running.child.kill('SIGINT')
  const { signal, stdout, stderr } = await running.ended()
  close()
  assert.deepEqual([signal, stdout.length, stderr], ['SIGINT', 0, ''])
})

test.run()
