/** A target of the torture: serves until its stdin says `close` or ends, and tells on descriptor 3 what it carries out. */

import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { ServedUnit } from '#dist/index.js'
// As few modules as it takes: thousands of targets are started.
import { serve } from '#dist/serve.js'
import { CountingUnit } from './counting-unit.ts'
import type { RunEvent } from './event.ts'
import { beyond, memory } from './memory.ts'
import { killPointPasses } from './passes.ts'

/** What is served beside the unit that counts, and where. */
export interface TargetConfig {
  readonly listen: string
  readonly state: string
  readonly graceMs: number
  /** Where the second unit has its bytes. Made if it is to be. */
  readonly file: string
  readonly createFile: boolean
  readonly unitBytes: number
}

const EVENTS = 3
const config = JSON.parse(process.argv[2] ?? '') as TargetConfig
const { listen, state, graceMs, file, createFile, unitBytes } = config
// Before the effect, in one call: a death leaves the line whole, or nothing of it.
const record = (event: RunEvent) => void writeSync(EVENTS, `${JSON.stringify(event)}\n`)
const executed = (id: string) => record({ at: 'executed', id })
const units: ServedUnit[] = [
  { memory: unitBytes },
  createFile ? { file, createBytes: unitBytes } : { file },
  new CountingUnit(executed),
]
const tell = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`)
const server = await serve({ listen, state, graceMs, units })
server.events.on('nexusClosed', ({ id }) => tell({ closed: id }))
server.events.on('unitFailed', (error) => tell({ unitFailed: String(error) }))
const before = memory()
tell({ ready: process.pid })

createInterface(process.stdin).once('line', () => process.stdin.destroy())
process.stdin.once('close', async () => {
  await server.close()
  const more = beyond(before, memory())
  if (more !== undefined) record({ at: 'leaked', what: `target ${process.pid} has ${more}` })
  tell({ passes: killPointPasses() })
})
