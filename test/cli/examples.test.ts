/** Every example of every verb's help runs, as it stands; those of devices in guests: test/kernel/examples.test.ts. */

import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import type { Verb } from '#dist/cli/verb.js'
import { verbs } from '#dist/cli/verbs.js'
import { connect, type Server, serve } from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { isOfDevice } from './device-example.ts'
import { Place } from './program.ts'

const test = suite('the examples of the help')
let place: Place
test.before.each(() => {
  place = new Place()
  place.file('disk.img', new Uint8Array(1 << 20).fill(5))
  place.file('notes.txt', 'notes')
  place.file('block.bin', new Uint8Array(512).fill(6))
  place.file(
    'served.json',
    '{"listen": "disk", "units": [{"memory": "8M"}, {"memory": "8M"}], "allow_paths": ["."]}',
  )
})
test.after.each(() => place.remove())

/** What an example's reader has done before. */
const PREPARED: Readonly<Record<string, string>> = {
  'sgring read ring:disk --out disk.img': 'rm disk.img;',
}

function serveDisks(line: string): Promise<Server> {
  mkdirSync(place.path('sgring'))
  const listen = place.path(line.includes('disk.sock') ? 'disk.sock' : 'sgring/disk.sock')
  const disk = { memory: 8 << 20, thin: true }
  return serve({ listen, units: [disk, disk] })
}

const SERVING = ['sgring serve', 'sgring admin']
const lines = (verb: Verb) =>
  verb.examples.map(([line]) => line).filter((line) => !isOfDevice(line))
const linesOf = (name: string) => lines(verbs.find((verb) => verb.name === name)!)
for (const verb of verbs.filter(({ name }) => !SERVING.includes(name))) {
  for (const line of lines(verb)) {
    test(line, async () => {
      const server = await serveDisks(line)
      const nexus = await connect(server.listen)
      try {
        const prepared = `TOKEN=${nexus.share()}; ${PREPARED[line] ?? ''}`
        const { code, stderr } = await place.shell(`${prepared} set -o pipefail; ${line}`)
        assert.equal(code, 0, stderr)
      } finally {
        await nexus.close()
        await server.close()
      }
    })
  }
}

for (const line of linesOf('sgring admin')) {
  test(line, async () => {
    await place.serve(['--config', 'served.json'])
    const { code, stderr } = await place.shell(line)
    assert.equal(code, 0, stderr)
  })
}

for (const line of linesOf('sgring serve')) {
  test(line, async () => {
    const [, , ...args] = line.split(' ')
    if (args[0] === '--schema') {
      assert.equal((await place.shell(line)).code, 0)
      return
    }
    const server = await place.serve(args)
    const address = line.includes('--json')
      ? JSON.parse(server.line).address
      : /ring:[^:]*/.exec(server.line)?.[0]
    assert.equal((await place.sgring(['readcap', address])).code, 0)
    server.child.kill('SIGINT')
    assert.equal((await server.ended()).code, 0)
  })
}

test.run()
