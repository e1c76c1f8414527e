import type { CompletedCommand } from './model.ts';
import { wordsFunction } from './sh-script.ts';

/** The script for bash, of version 4 or newer. */
export function bashScript(commands: readonly CompletedCommand[]): string {
  return `# bash completion of smolvm. Made by: smolvm completion bash
${wordsFunction(commands)}
_smolvm() {
  # bash has split the line at colons too; the words are told by spaces.
  local line=\${COMP_LINE:0:COMP_POINT} words current before found word has_files=''
  read -ra words <<<"$line"
  if [[ $line == *[[:space:]] ]]; then words+=(''); fi
  current=\${words[\${#words[@]} - 1]}
  before=''
  if [[ $current == *:* && $COMP_WORDBREAKS == *:* ]]; then before=\${current%"\${current##*:}"}; fi
  COMPREPLY=()
  while IFS= read -r found; do
    word=\${found%%$'\\t'*}
    if [[ $word == :files ]]; then
      has_files=1
    elif [[ $word == "$current"* ]]; then
      COMPREPLY+=("\${word#"$before"}")
    fi
  done < <(__smolvm_words "\${words[@]:1}")
  if [[ \${#COMPREPLY[@]} == 1 && \${COMPREPLY[0]} == *: ]]; then compopt -o nospace 2>/dev/null; fi
  if [[ -n $has_files ]]; then
    # It quotes colons, and so must not meet ids.
    if [[ \${#COMPREPLY[@]} == 0 ]]; then compopt -o filenames 2>/dev/null; fi
    while IFS= read -r found; do COMPREPLY+=("\${found#"$before"}"); done < <(compgen -f -- "$current")
  fi
}
complete -F _smolvm smolvm
`;
}
