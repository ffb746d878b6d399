/** Walks every order in which the steps of a world can happen, each from its start. */

/** What happens once: a world is made anew for each order. */
export interface World {
  /** What can happen now, by name; it follows from what has happened. None: it is over. */
  steps(): readonly string[]
  /** Lets one of them happen, and holds the world against what it promises. */
  take(step: string): void
  /** Holds the end against what it promises. */
  finish(): void
  /** Called in any case. */
  close(): void
}

/** One place on the way through an order: what was taken there, and what is left to be taken. */
interface Fork {
  taken: string
  readonly left: string[]
}

/**
 * Depth first, and by replay: the next order differs from the last in its latest fork that has something left.
 *
 * @returns how many orders there are
 * @throws an error that names the order in which the world broke a promise
 */
export function walk(open: () => World): number {
  const forks: Fork[] = []
  for (let orders = 1; ; orders++) {
    follow(open(), forks)
    while (forks.at(-1)?.left.length === 0) forks.pop()
    const last = forks.at(-1)
    if (last === undefined) return orders
    last.taken = last.left.shift()!
  }
}

/** Goes where the forks say, and behind them always the first way. */
function follow(world: World, forks: Fork[]): void {
  const order: string[] = []
  try {
    for (let steps = world.steps(); steps.length > 0; steps = world.steps()) {
      if (order.length === forks.length) forks.push({ taken: steps[0]!, left: steps.slice(1) })
      const { taken } = forks[order.length]!
      if (!steps.includes(taken)) throw new Error(`replayed, "${taken}" cannot happen any more`)
      order.push(taken)
      world.take(taken)
    }
    world.finish()
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Error(`${order.join(', ')}: ${why}`, { cause: error })
  } finally {
    world.close()
  }
}
