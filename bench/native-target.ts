/** The native target's program, started and connected to: `crates/bench/src/target.rs`. */

import { join } from 'node:path'
import { type ConnectOptions, connect, type Nexus } from '#dist/index.js'
import type { CaseSetting } from './cases/case.ts'
import { keepOn, LineChild, start } from './place.ts'
import { connectNet, type NetUnit } from './rivals/net/client.ts'

export class NativeTarget {
  readonly #child: LineChild
  readonly #folder: string
  readonly #closing: (() => void | Promise<void>)[] = []

  private constructor(child: LineChild, folder: string) {
    this.#child = child
    this.#folder = folder
  }

  /** @param serviceNs what a command over the ring takes */
  static async start(
    { placement, nativeProgram, folder }: CaseSetting,
    serviceNs = 0,
  ): Promise<NativeTarget> {
    const args = ['target', folder, String(serviceNs)]
    const child = new LineChild('the native target', start(nativeProgram, args))
    await child.next()
    keepOn(placement.there, placement, child.pid)
    return new NativeTarget(child, folder)
  }

  /** Where the ring is served. */
  get ring(): string {
    return join(this.#folder, 'ring')
  }

  async connect(options: ConnectOptions = {}): Promise<Nexus> {
    const nexus = await connect(this.ring, options)
    this.#closing.push(() => nexus.close())
    return nexus
  }

  /** The same commands as records on a socket. */
  async connectNet(): Promise<NetUnit> {
    const unit = await connectNet(join(this.#folder, 'net'))
    this.#closing.push(() => unit.close())
    return unit
  }

  async close(): Promise<void> {
    for (const close of this.#closing) await close()
    await this.#child.close()
  }
}
