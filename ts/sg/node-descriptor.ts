/** A node's open file. Opening one may take a while (a disk that sleeps is woken): it is not done on JavaScript's own thread. */

import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { SgringError, type SgringErrorCode } from '../errors.ts'

/** How it is opened. */
export interface Access {
  /** For reading only: what the kernel lets through a filter depends on it. */
  readonly readOnly: boolean
  /** Keeps others out, where the node honours `O_EXCL`. */
  readonly exclusive: boolean
}

/**
 * Opens a node. One that is kept by somebody else is `ERR_SGRING_NODE_BUSY` at once, and a tape drive without a tape opens.
 *
 * @throws `ERR_SGRING_NO_DEVICE`, `_NODE_DENIED`, `_NODE_BUSY`, or `_SYSTEM` for what else the system says
 */
export async function openDescriptor(
  path: string,
  { readOnly, exclusive }: Access,
): Promise<FileHandle> {
  const access = readOnly ? constants.O_RDONLY : constants.O_RDWR
  try {
    return await open(path, access | constants.O_NONBLOCK | (exclusive ? constants.O_EXCL : 0))
  } catch (cause) {
    throw openError(path, cause)
  }
}

const CODES_OF: Readonly<Record<string, SgringErrorCode>> = {
  ENOENT: 'ERR_SGRING_NO_DEVICE',
  ENXIO: 'ERR_SGRING_NO_DEVICE',
  ENODEV: 'ERR_SGRING_NO_DEVICE',
  EACCES: 'ERR_SGRING_NODE_DENIED',
  EPERM: 'ERR_SGRING_NODE_DENIED',
  EROFS: 'ERR_SGRING_NODE_DENIED',
  EBUSY: 'ERR_SGRING_NODE_BUSY',
}

/** Why a node could not be opened. */
export function openError(path: string, cause: unknown): SgringError {
  const { code = '' } = cause as NodeJS.ErrnoException
  return new SgringError(CODES_OF[code] ?? 'ERR_SGRING_SYSTEM', `${path}: ${code}`, { cause })
}
