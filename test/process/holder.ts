/**
 * A client that hands its socket on to a process which outlives it, but not the test that has started both: `node holder.js SOCKET HOW`.
 * Says that process's number, and ends: by itself, or by a signal.
 */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Socket } from 'node:net'
import { barePair } from './bare-pair.ts'

const [path = '', how = 'exit'] = process.argv.slice(2)
const pair = barePair(path)
const fd = pair.takeSocket()
const socket = new Socket({ fd })
await once(socket, 'data')
const holds = `setInterval(() => {
  try { process.kill(${process.ppid}, 0) } catch { process.exit() }
}, 1000)`
const holder = spawn(process.execPath, ['--eval', holds], {
  stdio: ['ignore', 'ignore', 'ignore', fd],
  detached: true,
})
await once(holder, 'spawn')
process.stdout.write(`${holder.pid}\n`, () => {
  // A pair that is collected before would hang up.
  assert.ok(pair.peerPid > 0)
  if (how === 'exit') process.exit()
  process.kill(process.pid, how)
})
