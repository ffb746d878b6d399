/** What the store does besides reading and writing, done naively; and operations that outlive their commands, one step at a time. */

import { constants } from 'node:os'
import type { Background, Backing, BackingOperation } from '#dist/task/task.js'
import type { PlainBacking } from './plain-backing.ts'

/** Does it, and says what it found out. */
export function operateOn(
  backing: PlainBacking,
  operation: BackingOperation | 'flush',
  offset: number,
  length: number,
  data: Uint8Array,
): number {
  const { bytes } = backing
  const range = bytes.subarray(offset, offset + length)
  switch (operation) {
    case 'compare':
      return same(range, (i) => data[i % data.length])
    case 'compareAndWrite': {
      const found = same(range, (i) => data[i])
      if (found === length) backing.put(offset, data.subarray(length))
      return found
    }
    case 'orWrite':
      backing.put(
        offset,
        range.map((byte, i) => byte | data[i]!),
      )
      return 0
    case 'fill':
    case 'fillOrRelease':
      if (operation === 'fillOrRelease' && data.every((byte) => byte === 0)) {
        backing.release(offset, length)
      } else {
        const one = data.length === 0 ? Uint8Array.of(0) : data
        backing.put(
          offset,
          range.map((_, i) => one[i % one.length]!),
        )
      }
      return 0
    case 'release':
      backing.release(offset, length)
      return 0
    case 'extent': {
      const taken = backing.allocated.has(offset >> 9)
      let end = offset >> 9
      while (end << 9 < backing.lengthBytes && backing.allocated.has(end) === taken) end++
      return (Math.min(end << 9, backing.lengthBytes) - offset) * 2 + (taken ? 1 : 0)
    }
    default:
      return 0
  }
}

function same(range: Uint8Array, theirs: (index: number) => number | undefined): number {
  const wrong = range.findIndex((byte, i) => byte !== theirs(i))
  return wrong < 0 ? range.length : wrong
}

/** Operations that wait for the test to let them happen. */
export class PlainBackground implements Background {
  readonly #waiting: (() => void)[] = []

  begin(
    backing: Backing,
    operation: Parameters<Background['begin']>[1],
    { offset, length, data }: Parameters<Background['begin']>[2],
    done: (errno: number) => void,
  ): void {
    const plain = backing as PlainBacking
    plain.log.push(`${operation} ${offset} ${length}`)
    this.#waiting.push(() => {
      const errno = offset + length > plain.lengthBytes ? constants.errno.EINVAL : plain.errno
      if (errno === 0) operateOn(plain, operation, offset, length, data)
      done(errno)
    })
  }

  /** Lets one happen; false if none waits. */
  step(): boolean {
    const next = this.#waiting.shift()
    next?.()
    return next !== undefined
  }

  /** Lets all happen, those that others begin among them. */
  finish(): void {
    while (this.step());
  }
}
