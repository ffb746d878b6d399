/** CommonJS programs: Node loads modules by `require`, as long as none of them awaits at its top. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import { commonJs } from './programs.ts'

const test = suite(`require() on Node ${process.versions.node}`)

test('gives what import gives, and the one copy of it', () => {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(process.cwd(), join(folder, 'node_modules', 'sgring'))
  const { status, stdout, stderr } = spawnSync(process.execPath, [commonJs(folder)], {
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
  assert.deepEqual(stdout.trim().split('\n'), ['the same functions', 'hello', 'MEDIUM ERROR'])
})

test.run()
