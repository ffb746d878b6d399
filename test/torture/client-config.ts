/** What clients are told, and whose blocks are whose. */

import type { Policy } from './event.ts'

/** Who gives commands. */
export interface Giver {
  /** Number of the client, below 64. */
  readonly client: number
  /** Of its life, from 1: each that follows a dead one has one more. */
  readonly life: number
  /** Of its worker, from 1; 0 for the main thread. */
  readonly worker: number
}

/** What a client is to do. */
export interface ClientConfig {
  readonly socket: string
  readonly seed: number
  readonly giver: Giver
  readonly policy: Policy
  /** The first of its blocks, of each disk. */
  readonly lba: number
  /** Whether a worker of its own gives commands, too. */
  readonly hasWorker: boolean
  /** Token of the nexus that it joins. */
  readonly join?: string
  /** Whether it gives the same commands, once for each time that it is told to go, and not those that its seed says, without an end. */
  readonly scripted?: boolean
}

/** Blocks that a client has alone: the second half of them is its worker's. */
export const BLOCKS_A_CLIENT = 256

/** A command of somebody's. */
export interface CommandName extends Giver {
  readonly command: number
}

/** As it stands in the history. What begins as the name of its client is the client's. */
export function idOf({ command, ...giver }: CommandName): string {
  return `${nameOf(giver)}/${command}`
}

/** Of a client's life, or of a worker's in it. */
export function nameOf({ client, life, worker }: Giver): string {
  return worker === 0 ? `${client}.${life}` : `${client}.${life}.${worker}`
}

/** A number below 2^52 that no other write has: 64 clients, 16,384 lives, 1023 workers each, 4,194,304 commands each. */
export function versionOf({ client, life, worker, command }: CommandName): number {
  return ((client * 0x4000 + (life % 0x4000)) * 0x400 + (worker % 0x400)) * 0x40_0000 + command + 1
}
