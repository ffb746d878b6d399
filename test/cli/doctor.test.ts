import assert from 'node:assert/strict'
import { chmodSync, mkdirSync } from 'node:fs'
import {
  confining,
  cpus,
  hugePages,
  limits,
  node,
  platform,
  runtimeFolder,
} from '#dist/cli/doctor-checks.js'
import { suite } from '../harness/index.ts'
import { Place } from './program.ts'

const test = suite('sgring doctor')
let place: Place
test.before.each(() => {
  place = new Place()
})
test.after.each(() => place.remove())

test('looks at everything, and serves and reads a disk', async () => {
  const { code, stdout, stderr } = await place.sgring(['doctor', '--json'])
  assert.equal(code, 0, stderr)
  const { ok, checks } = JSON.parse(stdout.toString())
  assert.equal(ok, true)
  assert.deepEqual(
    checks.map(({ name }: { name: string }) => name),
    [
      'platform',
      'node',
      'native library',
      'shared memory',
      'huge pages',
      'runtime folder',
      'limits',
      'confinement',
      'CPUs',
      'SCSI devices',
      'kernel nodes',
    ],
  )
  for (const { state, found } of checks) {
    assert.ok(state === 'ok' || state === 'note')
    assert.notEqual(found, '')
  }
  assert.equal(checks[3].found, 'memfd, socket and ring: 4096 bytes read from a disk')
})

test('tells what does not work, what to do, and ends with 36', async () => {
  const { stdout } = await place.shell('ulimit -f 1024; sgring doctor; echo $?')
  const text = stdout.toString()
  assert.match(text, /^BAD +shared memory +\S/m)
  assert.match(text, /^BAD +limits +file size is limited to 1\.0 MiB\n +a nexus maps 64\.0 MiB/m)
  assert.match(text, /\n36\n$/)
})

test('knows the platforms', () => {
  assert.equal(platform({ platform: 'linux', arch: 'arm64' }).state, 'ok')
  assert.equal(platform({ platform: 'linux', arch: 'riscv64' }).state, 'bad')
  assert.equal(platform({ platform: 'darwin', arch: 'arm64' }).state, 'bad')
})

test('knows the versions of Node that the package is for', () => {
  const wanted = '^20.19 || ^22.13 || >=24'
  for (const version of ['20.19.0', '20.20.1', '22.13.0', '24.0.0', '25.1.0']) {
    assert.equal(node(version, wanted).state, 'ok', version)
  }
  for (const version of ['18.20.8', '20.18.3', '21.7.0', '22.12.0', '23.11.0']) {
    assert.equal(node(version, wanted).state, 'bad', version)
  }
})

test('tells huge pages by what the kernel chose for shared memory', () => {
  assert.equal(hugePages('always within_size [advise] never deny force').state, 'ok')
  assert.equal(hugePages('always within_size advise [never] deny force').state, 'note')
  assert.equal(hugePages(undefined).state, 'note')
})

test('tells a runtime folder that is missing, open to others, or too deep for a socket', async () => {
  const socket = (folder: string) => place.path(`${folder}/sgring/any.sock`)
  mkdirSync(place.path('own'), { mode: 0o700 })
  assert.equal((await runtimeFolder(socket('own'))).state, 'ok')
  mkdirSync(place.path('open'))
  chmodSync(place.path('open'), 0o777)
  assert.match((await runtimeFolder(socket('open'))).found, /can be written by other users$/)
  assert.match((await runtimeFolder(socket('missing'))).found, /^ENOENT/)
  const deep = 'd'.repeat(100)
  mkdirSync(place.path(deep), { mode: 0o700 })
  assert.equal((await runtimeFolder(socket(deep))).state, 'bad')
})

test('reads limits as proc(5) has them', () => {
  const text = (files: number, fileSize: string) =>
    `Limit                     Soft Limit           Hard Limit           Units     \nMax file size             ${fileSize}            unlimited            bytes     \nMax open files            ${files}                 524288               files     \nMax address space         unlimited            unlimited            bytes     `
  assert.equal(limits(text(1024, 'unlimited')).state, 'ok')
  assert.equal(limits(text(256, 'unlimited')).state, 'note')
  assert.equal(limits(text(1024, String(32 << 20))).state, 'bad')
})

test('says that one CPU does not spin', () => {
  assert.equal(cpus(1).state, 'note')
  assert.equal(cpus(8).state, 'ok')
})

test('says what a server is confined to, and what this kernel leaves open', () => {
  assert.deepEqual(confining(9), {
    state: 'ok',
    found:
      'sgring serve keeps no new privileges, and only the capabilities that it needs; Landlock ABI 9 fences its files',
  })
  assert.match(confining(4).found, /ABI 4 fences its files, but for ioctls of devices, signals and/)
  assert.match(confining(7).found, /but for sockets with a path, D-Bus and Docker among them$/)
  assert.equal(confining(0).state, 'note')
})

test.run()
