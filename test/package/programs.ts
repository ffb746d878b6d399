/** What users write: a CommonJS program, and projects in TypeScript. */

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Writes a program to `folder` that requires both entries and uses them. Returns its path. */
export function commonJs(folder: string): string {
  const path = join(folder, 'required.cjs')
  writeFileSync(
    path,
    `const { connect, read10, serve, SenseKey, checkCondition } = require('sgring')
const { testUnit } = require('sgring/testing')

async function main() {
  const imported = await import('sgring')
  console.log(imported.connect === connect ? 'the same functions' : 'two copies')

  const server = await serve({ listen: __dirname + '/disk.sock', units: [{ memory: 1 << 20 }] })
  const nexus = await connect(__dirname + '/disk.sock')
  try {
    const disk = nexus.unit(0)
    await disk.write({ lba: 8, data: Buffer.from('hello'.padEnd(512)) })
    console.log(Buffer.from(await disk.read({ lba: 8, blocks: 1 })).toString().trimEnd())
  } finally {
    await nexus.close()
    await server.close()
  }

  const faults = [{ opcode: 0x28, answer: checkCondition(SenseKey.MEDIUM_ERROR, 0x1100) }]
  const test = await testUnit({ faults })
  await test.unit.run(read10({ lba: 0, blocks: 1, blockLength: 512 })).catch((error) => {
    console.log(error.senseKey === SenseKey.MEDIUM_ERROR ? 'MEDIUM ERROR' : error)
  })
  await test.close()
}

main()
`,
  )
  return path
}

const PROGRAM = `
async function main(): Promise<void> {
  const server: Server = await serve({ listen: '/tmp/typed.sock', units: [{ memory: 1 << 20 }] })
  const nexus: Nexus = await connect('/tmp/typed.sock')
  const unit: LogicalUnit = nexus.unit(0)
  const bytes: Uint8Array = await unit.read({ lba: 8n, blocks: 1 })
  const inquiry = await unit.inquiry()
  const vendor: string = inquiry.vendor
  const { status, sense, data }: Response = await unit.execute({ cdb: bytes.subarray(0, 6), dataIn: 96 })
  const own: TypedCommand<number> = { cdb: Uint8Array.of(0xc0, 0, 0, 0, 0, 0), dataInLength: 4, parse: (b) => b.length }
  const parsed: number = await unit.run(own)
  const handler: Handler = (task, next) => (task.cdb[0] === 0x2a ? status0(0x18) : next())
  const test = await testUnit({ handler, blocks: 16 })
  await test.close()
  await nexus.close()
  await server.close()
  // @ts-expect-error: blocks are counted by numbers
  await unit.read({ lba: 8, blocks: '1' })
  console.log(vendor, status, sense, data.length, parsed)
}
main().catch((error: unknown) => {
  if (error instanceof SgringError) console.log(error.code)
})
`

const IMPORTS = `import { connect, type Handler, type LogicalUnit, type Nexus, type Response, serve, type Server, SgringError, status as status0, type TypedCommand } from 'sgring'
import { testUnit } from 'sgring/testing'
`

const REQUIRES = `import sgring = require('sgring')
import testing = require('sgring/testing')
import type { Handler, LogicalUnit, Nexus, Response, Server, TypedCommand } from 'sgring'
const { connect, serve, SgringError, status: status0 } = sgring
const { testUnit } = testing
`

/** How a project finds packages: as Node does, or as bundlers do. */
export type Resolution = 'nodenext' | 'bundler'

/** Writes a TypeScript project to `folder/RESOLUTION`: modules, and, where Node resolves, a CommonJS file. Returns its folder. */
export function typedProject(folder: string, resolution: Resolution): string {
  const project = join(folder, resolution)
  mkdirSync(project)
  const compilerOptions = {
    target: 'es2022',
    lib: ['es2022'],
    module: resolution === 'nodenext' ? 'nodenext' : 'esnext',
    moduleResolution: resolution,
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    noEmit: true,
  }
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions }))
  writeFileSync(join(project, 'module.mts'), IMPORTS + PROGRAM)
  if (resolution === 'nodenext') writeFileSync(join(project, 'common.cts'), REQUIRES + PROGRAM)
  return project
}
