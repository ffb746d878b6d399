/** Help texts. */

import { EXIT_CODE_HELP } from './exit-code.ts'
import { COMMON, type Verb } from './verb.ts'

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
export function programHelp(verbs: readonly Verb[]): string {
  return [
    'usage: sgring VERB [OPTION]…\n',
    'SCSI through lock-free rings in shared memory.\n',
    columns(verbs.map(({ name, summary }) => [name.replace('sgring ', ''), summary])),
    columns([
      ['VERB --help', 'what a verb takes, with examples'],
      ['--version', 'the version'],
    ]),
    `exit codes, those of sg3_utils:\n${columns(EXIT_CODE_HELP.map(([code, what]) => [String(code), what]))}`,
  ].join('\n')
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length)) + 2
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
