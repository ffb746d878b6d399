/** Help texts. */

import { EXIT_CODE_HELP } from './exit-code.ts'
import { COMMON, type Verb } from './verb.ts'
import type { VerbGroup } from './verbs.ts'

const WIDTH = 88
const INDENT = '  '

/** The help of one verb. */
export function verbHelp(verb: Verb): string {
  const options = Object.entries({ ...verb.options, ...COMMON }).map(
    ([name, { value, help }]) =>
      [`--${name}${value === undefined ? '' : ` ${value}`}`, help] as const,
  )
  return [
    `usage: ${verb.name} ${verb.usage}\n`,
    ...verb.about.map((text) => wrapped(text, '')),
    columns([...Object.entries(verb.operands), ...options]),
    `examples:\n${verb.examples.map(([line, what]) => `${INDENT}${line}\n${wrapped(what, INDENT.repeat(3))}`).join('')}`,
  ].join('\n')
}

/** The help of the program. */
export function programHelp(groups: readonly VerbGroup[]): string {
  const width = columnWidth(groups.flatMap(({ verbs }) => verbs.map(shortName)))
  return [
    'usage: sgring VERB [OPTION]…\n',
    wrapped(
      'SCSI through lock-free rings in shared memory. A unit is ring:NAME, LUN 0 of a target in the runtime folder, ring:NAME/LUN, or ring:/path.sock?lun=N; a device is /dev/bsg/H:C:T:L, /dev/sgN or /dev/sdX.',
      '',
    ),
    ...groups.map(({ title, verbs }) => {
      const rows = verbs.map((verb) => [shortName(verb), verb.summary] as const)
      return `${title}:\n${columns(rows, width)}`
    }),
    columns([
      ['VERB --help', 'what a verb takes, with examples'],
      ['--version', 'the version'],
    ]),
    `new here? Two lines that need nothing:\n${INDENT}sgring serve --listen disk --memory 64M &\n${INDENT}sgring list\n`,
    `exit codes, those of sg3_utils(8), which has the rarer ones, too:\n${columns(EXIT_CODE_HELP.map(([code, what]) => [String(code), what]))}`,
  ].join('\n')
}

/** What follows `sgring`. */
export function shortName({ name }: Verb): string {
  return name.replace('sgring ', '')
}

function columnWidth(names: readonly string[]): number {
  return Math.max(...names.map((name) => name.length)) + 2
}

function columns(
  rows: readonly (readonly [string, string])[],
  width = columnWidth(rows.map(([name]) => name)),
): string {
  return rows
    .map(([name, text]) => {
      const lines = wrapped(text, ' '.repeat(INDENT.length + width)).trimStart()
      return `${INDENT}${name.padEnd(width)}${lines}`
    })
    .join('')
}

/** Lines of at most `WIDTH` characters, each after `indent`. */
function wrapped(text: string, indent: string): string {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last === undefined || last.length + 1 + word.length > WIDTH) lines.push(indent + word)
    else lines[lines.length - 1] = `${last} ${word}`
  }
  return `${lines.join('\n')}\n`
}
