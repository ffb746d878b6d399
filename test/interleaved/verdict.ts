/** What a command may end with. */

import { type Response, Status } from '#dist/task/command.js'
import type { Use } from './ledger.ts'
import type { Outcome } from './outcome.ts'

/** What has happened to it, and around it. */
export interface Case {
  readonly use: Use | undefined
  readonly detach: boolean
  /** Why its caller gave it up, if so. */
  readonly reason: unknown
  /** The unit answered it. */
  readonly answered: boolean
  /** What it is to read. */
  readonly data: Uint8Array | undefined
  /** Functions that may end it were asked for. */
  readonly ended: boolean
  /** A deadline has passed. */
  readonly expired: boolean
  readonly lost: boolean
}

/** What is wrong with an outcome; undefined if nothing is. */
export function wrongOf(outcome: Outcome<Response>, about: Case): string | undefined {
  if ('value' in outcome) return wrongOfResponse(outcome.value, about)
  return isAllowed(outcome.error, about) ? undefined : `rejects with ${outcome.error}`
}

function wrongOfResponse({ status, data }: Response, about: Case): string | undefined {
  if (about.use?.home !== true) return 'resolves while its slot is out'
  // A unit attention.
  if (status === Status.CHECK_CONDITION && about.ended) return undefined
  if (status !== Status.GOOD) return `ends with status ${status}`
  if (!about.answered) return 'resolves, and nobody answered it'
  const differs = about.data !== undefined && !Buffer.from(data).equals(about.data)
  return differs ? 'has not the bytes of the medium' : undefined
}

function isAllowed(error: unknown, about: Case): boolean {
  const isOver = about.use === undefined || about.use.home
  const aborted = isOver && !about.answered
  if (about.reason !== undefined && error === about.reason) return aborted || about.detach
  switch ((error as { code?: unknown }).code) {
    case 'ERR_SGRING_NEXUS_LOST':
      return about.lost
    case 'ERR_SGRING_ABORTED':
      return about.ended && aborted
    case 'ERR_SGRING_ABORT_UNANSWERED':
      return about.expired && about.reason !== undefined && !isOver
    default:
      return false
  }
}
