/** One set-up at a time in one checkout: a lock file that names its holder. */

import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

/**
 * @typedef {object} Holder
 * @property {number} pid
 * @property {string | null} started the process's start time, which tells it from a later one with the same pid
 */

/**
 * Takes the lock, waiting for a holder that lives. The lock of a dead process is taken over.
 *
 * @param {string} path
 * @param {(holder: Holder) => void} onWait told once, when there is somebody to wait for
 * @returns {Promise<() => void>} what gives the lock back
 */
export async function lock(path, onWait) {
  const own = `${path}.${process.pid}`
  writeFileSync(own, JSON.stringify({ pid: process.pid, started: startTime(process.pid) }))
  try {
    let told = false
    while (!linked(own, path)) {
      const holder = read(path)
      if (holder === undefined) continue
      if (!alive(holder)) {
        discard(path, own, holder)
        continue
      }
      if (!told) onWait(holder)
      told = true
      await delay(200)
    }
  } finally {
    rmSync(own, { force: true })
  }
  return () => rmSync(path, { force: true })
}

/**
 * A link either appears whole or not at all: nobody ever reads a lock that is half written.
 *
 * @param {string} own
 * @param {string} path
 */
function linked(own, path) {
  try {
    linkSync(own, path)
    return true
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false
    throw error
  }
}

/**
 * @param {string} path
 * @returns {Holder | undefined} undefined when it was given back meanwhile
 */
function read(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return undefined
    throw error
  }
}

/**
 * Removes a dead holder's lock. Another process may do the same at the same time and take the lock anew: what was moved
 * away is looked at again, and put back if it is not the dead one's.
 *
 * @param {string} path
 * @param {string} own
 * @param {Holder} dead
 */
function discard(path, own, dead) {
  const aside = `${own}.stale`
  try {
    renameSync(path, aside)
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return
    throw error
  }
  const moved = read(aside)
  if (moved?.pid !== dead.pid || moved.started !== dead.started) linked(aside, path)
  rmSync(aside, { force: true })
}

/** @param {Holder} holder */
function alive({ pid, started }) {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM'
  }
  return startTime(pid) === started
}

/**
 * Field 22 of proc(5)'s stat, counted after the command's closing parenthesis; null where there is no such file.
 *
 * @param {number} pid
 */
function startTime(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}
