/** The addon that `bench/build.js` builds from this folder. */

import { createRequire } from 'node:module'

/** See the documentation of `src/`. */
export interface Addon {
  caller(): (cdb: Uint8Array) => number
  work(cdb: Uint8Array): Promise<number>
  /** The thread of libuv's pool that did it. */
  workThread(): Promise<number>
  Answering: new (completed: (word: number) => void) => Answering
  PerCall: new (path: string, slots: number) => PerCall
}

export interface Answering {
  submitter(): (tag: number, cdb: Uint8Array) => void
  close(): void
}

export interface PerCall {
  takeSocket(): number
  functions(): {
    submit(slot: number, tag: number, cdb: Uint8Array): void
    reap(arm: boolean): number
  }
}

let loaded: Addon | undefined

/** Loaded when a case first needs it: not every suite has it built. */
export function addon(): Addon {
  loaded ??= createRequire(import.meta.url)('../../../rivals/napi.node') as Addon
  return loaded
}
