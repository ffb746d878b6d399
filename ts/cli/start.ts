/** `npm start`: the main job. A file goes to a disk in another process and back; then several threads work on it at once. */

import { ServiceResponse } from '../task/function.ts'
import { runVerb } from './frame.ts'
import { jsonLine, responseName, table } from './output.ts'
import { rate, size } from './quantity.ts'
import { type Outcome, run } from './start/job.ts'
import { verb } from './verb.ts'

const start = verb({
  name: 'npm start --',
  summary: 'the main job, end to end',
  usage: '[--input FILE] [--json]',
  about: [
    'Starts a target process with a disk in memory, writes a file to it at depth, reads it back and compares SHA-256; then several threads that share the nexus send mixed commands, and check every byte that they read; then commands that hang in a handler are aborted, by an AbortSignal and by ABORT TASK.',
    'The exit code is 1 when anything was not as it should be. For --json, npm needs --silent.',
  ],
  operands: {},
  options: {
    input: {
      type: 'string',
      value: 'FILE',
      help: 'what is written; default: the running Node if it is over 64 MiB, else random bytes',
    },
  },
  examples: [
    ['npm start', 'the whole of it, in seconds'],
    ['npm start --silent -- --json', 'one line of JSON at the end'],
    ['npm start -- --input disk.img', 'with a file of your own'],
  ],
  async run({ values, json, signal }) {
    const outcome = await run({ input: values.input, silent: json, signal })
    process.stdout.write(json ? jsonLine(asJson(outcome)) : summary(outcome))
    process.exitCode = isOk(outcome) ? 0 : 1
  },
})

await runVerb(start, process.argv.slice(2))

function isOk({ sha256, sha256Back, mixed, aborts }: Outcome): boolean {
  return (
    sha256 === sha256Back &&
    mixed.errors === 0 &&
    mixed.commands > 0 &&
    aborts.aborted === aborts.hung &&
    aborts.response === ServiceResponse.FUNCTION_COMPLETE
  )
}

function asJson(outcome: Outcome) {
  const { bytes, writeSeconds, readSeconds, mixed, aborts } = outcome
  return {
    ok: isOk(outcome),
    bytes,
    sha256Match: outcome.sha256 === outcome.sha256Back,
    commands: mixed.commands,
    commandsPerS: Math.round(mixed.commands / mixed.seconds),
    mbPerS: rounded((2 * bytes) / 1e6 / (writeSeconds + readSeconds)),
    p50Us: rounded(mixed.p50Us),
    p99Us: rounded(mixed.p99Us),
    p999Us: rounded(mixed.p999Us),
    hung: aborts.hung,
    aborted: aborts.aborted,
    serviceResponse: responseName(aborts.response),
    abortP50Us: rounded(aborts.abortP50Us),
    readyP50Us: rounded(aborts.readyP50Us),
    errors: mixed.errors,
  }
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10
}

function summary(outcome: Outcome): string {
  const { input, bytes, sha256, sha256Back, writeSeconds, readSeconds, mixed, aborts } = outcome
  const same = sha256 === sha256Back
  const perSecond = Math.round(mixed.commands / mixed.seconds).toLocaleString('en')
  const latency = [mixed.p50Us, mixed.p99Us, mixed.p999Us].map((us) => `${us.toFixed(0)} us`)
  return table([
    ['input', `${input}, ${size(bytes)}`],
    ['target', `process ${outcome.targetPid}, a disk in memory`],
    ['write', `${writeSeconds.toFixed(2)} s, ${rate(bytes, writeSeconds)}`],
    ['read back', `${readSeconds.toFixed(2)} s, ${rate(bytes, readSeconds)}`],
    ['SHA-256', same ? `${sha256}, the same` : `${sha256Back} came back for ${sha256}`],
    [
      'mixed',
      `${mixed.commands.toLocaleString('en')} commands from ${mixed.threads} threads, ${mixed.depth} at a time each, in ${mixed.seconds.toFixed(1)} s`,
    ],
    ['', `${perSecond} commands/s; p50 ${latency[0]}, p99 ${latency[1]}, p99.9 ${latency[2]}`],
    [
      'aborts',
      `${aborts.aborted} of ${aborts.hung} commands that hung; ABORT TASK says ${responseName(aborts.response)}`,
    ],
    [
      '',
      `p50 ${aborts.abortP50Us.toFixed(0)} us, beside ${aborts.readyP50Us.toFixed(0)} us of a TEST UNIT READY`,
    ],
    ['errors', mixed.firstError === undefined ? '0' : `${mixed.errors}: ${mixed.firstError}`],
    ['', isOk(outcome) ? 'all is well' : 'FAILED'],
  ])
}
