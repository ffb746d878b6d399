/** Who waits: first come, first served, and one may leave from the middle. */
export class Waiting<T> {
  readonly #list: T[] = []
  /** The first that still waits; what stands before it is cut off now and then. */
  #head = 0

  get length(): number {
    return this.#list.length - this.#head
  }

  /** The one whose turn is next. */
  get first(): T | undefined {
    return this.#list[this.#head]
  }

  push(one: T): void {
    this.#list.push(one)
  }

  shift(): void {
    this.#head++
    if (this.#head * 2 <= this.#list.length) return
    this.#list.splice(0, this.#head)
    this.#head = 0
  }

  remove(one: T): void {
    const index = this.#list.indexOf(one, this.#head)
    if (index >= 0) this.#list.splice(index, 1)
  }

  /** Nobody waits any more. */
  clear(): void {
    this.#list.length = this.#head = 0
  }

  /** Those that wait, in their order. */
  all(): T[] {
    return this.#list.slice(this.#head)
  }
}
