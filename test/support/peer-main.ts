/** A client of another user: connects to the socket of its argument, tells in a JSON line what it may do there, and leaves. */

import { connect, TaskFunction } from '#dist/index.js'

const [path = '', target = '0'] = process.argv.slice(2)

async function told(): Promise<unknown> {
  const allowedUids = [Number(target)]
  const nexus = await connect(path, { allowedUids, slots: 8, arenaBytes: 64 << 10 })
  const unit = nexus.unit(0)
  const { length } = await unit.read({ lba: 0, blocks: 1 })
  const { data } = await unit.execute({ cdb: MODE_SENSE, dataIn: 255 })
  const written = await unit.write({ lba: 0, data: new Uint8Array(512).fill(7) }).then(
    () => 'GOOD',
    ({ senseKey, asc }) => `${senseKey}/${asc}`,
  )
  const { response } = await unit.taskManagement({ function: TaskFunction.LOGICAL_UNIT_RESET })
  await nexus.close()
  return { read: length, protected: (data[2]! & 0x80) !== 0, written, reset: response }
}

/** MODE SENSE(6) for the control mode page; WP is bit 7 of the third byte that it brings (SBC-3 6.4.1). */
const MODE_SENSE = Uint8Array.of(0x1a, 0, 0x0a, 0, 255, 0)

const line = await told().catch(({ code }) => ({ code }))
process.stdout.write(`${JSON.stringify(line)}\n`)
