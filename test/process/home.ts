/** Where servers follow one another: a socket, a state folder, a disk. */

import { mkdtempSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type ConnectOptions, connect, type Nexus } from '#dist/index.js'
import { deadlineScale } from '../harness/deadline.ts'
import { temporaryFolder } from '../support/folder.ts'
import { type ServerConfig, ServerProcess } from '../support/server.ts'

const BLOCKS = 2048
const root = temporaryFolder()

/** Longer than any next server takes to be there. */
export const PATIENT: { readonly waitMs: number } = { waitMs: 100_000 * deadlineScale }

/** Unit 0 is a disk in a file, and the others are its caller's. */
export class Home {
  readonly folder = mkdtempSync(join(root, 'home-'))
  readonly listen = join(this.folder, 'target.sock')
  readonly #units: ServerConfig['units']
  #made = false

  constructor(units: ServerConfig['units'] = []) {
    this.#units = units
  }

  start(options: Partial<ServerConfig> = {}): Promise<ServerProcess> {
    return ServerProcess.start({ ...this.config(), ...options })
  }

  /** What the next server serves. */
  config(): ServerConfig {
    const file = join(this.folder, 'disk.img')
    const disk = this.#made ? { file } : { file, createBytes: BLOCKS * 512 }
    this.#made = true
    return {
      listen: this.listen,
      state: join(this.folder, 'state'),
      graceMs: 60_000 * deadlineScale,
      units: [disk, ...this.#units],
    }
  }

  /** A client that waits for the next server. */
  connect({ recovery, ...options }: ConnectOptions = {}): Promise<Nexus> {
    return connect(this.listen, { ...options, recovery: { ...PATIENT, ...recovery } })
  }

  ledgers(): string[] {
    return readdirSync(join(this.folder, 'state', 'ledgers'))
  }
}
