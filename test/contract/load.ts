/** Thousands of commands of every kind at once, held against a model. */

import assert from 'node:assert/strict'
import { read10, read16, Status, write10 } from '#dist/index.js'
import type { Suite } from '../harness/index.ts'
import { pattern } from '../support/pattern.ts'
import { type Contract, openReady } from './contract.ts'

/** Lanes work on regions of their own, so that the order within a lane is the only one that counts. */
const LANES = 100

export function loadContract(test: Suite, contract: Contract): void {
  const { blockLength, blocks, share = 1 } = contract
  const commands = 6000 * share
  const region = Math.min(64, Math.floor(blocks / LANES))

  for (const [what, options] of [
    ['with room', {}],
    ['with 8 slots and an arena of 256 KiB', { slots: 8, arenaBytes: 256 << 10 }],
  ] as const) {
    test(
      `${commands} commands of every kind give what a model gives, ${what}`,
      async () => {
        await using opened = await openReady(contract, 'disk', options)
        const { unit } = opened
        let random = 12_345
        const below = (limit: number) => {
          random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0
          return Math.floor((random / 2 ** 32) * limit)
        }

        async function lane(number: number): Promise<void> {
          const start = number * region
          const model = new Uint8Array(region * blockLength)
          await unit.write({ lba: start, data: model })
          for (let left = commands / LANES; left > 0; left--) {
            const at = below(region)
            const count = 1 + below(Math.min(16, region - at))
            const lba = start + at
            const bytes = count * blockLength
            const expected = model.subarray(at * blockLength, at * blockLength + bytes)
            switch (below(6)) {
              case 0:
              case 1: {
                const data = pattern(bytes, below(2 ** 30))
                model.set(data, at * blockLength)
                await unit.run(write10({ lba, data, blockLength }))
                break
              }
              case 2:
                assert.ok(
                  Buffer.from(await unit.run(read16({ lba, blocks: count, blockLength }))).equals(
                    expected,
                  ),
                )
                break
              case 3: {
                const { cdb } = read10({ lba, blocks: count, blockLength })
                const response = await unit.execute({ cdb, dataIn: bytes, lease: true })
                assert.equal(response.status, Status.GOOD)
                assert.ok(Buffer.from(response.data).equals(expected))
                response.release()
                break
              }
              case 4: {
                const { cdb } = read10({ lba, blocks: count, blockLength })
                const into = new Uint8Array(bytes + 100)
                const { data, residual } = await unit.execute({ cdb, dataIn: into })
                assert.equal(residual, 100)
                assert.ok(Buffer.from(data).equals(expected))
                break
              }
              default:
                assert.equal((await unit.inquiry()).deviceType, 0)
            }
          }
          assert.ok(Buffer.from(await unit.read({ lba: start, blocks: region })).equals(model))
        }

        await Promise.all(Array.from({ length: LANES }, (_, number) => lane(number)))
      },
      { deadlineMs: 90_000 },
    )
  }
}
