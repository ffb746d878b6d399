import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { linesOf } from '#dist/cli/admin/lines.js'
import { suite } from '../harness/index.ts'

const test = suite('lines of a stream')

/** All lines of these bytes, in chunks of random lengths, each part of one buffer that is used again. */
async function read(bytes: Uint8Array, maxBytes: number, longest: number): Promise<string[]> {
  async function* chunks() {
    const reused = new Uint8Array(longest)
    for (let from = 0; from < bytes.length; ) {
      const chunk = bytes.subarray(from, from + randomInt(1, longest + 1))
      reused.set(chunk)
      yield reused.subarray(0, chunk.length)
      from += chunk.length
    }
  }
  return all(linesOf(chunks(), maxBytes))
}

async function all(lines: AsyncIterable<string>): Promise<string[]> {
  const read: string[] = []
  for await (const line of lines) read.push(line)
  return read
}

test('are the same however they are cut', async () => {
  for (let round = 0; round < 300; round++) {
    const lines = Array.from({ length: randomInt(0, 20) }, () =>
      [...'aé漢🎞 {"'.repeat(5)].slice(randomInt(0, 30)).join(''),
    )
    const rest = 'x'.repeat(randomInt(0, 3))
    const bytes = new TextEncoder().encode(`${lines.map((line) => `${line}\n`).join('')}${rest}`)
    const longest = Math.max(3, ...lines.map((line) => Buffer.byteLength(line)))
    assert.deepEqual(await read(bytes, longest, randomInt(1, 40)), lines)
    const most = Math.max(0, ...lines.map((line) => Buffer.byteLength(line)))
    if (most > 3) await assert.rejects(read(bytes, most - 1, randomInt(1, 40)), /bytes at most/)
  }
})

test('are lines or an error, whatever the bytes are', async () => {
  for (let round = 0; round < 300; round++) {
    const bytes = Uint8Array.from({ length: randomInt(0, 200) }, () =>
      randomInt(0, 8) === 0 ? 0x0a : randomInt(0, 256),
    )
    const wanted = new TextDecoder('utf-8', { ignoreBOM: true })
    const pieces = Buffer.from(bytes).toString('latin1').split('\n').slice(0, -1)
    const expected = pieces.map((piece) => wanted.decode(Buffer.from(piece, 'latin1')))
    const isText = pieces.every((piece) => isUtf8(Buffer.from(piece, 'latin1')))
    const lines = read(bytes, 200, randomInt(1, 40))
    if (isText) assert.deepEqual(await lines, expected)
    else await assert.rejects(lines, /not UTF-8/)
  }
})

test('that are too long are refused before they end', async () => {
  let asked = 0
  async function* endless() {
    for (;;) {
      asked += 1
      yield new Uint8Array(1000)
    }
  }
  await assert.rejects(all(linesOf(endless(), 10_000)), /10000 bytes at most/)
  assert.equal(asked, 11)
})

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return true
  } catch {
    return false
  }
}

test.run()
