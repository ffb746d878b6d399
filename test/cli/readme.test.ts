import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { verbs } from '#dist/cli/verbs.js'
import { suite } from '../harness/index.ts'
import { Place } from './program.ts'

const README = readFileSync(join(process.cwd(), 'README.md'), 'utf8')
const [, section = ''] = /## On the command line\n(.*?)\n## /s.exec(README) ?? []

const test = suite("README's command line")
let place: Place
test.before.each(() => {
  place = new Place()
})
test.after.each(() => place.remove())

test(
  'runs as it stands',
  async () => {
    place.file('image.bin', randomBytes(3 << 20))
    const [, block = ''] = /```sh\n(.*?)```/s.exec(section) ?? []
    const [first = '', ...lines] = block.replaceAll('npx ', '').trimEnd().split('\n')
    const [, served = ''] = /^sgring serve (.*?) &/.exec(first) ?? []
    await place.serve(served.split(' '))
    assert.ok(lines.length >= 9)
    for (const line of lines) {
      const { code, stderr } = await place.shell(
        `set -o pipefail; ${line.replace('--watch 1', '--watch 0.1')}`,
      )
      assert.equal(code, 0, `${line}: ${stderr}`)
    }
    const whole = await place.shell('gunzip < disk.gz | head -c 3145728 | cmp - image.bin')
    assert.equal(whole.code, 0)
  },
  { deadlineMs: 60_000 },
)

test('names only verbs that there are', () => {
  const names = new Set(verbs.map(({ name }) => name))
  const rows = section.split('\n').filter((line) => line.startsWith('| `'))
  assert.ok(rows.length >= 5)
  for (const row of rows) {
    for (const [, verb = ''] of row.split('|')[2]!.matchAll(/`(\w+)/g)) {
      assert.ok(names.has(`sgring ${verb}`), verb)
    }
  }
})

test.run()
