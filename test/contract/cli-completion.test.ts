import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cli, json, program } from '../support/cli.ts';
import { Terminal } from '../support/terminal.ts';
import { withWorld } from '../support/world.ts';

const world = withWorld();
const isMandatory = process.env['SMOLVM_CI'] === '1' || process.env['CI'] === 'true';
const isThere = (shell: string): boolean =>
  spawnSync('sh', ['-c', 'command -v "$1"', 'sh', shell]).status === 0;

/** Tests of one shell; where it is missing they are skipped, which is said, or fail. */
function describeShell(shell: string, tests: () => void): void {
  const isSkipped = !isMandatory && !isThere(shell);
  if (isSkipped) console.warn(`tests of completion in ${shell} are skipped: it is not installed`);
  describe.skipIf(isSkipped)(shell, tests);
}

/** An environment in which `smolvm` is the built CLI. */
function environment(): Record<string, string> {
  const bin = join(world().folder, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, 'smolvm'), `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`, {
    mode: 0o755,
  });
  const { folder } = world();
  return {
    PATH: `${bin}:${process.env['PATH'] ?? ''}`,
    HOME: folder,
    XDG_CONFIG_HOME: folder,
    XDG_DATA_HOME: folder,
  };
}

/** Runs a script of a shell that prints the candidates for each of its arguments, then a line of `=`. */
function candidates(
  argv: readonly string[],
  lines: readonly string[],
): Readonly<Record<string, readonly string[]>> {
  const [shell = '', ...args] = [...argv, ...lines];
  const options = {
    encoding: 'utf8',
    env: { ...process.env, ...environment() },
    cwd: world().folder,
  } as const;
  const { status, stdout, stderr } = spawnSync(shell, args, options);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const found = stdout.split('=\n').map((part) => part.split('\n').filter((line) => line !== ''));
  return Object.fromEntries(lines.map((line, index) => [line, found[index] ?? []]));
}

/** `smolvm` prints its words instead, but for the question that completion asks. */
const ECHO = `smolvm() { if [ "$1" = __complete ]; then command smolvm "$@"; else printf '<%s>\\n' "$*"; fi; }`;

/** Typed before the Tab, and the words that `smolvm` is then called with. */
const LINES = [
  ['comp', 'completion'],
  ['env uns', 'env unset'],
  ['logs --fol', 'logs --follow'],
  ['exec -i unl', 'exec -i unlike'],
  ['cp unl', 'cp unlike:'],
] as const;

/** Types lines with a Tab at their end into a shell, as a person does. */
async function expectCompletion(argv: readonly string[], setUp: string): Promise<void> {
  const terminal = new Terminal(argv, { columns: 200, env: environment() });
  try {
    terminal.type(`${setUp}; ${ECHO}; echo set""up\r`);
    await terminal.until('setup');
    for (const [typed, words] of LINES) {
      terminal.type(`smolvm ${typed}\t\r`);
      await terminal.until(`<${words}>`);
    }
  } finally {
    terminal.kill('SIGHUP');
    await terminal.ended;
  }
}

beforeEach(async () => {
  for (const name of ['box-1', 'box-2', 'unlike']) await cli(['create', name]);
});

afterEach(async () => {
  await cli(['delete', 'box-1', 'box-2', 'unlike']);
});

test('__complete prints the ids of VMs', async () => {
  expect(await cli(['__complete'])).toMatchObject({
    exitCode: 0,
    stdout: 'box-1\nbox-2\nunlike\n',
    stderr: '',
  });
});

test('completion refuses other shells, and has an envelope', async () => {
  expect(await cli(['completion', 'csh'])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('bash, zsh, fish') as string,
  });
  expect(await json(['completion', 'fish'])).toMatchObject({
    envelope: {
      ok: true,
      data: { shell: 'fish', script: expect.stringContaining('complete -c smolvm') as string },
    },
  });
});

describeShell('bash', () => {
  const script = `source <(smolvm completion bash); COMP_WORDBREAKS=$' \\t\\n:='
    for line; do COMP_LINE=$line COMP_POINT=\${#line}; _smolvm; printf '%s\\n' "\${COMPREPLY[@]}" =; done`;

  test('knows what may follow', () => {
    const expected = {
      'smolvm po': ['port'],
      'smolvm env ': ['set', 'unset', 'list', 'help'],
      'smolvm --json env s': ['set'],
      'smolvm env set --': ['--file', '--replace', '--json', '--help'],
      'smolvm info b': ['box-1', 'box-2'],
      'smolvm info box-1 b': [],
      'smolvm delete --force box-1 b': ['box-1', 'box-2'],
      'smolvm exec --cwd /tmp b': ['box-1', 'box-2'],
      'smolvm exec --cwd b': [],
      'smolvm exec box-1 --ti': ['--timeout'],
      'smolvm exec box-1 ls --': [],
      'smolvm run -- l': [],
      'smolvm create b': [],
      'smolvm help po': ['port'],
      'smolvm completion ': ['bash', 'zsh', 'fish'],
      'smolvm cp h': ['home'],
      'smolvm cp home b': ['box-1:', 'box-2:', 'bin'],
      'smolvm create --rootfs ho': ['home'],
    };
    const argv = ['bash', '--norc', '-c', script, 'bash'];
    expect(candidates(argv, Object.keys(expected))).toEqual(expected);
  });

  test('as it is used', async () => {
    await expectCompletion(['bash', '--norc', '-i'], 'source <(smolvm completion bash)');
  });
});

describeShell('zsh', () => {
  test('as it is used', async () => {
    const setUp = 'autoload -Uz compinit; compinit -u -D; source <(smolvm completion zsh)';
    await expectCompletion(['zsh', '-f', '-i'], setUp);
  });

  test('from a folder of functions', async () => {
    const folder = join(world().folder, 'functions');
    mkdirSync(folder);
    writeFileSync(join(folder, '_smolvm'), (await cli(['completion', 'zsh'])).stdout);
    const setUp = `fpath+=(${folder}); autoload -Uz compinit; compinit -u -D`;
    await expectCompletion(['zsh', '-f', '-i'], setUp);
  });
});

describeShell('fish', () => {
  const script = `smolvm completion fish | source; for line in $argv; complete -C $line; echo =; end`;

  test('knows what may follow', () => {
    const expected = {
      'smolvm po': ['port'],
      'smolvm env ': ['help', 'list', 'set', 'unset'],
      'smolvm --json env s': ['set'],
      'smolvm env set --': ['--file', '--help', '--json', '--replace'],
      'smolvm info b': ['box-1', 'box-2'],
      'smolvm info box-1 b': [],
      'smolvm delete --force box-1 b': ['box-1', 'box-2'],
      'smolvm exec --cwd /tmp b': ['box-1', 'box-2'],
      'smolvm exec box-1 --ti': ['--timeout'],
      'smolvm exec box-1 ls --': [],
      'smolvm run -- l': [],
      'smolvm create b': [],
      'smolvm help po': ['port'],
      'smolvm completion ': ['bash', 'fish', 'zsh'],
      'smolvm cp home b': ['bin/', 'box-1:', 'box-2:'],
      'smolvm create --rootfs ho': ['home/'],
    };
    const found = candidates(['fish', '--no-config', '-c', script], Object.keys(expected));
    const words = Object.entries(found).map(([line, all]) => [
      line,
      all.map((one) => one.split('\t')[0]).toSorted(),
    ]);
    expect(Object.fromEntries(words)).toEqual(expected);
  });

  test('says what a command does', () => {
    expect(candidates(['fish', '--no-config', '-c', script], ['smolvm '])['smolvm ']).toContain(
      'doctor\tcheck by use all that VMs need; exits with 1 if something failed',
    );
  });
});
