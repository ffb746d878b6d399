/** Fewer that have left are not worth the trouble. */
const FEW = 16

/** Who waits: first come, first served, and one may leave from the middle by being settled. */
export class Waiting<T extends { readonly settled: boolean }> {
  /** Those that have left stand in it until they come first, or are many, or nobody waits. */
  readonly #list: T[] = []
  /** What stands before it is cut off now and then. */
  #head = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  /** The one whose turn is next. */
  get first(): T | undefined {
    if (this.#length === 0) return undefined
    while (this.#list[this.#head]?.settled) this.#advance()
    return this.#list[this.#head]
  }

  push(one: T): void {
    this.#list.push(one)
    this.#length++
  }

  /** Takes out the first. */
  shift(): void {
    this.#length--
    if (this.#length > 0) this.#advance()
    else this.#list.length = this.#head = 0
  }

  /** One of them, now settled, has left. */
  left(): void {
    this.#length--
    const gone = this.#list.length - this.#head - this.#length
    if (this.#length > 0 && gone <= Math.max(FEW, this.#length)) return
    for (const one of this.clear()) this.push(one)
  }

  /** Nobody waits any more. Gives those that did, in their order. */
  clear(): T[] {
    const all = this.#list.slice(this.#head).filter((one) => !one.settled)
    this.#list.length = this.#head = this.#length = 0
    return all
  }

  #advance(): void {
    this.#head++
    if (this.#head * 2 <= this.#list.length) return
    this.#list.splice(0, this.#head)
    this.#head = 0
  }
}
