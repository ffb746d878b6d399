/** A connection without the package's initiator: nothing of it is watched, and no command is sent. */

import { type InitiatorPair, native } from '#dist/native.js'

export function barePair(path: string): InitiatorPair {
  return native().connectPair({
    path,
    slots: 8,
    arenaBytes: 64 << 10,
    token: new Uint8Array(16),
    allowedUids: [process.geteuid?.() ?? 0],
  })
}
