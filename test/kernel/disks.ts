/** Disks that copies go between: what is on them, what they are sent, and who moves it. */

import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '../support/folder.ts'

const DEVICES = '/sys/bus/scsi/devices'
const HOSTS = '/sys/class/scsi_host'
const image = join(temporaryFolder(), 'image')

/** A disk by its address. */
export class Disk {
  readonly name: string
  readonly blockLength: number
  readonly bsg: `/dev/${string}`
  readonly sg: `/dev/${string}`

  constructor(name: string, blockLength = 512) {
    this.name = name
    this.blockLength = blockLength
    this.bsg = `/dev/bsg/${name}`
    this.sg = `/dev/${readdirSync(`${DEVICES}/${name}/scsi_generic`)[0]}`
  }

  /** Writes it from its first block on. */
  store(data: Uint8Array): void {
    writeFileSync(image, data)
    const args = [`if=${image}`, `of=${this.sg}`, ...this.#blocks(data.length)]
    execFileSync('sg_dd', args, { stdio: 'pipe' })
  }

  /** What it holds from its first block on. */
  stored(bytes: number): Buffer {
    const args = [`if=${this.sg}`, 'of=-', ...this.#blocks(bytes)]
    return execFileSync('sg_dd', args, { maxBuffer: 2 * bytes, stdio: 'pipe' })
  }

  /** Commands that it was ever sent. */
  get sent(): number {
    return this.#count('iorequest_cnt')
  }

  /** And those of them that have ended. */
  get ended(): number {
    return this.#count('iodone_cnt')
  }

  /** Its host keeps what is sent to it from now on (drivers/scsi/scsi_lib.c, `scsi_queue_rq`), until it is released. */
  hold(): void {
    this.#setHost('recovery')
  }

  release(): void {
    this.#setHost('running')
  }

  #setHost(state: string): void {
    writeFileSync(`${HOSTS}/host${this.name.split(':')[0]}/state`, `${state}\n`)
  }

  #count(attribute: string): number {
    return Number(readFileSync(`${DEVICES}/${this.name}/${attribute}`, 'utf8'))
  }

  #blocks(bytes: number): string[] {
    return [`bs=${this.blockLength}`, 'bpt=16', `count=${bytes / this.blockLength}`]
  }
}

/** How many threads a process has that move parts from node to node. */
export function movers(pid: number): number {
  const names = readdirSync(`/proc/${pid}/task`).map((thread) => {
    try {
      return readFileSync(`/proc/${pid}/task/${thread}/comm`, 'utf8')
    } catch {
      // It ended meanwhile.
      return ''
    }
  })
  return names.filter((name) => name === 'sgring-copy\n').length
}
