import assert from 'node:assert/strict'
import { suite } from '../harness/index.ts'
import { type Ended, Program } from '../support/program.ts'
import { ServerProcess } from '../support/server.ts'

const test = suite('the end of a client')

let server: ServerProcess
test.before(async () => {
  server = await ServerProcess.start({ units: [{ memory: 8 << 20 }, 'scripted'] })
})
test.after(() => server.close())

function running(program: string): Program {
  return new Program(new URL('./programs.js', import.meta.url), [program, server.socket])
}

/** Runs a program to its end, and waits until the server has seen the end of its nexuses. */
async function ending(program: string): Promise<Ended> {
  const child = running(program)
  const ended = await child.ended
  await server.event('nexusClosed', ({ nexus }) => nexus?.pid === child.pid)
  return ended
}

test('it ends by itself after close()', async () => {
  assert.deepEqual(await ending('closes its nexus'), {
    code: 0,
    signal: null,
    stdout: 'closed\n',
    stderr: '',
  })
})

test('a command that alone is awaited is answered, and then the process ends', async () => {
  const { code, stdout, stderr } = await ending('awaits one command')
  assert.deepEqual([code, stdout, stderr], [0, 'status 2\n', ''])
})

test('an idle nexus does not hold the process', async () => {
  const { code, stdout, stderr } = await ending('keeps a nexus idle')
  assert.deepEqual([code, stdout, stderr], [0, 'idle\n', ''])
})

test('process.exit() with commands in flight ends with its code, in silence', async () => {
  const { code, signal, stdout, stderr } = await ending('calls process.exit')
  assert.deepEqual([code, signal, stdout, stderr], [3, null, '', ''])
})

test('an uncaught error with commands in flight ends it as any other, and is all it says', async () => {
  const { code, signal, stderr } = await ending('throws')
  assert.deepEqual([code, signal], [1, null])
  assert.match(stderr, /Error: nobody catches this/)
  assert.doesNotMatch(stderr, /sgring|panic|FATAL|NEXUS/i)
})

test('a worker that is terminated with commands in flight takes nobody with it', async () => {
  const { code, signal, stdout, stderr } = await ending('terminates a client worker')
  assert.deepEqual([code, signal, stdout, stderr], [0, null, 'went on\n', ''])
})

test('a client that is killed is seen by the server', async () => {
  const child = running('works until told to stop')
  assert.equal(await child.line(), 'working')
  child.kill('SIGKILL')
  const { reason } = await server.event('nexusClosed', ({ nexus }) => nexus?.pid === child.pid)
  assert.equal(reason, undefined)
})

test(
  '200 connections leave no descriptor behind, on either side',
  async () => {
    const child = running('connects and closes')
    assert.equal(await child.line(), 'warm')
    const before = server.descriptors().length
    assert.equal(await child.line(), 'even')
    await child.ended
    await server.event('nexusClosed', ({ nexus }) => nexus?.pid === child.pid)
    await server.has('no more descriptors than before', () => server.descriptors().length <= before)
  },
  { deadlineMs: 60_000 },
)

test.run()
