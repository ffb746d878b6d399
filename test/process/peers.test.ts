import assert from 'node:assert/strict'
import { connect } from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { pattern } from '../support/pattern.ts'
import { Program } from '../support/program.ts'
import { ServerProcess } from '../support/server.ts'
import { until } from '../support/until.ts'

const test = suite('several processes and threads on one target')

let server: ServerProcess
test.before(async () => {
  server = await ServerProcess.start({ units: [{ memory: 32 << 20 }, 'scripted'] })
})
test.after(() => server.close())

function running(program: string): Program {
  return new Program(new URL('./programs.js', import.meta.url), [program, server.socket])
}

/** A program that works until it is told to stop, on the blocks of its index. */
function working(index: number): Program {
  const args = ['works until told to stop', server.socket, String(index)]
  return new Program(new URL('./programs.js', import.meta.url), args)
}

/** Ends a program that works until it is told to stop. */
async function stop(child: Program): Promise<void> {
  child.write('stop')
  const { code, stdout, stderr } = await child.ended
  assert.deepEqual([code, stdout, stderr], [0, 'working\nstopped\n', ''])
}

test(
  'workers join one nexus, each by a pair of its own',
  async () => {
    const child = running('shares a nexus')
    assert.equal(await child.line(), 'joined')
    assert.equal(
      server.events.filter(
        ({ event, nexus }) => event === 'nexusOpened' && nexus?.pid === child.pid,
      ).length,
      1,
    )
    child.write('work')
    assert.equal(await child.line(), 'worked')
    const closed = () =>
      server.events.some(({ event, nexus }) => event === 'nexusClosed' && nexus?.pid === child.pid)
    // Its workers are gone; the nexus lives as long as one pair does.
    assert.equal(closed(), false)
    child.kill('SIGTERM')
    await until('the end of the nexus', closed)
  },
  { deadlineMs: 60_000 },
)

test(
  'kill -9 of one process under load is an error for no other, and its memory is gone',
  async () => {
    const children = Array.from({ length: 4 }, (_, index) => working(index))
    for (const child of children) assert.equal(await child.line(), 'working')
    const [victim, ...others] = children
    assert.ok(victim !== undefined)
    const mapped = () => server.mappings().length
    await until('their mappings alone', () => mapped() === 4)
    victim.kill('SIGKILL')
    await server.event('nexusClosed', ({ nexus }) => nexus?.pid === victim.pid)
    await until('the mapping to go', () => mapped() === 3)
    const nexus = await connect(server.socket)
    const data = pattern(8 << 20, 3)
    await nexus.unit(0).write({ lba: 16_384, data })
    assert.ok(Buffer.from(await nexus.unit(0).read({ lba: 16_384, blocks: 16_384 })).equals(data))
    await nexus.close()
    await Promise.all(others.map(stop))
    await until('all mappings to go', () => mapped() === 0)
    assert.equal(server.descriptors().filter((path) => path.includes('memfd:sgring')).length, 0)
  },
  { deadlineMs: 60_000 },
)

test('a stopped server leaves aborts unanswered, and answers when it goes on', async () => {
  const nexus = await connect(server.socket, { abortTimeoutMs: 1 })
  const unit = nexus.unit(0)
  const data = pattern(4096, 4)
  await unit.write({ lba: 30_000, data })
  server.kill('SIGSTOP')
  try {
    await server.has('stopped', () => server.state() === 'T')
    const late = [1, 50, 120].map((timeoutMs) => unit.read({ lba: 30_000, blocks: 8, timeoutMs }))
    const unanswered = { code: 'ERR_SGRING_ABORT_UNANSWERED' }
    await Promise.all(late.map((read) => assert.rejects(read, unanswered)))
    assert.equal(nexus.stats.quarantined, 3)
  } finally {
    server.kill('SIGCONT')
  }
  assert.deepEqual(await unit.read({ lba: 30_000, blocks: 8 }), data)
  await until('the quarantine to end', () => nexus.stats.quarantined === 0)
  assert.equal(nexus.stats.outstanding, 0)
  await nexus.close()
})

test('a stopped client holds up no other, and goes on where it was', async () => {
  const child = working(0)
  assert.equal(await child.line(), 'working')
  child.kill('SIGSTOP')
  const nexus = await connect(server.socket)
  for (let round = 0; round < 200; round++) await nexus.unit(0).read({ lba: 0, blocks: 64 })
  await nexus.close()
  child.kill('SIGCONT')
  await stop(child)
})

test(
  'processes that come and go under load meet no error',
  async () => {
    for (let round = 0; round < 3; round++) {
      const children = [working(0), working(1)]
      for (const child of children) assert.equal(await child.line(), 'working')
      const quick = await running('closes its nexus').ended
      assert.deepEqual([quick.code, quick.stderr], [0, ''])
      await Promise.all(children.map(stop))
    }
  },
  { deadlineMs: 60_000 },
)

test.run()
