/** Targets of which the kernel does not show whether their process lives: those of another pid namespace, before Linux 6.5. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { native } from '#dist/native.js'
import { Commands } from '#dist/ring/commands.js'
import { connectPair } from '#dist/ring/connect.js'
import { Functions } from '#dist/ring/functions.js'
import { RingPair } from '#dist/ring/pair.js'
import { listenOptions, resolvePortOptions } from '#dist/ring/port-options.js'
import { recover } from '#dist/ring/recovery.js'
import { suite } from '../harness/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import { until } from '../support/until.ts'
import { CarelessTarget } from './careless-target.ts'

const test = suite('a target that nobody can see')

for (const isSeen of [false, true]) {
  const what = isSeen ? 'and one that is seen and lives is waited for' : 'is not waited for'
  test(`${what} when it hangs up: its nexus ends with a reason`, async () => {
    const path = join(temporaryFolder(), 'target.sock')
    const listener = native().listen({ path, ...listenOptions(resolvePortOptions({})) })
    const connecting = connectPair(path, { slots: 8, spinUs: 0 })
    const accepted = await until('a connection', () => listener.accept() ?? undefined)
    const target = new CarelessTarget(accepted)
    const { pair, bell, options, where } = await connecting
    // As on such a kernel; everything else is what it is.
    const unseen = new Proxy(pair, {
      get(native, name) {
        const value = name === 'isSeen' ? isSeen : Reflect.get(native, name)
        return typeof value === 'function' ? value.bind(native) : value
      },
    })
    let interrupted = 0
    const ring = new RingPair(unseen, bell, 0, options, () => {})
    const identity = { ...where, token: new Uint8Array(16).fill(1), pair: 0 }
    recover(
      ring,
      unseen,
      identity,
      { waitMs: isSeen ? 50 : 2 ** 31 - 1, policy: 'fail' },
      {
        interrupted: () => interrupted++,
        resumed: () => {},
      },
    )
    const commands = new Commands(ring, new Functions(ring, options), options)
    const lost = assert.rejects(commands.execute(0, { cdb: new Uint8Array(6), timeoutMs: 0 }), {
      code: 'ERR_SGRING_NEXUS_LOST',
      message: isSeen ? /its process did not end in time/ : /the kernel does not show it/,
    })
    // It lives, and may write to the segment.
    target.socket.end()
    await lost
    assert.equal(interrupted, 1)
    target.leave()
    listener.close()
  })
}

test.run()
