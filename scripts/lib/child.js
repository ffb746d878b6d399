/** Child processes: run to their end with their output captured, under a deadline. */

import { spawn } from 'node:child_process'

/**
 * @typedef {object} Ended
 * @property {number | null} code exit code; null after a signal, or when the program could not be started
 * @property {NodeJS.Signals | null} signal
 * @property {string} stdout
 * @property {string} output stdout and stderr in the order in which they came
 * @property {boolean} timedOut the deadline passed, and the process was killed
 * @property {number} seconds
 */

/** Process groups to take down with this process. @type {Set<number>} */
const groups = new Set()

/**
 * Runs a program to its end. It leads a process group of its own, and what is left of the group ends with it:
 * a test that dies leaves no orphans behind.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, deadlineMs?: number, signal?: AbortSignal, onStart?: (pid: number) => void }} [options] `signal` kills it
 * @returns {Promise<Ended>} whatever happened: nothing rejects
 */
export function run(program, args, { cwd, env, deadlineMs, signal, onStart } = {}) {
  const started = performance.now()
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const pid = child.pid
    let stdout = ''
    let output = ''
    let timedOut = false
    if (pid !== undefined) {
      adopt(pid)
      onStart?.(pid)
    }
    const timer =
      deadlineMs === undefined
        ? undefined
        : setTimeout(() => {
            timedOut = true
            if (pid !== undefined) killGroup(pid)
          }, deadlineMs)

    const kill = () => pid !== undefined && killGroup(pid)
    signal?.addEventListener('abort', kill)

    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text
      output += text
    })
    child.stderr.setEncoding('utf8').on('data', (text) => {
      output += text
    })
    // A grandchild may hold the pipes open: `close` follows once the group is gone.
    child.on('exit', () => {
      if (pid !== undefined) killGroup(pid)
    })
    child.on('error', (error) => {
      output += `${error.message}\n`
      if (pid === undefined) finish(null, null)
    })
    child.on('close', finish)

    /**
     * @param {number | null} code
     * @param {NodeJS.Signals | null} endedBy
     */
    function finish(code, endedBy) {
      clearTimeout(timer)
      signal?.removeEventListener('abort', kill)
      if (pid !== undefined) groups.delete(pid)
      const seconds = (performance.now() - started) / 1000
      resolve({ code, signal: endedBy, stdout, output, timedOut, seconds })
    }
  })
}

/**
 * How a process ended, in words.
 *
 * @param {Ended} ended
 */
export function ending({ code, signal, timedOut, seconds }) {
  if (timedOut) return `was killed at its deadline, after ${seconds.toFixed(0)} s`
  if (signal !== null) return `was ended by ${signal}`
  return code === null ? 'could not be started' : `ended with exit code ${code}`
}

/** @param {number} pid */
function adopt(pid) {
  if (groups.size === 0) listen()
  groups.add(pid)
}

/** @param {number} pid */
function killGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ESRCH') throw error
  }
}

let listening = false

/** The groups do not hear the terminal's Ctrl-C: they are ended here, and then this process by the same signal. */
function listen() {
  if (listening) return
  listening = true
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.once(signal, () => {
      for (const pid of groups) killGroup(pid)
      process.kill(process.pid, signal)
    })
  }
}
