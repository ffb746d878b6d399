import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { verbs } from '#dist/cli/verbs.js'
import { suite } from '../harness/index.ts'
import { Place } from './program.ts'

const missing = (shell: string) =>
  spawnSync(shell, ['--version']).error === undefined
    ? undefined
    : `needs ${shell}: apt-get install ${shell}`

const test = suite('sgring completion')
let place: Place
test.before.each(() => {
  place = new Place()
})
test.after.each(() => place.remove())

const names = verbs.map(({ name }) => name.replace('sgring ', ''))

/** What bash offers at the end of a line, in words as it splits them. */
async function offered(line: string): Promise<string[]> {
  const script = `
    eval "$(sgring completion bash)"
    COMP_LINE='${line}' COMP_POINT=\${#COMP_LINE}
    read -ra COMP_WORDS <<< "\${COMP_LINE//:/ : }"
    _sgring
    printf '%s\\n' "\${COMPREPLY[@]}"`
  const { code, stdout, stderr } = await place.shell(script)
  assert.deepEqual([code, stderr], [0, ''])
  return stdout
    .toString()
    .split('\n')
    .filter((word) => word !== '')
}

test('completes verbs in bash', async () => {
  assert.deepEqual(await offered('sgring '), [...names, '--help', '--version'])
  assert.deepEqual(await offered('sgring inq'), ['inquiry'])
})

test(
  'completes every option of a verb in bash',
  async () => {
    for (const verb of verbs) {
      const expected = [...Object.keys(verb.options), 'json', 'help'].map((name) => `--${name}`)
      assert.deepEqual(await offered(`${verb.name} --`), expected)
    }
  },
  { deadlineMs: 120_000 },
)

test('completes targets in bash, before and after their colon', async () => {
  await place.serve(['--listen', 'disk', '--memory', '1M'])
  await place.serve(['--listen', 'dusk', '--memory', '1M'])
  assert.deepEqual(await offered('sgring inquiry '), ['ring:disk', 'ring:dusk'])
  assert.deepEqual(await offered('sgring inquiry ring:di'), ['disk'])
  assert.deepEqual(await offered('sgring read ring:disk --out ring:du'), [])
})

test('completes paths of devices in bash, also those that have colons', async () => {
  await place.shell('mkdir bsg; touch bsg/0:0:0:0 bsg/0:0:0:1')
  const folder = place.path('bsg')
  assert.deepEqual(await offered(`sgring inquiry ${place.path('bs')}`), [folder])
  assert.deepEqual(await offered(`sgring inquiry ${folder}/0:0:`), ['0:0', '0:1'])
})

test('completes files where a file stands in bash', async () => {
  place.file('some.img', '')
  assert.deepEqual(await offered('sgring read ring:disk --out so'), ['some.img'])
  assert.deepEqual(await offered('sgring completion z'), ['zsh'])
})

test(
  'completes verbs, options and targets in fish',
  async () => {
    await place.serve(['--listen', 'disk', '--memory', '1M'])
    const complete = (line: string) =>
      place.shell(`fish --no-config -c 'sgring completion fish | source; complete -C "${line}"'`)
    const verbsOffered = (await complete('sgring ')).stdout.toString()
    for (const { name, summary } of verbs) {
      assert.ok(verbsOffered.includes(`${name.replace('sgring ', '')}\t${summary}\n`), name)
    }
    assert.match((await complete('sgring read --l')).stdout.toString(), /^--lba\t/)
    assert.match((await complete('sgring inquiry ri')).stdout.toString(), /^ring:disk/)
    assert.match((await complete('sgring inquiry /dev/nul')).stdout.toString(), /^\/dev\/null/m)
  },
  { skip: missing('fish') },
)

test(
  'is a completion function that zsh takes',
  async () => {
    const { code, stdout, stderr } = await place.shell(
      `sgring completion zsh > _sgring; zsh -f -c 'fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -D; print $_comps[sgring]; source ./_sgring; print $_comps[sgring]; functions _sgring_units'`,
    )
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout.toString(), /^_sgring\n_sgring\n_sgring_units \(\) \{/)
  },
  { skip: missing('zsh') },
)

test(
  'describes options to zsh, and finds targets',
  async () => {
    await place.serve(['--listen', 'disk', '--memory', '1M'])
    // _arguments itself needs a line editor: its words are looked at instead.
    const script = `autoload -Uz compinit; compinit -u -D; source ./_sgring
      _arguments() { print -rl -- "$@" }
      compadd() { shift; print -rl -- \${(P)1} }
      words=(sgring readcap ""); CURRENT=3; _sgring; _sgring_units`
    place.file('try.zsh', script)
    const { stdout, stderr } = await place.shell(
      'sgring completion zsh > _sgring; zsh -f ./try.zsh',
    )
    assert.equal(stderr, '')
    const lines = stdout.toString().trimEnd().split('\n')
    assert.equal(lines.at(-1), 'ring:disk')
    assert.equal(lines.at(-2), '*:unit:_sgring_units')
    assert.match(
      lines[0] ?? '',
      /^\*--timeout\[give up .*; default\\: 5 to connect, then 60\]:SECONDS: $/,
    )
  },
  { skip: missing('zsh') },
)

test('names the shells that it knows', async () => {
  const { code, stderr } = await place.sgring(['completion', 'csh'])
  assert.deepEqual([code, stderr], [1, "sgring: SHELL is bash, zsh or fish, not 'csh'\n"])
})

test.run()
