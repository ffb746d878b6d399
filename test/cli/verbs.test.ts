import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { verbHelp } from '#dist/cli/help.js'
import { verbs } from '#dist/cli/verbs.js'
import { suite } from '../harness/index.ts'
import { MAIN, Place } from './program.ts'

const test = suite('sgring')
let place: Place
test.before.each(() => {
  place = new Place()
  place.file('disk.img', new Uint8Array(1 << 20).fill(5))
})
test.after.each(() => place.remove())

const disks = ['--memory', '8M', '--memory', '8M']

test('tells its verbs and its exit codes', async () => {
  const { code, stdout } = await place.sgring(['--help'])
  const help = stdout.toString()
  assert.equal(code, 0)
  for (const { name, summary } of verbs) {
    assert.match(help, new RegExp(`^  ${name.replace('sgring ', '')} +${summary}$`, 'm'))
  }
  assert.match(help, /^ {2}24 {2}reservation conflict$/m)
})

test('tells its version', async () => {
  const manifest = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
  const { code, stdout } = await place.sgring(['--version'])
  assert.deepEqual([code, stdout.toString()], [0, `${JSON.parse(manifest).version}\n`])
})

test(
  'tells every option of every verb',
  async () => {
    for (const verb of verbs) {
      const { code, stdout } = await place.sgring([verb.name.replace('sgring ', ''), '--help'])
      assert.deepEqual([code, stdout.toString()], [0, verbHelp(verb)])
      // What a UNIT is, and LIMITS are, the usage leaves to the text behind it.
      const usage = [
        verb.usage,
        ...verb.about.filter((text) => /^(A UNIT is|LIMITS are) /.test(text)),
      ].join()
      for (const name of [...Object.keys(verb.options), 'json']) {
        assert.match(stdout.toString(), new RegExp(`^  --${name} .*`, 'm'))
        assert.ok(usage.includes(`--${name}`), `${verb.name}: the usage leaves out --${name}`)
      }
      for (const [line] of verb.examples) assert.ok(stdout.includes(`\n  ${line}\n`))
    }
  },
  { deadlineMs: 60_000 },
)

test('inquiry prints a table, or all fields as JSON', async () => {
  await place.serve(['--listen', 'disk', ...disks])
  const { stdout } = await place.sgring(['inquiry', 'ring:disk'])
  assert.match(stdout.toString(), /^vendor +sgring\nproduct +DISK IN MEMORY\n/)
  assert.match(stdout.toString(), /^device type +direct access block \(00h\)$/m)
  const json = await place.sgring(['inquiry', 'ring:disk/1', '--json'])
  const { vendor, device_type, command_queue } = JSON.parse(json.stdout.toString())
  assert.deepEqual([vendor, device_type, command_queue], ['sgring', 0, true])
})

test('readcap prints a table, or 64-bit numbers as decimal strings in JSON', async () => {
  await place.serve(['--listen', 'disk', ...disks, '--block-length', '4096'])
  const { stdout } = await place.sgring(['readcap', 'ring:disk'])
  assert.match(
    stdout.toString(),
    /^capacity +8\.0 MiB \(8388608 bytes\)\nblocks +16384 of 512 bytes, the last is 16383$/m,
  )
  const json = await place.sgring(['readcap', 'ring:disk/1', '--json'])
  const { last_lba, blocks, bytes, block_length } = JSON.parse(json.stdout.toString())
  assert.deepEqual([last_lba, blocks, bytes, block_length], ['2047', '2048', '8388608', 4096])
})

test('names what is wrong with a command line, on one line of stderr', async () => {
  for (const [line, message] of [
    ['bogus', "Unknown verb 'bogus' (see sgring --help)"],
    ['--bogus', "Unknown option '--bogus' (see sgring --help)"],
    ['inquiry', 'ADDRESS is missing (see sgring inquiry --help)'],
    ['inquiry ring:a ring:b', "unexpected argument 'ring:b' (see sgring inquiry --help)"],
    ['readcap ring:a --bogus', "Unknown option '--bogus' (see sgring readcap --help)"],
    ['readcap ring:a --timeout x', "--timeout is a number of seconds, as 2 or 0.5, not 'x'"],
    [
      'inquiry disk',
      'disk: the address is none of ring:NAME, ring:NAME/LUN, ring:/path.sock, ring:/path.sock?lun=N, /dev/…',
    ],
  ] as const) {
    const { code, stdout, stderr } = await place.sgring(line.split(' '))
    assert.deepEqual([code, stdout.length, stderr], [1, 0, `sgring: ${message}\n`])
  }
})

test('says how it is used when it is called without a verb', async () => {
  const { code, stderr } = await place.sgring([])
  assert.equal(code, 1)
  assert.match(stderr, /^usage: sgring VERB/)
})

test('tells errors as one line of JSON on stderr, with sense where there is some', async () => {
  await place.serve(['--listen', 'disk', ...disks])
  const nobody = await place.sgring(['inquiry', 'ring:nobody', '--json'])
  assert.equal(nobody.code, 15)
  const { code, exit_code } = JSON.parse(nobody.stderr).error
  assert.deepEqual([code, exit_code], ['ERR_SGRING_NO_TARGET', 15])

  const absent = await place.sgring(['readcap', 'ring:disk/2', '--json'])
  const { message, ...error } = JSON.parse(absent.stderr).error
  assert.match(message, /LOGICAL UNIT NOT SUPPORTED/)
  const expected = {
    code: 'ERR_SGRING_CHECK_CONDITION',
    exit_code: 5,
    sense_key: 5,
    asc: 0x25,
    ascq: 0,
  }
  assert.deepEqual([absent.stdout.length, error], [0, expected])
})

test('ends with 141 and in silence when nobody reads what it says', async () => {
  await place.serve(['--listen', 'disk', ...disks])
  for (const line of ['--help', '--version', 'read --help', 'readcap ring:disk']) {
    // The reader has gone before anything is written.
    const { stderr } = await place.shell(`exec 3> >(:); wait $!; sgring ${line} >&3; echo $? >&2`)
    assert.equal(stderr, '141\n', line)
  }
})

test('tells a stdout that is full', async () => {
  for (const line of ['--help', '--version', 'read --help']) {
    const { stderr } = await place.shell(`sgring ${line} > /dev/full; echo $? >&2`)
    assert.equal(stderr, 'sgring: ENOSPC: no space left on device, write\n15\n', line)
  }
})

test('names in JSON what its own errors are about', async () => {
  await place.serve(['--listen', 'disk', ...disks])
  for (const [line, code] of [
    ['inquiry', 'ERR_SGRING_INVALID_ARGUMENT'],
    ['read ring:disk --out disk.img', 'ERR_SGRING_SYSTEM'],
    ['read ring:disk --out x --lba 16385', 'ERR_SGRING_INVALID_ARGUMENT'],
  ] as const) {
    const { stderr } = await place.sgring([...line.split(' '), '--json'])
    assert.equal(JSON.parse(stderr).error.code, code, line)
  }
})

test('finds names in /run/user where XDG_RUNTIME_DIR is empty or relative', async () => {
  for (const folder of ['', 'relative']) {
    const { code, stderr } = await place.shell(
      `XDG_RUNTIME_DIR=${folder} sgring inquiry ring:nobody-serves-this`,
    )
    assert.equal(code, 15)
    assert.match(stderr, /\/run\/user\/\d+\/sgring\/nobody-serves-this\.sock/)
  }
})

test('is a program that can be executed by its first line', () => {
  assert.ok(readFileSync(MAIN, 'utf8').startsWith('#!/usr/bin/env node\n'))
})

test.run()
