/**
 * A unit of a kind of its own, by two vendor specific commands; and those commands, typed.
 *
 *     const server = await serve({ listen, units: [{ handler: thermometer(() => 21), vendor: 'ACME', product: 'THERMOMETER' }] })
 *     const celsius = await nexus.unit(0).run(readTemperature())
 */

import { checkCondition, good, type Handler, SenseCode, SenseKey, type TypedCommand } from 'sgring'

const READ_TEMPERATURE = 0xc5
const SET_LIMIT = 0xc6

const THRESHOLD_CONDITION_MET = 0x5d00

/** Tells what `celsius` measures; above the limit that was set it tells that too. Other initiators hear of a new limit. */
export function thermometer(celsius: () => number): Handler {
  let limit = Number.POSITIVE_INFINITY
  return (task, next) => {
    switch (task.cdb[0]) {
      case READ_TEMPERATURE: {
        const data = Uint8Array.of(celsius())
        return celsius() > limit
          ? { ...checkCondition(SenseKey.RECOVERED_ERROR, THRESHOLD_CONDITION_MET), data }
          : good(data)
      }
      case SET_LIMIT:
        if (task.dataOutLength !== 1) {
          return checkCondition(SenseKey.ILLEGAL_REQUEST, SenseCode.INVALID_FIELD_IN_CDB)
        }
        limit = task.dataOut[0]!
        task.unit.attention(SenseCode.MODE_PARAMETERS_CHANGED, { except: task.nexus })
        return good()
      default:
        return next()
    }
  }
}

/** Degrees Celsius. */
export function readTemperature(): TypedCommand<number> {
  return {
    cdb: Uint8Array.of(READ_TEMPERATURE, 0, 0, 0, 1, 0),
    dataInLength: 1,
    parse: (data) => data[0] ?? Number.NaN,
  }
}

/** Above `celsius`, readings are told as RECOVERED ERROR: an event `recovered` of the nexus. */
export function setLimit(celsius: number): TypedCommand<void> {
  return {
    cdb: Uint8Array.of(SET_LIMIT, 0, 0, 0, 1, 0),
    dataInLength: 0,
    dataOut: Uint8Array.of(celsius),
    parse: () => {},
  }
}
