import { join } from 'node:path'
import { connect, type DiskUnitOptions } from '#dist/index.js'
import { temporaryFolder } from '../support/folder.ts'
import { ServerProcess } from '../support/server.ts'
import { type Contract, UNITS } from './contract.ts'
import { unitContract } from './unit.ts'

const BYTES = 32 << 20

const disks: readonly (readonly [name: string, disk: DiskUnitOptions])[] = [
  ['memory, 512-byte blocks', { memory: BYTES, blockLength: 512 }],
  ['memory, 4096-byte blocks', { memory: BYTES, blockLength: 4096 }],
  ['a file, 512-byte blocks', { file: join(temporaryFolder(), 'disk'), createBytes: BYTES }],
]

for (const [name, disk] of disks) {
  const { blockLength = 512 } = disk
  const socket = join(temporaryFolder(), 'target.sock')
  const contract: Contract = {
    blockLength,
    blocks: BYTES / blockLength,
    async start() {
      const server = await ServerProcess.start({
        listen: socket,
        units: [disk, 'scripted', 'narrow'],
      })
      return () => server.close()
    },
    async open(which, options) {
      const nexus = await connect(socket, options)
      const close = () => nexus.close()
      const unit = nexus.unit(UNITS.indexOf(which), options)
      return { unit, events: nexus.events, close, [Symbol.asyncDispose]: close }
    },
  }
  unitContract(`a unit on a ring: ${name}`, contract)
}
