/** The process that answers records from a named pipe: `node peer.js REQUESTS ANSWERS`; it ends with the requests. */

import { openSync } from 'node:fs'
import { answer } from '../answer.ts'
import { CDB, RECORD_BYTES, STATUS, TAG } from '../net/record.ts'
import { readRecords, Writer } from './pipe.ts'

const [, , requests, answers] = process.argv
const from = openSync(requests!, 'r')
const writer = new Writer(openSync(answers!, 'w'))
process.stdout.write('ready\n')
await readRecords(from, (bytes, at) => {
  const record = writer.record()
  record.fill(0, 0, RECORD_BYTES)
  record.writeUInt32LE(bytes.readUInt32LE(at + TAG), TAG)
  record.writeUInt32LE(answer(bytes[at + CDB]), STATUS)
})
