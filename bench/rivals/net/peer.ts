/**
 * The least that a program behind a socket does: `node peer.js PATH coalesced|plain` answers records at once, in place, those of one
 * read in one write, or each in its own. It says `ready` on a line, and ends with its input.
 */

import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { answer } from '../answer.ts'
import { CDB, RECORD_BYTES, STATUS, TAG } from './record.ts'

const [, , path, form] = process.argv
const server = createServer((socket) => serve(socket, form === 'plain'))
server.listen(path)
await once(server, 'listening')
process.stdin.resume().once('end', () => process.exit())
process.stdout.write('ready\n')

function serve(socket: Socket, plain: boolean): void {
  let rest: Buffer = Buffer.alloc(0)
  socket.on('error', () => {})
  socket.on('data', (came: Buffer) => {
    const bytes = rest.length > 0 ? Buffer.concat([rest, came]) : came
    const end = bytes.length - (bytes.length % RECORD_BYTES)
    for (let at = 0; at < end; at += RECORD_BYTES) {
      respond(bytes, at)
      if (plain) socket.write(bytes.subarray(at, at + RECORD_BYTES))
    }
    if (!plain && end > 0) socket.write(bytes.subarray(0, end))
    rest = bytes.subarray(end)
  })
}

/** Makes a request its response. */
function respond(bytes: Buffer, at: number): void {
  const status = answer(bytes[at + CDB])
  bytes.fill(0, at + TAG + 4, at + RECORD_BYTES)
  bytes.writeUInt32LE(status, at + STATUS)
}
