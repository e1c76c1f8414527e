import { SmolVMError } from '../../errors.ts';

/** What login shells read, by `/etc/profile`. */
export const ENV_FILE_PATH = '/etc/profile.d/smolvm_env.sh';

const HEADER = '# Written by smolvm: setEnvVars() and envVars. Other lines are not kept.\n';

/** Variables → a shell script that exports them. Safe for any value without NUL. Pure. */
export function formatEnvFile(variables: Readonly<Record<string, string>>): string {
  const lines = Object.entries(variables)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `export ${name}=${quote(value)}\n`);
  return HEADER + lines.join('');
}

/** In single quotes nothing has a meaning but the quote itself. */
function quote(value: string): string {
  return `'${value.replaceAll("'", `'\\''`)}'`;
}

const ASSIGNMENT = /export ([A-Za-z_][A-Za-z0-9_]*)=((?:'[^']*'|\\')+)\n/y;
const COMMENT = /#[^\n]*\n|\n/y;

/** The script back into variables. What it cannot have written is an error, not a guess. Pure. */
export function parseEnvFile(text: string): Readonly<Record<string, string>> {
  const variables: (readonly [string, string])[] = [];
  for (let at = 0; at < text.length;) {
    ASSIGNMENT.lastIndex = COMMENT.lastIndex = at;
    const assignment = ASSIGNMENT.exec(text);
    const [, name, quoted] = assignment ?? [];
    if (name !== undefined && quoted !== undefined) {
      variables.push([name, unquote(quoted)]);
      at = ASSIGNMENT.lastIndex;
    } else if (COMMENT.test(text)) {
      at = COMMENT.lastIndex;
    } else {
      throw new SmolVMError(
        'GUEST_FILE_FAILED',
        `${ENV_FILE_PATH} in the guest was changed by hand: line ${String(text.slice(0, at).split('\n').length)} is not ours`,
        {
          hint: 'Remove that line, or replace all: setEnvVars({...}, { merge: false }).',
        },
      );
    }
  }
  return Object.fromEntries(variables);
}

function unquote(quoted: string): string {
  return quoted.replaceAll(
    /'([^']*)'|\\(')/g,
    (_all, plain: string | undefined, escaped: string | undefined) => plain ?? escaped ?? '',
  );
}
