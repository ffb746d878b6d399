/** Awaits one command as its argument says: `node alive-main.js HOW SOCKET`. */

import { type Command, connect, TaskFunction } from '#dist/index.js'
import * as scripted from '../support/scripted-unit.ts'

const [how, socket = ''] = process.argv.slice(2)
const nexus = await connect(socket, { arenaBytes: 64 << 10 })
const unit = nexus.unit(0)
await unit.testUnitReady()
const say = (line: string) => process.stdout.write(`${line}\n`)
const ended = (command: Command) =>
  unit.execute(command).then(
    () => say('answered'),
    (error: { code?: string }) => say(error.code ?? String(error)),
  )

if (how === 'waits') {
  // All that there is is leased: nothing is under way.
  const lease = { ...scripted.describing(6, 0), dataIn: 32 << 10, lease: true }
  await Promise.all([unit.execute(lease), unit.execute({ ...lease, dataIn: 16 << 10 })])
  await ended({ ...scripted.echo(new Uint8Array(16 << 10)), timeoutMs: 100 })
} else if (how === 'gives up') {
  await ended({ ...scripted.hold(), timeoutMs: 100 })
} else if (how === 'detaches') {
  const signal = AbortSignal.timeout(10)
  // The signal's own timer does not hold the process.
  const command = ended({ ...scripted.hold(), signal, onAbort: 'detach' })
  signal.addEventListener('abort', () => say('aborted'))
  await command
} else if (how === 'manages a stopped target') {
  process.kill(nexus.targetPid, 'SIGSTOP')
  const request = { function: TaskFunction.QUERY_TASK_SET, timeoutMs: 100 }
  await unit.taskManagement(request).catch((error: { code?: string }) => say(error.code ?? ''))
}
