/** `sgring serve --device`: a device of this machine behind a ring, for one client at a time. */

import { once } from 'node:events'
import { open } from '../open.ts'
import { serve } from '../serve.ts'
import { findDevice } from '../sg/discovery.ts'
import type { KernelNode } from '../sg/node.ts'
import { passThrough } from '../target/pass-through.ts'
import { cautions } from './cautions.ts'
import type { DeviceConfig } from './config/config.ts'
import { claimDevice, deviceText } from './device-claim.ts'
import { canReset, resetDevice } from './device-reset.ts'
import { jsonLine } from './output.ts'
import { size } from './quantity.ts'

/** What is served, and how. */
export interface DeviceServing {
  readonly config: DeviceConfig
  readonly socket: string
  readonly address: string
  readonly yes: boolean
  readonly json: boolean
  readonly signal: AbortSignal
}

/** Serves until it is told to end. One line on stdout says that clients can connect; what they can expect is said on stderr. */
export async function serveDevice(serving: DeviceServing): Promise<void> {
  const { config, socket, yes, signal } = serving
  const { device: path, readOnly = false, ...port } = config
  const claim = readOnly ? undefined : await claimDevice(path, yes)
  try {
    const unit = await open(path as `/dev/${string}`, { readOnly })
    try {
      const reset = canReset(await findDevice(path)) && !readOnly && (() => resetOne(path))
      const units = [await passThrough(unit, { reset })]
      // Until the target knows more of a device than its own nexus does, there is one.
      const server = await serve({ ...port, listen: socket, units, maxNexuses: 1 })
      try {
        await greet(serving, unit.node, claim?.exclusive === true)
        if (!signal.aborted) await once(signal, 'abort')
      } finally {
        await server.close()
      }
    } finally {
      await unit.close()
    }
  } finally {
    await claim?.close()
  }
}

/** LOGICAL UNIT RESET is for one unit: none of its neighbours is reset in its place. */
async function resetOne(path: string): Promise<void> {
  await resetDevice(path, 'device', { noEscalate: true, confirmed: true })
}

async function greet(
  { config, socket, address, json }: DeviceServing,
  { transport, maxTransferBytes }: KernelNode,
  exclusive: boolean,
): Promise<void> {
  const { device: path, readOnly = false } = config
  const { pid } = process
  process.stderr.write(cautions(config, socket, json))
  const device = await findDevice(path)
  if (json) {
    const luns = [{ lun: 0, device: path, readOnly, transport, exclusive, maxTransferBytes }]
    process.stdout.write(jsonLine({ socket, address, pid, luns }))
    return
  }
  const what = device === undefined ? path : `${path} (${deviceText(device)})`
  process.stdout.write(
    `serving ${address}: LUN 0 ${what}${readOnly ? ' (read-only)' : ''}; process ${pid}\n`,
  )
  const facts = [
    `passed through by ${transport}, up to ${size(maxTransferBytes)} a command`,
    'one client at a time: another is refused with ERR_SGRING_LIMIT',
    exclusive
      ? `exclusive: nobody mounts ${device?.nodes.block} meanwhile`
      : 'not exclusive: others can use the device meanwhile',
    'its own REPORT LUNS; no ACA, port groups, third-party copy',
    'refused: RESERVE, PERSISTENT RESERVE, EXTENDED COPY, access controls, NACA',
    ...(readOnly ? ['refused: whatever may change the device'] : []),
  ]
  process.stderr.write(facts.map((fact) => `  ${fact}\n`).join(''))
}
