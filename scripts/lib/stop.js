/** How a script ends early: with one message for a person and an exit code. */

/** Thrown to end a script: `message` is printed as it stands, without a stack. */
export class Stop extends Error {
  /**
   * @param {string} message
   * @param {number} [exitCode] 1: something failed; 2: the machine lacks something
   */
  constructor(message, exitCode = 1) {
    super(message)
    this.name = 'Stop'
    this.exitCode = exitCode
  }
}

/**
 * Runs a script's body. A number that it returns is the exit code.
 *
 * @param {() => Promise<number | void>} body
 */
export async function main(body) {
  try {
    process.exitCode = (await body()) ?? 0
  } catch (error) {
    if (!(error instanceof Stop)) throw error
    process.stderr.write(`${error.message.trimEnd()}\n`)
    process.exitCode = error.exitCode
  }
}

/**
 * A duration as people read it.
 *
 * @param {number} seconds
 */
export function seconds(seconds) {
  return `${seconds.toFixed(1)} s`
}
