/** The contract of a logical unit on a kernel node: a row behind those of test/contract. Each has a file of its own, so that its deadline is its own. */

import { type NodeTransport, open } from '#dist/index.js'
import { type Contract, UNITS } from '../contract/contract.ts'
import { unitContract } from '../contract/unit.ts'

const NO_SCRIPT = 'a device of the kernel does not do what a test tells it'

/** Runs the contract over a scsi_debug disk of 64 MB. */
export function nodeContract(path: `/dev/${string}`, transport: NodeTransport): void {
  const contract: Contract = {
    blockLength: 512,
    blocks: (64 << 20) / 512,
    lacks: {
      'scripted units': NO_SCRIPT,
      'a POWER ON for each nexus': 'to a device all who open its nodes are one nexus: the host',
      'residuals by the target': 'scsi_debug tells no residual of a command that moves no data',
      'a range check of no blocks': 'scsi_debug takes a READ of no blocks anywhere',
    },
    tooLong: 'ERR_SGRING_TRANSFER_LENGTH',
    // By bsg and block nodes it moves 1 MiB at most.
    longRead: 768 << 10,
    // Emulated, a command takes a hundred times as long.
    share: 0.2,
    start: async () => async () => {},
    async open(which, options) {
      if (which !== UNITS[0]) throw new Error(`${which}: ${NO_SCRIPT}`)
      const unit = await open(path, { ...options, transport })
      const close = () => unit.close()
      return { unit, events: unit.node.events, close, [Symbol.asyncDispose]: close }
    },
  }
  unitContract(`a unit on ${path} by ${transport}`, contract)
}
