/**
 * `fs.write` and `fs.read` on two named pipes to another process: what is under way in one turn of the code, or while a write is under
 * way, leaves in the next write.
 */

import { spawnSync } from 'node:child_process'
import { close, open } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Command, Response } from '#dist/index.js'
import { LineChild, start } from '../../place.ts'
import { CDB, RECORD_BYTES, STATUS, TAG } from '../net/record.ts'
import { Outstanding } from '../outstanding.ts'
import { readRecords, Writer } from './pipe.ts'

const PROGRAM = fileURLToPath(new URL('peer.js', import.meta.url))
const [opened, closed] = [promisify(open), promisify(close)]

export class FifoUnit {
  readonly #child: LineChild
  readonly #descriptors: readonly number[]
  readonly #writer: Writer
  readonly #outstanding = new Outstanding()

  private constructor(child: LineChild, descriptors: readonly [number, number]) {
    this.#child = child
    this.#descriptors = descriptors
    const [requests, answers] = descriptors
    this.#writer = new Writer(requests)
    readRecords(answers, (bytes, at) =>
      this.#outstanding.end(bytes.readUInt32LE(at + TAG), bytes.readUInt32LE(at + STATUS)),
    )
  }

  static async start(folder: string): Promise<FifoUnit> {
    const paths = [join(folder, 'requests'), join(folder, 'answers')] as const
    const { status, stderr } = spawnSync('mkfifo', [...paths])
    if (status !== 0) throw new Error(`mkfifo: ${String(stderr).trim()}`)
    const child = new LineChild('the pipe’s peer', start(process.execPath, [PROGRAM, ...paths]))
    // Opening one end waits for the other.
    const requests = await opened(paths[0], 'w')
    const answers = await opened(paths[1], 'r')
    await child.next()
    return new FifoUnit(child, [requests, answers])
  }

  get pid(): number {
    return this.#child.pid
  }

  execute({ cdb }: Command): Promise<Response> {
    return new Promise((resolve) => {
      const record = this.#writer.record()
      record.fill(0, 0, RECORD_BYTES)
      record.writeUInt32LE(this.#outstanding.begin(resolve), TAG)
      for (let index = 0; index < cdb.length; index++) record[CDB + index] = cdb[index]!
    })
  }

  async close(): Promise<void> {
    const [requests, answers] = this.#descriptors
    await closed(requests!)
    await this.#child.close()
    await closed(answers!)
  }
}
