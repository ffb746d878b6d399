/** Transfers by a named pipe, whose other end is somebody else's. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, openSync, readFileSync, readSync, writeSync } from 'node:fs'
import { suite } from '../harness/index.ts'
import { until } from '../support/until.ts'
import { MAIN, Place, type Running } from './program.ts'

const MIB = 1 << 20
/** Of SIGHUP, which is signal 1, in a mask of /proc/PID/status. */
const SIGHUP_BIT = 1n
const test = suite('a named pipe')
let place: Place

test.before.each(async () => {
  place = new Place()
  execFileSync('mkfifo', [place.path('pipe')])
  await place.serve(['--listen', 'disk', '--memory', '4M'])
})
test.after.each(() => place.remove())

const started = (line: string) => place.start(process.execPath, [MAIN, ...line.split(' ')])

/** What there is to be read of a descriptor that does not wait, or whether it takes a byte. */
function unlessAgain(work: () => number): number | undefined {
  try {
    return work()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined
    throw error
  }
}

/** Signals are no longer the end of the process: it is in its verb, or about to be. SIGHUP is the last one that it catches, and Node does not. */
function heedsSignals({ child }: Running): Promise<true> {
  return until('a process that catches signals', () => {
    const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
    const caught = BigInt(`0x${/^SigCgt:\s*([\da-f]+)$/m.exec(status)?.[1]}`)
    return (caught & SIGHUP_BIT) !== 0n
  })
}

for (const line of [
  'copy pipe ring:disk',
  'copy in pipe',
  'write ring:disk --in pipe',
  'verify pipe ring:disk',
]) {
  test(`Ctrl-C ends sgring ${line} while nobody has the other end`, async () => {
    place.file('in', new Uint8Array(512))
    const running = started(line)
    const ended = running.ended()
    await heedsSignals(running)
    running.child.kill('SIGINT')
    const { signal, stderr } = await ended
    assert.deepEqual([signal, stderr], ['SIGINT', ''])
  })
}

test('Ctrl-C ends a copy to one whose reader has stopped', async () => {
  // For reading and writing: who opens it so does not wait (fifo(7)).
  const reader = openSync(place.path('pipe'), constants.O_RDWR | constants.O_NONBLOCK)
  try {
    const running = started('copy ring:disk pipe')
    const ended = running.ended()
    const byte = new Uint8Array(1)
    await until('the first byte', () => unlessAgain(() => readSync(reader, byte)))
    await until('a full pipe', () => unlessAgain(() => writeSync(reader, byte)) === undefined)
    running.child.kill('SIGINT')
    assert.equal((await ended).signal, 'SIGINT')
  } finally {
    closeSync(reader)
  }
})

test('Ctrl-C ends a copy from one whose writer has stopped', async () => {
  const writer = openSync(place.path('pipe'), constants.O_RDWR | constants.O_NONBLOCK)
  try {
    const running = started('copy pipe ring:disk')
    const ended = running.ended()
    // It says what it writes to, and then reads.
    await once(running.child.stderr!, 'data')
    writeSync(writer, new Uint8Array(512))
    running.child.kill('SIGINT')
    assert.equal((await ended).signal, 'SIGINT')
  } finally {
    closeSync(writer)
  }
})

test('what comes late is copied all the same, to the end', async () => {
  const data = new Uint8Array(2 * MIB).fill(7)
  place.file('in', data)
  const { code, stderr } = await place.shell(
    'sgring copy pipe ring:disk & cat in > pipe; wait $! && sgring verify in ring:disk',
  )
  assert.equal(code, 0, stderr)
})

test.run()
