/** What is looked at before a node is opened; `test/kernel` has the nodes. */

import assert from 'node:assert/strict'
import { openTransport } from '#dist/index.js'
import { suite } from '../../harness/index.ts'

const test = suite('opening a transport node')

test('what is no transport node is not even opened', async () => {
  const wrong = { code: 'ERR_SGRING_ADDRESS', message: /is no transport node: it is no character/ }
  // To open either for writing fails: EISDIR, ETXTBSY.
  await assert.rejects(openTransport('/dev'), wrong)
  await assert.rejects(openTransport(process.execPath), wrong)
  await assert.rejects(openTransport('/dev/null'), { ...wrong, message: /a node of mem/ })
  await assert.rejects(openTransport('/dev/bsg/none-there'), { code: 'ERR_SGRING_NO_DEVICE' })
})

test.run()
