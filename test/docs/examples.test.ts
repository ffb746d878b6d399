/** Every `@example` of the public types compiles for a consumer with `lib: es2022`, and runs. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { suite } from '../harness/index.ts'

const root = process.cwd()
const test = suite('examples')
const run = promisify(execFile)

/** What stands around an example: a served disk with two units, and what the example takes as given. */
const BEFORE = `
import { type Answer, type Handler, type HandlerTask, SenseKey, ServiceResponse, TaskFunction, type TypedCommand, type Unit } from 'sgring'
import { changeModePage, CONTROL, checkCondition, connect, findDevice, good, listDevices, listTransportNodes, modeSelect10, modeSense10, open, passThrough, read10, serve } from 'sgring'
import { type Fault, testUnit } from 'sgring/testing'
const target = await serve({ listen: 'FOLDER/disk.sock', units: [{ memory: 1 << 20 }, { memory: 1 << 20 }] })
const given = await connect('FOLDER/disk.sock')
const unit = given.unit(0)
await unit.testUnitReady()
`
const RUNTIME = '/run/user/1000'
const DISK = `${RUNTIME}/disk.sock`
const AFTER = `
await given.close()
await target.close()
// Closes what an example has opened and not closed, too.
process.exit()
`

test(
  'compile and run as they stand',
  async () => {
    const found = readdirSync(join(root, 'ts'), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .flatMap((path) => examplesOf(readFileSync(join(root, 'ts', path), 'utf8')))
    assert.ok(found.length >= 6, `${found.length} examples`)
    const folder = mkdtempSync(join(tmpdir(), 'sgring-examples-'))
    try {
      mkdirSync(join(folder, 'node_modules', '@types'), { recursive: true })
      symlinkSync(root, join(folder, 'node_modules', 'sgring'))
      symlinkSync(
        join(root, 'node_modules', '@types', 'node'),
        join(folder, 'node_modules', '@types', 'node'),
      )
      writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
      const compilerOptions = {
        target: 'es2022',
        lib: ['es2022'],
        module: 'nodenext',
        types: ['node'],
        strict: true,
        outDir: 'out',
        rootDir: '.',
      }
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions }))
      for (const [index, example] of found.entries()) {
        // Where an example serves the disk itself, that is another one.
        const socket = example.includes(`listen: '${DISK}'`) ? 'other.sock' : 'disk.sock'
        const own = example.replaceAll(DISK, join(folder, socket)).replaceAll(RUNTIME, folder)
        const text = `${BEFORE.replaceAll('FOLDER', folder)}${own}\n${AFTER}`
        writeFileSync(join(folder, `example-${index}.ts`), text)
      }
      const tsc = join(root, 'node_modules', '@typescript', 'native', 'bin', 'tsc')
      await run(process.execPath, [tsc, '-p', folder]).catch(({ stdout }) => assert.fail(stdout))
      for (const index of found.keys()) {
        await run(process.execPath, [join('out', `example-${index}.js`)], { cwd: folder })
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  },
  { deadlineMs: 120_000 },
)

/** The code behind each `@example`, up to the comment's end. */
function examplesOf(source: string): string[] {
  return [...source.matchAll(/@example(.*?)\*\//gs)].map(([, text = '']) =>
    text.replaceAll(/^ *\* ?/gm, '').trim(),
  )
}

test.run()
