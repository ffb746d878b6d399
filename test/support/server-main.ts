/** Serves what its argument says until stdin ends or says `close`, and writes a JSON line for each event. */

import { createInterface } from 'node:readline'
import { type NexusInfo, serve } from '#dist/index.js'
import { NARROW, ScriptedUnit } from './scripted-unit.ts'
import type { ServerConfig } from './server.ts'

const { units, ...options } = JSON.parse(process.argv[2] ?? '') as ServerConfig
const server = await serve({
  ...options,
  units: units.map((unit) => {
    if (typeof unit === 'object') return unit
    return new ScriptedUnit(unit === 'narrow' ? NARROW : {})
  }),
})
const tell = (event: string, nexus?: NexusInfo, reason?: string) =>
  process.stdout.write(`${JSON.stringify({ event, nexus, reason })}\n`)
server.events.on('nexusOpened', (nexus) => tell('nexusOpened', nexus))
server.events.on('nexusClosed', (nexus, reason) => tell('nexusClosed', nexus, reason))
tell('ready')

// Either way it then ends by itself, or the test that waits for it finds out.
createInterface(process.stdin).once('line', (line) => {
  if (line === 'close') process.stdin.destroy()
})
process.stdin.once('close', () => server.close())
