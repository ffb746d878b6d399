/** Lengths that native code is told: what is no whole number, exactly, is refused, whoever has checked it before. */

import assert from 'node:assert/strict'
import { constants } from 'node:os'
import { native, translated } from '#dist/native.js'
import { suite } from '../harness/index.ts'

const test = suite('a native store')

const NO_LENGTHS = [Number.NaN, Number.POSITIVE_INFINITY, -512, 512.5, 2 ** 53]
const refused = { code: 'ERR_SGRING_INVALID_ARGUMENT' }

test('is made, and given another length, by whole numbers only', () => {
  const store = native().memoryStore(4096)
  for (const length of NO_LENGTHS) {
    assert.throws(() => translated(() => native().memoryStore(length)), refused, `${length}`)
    assert.equal(store.resize(length), constants.errno.EINVAL, `${length}`)
  }
  assert.equal(store.resize(8192), 0)
  assert.equal(store.length, 8192)
  store.close()
})

test.run()
