/** `sgring completion`: what a shell needs to complete a command line, made from the table of verbs. */

import { CliError, ExitCode } from './exit-code.ts'
import { shortName } from './help.ts'
import { COMMON, type Verb, verb } from './verb.ts'

/** @param table the verbs, asked for when all of them are there: this one is one of them */
export function completionOf(table: () => readonly Verb[]): Verb {
  return verb({
    name: 'sgring completion',
    summary: 'completion for bash, zsh or fish',
    usage: 'bash|zsh|fish [--json]',
    about: [
      'Prints a script that makes the shell complete verbs, options, files, device nodes, and the names of targets in the runtime folder.',
    ],
    operands: { SHELL: 'bash, zsh or fish' },
    options: {},
    examples: [
      ['eval "$(sgring completion bash)"', 'in ~/.bashrc'],
      ['sgring completion zsh > _sgring', 'into a folder of $fpath, before compinit'],
      ['sgring completion fish > sgring.fish', 'into ~/.config/fish/completions'],
    ],
    async run({ operands: [shell = ''], json }) {
      const script = SCRIPTS.get(shell)?.(table())
      if (script === undefined) {
        throw new CliError(ExitCode.SYNTAX, `SHELL is bash, zsh or fish, not '${shell}'`)
      }
      process.stdout.write(json ? `${JSON.stringify({ shell, script })}\n` : script)
    },
  })
}

const SCRIPTS: ReadonlyMap<string, (verbs: readonly Verb[]) => string> = new Map([
  ['bash', bash],
  ['zsh', zsh],
  ['fish', fish],
])

const SOCKETS = `"\${XDG_RUNTIME_DIR:-/run/user/$(id -u)}"/sgring`

function optionsOf(verb: Verb) {
  return Object.entries({ ...verb.options, ...COMMON }).map(([name, { type, value, help }]) => ({
    flag: `--${name}`,
    help,
    value: type === 'string' ? (value ?? 'VALUE') : undefined,
    file: ['FILE', 'PATH', 'SOCK', 'DIR'].includes(value ?? ''),
  }))
}

/** A colon breaks words in bash: what is before it in the word is taken off what is offered. */
function bash(verbs: readonly Verb[]): string {
  const words = verbs.map((verb) => {
    const flags = optionsOf(verb)
    const [files, values] = [flags.filter(({ file }) => file), flags.filter(isOther)]
    return `    ${shortName(verb)})
      flags='${flags.map(({ flag }) => flag).join(' ')}'
      files='${files.map(({ flag }) => flag).join(' ')}'
      values='${values.map(({ flag }) => flag).join(' ')}'
      operand=${operandOf(verb)} ;;
`
  })
  return `# bash completion for sgring
_sgring() {
  local line word before flags='--help --version' files='' values='' operand=verbs
  # COMP_WORDS is split at colons; a name of a target has one.
  line="\${COMP_LINE:0:COMP_POINT}"
  word="\${line##*[[:space:]]}"
  before="\${line%"$word"}"
  before="\${before%"\${before##*[![:space:]]}"}"
  before="\${before##*[[:space:]]}"
  COMPREPLY=()
  case "\${COMP_WORDS[1]}" in
${words.join('')}  esac
  [[ $before = "\${COMP_WORDS[0]}" ]] && operand=verbs
  if [[ " $files " = *" $before "* ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
  elif [[ " $values " = *" $before "* ]]; then
    :
  elif [[ $word = -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$flags" -- "$word")
  elif [[ $operand = verbs ]]; then
    mapfile -t COMPREPLY < <(compgen -W '${verbs.map(shortName).join(' ')} --help --version' -- "$word")
  elif [[ $operand = shells ]]; then
    mapfile -t COMPREPLY < <(compgen -W 'bash zsh fish' -- "$word")
  elif [[ $operand = units* ]]; then
    local socket names='' cut=''
    for socket in ${SOCKETS}/*.sock; do
      [[ -S $socket ]] || continue
      socket="\${socket##*/}"
      names+=" ring:\${socket%.sock}"
    done
    [[ $word = *:* && $COMP_WORDBREAKS = *:* ]] && cut="\${word%:*}:"
    mapfile -t COMPREPLY < <(compgen -W "$names" -- "$word")
    if [[ $operand = *files || $word = /* ]]; then
      local found
      mapfile -t found < <(compgen -f -- "$word")
      COMPREPLY+=("\${found[@]}")
    fi
    COMPREPLY=("\${COMPREPLY[@]#"$cut"}")
  fi
}
complete -F _sgring sgring
`
}

function isOther({ value, file }: ReturnType<typeof optionsOf>[number]): boolean {
  return value !== undefined && !file
}

/** What can stand for a verb's operands. */
function operandOf(verb: Verb): 'shells' | 'units' | 'units-and-files' | 'none' {
  const [first = ''] = Object.keys(verb.operands)
  if (first === 'SHELL') return 'shells'
  if (first === 'A') return 'units-and-files'
  return /^\[?(ADDRESS|TARGET)\]?$/.test(first) ? 'units' : 'none'
}

function zsh(verbs: readonly Verb[]): string {
  const quoted = (text: string) => text.replaceAll("'", "'\\''").replaceAll(/[[\]:]/g, '\\$&')
  const cases = verbs.map((verb) => {
    const flags = optionsOf(verb).map(({ flag, help, value, file }) => {
      const argument = value === undefined ? '' : `:${value}:${file ? '_files' : ' '}`
      return `'*${flag}[${quoted(help)}]${argument}'`
    })
    const operand = ZSH_OPERANDS[operandOf(verb)]
    const all = operand === undefined ? flags : [...flags, operand]
    return `    ${shortName(verb)}) _arguments ${all.join(' ')} ;;\n`
  })
  const summaries = verbs.map((verb) => `    '${shortName(verb)}:${quoted(verb.summary)}'\n`)
  return `#compdef sgring
_sgring_units() {
  local -a sockets units
  sockets=(${SOCKETS}/*.sock(N=:t:r))
  units=("ring:"\${^sockets})
  compadd -a units
  if [[ $PREFIX = /* ]]; then _files; fi
}
_sgring_units_and_files() { _sgring_units; _files }
_sgring() {
  local -a verbs
  verbs=(
${summaries.join('')}  )
  if (( CURRENT == 2 )); then
    _describe verb verbs
    return
  fi
  local verb=$words[2]
  shift words
  (( CURRENT-- ))
  case $verb in
${cases.join('')}  esac
}
if [[ $funcstack[1] = _sgring ]]; then _sgring "$@"; else compdef _sgring sgring; fi
`
}

const ZSH_OPERANDS: Readonly<Record<string, string>> = {
  units: "'*:unit:_sgring_units'",
  'units-and-files': "'*:unit or file:_sgring_units_and_files'",
  shells: "'*:shell:(bash zsh fish)'",
}

function fish(verbs: readonly Verb[]): string {
  const quoted = (text: string) => `'${text.replaceAll(/['\\]/g, '\\$&')}'`
  const lines = verbs.flatMap((verb) => {
    const name = shortName(verb)
    const when = `-n '__fish_seen_subcommand_from ${name}'`
    const flags = optionsOf(verb).map(({ flag, help, value, file }) => {
      const takes = value === undefined ? '' : file ? ' -r -F' : ' -x'
      return `complete -c sgring ${when} -l ${flag.slice(2)}${takes} -d ${quoted(help)}`
    })
    const operand = FISH_OPERANDS[operandOf(verb)]
    const about = `complete -c sgring -n __fish_use_subcommand -a ${name} -d ${quoted(verb.summary)}`
    return [
      about,
      ...flags,
      ...(operand === undefined ? [] : [`complete -c sgring ${when} ${operand}`]),
    ]
  })
  return `# fish completion for sgring
function __sgring_units
  set -l folder /run/user/(id -u)
  set -q XDG_RUNTIME_DIR; and set folder $XDG_RUNTIME_DIR
  for socket in $folder/sgring/*.sock
    echo ring:(basename $socket .sock)
  end
  string match -q '/*' -- (commandline -ct); and __fish_complete_path (commandline -ct)
end
complete -c sgring -f
${lines.join('\n')}
`
}

const FISH_OPERANDS: Readonly<Record<string, string>> = {
  units: "-a '(__sgring_units)'",
  'units-and-files': "-F -a '(__sgring_units)'",
  shells: "-a 'bash zsh fish'",
}
