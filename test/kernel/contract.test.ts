// guest: --scsi-debug 'dev_size_mb=64 num_tgts=1 max_luns=1 ndelay=20000'
/** The contract of a logical unit on kernel nodes: the rows behind those of test/contract. */

import { existsSync } from 'node:fs'
import { type NodeTransport, open } from '#dist/index.js'
import { type Contract, UNITS } from '../contract/contract.ts'
import { unitContract } from '../contract/unit.ts'

const NO_SCRIPT = 'a device of the kernel does not do what a test tells it'
const LACKS: Contract['lacks'] = {
  'scripted units': NO_SCRIPT,
  'a POWER ON for each nexus': 'to a device all who open its nodes are one nexus: the host',
  'residuals by the target': 'scsi_debug tells no residual of a command that moves no data',
  'a range check of no blocks': 'scsi_debug takes a READ of no blocks anywhere',
}

const rows: readonly (readonly [path: `/dev/${string}`, transport: NodeTransport])[] = [
  ['/dev/bsg/0:0:0:0', 'ioctl'],
  ['/dev/bsg/0:0:0:0', 'io_uring'],
  ['/dev/sg0', 'sg'],
  ['/dev/sg0', 'ioctl'],
]

for (const [path, transport] of rows) {
  if (transport === 'io_uring' && process.env.SGRING_GUEST === '6.1') continue
  const contract: Contract = {
    blockLength: 512,
    blocks: (64 << 20) / 512,
    lacks: LACKS,
    tooLong: 'ERR_SGRING_TRANSFER_LENGTH',
    async start() {
      if (!existsSync(path)) throw new Error(`no ${path}`)
      return async () => {}
    },
    async open(which, options) {
      if (which !== UNITS[0]) throw new Error(`${which}: ${NO_SCRIPT}`)
      const unit = await open(path, { ...options, transport })
      const close = () => unit.close()
      return { unit, events: unit.node.events, close, [Symbol.asyncDispose]: close }
    },
  }
  unitContract(`a unit on ${path} by ${transport}`, contract)
}
