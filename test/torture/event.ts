/** What happens in a run, as clients and targets write it, a JSON line each, and as the history keeps it. */

/** What a command does. */
export type Kind =
  /** READ, of blocks. */
  | 'read'
  /** WRITE, of blocks. */
  | 'write'
  /** COMPARE AND WRITE, of a block. */
  | 'swap'
  /** COMPARE AND WRITE that cannot succeed: no block ever holds what it is given. */
  | 'differ'
  /** A command that its unit counts. */
  | 'count'
  /** A command that its unit counts and does not answer, until it is aborted. */
  | 'hold'
  /** A command that changes neither blocks nor counts: a mode, a cache. */
  | 'other'
  /** A task management function. */
  | 'function'

/** What becomes of a command that a target had begun when it died. */
export type Policy = 'fail' | 'rerun'

/** A client is about to give a command. */
export interface Begin {
  readonly at: 'begin'
  /** No two have the same, and its client's name is its beginning (`idOf`). */
  readonly id: string
  readonly kind: Kind
  readonly policy: Policy
  readonly unit: number
  /** Blocks that it is about; none: 0 blocks. */
  readonly lba: number
  readonly blocks: number
  /** What a block will hold. */
  readonly version?: number
}

/** How a command ended, as its caller was told. */
export type Outcome =
  /** GOOD; of a function, any service response. */
  | 'good'
  /** A status that says that nothing was done: a unit attention condition, BUSY, TASK SET FULL. */
  | 'refused'
  /** COMPARE AND WRITE found something else than it was given. */
  | 'different'
  /** It was aborted, or the medium failed: some of it may have been done. */
  | 'partly'
  /** The target had begun it and died: nobody knows. */
  | 'unknown'
  /** The nexus was lost. */
  | 'lost'
  /** Anything else, which is a fault. */
  | 'odd'

/** A command has ended. */
export interface End {
  readonly at: 'end'
  readonly id: string
  readonly outcome: Outcome
  /** Of a READ that was GOOD: what each block held. */
  readonly found?: readonly (number | string)[]
  /** More, in words. */
  readonly why?: string
}

/** A unit carries out a command that it counts. */
export interface Executed {
  readonly at: 'executed'
  readonly id: string
}

/** A client is gone, with all that it had given and not seen the end of. */
export interface Gone {
  readonly at: 'gone'
  readonly client: string
}

/** Something was found at the end that should have come home. */
export interface Leaked {
  readonly at: 'leaked'
  readonly what: string
}

/** What was done to a process, for the history. */
export interface Deed {
  readonly at: 'deed'
  readonly what: string
}

export type RunEvent = Begin | End | Executed | Gone | Leaked | Deed
