/** Targets that write where no honest one does, do not stop, and tamper with the segment: a client is hurt by none, and none of its other nexuses is. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readlinkSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { connect, type Nexus, SgringError, TaskFunction } from '#dist/index.js'
import { native } from '#dist/native.js'
import { Commands } from '#dist/ring/commands.js'
import { connectPair } from '#dist/ring/connect.js'
import { Functions } from '#dist/ring/functions.js'
import { VIOLATIONS } from '#dist/ring/layout.gen.js'
import { FUNCTION_SLOTS, RingPair } from '#dist/ring/pair.js'
import { listenOptions, resolvePortOptions } from '#dist/ring/port-options.js'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import { pattern } from '../support/pattern.ts'
import { Program } from '../support/program.ts'
import { ServerProcess } from '../support/server.ts'
import { until } from '../support/until.ts'
import { Bystander } from './bystander.ts'
import { CarelessTarget } from './careless-target.ts'
import { RawTarget } from './raw-target.ts'
import { mappedSegments } from './shared-bytes.ts'

const test = suite('a target that writes to any byte of a segment')

const MANY = { deadlineMs: 120_000 }
const CDB = { cdb: new Uint8Array(6) }
const LENGTH = 4096
const GUARD = 64

const GOOD = {
  status: 0,
  flags: 0,
  sense: new Uint8Array(0),
  inResidual: 0,
  outResidual: 0,
  data: new Uint8Array(LENGTH).fill(0xff),
}

const honest = new Bystander(test, () => ServerProcess.start({ units: [{ memory: 1 << 20 }] }))

/** A target in a process of its own (`hostile-target-main.ts`). */
async function hostile(deed: string) {
  const path = join(temporaryFolder(), 'target.sock')
  const url = new URL('./hostile-target-main.js', import.meta.url)
  const program = new Program(url, [deed, path])
  await program.line()
  const end = async () => {
    program.write('end')
    const { code, stderr } = await program.ended
    assert.deepEqual([code, stderr], [0, ''])
  }
  return { path, [Symbol.asyncDispose]: end }
}

/** What a call ended with is a value, or an error that can be told. */
async function ends(call: Promise<unknown>): Promise<void> {
  await call.catch((error: unknown) => {
    if (!(error instanceof SgringError)) throw error
  })
}

/** Commands of all forms, until the nexus has ended; then each of them has. */
async function load(nexus: Nexus, over: () => boolean): Promise<void> {
  const unit = nexus.unit(0)
  const bytes = new Uint8Array(GUARD + LENGTH + GUARD)
  const own = bytes.subarray(GUARD, GUARD + LENGTH)
  const lanes: (() => Promise<unknown>)[] = [
    () => unit.execute({ ...CDB, dataIn: own }),
    () => unit.execute({ ...CDB, dataOut: pattern(LENGTH, 1) }),
    () => unit.execute({ ...CDB, dataIn: LENGTH, lease: true }).then((done) => done.release()),
    () => unit.inquiry(),
    () => unit.execute({ ...CDB, timeoutMs: 1 }),
    () => nexus.taskManagement({ function: TaskFunction.QUERY_TASK_SET }),
    async () => {
      await using queue = unit.queue({ depth: 4, dataBytes: LENGTH })
      for (const _ of [1, 2, 3, 4]) queue.submit(queue.reserve(), 6, 0, LENGTH)
      while ((await queue.drain((done) => done.release())) > 0);
    },
  ]
  const running = lanes.map(async (lane) => {
    while (!over()) await ends(lane())
  })
  await Promise.all(running)
  const guards = [...bytes.subarray(0, GUARD), ...bytes.subarray(-GUARD)]
  assert.ok(guards.every((byte) => byte === 0))
}

/** Whether a nexus was given up for what its target has written. */
function isViolation({ message }: Error): boolean {
  return VIOLATIONS.some(({ reason }) =>
    message.endsWith(`the target broke the protocol: ${reason}`),
  )
}

test(
  'and to all of them at once, over and over, under its load, is given up with a reason, and hurts no other nexus',
  async () => {
    const before = mappedSegments().size
    await using target = await hostile('scribbles')
    for (let round = 0; round < 6; round++) {
      const nexus = await connect(target.path, { slots: 32, arenaBytes: 256 << 10 })
      let why: Error | undefined
      nexus.events.once('end', (reason) => {
        why = reason
      })
      const loaded = load(nexus, () => why !== undefined)
      for (let turn = 0; why === undefined; turn++) await honest.undisturbed(turn)
      await loaded
      assert.ok(isViolation(why), why.message)
      await assert.rejects(nexus.unit(0).execute(CDB), { code: 'ERR_SGRING_NEXUS_LOST' })
      const { outstanding, quarantined, waiting } = nexus.stats
      assert.deepEqual([outstanding, quarantined, waiting], [0, 0, 0])
      // Buffers that are detached let go of it in their own time.
      await until('the segment to go', () => mappedSegments().size === before)
    }
    await honest.undisturbed(1)
  },
  MANY,
)

test(
  'that rings without end keeps nobody from anything, and is left in order',
  async () => {
    await using target = await hostile('floods')
    const nexus = await connect(target.path, { slots: 8 })
    for (let round = 0; round < 100; round++) {
      await Promise.all([nexus.unit(0).execute(CDB), honest.nexus.unit(0).testUnitReady()])
    }
    // Timers have their turn, too.
    await new Promise((resolve) => setTimeout(resolve, 1))
    await honest.undisturbed(2)
    await nexus.close()
  },
  MANY,
)

test('that hangs up, lives, and goes on answering is not listened to for ever', async () => {
  const [slots, commands] = [64, 3000]
  const path = join(temporaryFolder(), 'target.sock')
  const listener = native().listen({ path, ...listenOptions(resolvePortOptions({})) })
  const connecting = connectPair(path, { slots, spinUs: 0 })
  const accepted = await until('a connection', () => listener.accept() ?? undefined)
  const target = new CarelessTarget(accepted)
  const { pair, bell, options } = await connecting
  // As fast as a target can be: whatever is published is answered before the next look.
  let answers = false
  let answered = 0
  const { submit, reap } = pair.calls()
  pair.calls = () => ({
    submit,
    reap: (arm) => {
      for (let count = 1; answers && count > 0; answered += count) count = target.serve()
      return reap(arm)
    },
  })
  const ring = new RingPair(pair, bell, 0, options, () => {})
  const all = new Commands(ring, new Functions(ring, options), options)
  const given = Array.from({ length: commands }, () => all.execute(0, CDB))
  const ends = Promise.allSettled(given)
  answers = true
  target.socket.end()
  const done = (await ends).filter(({ status }) => status === 'fulfilled').length
  assert.ok(answered > slots, 'what it was sent meanwhile was answered, too')
  assert.ok(done <= 2 * (slots + FUNCTION_SLOTS), `${done} commands`)
  assert.ok(ring.refusal !== undefined)
  target.leave()
  listener.close()
})

/** Inodes are told apart within their file system alone. */
function isSegment(path: string): boolean {
  return readlinkSync(path).startsWith('/memfd:sgring')
}

/** The memory of a pair that was made since, as its target has it: a name by which it can be opened. */
function segmentFile(before: ReadonlySet<string>): { path: string; bytes: number } {
  const [made] = [...mappedSegments()].filter(([inode]) => !before.has(inode))
  if (made === undefined) throw new Error('no new segment is mapped')
  const [inode, { length }] = made
  for (const fd of readdirSync('/proc/self/fd')) {
    const path = `/proc/${process.pid}/fd/${fd}`
    // The folder's own is closed again.
    if (`${statSync(path, { throwIfNoEntry: false })?.ino}` === inode && isSegment(path)) {
      return { path, bytes: length }
    }
  }
  throw new Error('the segment is not open')
}

const fallocates = spawnSync('fallocate', ['--version']).status === 0
const skip = fallocates ? undefined : 'needs fallocate: apt-get install util-linux'

test(
  'and cuts the segment cannot, and punches holes into all of it is given up, and zeros are read',
  async () => {
    const before = new Set(mappedSegments().keys())
    await using target = await RawTarget.open({ slots: 4, arenaBytes: 64 << 10 }, true)
    const { nexus } = target
    const { path, bytes } = segmentFile(before)
    const unit = nexus.unit(0)
    // Into the second lap of the queues: zeros are of none that could be next.
    for (let count = 0; count <= target.entries; count++) {
      const command = unit.execute({ ...CDB, dataIn: 512 })
      target.answer((await target.fetch(1))[0]!, GOOD)
      assert.ok((await command).data.every((byte) => byte === 0xff))
    }
    assert.throws(() => truncateSync(path, 0), { code: 'EPERM' })
    assert.throws(() => truncateSync(path, 2 * bytes), { code: 'EPERM' })
    const leased = unit.execute({ ...CDB, dataIn: LENGTH, lease: true })
    target.answer((await target.fetch(1))[0]!, GOOD)
    const { data } = await leased
    assert.equal(data[0], 0xff)
    const ended = once(nexus.events, 'end')
    const lost = { code: 'ERR_SGRING_NEXUS_LOST' }
    const first = assert.rejects(unit.execute(CDB), lost)
    await target.fetch(1)
    const punch = ['--punch-hole', '--offset', '0', '--length', `${bytes}`, path]
    assert.deepEqual(spawnSync('fallocate', punch, { encoding: 'utf8' }).stderr, '')
    assert.ok(data.every((byte) => byte === 0))
    // Who has no flag that it sleeps is rung by nobody, and looks when it gives its next command.
    await assert.rejects(unit.execute(CDB), lost)
    await first
    const [why] = await ended
    assert.ok(isViolation(why), why.message)
    await honest.undisturbed(4)
  },
  { skip },
)

test.run()
