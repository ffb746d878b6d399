#!/usr/bin/env node
/** `npx sgring VERB …`. */

import { readFileSync } from 'node:fs'
import { CliError, ExitCode } from './exit-code.ts'
import { runBody, runVerb } from './frame.ts'
import { programHelp } from './help.ts'
import { groups, verbs } from './verbs.ts'

const [name, ...args] = process.argv.slice(2)
const verb = verbs.find((verb) => verb.name === `sgring ${name}`)

if (verb !== undefined) await runVerb(verb, args)
else await runBody(args, () => withoutVerb(name))

function withoutVerb(name: string | undefined): void {
  if (name === '--help' || name === 'help') {
    process.stdout.write(programHelp(groups))
  } else if (name === '--version') {
    const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
    process.stdout.write(`${JSON.parse(manifest).version}\n`)
  } else if (name === undefined) {
    process.stderr.write(programHelp(groups))
    process.exitCode = ExitCode.SYNTAX
  } else {
    const what = name.startsWith('-') ? 'Unknown option' : 'Unknown verb'
    throw new CliError(ExitCode.SYNTAX, `${what} '${name}' (see sgring --help)`)
  }
}
