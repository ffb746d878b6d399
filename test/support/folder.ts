/** Folders for sockets and files. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A new folder of this process's own, removed when the process ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sgring-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  return folder
}
