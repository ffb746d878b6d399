import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs'
import { good as answer, type Handler, serve } from '#dist/index.js'
import { Association, CodeSet, DesignatorType, encodeDesignators } from '#dist/scsi/designator.js'
import { suite } from '../harness/index.ts'
import { Place } from './program.ts'

const MIB = 1 << 20
const test = suite('sgring copy and verify')
let place: Place

test.before.each(async () => {
  place = new Place()
  const units = ['--memory', '32M', '--memory', '32M', '--block-length', '4096']
  await place.serve(['--listen', 'disk', ...units])
})
test.after.each(() => place.remove())

const sgring = (line: string, input?: Uint8Array) => place.sgring(line.split(' '), input)

async function good(line: string, input?: Uint8Array): Promise<string> {
  const { code, stderr } = await sgring(line, input)
  assert.equal(code, 0, stderr)
  return stderr
}

const bytesOf = (name: string) => readFileSync(place.path(name))

test('copy moves any of file, unit and pipe to any other, in order', async () => {
  const data = randomBytes(21 * MIB + 4096)
  place.file('in', data)
  await good('copy in ring:disk')
  await good('copy ring:disk ring:disk/1')
  await good(`copy ring:disk/1 out --count ${data.length / 4096} --bs 4096`)
  assert.ok(bytesOf('out').equals(data))
  await good('copy out again')
  assert.ok(bytesOf('again').equals(data))
  const piped = await sgring(`copy ring:disk/1 - --count ${data.length / 4096}`)
  assert.ok(piped.stdout.equals(data))
  await good('copy - ring:disk --seek 1 --bs 4096', data)
  await good('verify in ring:disk --seek 8')
  const through = await sgring('copy - -', data)
  assert.ok(through.stdout.equals(data))
})

test('copy says what it writes to, and how much it was, on stderr', async () => {
  place.file('in', new Uint8Array(4096))
  const said = await good('copy in ring:disk/1')
  assert.match(
    said,
    /^writing to ring:disk\/1, LUN 1: sgring DISK IN MEMORY, 32\.0 MiB\ncopied 4\.0 KiB in \d+\.\d\d s, [\d.]+ .?B\/s\n$/,
  )
  assert.match(await good('copy in new --verify'), /^writing to new\ncopied .*, verified\n$/)
})

test('copy tells as JSON what it did', async () => {
  place.file('in', new Uint8Array(8192))
  const { stdout, stderr } = await sgring('copy in ring:disk --verify --json')
  const { seconds, ...rest } = JSON.parse(stdout.toString())
  assert.equal(typeof seconds, 'number')
  const expected = { from: 'in', to: 'ring:disk', bytes: 8192, resumed_at: 0, verify: true }
  assert.deepEqual([rest, stderr], [expected, ''])
})

test('copy counts --skip, --seek and --count in blocks of --bs', async () => {
  const data = randomBytes(10 * 1024)
  place.file('in', data)
  await good('copy in part --bs 1K --skip 2 --count 3')
  assert.ok(bytesOf('part').equals(data.subarray(2048, 5120)))
  await good('copy in ring:disk --skip 1 --seek 3 --count 4')
  const back = await sgring('copy ring:disk - --skip 3 --count 4')
  assert.ok(back.stdout.equals(data.subarray(512, 512 * 5)))
  const piped = await sgring('copy - - --bs 1K --skip 3 --count 2', data)
  assert.ok(piped.stdout.equals(data.subarray(3072, 5120)))
})

test('copy writes into an existing file by --seek, and leaves its other bytes alone', async () => {
  place.file('in', new Uint8Array(1024).fill(1))
  place.file('out', new Uint8Array(4096).fill(2))
  assert.equal((await sgring('copy in out --seek 2')).code, 15)
  await good('copy in out --seek 2 --force')
  const expected = Buffer.alloc(4096, 2).fill(1, 1024, 2048)
  assert.ok(bytesOf('out').equals(expected))
})

test('copy fits blocks of 512 bytes into blocks of 4096 bytes, by --pad', async () => {
  await good('copy - ring:disk', new Uint8Array(512 * 9).fill(3))
  const refused = await sgring('copy ring:disk ring:disk/1 --bs 512 --count 9')
  assert.deepEqual(
    [refused.code, refused.stderr],
    [
      15,
      'sgring: ring:disk ends 512 bytes into a block of 4096 of ring:disk/1; --pad fills it up\n',
    ],
  )
  await good('copy - ring:disk/1', new Uint8Array(3 * 4096).fill(9))
  await good('copy ring:disk ring:disk/1 --bs 512 --count 9 --pad')
  const { stdout } = await sgring('copy ring:disk/1 - --count 3')
  const expected = Buffer.concat([Buffer.alloc(4608, 3), Buffer.alloc(3584), Buffer.alloc(4096, 9)])
  assert.ok(stdout.equals(expected))
})

test('copy replaces a file only by --force, only by a whole one, and keeps its mode', async () => {
  place.file('out', 'precious')
  const refused = await sgring('copy ring:disk out')
  assert.deepEqual(
    [refused.code, refused.stderr],
    [15, 'sgring: out exists; --force replaces it\n'],
  )
  await place.shell('chmod 640 out')
  const { stdout } = await place.shell(
    'ulimit -f 98304; sgring copy /dev/zero out --bs 1M --count 200 --force; echo $?',
  )
  assert.equal(stdout.toString(), '15\n')
  assert.equal(bytesOf('out').toString(), 'precious')
  assert.equal(existsSync(place.path('out.part')), false)
  await good('copy ring:disk out --count 1 --force')
  assert.deepEqual(
    [statSync(place.path('out')).size, statSync(place.path('out')).mode & 0o777],
    [512, 0o640],
  )
})

test('copy refuses two paths to one unit', async () => {
  const naa = (first: number) => Uint8Array.of(first, 0, 0, 0, 0, 0, 0, 1)
  const named = (designator: Uint8Array): Handler => {
    const unit = { association: Association.LOGICAL_UNIT, protocol: undefined }
    const one = { ...unit, type: DesignatorType.NAA, codeSet: CodeSet.BINARY, designator }
    const list = encodeDesignators([one])
    const page = Uint8Array.of(0, 0x83, 0, list.length, ...list)
    return ({ cdb }, next) =>
      cdb[0] === 0x12 && cdb[1] === 1 && cdb[2] === 0x83 ? answer(page) : next()
  }
  const world = 0x50
  const local = 0x30
  const handlers = [world, world, local, local].map((first) => named(naa(first)))
  const units = handlers.map((handler) => ({ memory: MIB, handler }))
  const server = await serve({ listen: place.path('paths.sock'), units })
  const ends = (one: number, other: number) =>
    [one, other].map((lun) => `ring:${place.path('paths.sock')}?lun=${lun}`)
  try {
    const same = await place.sgring(['copy', ...ends(0, 1)])
    assert.equal(same.code, 1)
    assert.match(same.stderr, /lun=0 and \S+lun=1 are the same: naa\.5000000000000001\n/)
    for (const others of [ends(0, 2), ends(2, 3)]) {
      const { code, stderr } = await place.sgring(['copy', ...others])
      assert.equal(code, 0, stderr)
    }
  } finally {
    await server.close()
  }
})

test('copy refuses what cannot be, before it writes', async () => {
  place.file('odd', new Uint8Array(1000))
  place.file('long', new Uint8Array(33 * MIB))
  for (const [line, code, message] of [
    ['copy odd ring:disk', 15, /odd ends 488 bytes into a block of 512 of ring:disk; --pad/],
    [
      'copy long ring:disk',
      15,
      /34603008 bytes are to be copied, and ring:disk has room for 33554432/,
    ],
    ['copy ring:disk ring:disk/0', 1, /ring:disk and ring:disk\/0 are the same/],
    ['copy odd ./odd --force', 1, /odd and \.\/odd are the same/],
    [
      'copy ring:disk/1 x --bs 512 --skip 3',
      1,
      /--skip 3 of 512 bytes is no whole number of blocks of 4096/,
    ],
    ['copy ring:disk x --skip 65537', 22, /--skip is beyond the end of ring:disk/],
    ['copy ring:disk - --verify', 1, /--verify needs a B that is no pipe/],
    ['copy - x --resume', 1, /--resume needs an A that can be read again/],
    ['copy nothing x', 15, /ENOENT/],
    ['copy ring:nobody x', 15, /there is no such socket/],
    ['copy odd', 1, /B is missing/],
  ] as const) {
    const ended = await sgring(line)
    assert.equal(ended.code, code, `${line}: ${ended.stderr}`)
    assert.match(ended.stderr, message)
  }
  assert.deepEqual(
    readdirSync(place.folder).filter((name) => name.startsWith('x')),
    [],
  )
})

test('copy ends quietly when nobody reads its output any more', async () => {
  const line = 'set -o pipefail; sgring copy ring:disk - | head -c 1000 | wc -c; echo $?'
  const { stdout, stderr } = await place.shell(line)
  assert.deepEqual([stdout.toString(), stderr], ['1000\n141\n', ''])
})

test('copy tells of a pipe that is too long for its unit', async () => {
  const ended = await sgring('copy - ring:disk --seek 65535', new Uint8Array(1024))
  assert.equal(ended.code, 15)
  assert.match(ended.stderr, /sgring: - is longer than ring:disk has room: 512 B\n$/)
})

test('copy, read and write move parts of any length, any number at a time', async () => {
  const data = randomBytes(3 * MIB + 512)
  place.file('in', data)
  for (const pace of ['--depth 1', '--part-bytes 1000', '--depth 256 --part-bytes 64K']) {
    await good(`write ring:disk --in in ${pace}`)
    await good(`read ring:disk --out out --blocks ${data.length / 512} --force ${pace}`)
    assert.ok(bytesOf('out').equals(data))
    const through = await sgring(`copy ring:disk - --count ${data.length / 512} ${pace}`)
    assert.ok(through.stdout.equals(data))
  }
  for (const [pace, message] of [
    ['--depth 0', /--depth is 1 to 256, not 0/],
    ['--part-bytes many', /--part-bytes is a number of bytes/],
  ] as const) {
    const { code, stderr } = await sgring(`copy in ring:disk ${pace}`)
    assert.deepEqual([code, message.test(stderr)], [1, true])
  }
})

test('verify names the first byte that differs, with exit code 14', async () => {
  const data = randomBytes(5 * MIB)
  place.file('in', data)
  await good('copy in ring:disk')
  assert.match(await good('verify in ring:disk'), /^compared 5\.0 MiB in .*: the same\n$/)
  data[3 * MIB + 700]! ^= 1
  place.file('other', data)
  const byte = 3 * MIB + 700
  for (const [line, input] of [['verify other ring:disk'], ['verify - ring:disk', data]] as const) {
    const { code, stderr } = await sgring(line, input)
    const message = `sgring: they differ at byte ${byte}: byte ${byte} of ${line.split(' ')[1]}, block ${Math.floor(byte / 512)} of ring:disk\n`
    assert.deepEqual([code, stderr], [14, message])
  }
  const piped = await sgring('verify ring:disk - --bs 1M --count 5', data)
  assert.equal(piped.code, 14)
})

test('verify tells ends that are too short', async () => {
  place.file('short', new Uint8Array(MIB))
  const known = await sgring('verify ring:disk short')
  assert.deepEqual(
    [known.code, known.stderr],
    [14, 'sgring: they differ in length: 33554432 bytes of ring:disk, and 1048576 of short\n'],
  )
  const piped = await sgring('verify short - --bs 1K --count 4', new Uint8Array(4095))
  assert.deepEqual([piped.code, /at byte 4095/.test(piped.stderr)], [14, true])
  const json = await sgring('verify short ring:disk --json')
  const { bytes, same } = JSON.parse(json.stdout.toString())
  assert.deepEqual([bytes, same], [MIB, true])
})

test('copy does not follow a link that stands where the new file is written', async () => {
  place.file('in', new Uint8Array(4096).fill(1))
  place.file('precious', 'precious')
  symlinkSync('precious', place.path('out.part'))
  const { code, stderr } = await sgring('copy in out --force')
  assert.equal(code, 15)
  assert.match(stderr, /ELOOP/)
  assert.equal(String(bytesOf('precious')), 'precious')
  symlinkSync('absent', place.path('link'))
  const nowhere = await sgring('copy in link')
  assert.equal(nowhere.stderr, 'sgring: link exists; --force replaces it\n')
  symlinkSync('absent', place.path('new.part'))
  assert.equal((await sgring('copy in new')).code, 15)
  assert.equal(existsSync(place.path('absent')), false)
})

test.run()
