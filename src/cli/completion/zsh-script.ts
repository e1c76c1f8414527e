import type { CompletedCommand } from './model.ts';
import { wordsFunction } from './sh-script.ts';

/** The script for zsh: to be sourced after `compinit`, or put as `_smolvm` into a folder of `fpath`. */
export function zshScript(commands: readonly CompletedCommand[]): string {
  return `#compdef smolvm
# zsh completion of smolvm. Made by: smolvm completion zsh
${wordsFunction(commands)}
_smolvm() {
  local found word has_files=''
  local -a described places
  for found in "\${(@f)$(__smolvm_words "\${(@)words[2,CURRENT]}")}"; do
    word=\${found%%$'\\t'*}
    case "$word" in
      '') ;;
      :files) has_files=1 ;;
      *:) places+=("$word") ;;
      *) described+=("\${word//:/\\\\:}:\${found#*$'\\t'}") ;;
    esac
  done
  if (( $#described )); then _describe 'smolvm' described; fi
  if (( $#places )); then compadd -S '' -- "\${places[@]}"; fi
  if [[ -n $has_files ]]; then _files; fi
}
if [[ "\${funcstack[1]}" == _smolvm ]]; then
  _smolvm "$@"
else
  compdef _smolvm smolvm
fi
`;
}
