/**
 * Code of somebody who has taken a server over: `node --import` runs it inside. It tries what he would, on every kind of thread, and writes what
 * came of it on stderr, in a JSON line.
 */

import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { Worker } from 'node:worker_threads'

const SECRET = process.env.INTRUDER_SECRET ?? ''
const FOLDER = process.env.INTRUDER_FOLDER ?? ''

function tried(call: () => unknown): string {
  try {
    call()
    return 'done'
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code)
  }
}

async function told(): Promise<Record<string, string>> {
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads')
     try { require('node:fs').readFileSync(${JSON.stringify(SECRET)}); parentPort.postMessage('done') }
     catch ({ code }) { parentPort.postMessage(code) }`,
    { eval: true },
  )
  const [inWorker] = await once(worker, 'message')
  const socket = connect(9, '127.0.0.1')
  const [error] = await once(socket, 'error')
  return {
    reads: tried(() => readFileSync(SECRET)),
    readsInPool: await readFile(SECRET).then(
      () => 'done',
      ({ code }) => code,
    ),
    readsInWorker: inWorker,
    lists: tried(() => readdirSync(FOLDER)),
    makes: tried(() => openSync(`${FOLDER}/made`, 'w')),
    appends: tried(() => appendFileSync(SECRET, 'x')),
    ofTarget: tried(() => readFileSync(`/proc/${process.ppid}/environ`)),
    runs: String((spawnSync('/bin/sh', ['-c', 'exit 0']).error as NodeJS.ErrnoException)?.code),
    signals: tried(() => process.kill(process.ppid, 0)),
    tcp: error.code,
    removes: tried(() => rmSync(SECRET)),
  }
}

// A server that is still to be confined is not what is asked about.
if (JSON.parse(process.env.SGRING_CONFINED ?? '{}').pid === process.pid) {
  process.stderr.write(`${JSON.stringify(await told())}\n`)
}
