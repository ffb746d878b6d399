import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from './index.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const { DEADLINE_SCALE, forgotten, runFile } = await import(join(root, 'scripts/lib/files.js'))
const { libtest } = await import(join(root, 'scripts/lib/cargo.js'))
const { satisfies } = await import(join(root, 'scripts/lib/toolchain.js'))
const { installEnvironment } = await import(join(root, 'scripts/setup.js'))

function runFixture(name: string, deadlineMs?: number) {
  const built = fileURLToPath(new URL(`./fixtures/${name}.js`, import.meta.url))
  return runFile(root, `${name}.test.ts`, built, deadlineMs === undefined ? {} : { deadlineMs })
}

const test = suite('the runner')

test('counts what a file reports', async () => {
  const { passed, failed, skipped, trouble } = await runFixture('skipping')
  assert.deepEqual([passed, failed, trouble], [1, 0, undefined])
  assert.deepEqual(skipped[0], { test: 'tapes > reads a real tape', reason: 'needs /dev/nst0' })
})

test('names the file and the test that a signal ended', async () => {
  const { passed, failed, trouble } = await runFixture('crashing')
  assert.deepEqual([passed, failed], [0, 1])
  assert.match(trouble, /crashing\.test\.ts was ended by SIGSEGV during "crashes > by a signal"/)
})

test('kills a file that blocks its own process, and names the test', async () => {
  // By then it has begun, also where Node starts slowly.
  const { failed, trouble } = await runFixture('spinning', 6_000)
  assert.equal(failed, 1)
  assert.match(
    trouble,
    /spinning\.test\.ts was killed at its deadline, .* during "spins > for ever"/,
  )
})

test('fails a file that reports failures', async () => {
  const { passed, failed, trouble } = await runFixture('hanging')
  assert.deepEqual([passed, failed], [1, 1])
  const scale = Number(process.env.SGRING_DEADLINE_SCALE ?? DEADLINE_SCALE)
  const told = `for an answer that never comes did not end within ${50 * scale} ms`
  assert.ok(trouble.includes(told), trouble)
})

test('fails a file that cannot be loaded', async () => {
  const { passed, failed, trouble } = await runFixture('there-is-no-such-file')
  assert.deepEqual([passed, failed], [0, 1])
  assert.match(trouble, /ended with exit code 1 after no test/)
})

test('finds test files that no run would reach', () => {
  const tree = mkdtempSync(join(tmpdir(), 'sgring-tree-'))
  const harness = "import { suite } from '../harness/index.ts'\n"
  const files = {
    'test/ring/good.test.ts': `${harness}import '../ring/shared.ts'\n`,
    'test/ring/shared.ts': harness,
    'test/ring/lost.ts': harness,
    'test/ring/odd.spec.ts': harness,
    'ts/scsi/cdb.test.ts': '',
  }
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(tree, dirname(path)), { recursive: true })
      writeFileSync(join(tree, path), text)
    }
    assert.deepEqual(forgotten(tree), [
      'test/ring/odd.spec.ts: is named as a test but is not test/….test.ts',
      'ts/scsi/cdb.test.ts: is named as a test but is not test/….test.ts',
      'test/ring/lost.ts: has suites, but no test file imports it',
      'test/ring/odd.spec.ts: has suites, but no test file imports it',
    ])
  } finally {
    rmSync(tree, { recursive: true })
  }
})

test('reads what libtest prints, and takes a missing result for a crash', () => {
  const output = `
     Running unittests src/lib.rs (target/debug/deps/sgring_ring-0123456789abcdef)

running 3 tests
test empty ... ok
test wraps ... FAILED
test slow ... ignored, takes an hour

test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.25s

     Running tests/pair.rs (target/debug/deps/pair-0123456789abcdef)

running 1 test
   Doc-tests sgring_ring

running 2 tests
test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s
`
  const seen = libtest('rust', output).map(
    ({ name, passed, failed, skipped }: Record<string, unknown>) => [name, passed, failed, skipped],
  )
  assert.deepEqual(seen, [
    ['rust sgring_ring unittests src/lib.rs', 1, 1, [{ test: 'slow', reason: 'takes an hour' }]],
    ['rust pair tests/pair.rs', 0, 1, []],
    ['rust sgring_ring documentation', 2, 0, []],
  ])
})

test('knows which Node versions the package supports', () => {
  const engines = '^20.19 || ^22.13 || >=24'
  const versions = [
    '20.18.3',
    '20.19.0',
    '21.9.0',
    '22.12.0',
    '22.13.1',
    '23.11.0',
    '24.0.0',
    '26.10.0',
  ]
  assert.deepEqual(
    versions.filter((version) => satisfies(version, engines)),
    ['20.19.0', '22.13.1', '24.0.0', '26.10.0'],
  )
})

test('installs the same whatever npm was told about something else', () => {
  const kept = {
    PATH: '/bin',
    npm_config_registry: 'https://registry.example',
    npm_config_cafile: 'ca',
  }
  const dropped = { NODE_ENV: 'production', npm_config_loglevel: 'silent', npm_config_omit: 'dev' }
  assert.deepEqual(installEnvironment({ ...kept, ...dropped }), kept)
})

test.run()
