/** Which native library is loaded, and what is said where it is missing. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { interpreter, nativePlatform } from '#dist/platform.js'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'

const test = suite('the native library')

const dist = dirname(fileURLToPath(import.meta.resolve('#dist/index.js')))
const manifest = JSON.parse(readFileSync(join(dist, '../package.json'), 'utf8'))
const MUSL = '/lib/ld-musl-x86_64.so.1'

/** A program of 64 bits with one program header, which names `path` as the dynamic loader (elf(5)). */
function program(path: string): Buffer {
  const bytes = Buffer.alloc(120 + path.length + 1)
  bytes.write('\x7fELF\x02\x01\x01', 'latin1')
  bytes.writeBigUInt64LE(64n, 32) // e_phoff
  bytes.writeUInt16LE(56, 54) // e_phentsize
  bytes.writeUInt16LE(1, 56) // e_phnum
  bytes.writeUInt32LE(3, 64) // p_type: PT_INTERP
  bytes.writeBigUInt64LE(120n, 72) // p_offset
  bytes.writeBigUInt64LE(BigInt(path.length + 1), 96) // p_filesz
  bytes.write(path, 120, 'latin1')
  return bytes
}

const folder = temporaryFolder()

function written(bytes: Uint8Array): string {
  const path = join(folder, 'program')
  writeFileSync(path, bytes)
  return path
}

/** A copy of the package without native code, and what its first use throws there. */
function installed(folder: string): void {
  cpSync(dist, join(folder, 'dist'), { recursive: true })
  cpSync(join(dist, '../package.json'), join(folder, 'package.json'))
}

function firstUse(folder: string): { code: string; message: string; tried: string[] } {
  const index = pathToFileURL(join(folder, 'dist/index.js')).href
  const code = `import { connect } from ${JSON.stringify(index)}
    connect('/nowhere/target.sock').catch(({ code, message, cause }) =>
      console.log(JSON.stringify({ code, message, tried: cause?.errors?.map(String) ?? [] })))`
  const args = ['--input-type=module', '--eval', code]
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  assert.equal(stderr, '')
  return JSON.parse(stdout)
}

test('is chosen by the C library that the program names, not by what else the machine has', () => {
  assert.equal(nativePlatform(written(program(MUSL))), `linux-${process.arch}-musl`)
  assert.equal(
    nativePlatform(written(program('/lib64/ld-linux-x86-64.so.2'))),
    `linux-${process.arch}-gnu`,
  )
})

test('is chosen for this Node as its own report says', () => {
  const report = process.report.getReport() as { header: { glibcVersionRuntime?: string } }
  const libc = report.header.glibcVersionRuntime === undefined ? 'musl' : 'gnu'
  assert.equal(nativePlatform(), `linux-${process.arch}-${libc}`)
})

test('is that of glibc where the program cannot be read, is cut short, or is none', () => {
  const whole = program(MUSL)
  for (let length = 0; length < 120; length++) {
    assert.equal(interpreter(written(whole.subarray(0, length))), undefined, `${length} bytes`)
  }
  assert.equal(interpreter('/nowhere/program'), undefined)
  assert.equal(interpreter(written(Buffer.from('#!/bin/sh\n'.repeat(20)))), undefined)
  assert.equal(nativePlatform('/nowhere/program'), `linux-${process.arch}-gnu`)
})

test('exists for every target that package.json names', () => {
  assert.deepEqual(manifest.napi.targets, [
    'x86_64-unknown-linux-gnu',
    'x86_64-unknown-linux-musl',
    'aarch64-unknown-linux-gnu',
    'aarch64-unknown-linux-musl',
  ])
})

test('is named with its package and version where it is missing', () => {
  const folder = temporaryFolder()
  installed(folder)
  const { code, message, tried } = firstUse(folder)
  assert.equal(code, 'ERR_SGRING_NATIVE_MISSING')
  const wanted = `npm install sgring-${nativePlatform()}@${manifest.version}`
  assert.ok(message.includes(wanted), message)
  assert.equal(tried.length, 2)
  for (const attempt of tried) assert.match(attempt, /Cannot find module/)
})

test('of another version is not loaded', () => {
  const folder = temporaryFolder()
  installed(folder)
  const name = `sgring-${nativePlatform()}`
  const platform = join(folder, 'node_modules', name)
  mkdirSync(platform, { recursive: true })
  const main = `sgring.${nativePlatform()}.node`
  cpSync(join(dist, '../native', main), join(platform, main))
  const write = (version: string) =>
    writeFileSync(join(platform, 'package.json'), JSON.stringify({ name, version, main }))

  write('9.9.9')
  const { code, tried } = firstUse(folder)
  assert.equal(code, 'ERR_SGRING_NATIVE_MISSING')
  assert.match(tried[1] ?? '', /is 9\.9\.9; sgring is/)

  write(manifest.version)
  assert.equal(firstUse(folder).code, 'ERR_SGRING_NO_TARGET')
})

test.run()
