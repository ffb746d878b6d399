import assert from 'node:assert/strict'
import { lstatSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs'
import { suite } from '../harness/index.ts'
import { Place } from './program.ts'

const test = suite('files that are whole or not there')
let place: Place
test.before.each(async () => {
  place = new Place()
  await place.serve(['--listen', 'disk', '--memory', '1M'])
})
test.after.each(() => place.remove())

/** Writes down what a process brings to the medium, and which files get their names, in order. */
const RECORDER = `
import { appendFileSync, readlinkSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import files from 'node:fs/promises'
const note = (...words) => appendFileSync(process.env.RECORD, words.join(' ') + '\\n')
const file = await files.open('/')
const { sync } = Object.getPrototypeOf(file)
await file.close()
Object.getPrototypeOf(file).sync = async function () {
  note('sync', readlinkSync('/proc/self/fd/' + this.fd))
  return sync.call(this)
}
for (const name of ['link', 'rename', 'unlink']) {
  const original = files[name]
  files[name] = async (...paths) => {
    await original(...paths)
    note(name, paths.at(-1))
  }
}
syncBuiltinESMExports()
`

/** What a command line did, with names in its folder; parts have names that nobody foresees. */
async function recorded(line: string): Promise<string[]> {
  place.file('recorder.mjs', RECORDER)
  const record = place.file('record', '')
  const env = `RECORD='${record}' NODE_OPTIONS='--import ${place.path('recorder.mjs')}'`
  const { code, stderr } = await place.shell(`${env} ${line}`)
  assert.equal(code, 0, stderr)
  const lines = readFileSync(record, 'utf8').replaceAll(`${place.folder}/`, '')
  return lines
    .replaceAll(place.folder, '.')
    .replaceAll(/\.[0-9a-f]{8}\.part/g, '.part')
    .split('\n')
    .filter((line) => line !== '')
}

test('a copy is on the medium before it has its name, and its name before the copy ends (fsync(2))', async () => {
  assert.deepEqual(await recorded('sgring copy ring:disk new.img'), [
    'sync new.img.part',
    'link new.img',
    'unlink new.img.part',
    'sync .',
  ])
  assert.deepEqual(await recorded('sgring copy ring:disk new.img --force'), [
    'sync new.img.part',
    'rename new.img',
    'sync .',
  ])
})

test('so is a configuration that is saved', async () => {
  const steps = await recorded('sgring admin ring:disk show --save disks.json')
  assert.deepEqual(steps, [
    'sync disks.json.part',
    'link disks.json',
    'unlink disks.json.part',
    'sync .',
  ])
})

test('a configuration that cannot be written whole leaves nothing behind, and what was there as it was', async () => {
  const full = 'ulimit -f 0; sgring admin ring:disk show --save disks.json'
  const left = () => readdirSync(place.folder).filter((name) => name.startsWith('disks'))
  assert.equal((await place.shell(full)).code, 15)
  assert.deepEqual(left(), [])
  place.file('disks.json', 'precious')
  const refused = await place.shell('sgring admin ring:disk show --save disks.json')
  assert.equal(refused.stderr, 'sgring: disks.json exists; --force replaces it\n')
  assert.equal((await place.shell(`${full} --force`)).code, 15)
  assert.deepEqual(left(), ['disks.json'])
  assert.equal(readFileSync(place.path('disks.json'), 'utf8'), 'precious')
})

test('a configuration that is replaced keeps its permissions, and its place behind a link', async () => {
  place.file('disks.json', 'old')
  await place.shell('chmod 640 disks.json')
  symlinkSync('disks.json', place.path('link.json'))
  const saved = await place.shell('sgring admin ring:disk show --save link.json --force')
  assert.equal(saved.code, 0, saved.stderr)
  assert.ok(lstatSync(place.path('link.json')).isSymbolicLink())
  assert.equal(statSync(place.path('disks.json')).mode & 0o777, 0o640)
  assert.equal(JSON.parse(readFileSync(place.path('disks.json'), 'utf8')).listen, 'disk')
})

test('what is no regular file is written to, and stays', async () => {
  await place.shell('mkfifo pipe')
  const { code, stdout, stderr } = await place.shell(
    'cat pipe & sgring admin ring:disk show --save pipe --force; wait',
  )
  assert.equal(code, 0, stderr)
  assert.match(stdout.toString(), /"listen": ?"disk"/)
  assert.ok(lstatSync(place.path('pipe')).isFIFO())
})

/** A file system that does not bring its folders to the medium. */
const UNSYNCED = `
import files from 'node:fs/promises'
const file = await files.open('/')
const proto = Object.getPrototypeOf(file)
const { sync } = proto
await file.close()
proto.sync = async function () {
  if (!(await this.stat()).isDirectory()) return sync.call(this)
  throw Object.assign(new Error(process.env.CODE + ': fsync'), { code: process.env.CODE, syscall: 'fsync' })
}
`

test('a copy whose name is not brought to the medium is there, and no other error than that is told', async () => {
  place.file('unsynced.mjs', UNSYNCED)
  const copied = (code: string) =>
    place.shell(
      `CODE=${code} NODE_OPTIONS='--import ${place.path('unsynced.mjs')}' sgring copy ring:disk ${code}.img --checkpoint 0.001`,
    )
  const failed = await copied('EIO')
  assert.equal(failed.code, 15)
  assert.match(failed.stderr, /^sgring: EIO: fsync$/m)
  assert.doesNotMatch(failed.stderr, /ENOENT|--resume/)
  assert.equal(statSync(place.path('EIO.img')).size, 1 << 20)
  for (const code of ['ENOTSUP', 'EPERM']) assert.equal((await copied(code)).code, 0)
})

test('a copy goes on without notes where no folder for them can be made, and says so', async () => {
  const { code, stderr } = await place.shell(
    'HOME=/proc XDG_STATE_HOME= sgring copy ring:disk new.img --checkpoint 0.001',
  )
  assert.equal(code, 0, stderr)
  assert.match(stderr, /\nhow far it is cannot be noted: ENOENT: .*\/proc\/\.local/)
  assert.equal(statSync(place.path('new.img')).size, 1 << 20)
})

test.run()
