/** A unit that notes what `sgring bench` sends it. */

import assert from 'node:assert/strict'
import {
  type BackingOptions,
  type Handler,
  parseBlockCdb,
  type Server,
  serve,
} from '#dist/index.js'
import { type Ended, MAIN, Place, type Running } from './program.ts'

/** A READ or WRITE that the unit has met. */
export interface Met {
  readonly write: boolean
  readonly lba: number
  readonly blocks: number
}

/** A place with a target in this process, which serves one unit. */
export class BenchPlace extends Place {
  server: Server | undefined
  met: Met[] = []
  readonly address: string = `ring:${this.path('unit.sock')}`

  /** Serves a disk, of 8 MiB where nothing else is said, whose READs and WRITEs are noted and answered by `answer`. */
  async serving(
    answer: Handler = (_, next) => next(),
    disk: BackingOptions = { memory: 8 << 20 },
  ): Promise<Server> {
    const handler: Handler = (task, next) => {
      const command = parseBlockCdb(task.cdb)
      if (command === undefined) return next()
      this.met.push({ ...command, lba: Number(command.lba) })
      return answer(task, next)
    }
    this.server = await serve({ listen: this.path('unit.sock'), units: [{ ...disk, handler }] })
    return this.server
  }

  /** Runs `sgring bench` on the unit. */
  bench(...args: readonly string[]): Promise<Ended> {
    return this.sgring(['bench', this.address, ...args])
  }

  /** Starts it. */
  startBench(...args: readonly string[]): Running {
    return this.start(process.execPath, [MAIN, 'bench', this.address, ...args])
  }

  /** What it prints as JSON, with its exit code and its stderr. */
  async told(...args: readonly string[]) {
    const { code, stdout, stderr } = await this.bench(...args, '--json')
    assert.notEqual(stdout.length, 0, stderr)
    return { code, stderr, ...JSON.parse(stdout.toString()) }
  }

  override async remove(): Promise<void> {
    await this.server?.close()
    await super.remove()
  }
}
