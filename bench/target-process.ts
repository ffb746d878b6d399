/** The target's program, started and connected to. */

import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ConnectOptions, connect, type Nexus, testUnitReady } from '#dist/index.js'
import type { CaseSetting } from './cases/case.ts'
import { BLOCK_BYTES, blocks } from './image.ts'
import { keepOn, LineChild, start } from './place.ts'
import type { Profiled, Spent } from './profile.ts'
import { IpcUnit } from './rivals/ipc/client.ts'
import { connectNet, type NetUnit } from './rivals/net/client.ts'
import type { TargetOptions } from './target.ts'

/** The unit that answers nothing. */
export const HUNG_LUN = 1

const PROGRAM = fileURLToPath(new URL('target.js', import.meta.url))
const PART_BYTES = 4 << 20

/** What differs between targets. */
export interface TargetTraits extends Pick<TargetOptions, 'disks' | 'state'> {
  /** Tells the targets of one case apart. Default: `target`. */
  readonly name?: string
}

/** A target process whose disk has its image. */
export class TargetProcess implements Profiled {
  readonly #process: ChildProcess
  readonly #child: LineChild
  readonly #sockets: TargetOptions
  readonly #closing: (() => void | Promise<void>)[] = []

  private constructor(process: ChildProcess, child: LineChild, sockets: TargetOptions) {
    this.#process = process
    this.#child = child
    this.#sockets = sockets
  }

  /**
   * @param rival whether to serve the rivals as well
   */
  static async start(
    setting: CaseSetting,
    imageBytes: number,
    rival: boolean,
    { name = 'target', ...more }: TargetTraits = {},
  ): Promise<TargetProcess> {
    const { placement, folder } = setting
    const ring = join(folder, name)
    const net = rival && { net: join(folder, 'net') }
    const options: TargetOptions = { ring, imageBytes, ...more, ...net }
    const args = [...process.execArgv, PROGRAM, JSON.stringify(options)]
    const started = start(process.execPath, args)
    const child = new LineChild('the target', started)
    await child.next()
    keepOn(placement.there, placement, child.pid)
    const target = new TargetProcess(started, child, options)
    await fill(await target.connect(), imageBytes)
    return target
  }

  /** A nexus of its own, so that its counts are its own, too; its unit attention is over. */
  async connect(options: ConnectOptions = {}): Promise<Nexus> {
    const nexus = await connect(this.#sockets.ring, options)
    this.#closing.push(() => nexus.close())
    await nexus.unit(0).testUnitReady()
    return nexus
  }

  /** The rival over a socket, likewise. */
  async connectNet(): Promise<NetUnit> {
    const unit = await connectNet(this.#sockets.net!)
    this.#closing.push(() => unit.close())
    await unit.execute(testUnitReady())
    return unit
  }

  /** The rival by messages, likewise. */
  async connectIpc(): Promise<IpcUnit> {
    const unit = new IpcUnit(this.#process)
    this.#closing.push(() => unit.close())
    await unit.execute(testUnitReady())
    return unit
  }

  async profile(): Promise<() => Promise<Spent>> {
    await this.#child.ask('profile')
    return async () => JSON.parse(await this.#child.ask('profiled'))
  }

  async close(): Promise<void> {
    for (const close of this.#closing) await close()
    await this.#child.close()
  }
}

/** What a nexus costs beside time. */
export function countsOf(nexus: Nexus): Record<string, number> {
  const { batches, wakes } = nexus.stats
  return { batches, wakes }
}

async function fill(nexus: Nexus, imageBytes: number): Promise<void> {
  for (let at = 0; at < imageBytes; at += PART_BYTES) {
    const count = Math.min(PART_BYTES, imageBytes - at) / BLOCK_BYTES
    const lba = at / BLOCK_BYTES
    await nexus.unit(0).write({ lba, data: blocks(lba, count) })
  }
}
