/** A nexus that has no slot left. */

import * as scripted from '../support/scripted-unit.ts'
import { type Contract, openReady } from './contract.ts'
import { counted } from './execute.ts'

/** A nexus with `slots` slots, all held, and another one that can release them. */
export async function full(
  contract: Contract,
  slots: number,
  options: { maxWaiting?: number } = {},
) {
  const opened = await openReady(contract, 'scripted', { slots, ...options })
  const other = await openReady(contract, 'scripted')
  const before = await counted(other)
  const held = Array.from({ length: slots }, () => opened.unit.execute(scripted.hold()))
  while ((await counted(other)) < before + slots);
  // Those that a test does not look at end with the nexus.
  for (const command of held) command.catch(() => {})
  const release = () => other.unit.execute(scripted.release())
  const close = async () => {
    await Promise.all([opened.close(), other.close()])
  }
  return { opened, other, held, release, [Symbol.asyncDispose]: close }
}
