/** What is looked at before a node is opened; `test/kernel` has the nodes. */

import assert from 'node:assert/strict'
import { open } from 'node:fs/promises'
import { openTransport } from '#dist/index.js'
import { native } from '#dist/native.js'
import { Node } from '#dist/sg/transport-nodes/node.js'
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

test('a message that no queue takes is refused before there is memory for it', async () => {
  const file = await open('/dev/null', 'r+')
  const messenger = native().messenger(file.fd)
  await file.close()
  await using node = new Node('/dev/null', 'sas-host', messenger)
  const request = new Uint8Array(4)
  const most = 65_535 * 512
  const tooLong = { code: 'ERR_SGRING_TRANSFER_LENGTH' }
  await assert.rejects(node.executeTransport({ request, dataIn: most + 1 }), tooLong)
  const dataOut = new Uint8Array(most + 1)
  await assert.rejects(node.executeTransport({ request, dataOut }), tooLong)
  // It leaves, for a node that knows no messages.
  const sent = node.executeTransport({ request, dataIn: most })
  await assert.rejects(sent, { code: 'ERR_SGRING_DELIVERY', errno: 'ENOTTY' })
})

test.run()
