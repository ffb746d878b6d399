/** Users and groups, as people name them. */

import { native, translated } from '../../native.ts'
import { namesConfined } from '../confine/marker.ts'

/** A name, or a number. */
export type Account = number | string

/**
 * The number of a user or group.
 *
 * @returns undefined where there is none of that name; a name of digits is a number
 */
export function accountId(kind: 'user' | 'group', account: Account): number | undefined {
  if (typeof account === 'number') return account
  if (/^\d{1,10}$/.test(account)) return Number(account)
  // Where names come from is beyond a confined server: it was told them before.
  const known = namesConfined()
  if (known !== undefined) return known[`${kind} ${account}`]
  const { userId, groupId } = native()
  const id = translated(() => (kind === 'user' ? userId : groupId)(account)) ?? undefined
  if (id !== undefined) asked[`${kind} ${account}`] = id
  return id
}

/** Names that were looked up so far, by `user NAME` and `group NAME`. */
export const asked: Record<string, number> = {}
