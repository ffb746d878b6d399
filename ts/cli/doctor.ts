/** `sgring doctor`: whether sgring works here, and what to do where it does not. */

import { CHECKS, type Finding } from './doctor-checks.ts'
import { ExitCode } from './exit-code.ts'
import { jsonLine } from './output.ts'
import { type Verb, verb } from './verb.ts'

const MARKS: Readonly<Record<Finding['state'], string>> = { ok: 'ok  ', note: 'note', bad: 'BAD ' }

export const doctor: Verb = verb({
  name: 'sgring doctor',
  summary: 'whether sgring works here, and what to do if not',
  usage: '[--json]',
  about: [
    'Looks at the platform, Node, the native library, shared memory, huge pages, the runtime folder, limits, CPUs and the SCSI devices of the kernel, by which transport commands would go to them and why not by a better one; and serves and reads a small disk inside its own process. A note is no fault: it says what could be better. The exit code is 36 if something is bad.',
  ],
  operands: {},
  options: {},
  examples: [
    ['sgring doctor', 'a line each'],
    ['sgring doctor --json', 'for a bug report'],
  ],
  async run({ json, signal }) {
    const found: (Finding & { readonly name: string })[] = []
    for (const [name, check] of Object.entries(CHECKS)) {
      signal.throwIfAborted()
      found.push({ name, ...(await check()) })
    }
    const ok = found.every(({ state }) => state !== 'bad')
    process.stdout.write(json ? jsonLine({ ok, checks: found }) : found.map(line).join(''))
    if (!ok) process.exitCode = ExitCode.FALSE
  },
})

function line({ name, state, found, advice }: Finding & { readonly name: string }): string {
  const todo = advice === undefined ? '' : `${' '.repeat(22)}${advice}\n`
  return `${MARKS[state]}  ${name.padEnd(14)}  ${found}\n${todo}`
}
