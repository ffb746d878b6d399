import { join } from 'node:path'
import { connect, passThrough, serve } from '#dist/index.js'
import { testUnit } from '#dist/testing/index.js'
import { temporaryFolder } from '../support/folder.ts'
import { NARROW, ScriptedUnit } from '../support/scripted-unit.ts'
import { type Contract, UNITS } from './contract.ts'
import { unitContract } from './unit.ts'

const BLOCKS = 32 << 11

/** The disk is passed through; what the contract asks of the units that do as they are told concerns the target in front alone. */
const socket = join(temporaryFolder(), 'front.sock')
const contract: Contract = {
  blockLength: 512,
  blocks: BLOCKS,
  oneNexus: true,
  async start() {
    const behind = await testUnit({ blocks: BLOCKS })
    const units = [await passThrough(behind.unit), new ScriptedUnit(), new ScriptedUnit(NARROW)]
    const front = await serve({ listen: socket, units })
    return async () => {
      await front.close()
      await behind.close()
    }
  },
  async open(which, options) {
    const nexus = await connect(socket, options)
    const close = () => nexus.close()
    const unit = nexus.unit(UNITS.indexOf(which), options)
    return { unit, events: nexus.events, close, [Symbol.asyncDispose]: close }
  },
}
unitContract('a unit that is passed through to another ring', contract)
