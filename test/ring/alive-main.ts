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
} else if (how === 'gives up in every way') {
  const some = Array.from({ length: 300 }, (_, index) => {
    const controller = new AbortController()
    const onAbort = index % 2 === 0 ? 'wait' : 'detach'
    const command = index % 3 === 0 ? scripted.withStatus(0) : scripted.hold()
    const options = index % 5 === 0 ? { tag: index } : {}
    const { signal } = controller
    const end = unit.execute({ ...command, ...options, signal, onAbort }).catch(() => {})
    if (index % 7 === 0) controller.abort()
    else setImmediate(() => controller.abort())
    return end
  })
  await Promise.all(some)
  await unit.taskManagement({ function: TaskFunction.ABORT_TASK_SET })
  // One settled twice would let the process end here, one that never was would keep it.
  await ended({ ...scripted.hold(), timeoutMs: 100 })
} else if (how === 'manages a stopped target') {
  process.kill(nexus.targetPid, 'SIGSTOP')
  const request = { function: TaskFunction.QUERY_TASK_SET, timeoutMs: 100 }
  await unit.taskManagement(request).catch((error: { code?: string }) => say(error.code ?? ''))
}
