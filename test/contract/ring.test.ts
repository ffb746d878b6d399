import { join } from 'node:path'
import { connect, type DiskUnitOptions } from '#dist/index.js'
import { SHARED_MEMORY, temporaryFolder } from '../support/folder.ts'
import { ServerProcess } from '../support/server.ts'
import { type Contract, UNITS } from './contract.ts'
import { unitContract } from './unit.ts'

const BYTES = 32 << 20

/** Where the bytes of the last disk are kept: on tmpfs it is mapped, and elsewhere as any file. */
const state = join(temporaryFolder(SHARED_MEMORY), 'state')

const disks: readonly (readonly [name: string, disk: DiskUnitOptions, kept?: { state: string }])[] =
  [
    ['memory, 512-byte blocks', { memory: BYTES, blockLength: 512 }],
    ['memory, 4096-byte blocks', { memory: BYTES, blockLength: 4096 }],
    ['a file, 512-byte blocks', { file: join(temporaryFolder(), 'disk'), createBytes: BYTES }],
    ['memory with a state folder', { memory: BYTES, blockLength: 512 }, { state }],
  ]

for (const [name, disk, kept] of disks) {
  const { blockLength = 512 } = disk
  const socket = join(temporaryFolder(), 'target.sock')
  const contract: Contract = {
    blockLength,
    blocks: BYTES / blockLength,
    async start() {
      const server = await ServerProcess.start({
        listen: socket,
        units: [disk, 'scripted', 'narrow'],
        ...kept,
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
