/** What every parser owes to any bytes: a result, or `ERR_SGRING_RESPONSE`. */

import assert from 'node:assert/strict'
import { generator, randomBytes, seed } from './random.ts'

const ROUNDS = 3_000
const MAX_LENGTH = 300

/**
 * Feeds a parser good data that are cut anywhere, good data with some bytes changed, and random bytes; nothing else than
 * `ERR_SGRING_RESPONSE` may come out as an error, and both results and errors shall.
 */
export function survivesAnyBytes(
  name: string,
  good: Uint8Array,
  parse: (data: Uint8Array) => unknown,
): void {
  const next = generator(seed)
  let results = 0
  let refusals = 0
  const feed = (data: Uint8Array): void => {
    try {
      parse(data)
      results++
    } catch (error) {
      if ((error as { code?: string }).code !== 'ERR_SGRING_RESPONSE') {
        const input = Buffer.from(data).toString('hex')
        throw new Error(`${name}, seed ${seed}, ${input}`, { cause: error })
      }
      refusals++
    }
  }
  parse(good)
  for (let length = 0; length <= Math.min(good.length, MAX_LENGTH); length++) {
    feed(good.subarray(0, length))
  }
  for (let round = 0; round < ROUNDS; round++) {
    const changed = good.slice()
    for (let changes = 1 + (next() % 4); changes > 0; changes--) {
      // Lengths and flags stand at the beginning.
      const end = (next() & 1) === 0 ? Math.min(changed.length, 16) : changed.length
      changed[next() % end] = next()
    }
    feed(changed)
    feed(randomBytes(next, next() % MAX_LENGTH))
  }
  assert.ok(results > 0, `${name} has read nothing: seed ${seed}`)
  assert.ok(refusals > 0, `${name} has refused nothing: seed ${seed}`)
}
