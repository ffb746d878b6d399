/** The last things that happened, for whoever wants to know how something came about. */

import { blocksOf } from './checker.ts'
import type { RunEvent } from './event.ts'

const MOST = 200_000
const SHOWN = 60

export class History {
  readonly #events: { readonly ms: number; readonly event: RunEvent }[] = []
  readonly #began = performance.now()

  see(event: RunEvent): void {
    this.#events.push({ ms: performance.now() - this.#began, event })
    if (this.#events.length > 2 * MOST) this.#events.splice(0, MOST)
  }

  /** What led to an event, a line each: deeds, and the commands of the same blocks or of the same name. */
  around(about: RunEvent | undefined): string[] {
    const id = about !== undefined && 'id' in about ? about.id : undefined
    const begin = this.#events.find(({ event }) => event.at === 'begin' && event.id === id)?.event
    const blocks = new Set(begin?.at === 'begin' ? blocksOf(begin) : [])
    const ids = new Set(id === undefined ? [] : [id])
    const lines: string[] = []
    for (const { ms, event } of this.#events) {
      if (event.at === 'begin' && blocksOf(event).some((block) => blocks.has(block)))
        ids.add(event.id)
      const related =
        event.at === 'deed' ||
        event.at === 'gone' ||
        event.at === 'leaked' ||
        ('id' in event && ids.has(event.id))
      if (related) lines.push(`${ms.toFixed(1).padStart(10)} ms  ${inWords(event)}`)
    }
    return lines.slice(-SHOWN)
  }
}

function inWords(event: RunEvent): string {
  switch (event.at) {
    case 'begin': {
      const { id, kind, policy, unit, lba, blocks, version } = event
      const where = blocks === 0 ? `unit ${unit}` : `unit ${unit}, ${blocks} from ${lba}`
      return `${id} ${kind} ${where}${version === undefined ? '' : `: version ${version}`} (${policy})`
    }
    case 'end': {
      const { id, outcome, found, why } = event
      const held = found === undefined ? '' : `: ${found.join(' ')}`
      return `${id} ended: ${outcome}${held}${why === undefined ? '' : ` (${why})`}`
    }
    case 'executed':
      return `${event.id} is carried out`
    case 'gone':
      return `client ${event.client} is gone`
    case 'leaked':
    case 'deed':
      return `-- ${event.what}`
  }
}
