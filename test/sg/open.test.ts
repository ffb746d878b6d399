/** What is looked at before a node is looked for; `test/kernel` has the nodes. */

import assert from 'node:assert/strict'
import { open } from '#dist/index.js'
import { suite } from '../harness/index.ts'

const test = suite('opening a node')

test('rules that are none are told before anything is opened', async () => {
  const none: `/dev/${string}` = '/dev/null'
  await assert.rejects(open(none), { code: 'ERR_SGRING_ADDRESS' })
  for (const rules of [{ allow: [256] }, { deny: [{ opcode: 0x9e, serviceAction: -1 }] }]) {
    await assert.rejects(open(none, rules), { code: 'ERR_SGRING_INVALID_ARGUMENT' })
  }
})

test('a ring is not opened by rules that it would not heed', async () => {
  for (const rules of [{ readOnly: true }, { deny: [0x2a] }, { exclusive: true }]) {
    await assert.rejects(open('ring:/none.sock', rules), { code: 'ERR_SGRING_UNSUPPORTED' })
  }
  const nobody = { code: 'ERR_SGRING_NO_TARGET' }
  await assert.rejects(open('ring:/none.sock', { readOnly: false, connectTimeoutMs: 1 }), nobody)
})

test.run()
