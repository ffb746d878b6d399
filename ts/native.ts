/**
 * The one door to native code. It is opened on first use, so that importing the package works everywhere; what lies behind it is declared
 * here and used nowhere else but in `ts/ring`, `ts/sg`, `ts/state.ts`, `ts/target/backing.ts` and `ts/cli/confine`.
 */

import { createRequire } from 'node:module'
import { CODES, SgringError, type SgringErrorCode } from './errors.ts'
import { nativePlatform } from './platform.ts'

/** What is called for each batch of the pair's queues: functions of their own, which cost a fraction of a method's call (`crates/node/src/calls.rs`). */
export interface InitiatorCalls {
  submit(count: number): number
  reap(arm: boolean): number
}

/**
 * The initiator's end of a pair (`crates/node/src/initiator.rs`). A connection to another process ends with it, also where the socket was taken.
 */
export interface InitiatorPair {
  takeSocket(): number
  readonly peerPid: number
  desk(): ArrayBuffer
  slots(): ArrayBuffer
  arena(): ArrayBuffer
  lease(offset: number, length: number): ArrayBuffer
  calls(): InitiatorCalls
  giveBack(offset: number, length: number): number
  isFree(): boolean
  readonly isSeen: boolean
  outlive(): number
  released(): void
  declined(): void
  reattach(options: ReattachOptions): number
  keepForNobody(): void
  rerun(slot: number): number
  close(): void
}

export interface ReattachOptions {
  readonly path: string
  readonly allowedUids: number[]
  readonly token: Uint8Array
  readonly pair: number
}

export interface ConnectOptions {
  readonly path: string
  readonly slots: number
  readonly arenaBytes: number
  readonly allowedUids: number[]
  readonly token: Uint8Array
  readonly version?: number
  readonly requiredFeatures?: number
  readonly epoch?: number
}

export interface WelcomeRecord {
  readonly version: number
  readonly code: number
  readonly refusal: string
  readonly features: number
  readonly nexus: number
  readonly pair: number
  readonly token: Uint8Array
}

export interface ArrivalRecord {
  readonly pid: number
  readonly uid: number
  readonly readOnly: boolean
  readonly slots: number
  readonly arenaBytes: number
  readonly token: Uint8Array
  readonly returning: number
}

/** As `InitiatorCalls`. */
export interface TargetCalls {
  fetch(arm: boolean): number
  complete(count: number): number
  transfer(count: number): void
}

/** A connection, and the target's end of a pair (`crates/node/src/target.rs`). The connection ends with it, also where the socket was taken. */
export interface TargetPair {
  arrival(): ArrivalRecord | null
  welcome(
    nexus: number,
    pair: number,
    token: Uint8Array,
    ledger?: { readonly path: string; readonly units: number | undefined },
  ): boolean
  ledger(): ArrayBuffer | null
  refuse(code: number): void
  takeSocket(): number
  desk(): ArrayBuffer
  transfers(): ArrayBuffer
  calls(): TargetCalls
  readOut(slot: number, into: Uint8Array): number
  writeIn(slot: number, from: Uint8Array): number
  usePool(pool: IoPool, number: number): void
  peerHasLeft(): boolean
  sayGoodbye(): void
  release(): void
  close(): void
}

export interface ListenOptions {
  readonly path: string
  readonly allowedUids: number[]
  readonly allowedGids: number[]
  readonly readOnlyUids: number[]
  readonly readOnlyGids: number[]
  readonly mode: number
  readonly owner?: number
  readonly group?: number
  readonly maxPending: number
  readonly maxPendingPerUid: number
  readonly connectsPerSecond: number
}

/** A locked file (`crates/node/src/memory.rs`). */
export interface KeptLock {
  release(): void
}

/** A served socket (`crates/node/src/listener.rs`). */
export interface TargetListener {
  takeBell(): number
  accept(): TargetPair | null
  turnedAway(): number
  close(): void
}

/** A backing (`crates/node/src/store.rs`). */
export interface NativeStore {
  readonly length: number
  readonly readOnly: boolean
  resize(length: number): number
  close(): void
}

/** Threads that move bytes (`crates/node/src/store.rs`). */
export interface IoPool {
  takeBell(): number
  add(store: NativeStore): number
  remove(number: number): void
  desk(): ArrayBuffer
  values(): ArrayBuffer
  begin(
    owner: number,
    name: number,
    number: number,
    op: number,
    offset: number,
    length: number,
    pattern: Uint8Array,
  ): void
  reap(): number
  stop(): void
  ended(): boolean
  close(): void
}

export interface KernelOptions {
  readonly path: string
  readonly fd: number
  readonly device: number
  readonly transport: string
  readonly threads: number
  readonly requests: number
  readonly maxTransferBytes: number
  readonly slots: number
  readonly arenaBytes: number
  readonly spinUs: number
}

/** A kernel node that is open (`crates/node/src/kernel.rs`). */
export interface KernelEngine {
  takePair(): InitiatorPair
  stop(): void
  reset(what: number, noEscalate: boolean): KernelReset
  copyTo(to: KernelEngine, options: KernelCopyOptions): KernelCopy
  readonly leftBehind: number
  readonly errno: number
}

/** How a message to a transport node ended; `errno` is not 0 where the rest says nothing. */
export interface MessageAnswer {
  readonly id: number
  readonly errno: number
  readonly deviceStatus: number
  readonly transportStatus: number
  readonly driverStatus: number
  readonly reply: Uint8Array
  readonly dataIn: Uint8Array
  readonly inResidual: number
  readonly outResidual: number
}

/** An open transport node (`crates/node/src/messages.rs`). */
export interface Messenger {
  takeBell(): number
  send(
    id: number,
    request: Uint8Array,
    dataOut: Uint8Array,
    dataInLength: number,
    timeoutMs: number,
  ): number
  reap(): MessageAnswer | null
  close(): void
}

/** A reset under way (`crates/node/src/kernel.rs`). */
export interface KernelReset {
  takeBell(): number
  readonly errno: number
}

export interface KernelCopyEnd {
  readonly cdb: Uint8Array
  readonly lba: number
  readonly blockLength: number
}

export interface KernelCopyOptions {
  readonly from: KernelCopyEnd
  readonly to: KernelCopyEnd
  readonly length: number
  readonly partLength: number
  readonly depth: number
  readonly timeoutMs: number
}

export interface KernelCopyFailure {
  readonly at: number
  readonly length: number
  readonly writing: boolean
  readonly status: number
  readonly hostStatus: number
  readonly driverStatus: number
  readonly errno: number
  readonly inResidual: number
  readonly outResidual: number
  readonly sense: Uint8Array
}

/** A copy under way (`crates/node/src/kernel_copy.rs`). */
export interface KernelCopy {
  takeBell(): number
  progress(): [
    moved: number,
    frontier: number,
    atWork: number,
    reading: number,
    writing: number,
    marked: number,
  ]
  mark(): void
  failure(): KernelCopyFailure | null
  goOn(at: number, length: number): void
  stop(): void
}

/** What a program is confined to, and the program (`crates/node/src/confine.rs`). */
export interface ConfinedProgram {
  readonly paths: { path: string; access: 'read' | 'write' | 'fill' | 'socket' }[]
  readonly keep: string[]
  readonly program: string
  readonly args: string[]
  readonly env: string[]
}

export interface Native {
  openKernel(options: KernelOptions): KernelEngine
  connectPair(options: ConnectOptions): InitiatorPair
  decodeWelcome(bytes: Uint8Array): WelcomeRecord
  detach(buffer: ArrayBuffer): void
  protocol(): { version: number; features: number }
  listen(options: ListenOptions): TargetListener
  userId(name: string): number | null
  groupId(name: string): number | null
  landlockAbi(): number
  execConfined(program: ConfinedProgram): void
  keptFile(path: string, length: number): ArrayBuffer
  keptLock(path: string): KeptLock
  memoryStore(length: number): NativeStore
  fileStore(path: string, readOnly: boolean, create?: number): NativeStore
  mappedStore(path: string, intent: string): NativeStore
  ioPool(threads: number): IoPool
  messenger(fd: number): Messenger
}

let loaded: Native | undefined

/**
 * The native library.
 *
 * @throws SgringError `ERR_SGRING_UNSUPPORTED_PLATFORM` where it cannot work, `ERR_SGRING_NATIVE_MISSING` where it should and is not there
 */
export function native(): Native {
  loaded ??= load()
  return loaded
}

function load(): Native {
  const platform = nativePlatform()
  if (platform === undefined) {
    throw new SgringError(
      'ERR_SGRING_UNSUPPORTED_PLATFORM',
      `${CODES.ERR_SGRING_UNSUPPORTED_PLATFORM}; this is ${process.platform} on ${process.arch}`,
    )
  }
  const require = createRequire(import.meta.url)
  const { version } = require('../package.json') as { version: string }
  const packaged = `sgring-${platform}`
  const failures: unknown[] = []
  for (const from of [() => require(`../native/sgring.${platform}.node`), fromPackage]) {
    try {
      return from() as Native
    } catch (error) {
      failures.push(error)
    }
  }
  throw new SgringError(
    'ERR_SGRING_NATIVE_MISSING',
    `no native library for ${platform} could be loaded: npm install ${packaged}@${version}; see cause for what was tried`,
    { cause: new AggregateError(failures, `neither a build of one's own nor ${packaged}`) },
  )

  /** Both languages know the layout of shared memory, so theirs must be one version. */
  function fromPackage(): unknown {
    const found = (require(`${packaged}/package.json`) as { version: string }).version
    if (found !== version) throw new Error(`${packaged} is ${found}; sgring is ${version}`)
    return require(packaged)
  }
}

/** Calls native code that may throw, and gives its errors their class and code. */
export function translated<T>(call: () => T): T {
  try {
    return call()
  } catch (error) {
    throw translate(error)
  }
}

function translate(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error
  const code = `ERR_SGRING_${error.code}`
  if (!(code in CODES)) return error
  return new SgringError(code as SgringErrorCode, error.message, { cause: error })
}
