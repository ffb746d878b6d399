/** A process that answers records, and the connection to it. */

import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { keepOn, LineChild, type Placement, start } from '../../place.ts'
import { connectNet, type NetUnit } from './client.ts'

const PROGRAM = fileURLToPath(new URL('peer.js', import.meta.url))

export class NetPeer {
  readonly unit: NetUnit
  readonly #child: LineChild

  private constructor(unit: NetUnit, child: LineChild) {
    this.unit = unit
    this.#child = child
  }

  static async start(
    folder: string,
    placement: Placement,
    form: 'coalesced' | 'plain',
  ): Promise<NetPeer> {
    const path = join(folder, form)
    const args = [...process.execArgv, PROGRAM, path, form]
    const child = new LineChild('the peer over net', start(process.execPath, args))
    await child.next()
    keepOn(placement.there, placement, child.pid)
    return new NetPeer(await connectNet(path, form === 'plain'), child)
  }

  async close(): Promise<void> {
    this.unit.close()
    await this.#child.close()
  }
}
