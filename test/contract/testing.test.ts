import assert from 'node:assert/strict'
import { connect } from '#dist/index.js'
import { type TestUnit, testUnit } from '#dist/testing/index.js'
import { NARROW, ScriptedUnit } from '../support/scripted-unit.ts'
import { type Contract, UNITS } from './contract.ts'
import { unitContract } from './unit.ts'

const BYTES = 16 << 20

for (const blockLength of [512, 4096] as const) {
  const blocks = BYTES / blockLength
  let served: TestUnit
  const contract: Contract = {
    blockLength,
    blocks,
    async start() {
      served = await testUnit({
        blocks,
        blockLength,
        units: [new ScriptedUnit(), new ScriptedUnit(NARROW)],
      })
      const failures: unknown[] = []
      served.server.events.on('unitFailed', (error) => failures.push(error))
      return async () => {
        await served.close()
        assert.deepEqual(failures, [])
      }
    },
    async open(which, options) {
      const nexus = await connect(served.server.listen, options)
      const close = () => nexus.close()
      const unit = nexus.unit(UNITS.indexOf(which), options)
      return { unit, events: nexus.events, close, [Symbol.asyncDispose]: close }
    },
  }
  unitContract(`a test unit in this process: ${blockLength}-byte blocks`, contract)
}
