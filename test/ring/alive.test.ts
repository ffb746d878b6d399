import assert from 'node:assert/strict'
import { suite } from '../harness/index.ts'
import { Program } from '../support/program.ts'
import { ServerProcess } from '../support/server.ts'

const test = suite('what keeps a process alive')

let server: ServerProcess
test.before(async () => {
  server = await ServerProcess.start({ units: ['scripted'] })
})
test.after(() => server.close())

async function ending(how: string) {
  const { code, stdout, stderr } = await new Program(new URL('./alive-main.js', import.meta.url), [
    how,
    server.socket,
  ]).ended
  return { code, stdout, stderr }
}

test('a command that only waits for space keeps it, until its time is up', async () => {
  assert.deepEqual(await ending('waits'), { code: 0, stdout: 'ERR_SGRING_TIMEOUT\n', stderr: '' })
})

test('a command that its caller gave up keeps nothing, though the target never answers', async () => {
  assert.deepEqual(await ending('gives up'), {
    code: 0,
    stdout: 'ERR_SGRING_TIMEOUT\n',
    stderr: '',
  })
})

test('none does that was given up, in whatever way', async () => {
  assert.deepEqual(await ending('gives up in every way'), {
    code: 0,
    stdout: 'ERR_SGRING_TIMEOUT\n',
    stderr: '',
  })
})

test('neither does one that a signal detached', async () => {
  const { code, stdout, stderr } = await ending('detaches')
  assert.deepEqual([code, stderr], [0, ''])
  assert.match(stdout, /aborted\n/)
})

test.run()
