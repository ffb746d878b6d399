import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'

const test = suite('importing the package')

const dist = dirname(fileURLToPath(import.meta.resolve('#dist/index.js')))

/** Imports the package in a process of its own, uses it, and tells what that threw. */
function firstUse(index: string, nodeArgs: readonly string[] = []): string[] {
  const program = `
    const { connect, serve, read10 } = await import(${JSON.stringify(pathToFileURL(index).href)})
    console.log(read10({ lba: 1, blocks: 1, blockLength: 512 }).cdb[0])
    const code = (error) => console.log(error.name, error.code, error.cause !== undefined)
    await connect('/nowhere/target.sock').catch(code)
    await serve({ listen: '/nowhere/target.sock', units: [{ memory: 4096 }] }).catch(code)`
  const args = [...nodeArgs, '--input-type=module', '--eval', program]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  assert.deepEqual([status, stderr], [0, ''])
  return stdout.trim().split('\n')
}

/** What must be done before anything is imported. */
function preload(code: string): string {
  return `--import=data:text/javascript,${encodeURIComponent(code)}`
}

for (const [platform, arch] of [
  ['darwin', 'arm64'],
  ['win32', 'x64'],
  ['linux', 's390x'],
] as const) {
  test(`works on ${platform} on ${arch}, and the first use throws ERR_SGRING_UNSUPPORTED_PLATFORM`, () => {
    const pretend = preload(`Object.defineProperty(process, 'platform', { value: '${platform}' })
      Object.defineProperty(process, 'arch', { value: '${arch}' })`)
    assert.deepEqual(firstUse(join(dist, 'index.js'), [pretend]), [
      '40',
      'SgringError ERR_SGRING_UNSUPPORTED_PLATFORM false',
      'SgringError ERR_SGRING_UNSUPPORTED_PLATFORM false',
    ])
  })
}

test('works without the native library, and the first use throws ERR_SGRING_NATIVE_MISSING', () => {
  const folder = temporaryFolder()
  cpSync(dist, join(folder, 'dist'), { recursive: true })
  cpSync(join(dist, '../package.json'), join(folder, 'package.json'))
  assert.deepEqual(firstUse(join(folder, 'dist/index.js')), [
    '40',
    'SgringError ERR_SGRING_NATIVE_MISSING true',
    'SgringError ERR_SGRING_NATIVE_MISSING true',
  ])
})

test.run()
