/** `sgring serve`: disks behind a socket. */

import { once } from 'node:events'
import { readFile, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { SgringError } from '../errors.ts'
import { socketOf } from '../ring/address.ts'
import { makeStateFolder } from '../state.ts'
import { DEFAULT_BLOCK_LENGTH } from '../target/disk.ts'
import { Control, checkTargetSocket, MAX_TARGET_PATH_BYTES } from './admin/control.ts'
import { Daemon } from './admin/daemon.ts'
import { cautions } from './cautions.ts'
import {
  type Config,
  type DeviceConfig,
  parseConfig,
  placed,
  type UnitConfig,
} from './config/config.ts'
import { schemaText } from './config/schema.ts'
import { confine, discard } from './confine/confine.ts'
import { isDevice } from './device-claim.ts'
import { CliError, ConfigError, ExitCode } from './exit-code.ts'
import { LISTEN_FLAGS, LISTEN_OPTIONS, listeningOf } from './listen-flags.ts'
import { jsonLine } from './output.ts'
import { parseSeconds, size } from './quantity.ts'
import { serveDevice } from './serve-device.ts'
import { UNIT_FLAGS, UNIT_OPTIONS, unitsOf } from './unit-flags.ts'
import { type Call, CHANGING, DEVICES, type Verb, verb } from './verb.ts'
import { makeFolder } from './whole-file.ts'

const OPTIONS = {
  listen: {
    type: 'string',
    value: 'SOCK',
    help: `a name, for ring:NAME, or a path with a slash, for ring:/path; ${MAX_TARGET_PATH_BYTES} bytes at most, with the folder`,
  },
  ...UNIT_FLAGS,
  ...LISTEN_FLAGS,
  state: {
    type: 'string',
    value: 'DIR',
    help: 'keep in this folder what outlives the server: clients wait for the next one, and go on',
  },
  grace: {
    type: 'string',
    value: 'SECONDS',
    help: 'how long the next one waits for all of them to be back, at most; default: 5',
  },
  device: {
    type: 'string',
    value: 'PATH',
    help: 'a SCSI device of this machine, passed through to one client at a time; alone',
  },
  ...CHANGING,
  config: {
    type: 'string',
    value: 'FILE',
    help: 'all of it from a JSON file, which says more than flags can, and nothing else',
  },
  schema: { type: 'boolean', help: 'print the JSON Schema of that file, and serve nothing' },
} as const

export const serve: Verb = verb({
  name: 'sgring serve',
  summary: 'serve disks behind a socket',
  usage:
    '--listen SOCK UNIT… [--state DIR [--grace SECONDS]] [LIMITS] | --listen SOCK --device PATH (--yes | --read-only) [LIMITS] | --config FILE [--yes] | --schema [--json]',
  about: [
    `A UNIT is ${UNIT_OPTIONS}. The n-th is LUN n-1, unless it says another one. The options after its --memory or --file, up to the next, belong to it.`,
    'A file says the same as flags, and more, such as {"listen": "disk", "units": [{"memory": "64M", "thin": true}]}. Paths in it start at its folder. It stands alone: with --config no flag says what is served.',
    `--device passes a device through, alone: /dev/bsg/H:C:T:L, /dev/sgN or /dev/sdX; so does a file whose only unit is {"device": PATH}. What it then is and is not is said on stderr, and there is no "sgring admin" for it. ${DEVICES}`,
    `LIMITS are ${LISTEN_OPTIONS}. Only this user may connect, and whom they name. Where several users may, each has half of the nexuses.`,
    'With --state, clients of a server that ends, or is killed, wait 30 seconds for the next one with the same socket and folder. It answers what was answered; what only reads is carried out again; of a write that had begun nobody knows the outcome, unless the client asks for it to be carried out again. Disks in memory have their bytes in the folder. One server has it at a time.',
    'It gives up what it does not need: capabilities, new privileges, and with Landlock all files but its own program, what it serves, the folder of a file that it makes, and --allow-path: "sgring admin add" opens nothing else. "sgring doctor" tells what of that this kernel can do. Landlock holds off no change of permissions, owners, times and extended attributes, and before ABI 9 no connection to a socket with a path: there its user\'s rights bound it, and with --owner or --group CAP_CHOWN is kept.',
    'One line is printed when connections are accepted. Ctrl-C, SIGTERM or SIGHUP ends it, and takes the socket away. Meanwhile, "sgring admin" shows and changes what is served, by a socket beside that one, SOCK.admin, which only the same user and root can use.',
  ],
  operands: {},
  options: OPTIONS,
  examples: [
    ['sgring serve --listen disk --memory 64M', 'one disk in memory, as ring:disk'],
    [
      'sgring serve --listen ./disk.sock --memory 1G --file disk.img --read-only',
      'LUN 0 in memory, and LUN 1 on a file that is not changed',
    ],
    [
      'sgring serve --listen disk --file new.img --create 10G --block-length 4096 --json',
      'a new file as a disk with blocks of 4096 bytes; its line is JSON',
    ],
    [
      'sgring serve --listen disk --memory 64M --state ./disk.state',
      'a disk whose clients go on when the server is started again',
    ],
    ['sgring serve --config served.json', 'what a file says'],
    ['sgring serve --listen disk --device /dev/sg1 --yes', 'a device, as ring:disk'],
    ['sgring serve --schema > config.schema.json', 'for editors, and for tools'],
  ],
  async run(call) {
    const { schema, yes = false } = call.values
    if (schema) {
      process.stdout.write(call.json ? jsonLine(JSON.parse(schemaText())) : schemaText())
      return
    }
    const config = await described(call)
    const { socket, address } = await placeOf(config.listen)
    if (config.state !== undefined) makeStateFolder(config.state)
    await confine({ config, socket, file: call.values.config, signal: call.signal })
    try {
      const { json, signal } = call
      if ('device' in config) await serveDevice({ config, socket, address, yes, json, signal })
      else await serveDisks(config, socket, address, call)
    } catch (error) {
      // With this error they are another server's, which came meanwhile.
      const taken = error instanceof SgringError && error.code === 'ERR_SGRING_ADDRESS_IN_USE'
      if (!taken) discard()
      throw error
    }
  },
})

/** Serves until it is told to end. */
async function serveDisks(
  config: Config,
  socket: string,
  address: string,
  call: Call<typeof OPTIONS>,
): Promise<void> {
  await Control.makeWay(socket)
  const daemon = await Daemon.start(config, socket)
  try {
    const control = await Control.listen(socket, daemon)
    try {
      process.stderr.write(cautions(config, socket, call.json))
      process.stdout.write(greeting(call, socket, address, daemon.units))
      if (!call.signal.aborted) await once(call.signal, 'abort')
    } finally {
      await control.close()
    }
  } finally {
    await daemon.close()
  }
}

function described(
  call: Call<typeof OPTIONS>,
): Config | DeviceConfig | Promise<Config | DeviceConfig> {
  if (call.values.config !== undefined) return filed(call)
  return call.values.device === undefined ? flagged(call) : passed(call)
}

/** A device, which nothing else stands beside. */
function passed(call: Call<typeof OPTIONS>): DeviceConfig {
  const { given, values } = call
  const alone = ['device', 'listen', 'read-only', 'yes', 'json', ...Object.keys(LISTEN_FLAGS)]
  const other = given.find(({ name }) => !alone.includes(name))
  if (other !== undefined) {
    throw new CliError(ExitCode.SYNTAX, `--device and --${other.name} do not go together`)
  }
  const { device = '', listen = '' } = values
  if (!isDevice(device)) {
    throw new CliError(
      ExitCode.SYNTAX,
      `--device is a node in /dev, not '${device}'; a file is --file`,
    )
  }
  const readOnly = given.some(({ name }) => name === 'read-only')
  const listening = listeningOf(call)
  const { maxNexuses = 1 } = listening
  if (maxNexuses > 1) {
    throw new CliError(
      ExitCode.SYNTAX,
      `--max-nexuses: a device is for 1 at a time, not for ${maxNexuses}`,
    )
  }
  return { ...listening, listen, device, readOnly }
}

/** What the flags say. */
function flagged(call: Call<typeof OPTIONS>): Config {
  const { given, values } = call
  const units = unitsOf(given)
  const wrong: string[] = []
  placed(units, wrong)
  if (wrong.length > 0) throw new ConfigError('the command line', wrong)
  const { listen = '', state, grace } = values
  if (grace !== undefined && state === undefined) {
    throw new CliError(ExitCode.SYNTAX, '--grace goes with --state only')
  }
  // As in a file, a path does not depend on where the server's folder is.
  return {
    ...listeningOf(call),
    ...(state !== undefined && { state: resolve(state) }),
    ...(grace !== undefined && { graceMs: parseSeconds('--grace', grace) }),
    listen: listen.includes('/') ? resolve(listen) : listen,
    units,
  }
}

/** What the file says. A flag beside it would leave open which of them holds. */
async function filed({ given, values: { config: file = '' } }: Call<typeof OPTIONS>) {
  // --yes says nothing of what is served, and does not belong in a file that stays.
  const other = given.find(({ name }) => name in OPTIONS && name !== 'config' && name !== 'yes')
  if (other !== undefined) {
    throw new CliError(
      ExitCode.SYNTAX,
      `--config and --${other.name} do not go together: the file says all that is served`,
    )
  }
  if (!(await stat(file)).isFile()) {
    throw new CliError(
      ExitCode.FILE,
      `${file} is no regular file: a server that confines itself reads it twice`,
    )
  }
  return parseConfig(await readFile(file, 'utf8'), file, dirname(resolve(file)))
}

/** Where to listen, and how clients call it. The folder of names is made if it is not there: nobody else may enter it. */
async function placeOf(listen: string): Promise<{ socket: string; address: string }> {
  if (listen.includes('/')) {
    const socket = resolve(listen)
    checkTargetSocket(socket)
    return { socket, address: `ring:${socket}` }
  }
  if (!/^[\w.-]+$/.test(listen)) {
    throw new CliError(
      ExitCode.SYNTAX,
      '--listen is a name of letters, digits, _, - and ., or a path with a slash',
    )
  }
  const socket = socketOf(listen)
  checkTargetSocket(socket)
  await makeFolder(dirname(socket))
  return { socket, address: `ring:${listen}` }
}

/** A person is told of so many units at most. */
const TOLD = 8

function greeting(
  { json }: Call<typeof OPTIONS>,
  socket: string,
  address: string,
  units: ReadonlyMap<number, UnitConfig>,
): string {
  const { pid } = process
  if (json) {
    const luns = Array.from(units, ([lun, unit]) => ({
      blockLength: DEFAULT_BLOCK_LENGTH,
      ...unit,
      lun,
    }))
    return jsonLine({ socket, address, pid, luns })
  }
  const luns = Array.from(units)
    .slice(0, TOLD)
    .map(([lun, unit]) => {
      const what =
        'file' in unit ? `${unit.file}${unit.readOnly ? ' (read-only)' : ''}` : size(unit.memory)
      return `LUN ${lun} ${what}`
    })
  if (units.size > TOLD) luns.push(`${units.size - TOLD} more`)
  return `serving ${address}: ${luns.join(', ') || 'no units'}; process ${pid}\n`
}
