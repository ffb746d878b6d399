import assert from 'node:assert/strict'
import { closeClaimed } from '#dist/cli/device-claim.js'
import { suite } from '../harness/index.ts'

const test = suite('a device that was claimed')

/** Closes a node that leaves so many commands behind; tells what was done, in which order. */
async function closed(leftBehind: number): Promise<readonly [number, readonly string[]]> {
  const done: string[] = []
  const close = (what: string) => async () => void done.push(what)
  const claim = { exclusive: true, close: close('claim') }
  return [await closeClaimed({ leftBehind, close: close('node') }, claim), done]
}

test('is given back when its node is closed', async () => {
  assert.deepEqual(await closed(0), [0, ['node', 'claim']])
})

test('is kept while commands are on their way to it', async () => {
  assert.deepEqual(await closed(3), [3, ['node']])
})

test.run()
