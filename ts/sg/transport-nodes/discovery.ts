/** The transport nodes that the kernel has, as sysfs shows them. */

import { join } from 'node:path'
import type { DiscoveryOptions } from '../discovery.ts'
import { namesIn, realOf, textOf } from '../sysfs.ts'
import { type TransportKind, transportKind } from './kind.ts'

/** A bsg node that is no device's: what `openTransport()` opens. */
export interface FoundTransportNode {
  /** As `/dev/bsg/sas_host0`. */
  readonly path: string
  readonly kind: TransportKind
  /** The number of the host that it belongs to; null where sysfs shows none. */
  readonly host: number | null
  /** The driver of that host, as `mptsas` or `fcoe`; null where it has no name. */
  readonly driver: string | null
}

/**
 * The transport nodes of this machine, by name. Nothing is sent to them, and nobody's leave is needed. Never rejects: where the kernel has none there
 * are none.
 *
 * @example
 * for (const { path, kind, driver } of await listTransportNodes()) console.log(path, kind, driver)
 */
export async function listTransportNodes({
  root = '/',
}: DiscoveryOptions = {}): Promise<FoundTransportNode[]> {
  const names = await namesIn(join(root, 'sys/class/bsg'))
  const found = names.map(async (name) => {
    const kind = transportKind(name)
    return kind === undefined ? [] : [await describe(root, name, kind)]
  })
  return (await Promise.all(found)).flat()
}

async function describe(
  root: string,
  name: string,
  kind: TransportKind,
): Promise<FoundTransportNode> {
  const host = /\/host(\d{1,10})\//.exec(await realOf(join(root, 'sys/class/bsg', name)))?.[1]
  const path = `/dev/bsg/${name}`
  if (host === undefined) return { path, kind, host: null, driver: null }
  const driver = await textOf(join(root, 'sys/class/scsi_host', `host${host}`, 'proc_name'))
  return { path, kind, host: Number(host), driver }
}
