/** A server, and what it was told to serve: what is shown, and changed while it runs. */

import { resolve } from 'node:path'
import { SgringError } from '../../errors.ts'
import { MAX_LUN } from '../../scsi/lun.ts'
import { type Server, serve } from '../../serve.ts'
import { DEFAULT_BLOCK_LENGTH } from '../../target/disk.ts'
import type { DiskModeOptions, DiskModeValues } from '../../target/disk-mode.ts'
import {
  bytesOf,
  type Config,
  configJson,
  placed,
  type UnitConfig,
  unitOf,
} from '../config/config.ts'
import { confinement } from '../confine/confinement.ts'
import { CliError, ExitCode } from '../exit-code.ts'
import { size } from '../quantity.ts'
import type { Request, Results } from './protocol.ts'

export class Daemon {
  readonly #config: Omit<Config, 'units'>
  readonly #server: Server
  readonly #units: Map<number, UnitConfig>

  /** @param units what the server serves; nobody else changes that from now on */
  constructor(config: Omit<Config, 'units'>, server: Server, units: Map<number, UnitConfig>) {
    this.#config = config
    this.#server = server
    this.#units = units
  }

  /**
   * Serves what a configuration says, whose LUNs are different ones.
   *
   * @throws as `serve`
   */
  static async start({ units: listed, ...config }: Config, socket: string): Promise<Daemon> {
    const units = placed(listed, [])
    const served = Array.from(units, ([lun, unit]) => [lun, noting(units, lun, unit)] as const)
    const server = await serve({ ...config, listen: socket, units: new Map(served) })
    return new Daemon(config, server, units)
  }

  /** What is served, by its LUN. */
  get units(): ReadonlyMap<number, UnitConfig> {
    return this.#units
  }

  /**
   * Does what a request asks for.
   *
   * @throws `SgringError` with what stands in its way; nothing is changed then
   */
  async carryOut(request: Request): Promise<Results[keyof Results]> {
    switch (request.do) {
      case 'show':
        return this.#show()
      case 'add':
        return this.#add(request.unit)
      case 'remove':
        return this.#remove(request)
      case 'resize':
        return this.#resize(request)
    }
  }

  close(): Promise<void> {
    return this.#server.close()
  }

  #show(): Results['show'] {
    const units = [...this.#units].sort(([one], [other]) => one - other)
    return {
      config: configJson({
        ...this.#config,
        units: units.map(([lun, unit]) => ({ lun, ...lasting(unit) })),
      }),
      units: units.map(([lun, { blockLength = DEFAULT_BLOCK_LENGTH }]) => ({
        lun,
        bytes: this.#server.lengthOf(lun),
        block_length: blockLength,
        commands: this.#server.commandsAt(lun),
      })),
      confinement: confinement(),
    }
  }

  #add(described: (Request & { do: 'add' })['unit']): Results['add'] {
    if (described.device !== undefined) {
      throw new SgringError(
        'ERR_SGRING_INVALID_ARGUMENT',
        'a device has a server to itself: sgring serve --device PATH',
      )
    }
    const { lun = this.#free(), ...unit } = unitOf(described, process.cwd())
    if (this.#units.has(lun)) {
      throw new SgringError('ERR_SGRING_INVALID_ARGUMENT', `LUN ${lun} has a unit already`)
    }
    try {
      this.#server.addUnit(lun, noting(this.#units, lun, unit))
    } catch (error) {
      throw withFence(error, unit)
    }
    this.#units.set(lun, unit)
    return { lun }
  }

  async #remove({ lun, force = false }: Request & { do: 'remove' }): Promise<Results['remove']> {
    const commands = this.#server.commandsAt(lun)
    if (commands > 0 && !force) {
      const are = commands === 1 ? 'a command is' : `${commands} commands are`
      throw new SgringError(
        'ERR_SGRING_BUSY',
        `${are} under way at LUN ${lun}; --force aborts what is`,
      )
    }
    const over = this.#server.removeUnit(lun)
    this.#units.delete(lun)
    await over
    return { lun }
  }

  #resize({ lun, bytes, force = false }: Request & { do: 'resize' }): Results['resize'] {
    const before = this.#server.lengthOf(lun)
    const length = bytesOf(bytes)
    if (length < before && !force) {
      throw new CliError(
        ExitCode.SYNTAX,
        `LUN ${lun} has ${size(before)}: what is beyond ${size(length)} would be lost; --force cuts it off`,
      )
    }
    this.#server.resizeUnit(lun, length)
    const unit = this.#units.get(lun)
    if (unit !== undefined && 'memory' in unit) this.#units.set(lun, { ...unit, memory: length })
    return { lun, bytes: length }
  }

  /** The first LUN without a unit. */
  #free(): number {
    for (let lun = 0; lun <= MAX_LUN; lun++) if (!this.#units.has(lun)) return lun
    throw new SgringError('ERR_SGRING_LIMIT', 'every LUN has a unit')
  }
}

/** A unit as the server takes it: what MODE SELECT saves of it is noted, to be shown with it. */
function noting(
  units: Map<number, UnitConfig>,
  lun: number,
  unit: UnitConfig,
): UnitConfig & DiskModeOptions {
  const onSaved = (savedModes: DiskModeValues) => {
    const noted = units.get(lun)
    if (noted !== undefined) units.set(lun, { ...noted, savedModes })
  }
  return { ...unit, onSaved }
}

/** A confined server opens what it was told of at its start: said where that may be why it cannot. */
function withFence(error: unknown, unit: UnitConfig): unknown {
  const denied = error instanceof SgringError && error.code === 'ERR_SGRING_BACKING'
  if (!denied || !('file' in unit) || confinement().landlock === 0) return error
  return new SgringError(
    error.code,
    `${error.message}; this server opens no other files than those of its start and of --allow-path`,
    { cause: error },
  )
}

/** A unit as it is served again later, from wherever: its file is there then. */
function lasting(unit: UnitConfig): UnitConfig {
  if (!('file' in unit)) return unit
  const { createBytes: _, ...others } = unit
  return { ...others, file: resolve(unit.file) }
}
