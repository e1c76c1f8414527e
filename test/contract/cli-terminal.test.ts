import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cli, json, program } from '../support/cli.ts';
import { Terminal } from '../support/terminal.ts';
import { withWorld } from '../support/world.ts';

const world = withWorld();
const COOKED = 'icanon echo isig icrnl opost';
const RAW = '';

beforeEach(async () => {
  expect(await cli(['create', 'box', '--start'])).toMatchObject({ exitCode: 0 });
});

afterEach(async () => {
  await cli(['delete', '--force', 'box']);
});

function onTerminal(args: readonly string[], options?: ConstructorParameters<typeof Terminal>[1]): Terminal {
  return new Terminal([process.execPath, program, ...args], options);
}

describe('exec -it', () => {
  test('is raw while the command runs and restored after it; exits as the command did', async () => {
    const terminal = onTerminal([
      'exec',
      '-it',
      'box',
      '--',
      'sh',
      '-c',
      'echo ready; read x; echo "got $x"; exit 7',
    ]);
    await terminal.until('ready');
    await expect.poll(() => terminal.modes()).toBe(RAW);
    terminal.type('a line\r');
    expect(await terminal.ended).toBe(7);
    expect(await terminal.nextModes()).toBe(COOKED);
    // The echo is that of the guest's terminal: once.
    expect(terminal.shown).toBe('ready\r\na line\r\ngot a line\r\n');
  });

  test('tells the size at its start and whenever it changes, and which terminal it is', async () => {
    const script = `stty size; echo "$TERM"; trap 'stty size; exit' WINCH; while :; do sleep 0.05; done`;
    const options = { rows: 31, columns: 97, env: { TERM: 'xterm-kitty' } };
    const terminal = onTerminal(['exec', 'box', '-t', '-c', script], options);
    await terminal.until('31 97\r\nxterm-kitty\r\n');
    terminal.resize(40, 120);
    expect(await terminal.ended).toBe(0);
    expect(terminal.shown).toContain('\r\n40 120\r\n');
  });

  test('passes Ctrl-C and every other byte to the guest, and output as it is', async () => {
    const script = `trap 'echo interrupted' INT; echo ready; read x; stty raw -echo; printf 'a\\nb\\r\\377'; head -c 6 | od -An -tx1`;
    const terminal = onTerminal(['exec', '-it', 'box', '--', 'bash', '-c', script]);
    await terminal.until('ready');
    await expect.poll(() => terminal.modes()).toBe(RAW);
    terminal.type('\x03');
    await terminal.until('interrupted');
    terminal.type('\r');
    await terminal.until('a\nb\r\ufffd');
    terminal.type('\x03\x1a\x1c\r\n\x04');
    expect(await terminal.ended).toBe(0);
    expect(terminal.shown).toContain('03 1a 1c 0d 0a 04');
    expect(await terminal.nextModes()).toBe(COOKED);
  });

  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGHUP', 129],
  ] as const)('is restored when %s ends it', async (signal, exitCode) => {
    const terminal = onTerminal(['exec', '-it', 'box', '--', 'sh', '-c', 'echo ready; sleep 100']);
    await terminal.until('ready');
    await expect.poll(() => terminal.modes()).toBe(RAW);
    terminal.kill(signal);
    expect(await terminal.ended).toBe(exitCode);
    expect(await terminal.nextModes()).toBe(COOKED);
  });

  test('is restored when the VM ends under it, which is an error', async () => {
    const terminal = onTerminal(['exec', '-it', 'box', '--', 'sh', '-c', 'echo ready; sleep 100']);
    await terminal.until('ready');
    await expect.poll(() => terminal.modes()).toBe(RAW);
    const { envelope } = await json(['info', 'box']);
    process.kill((envelope as { data: { pid: number } }).data.pid, 'SIGKILL');
    expect(await terminal.ended).toBe(125);
    expect(await terminal.nextModes()).toBe(COOKED);
    expect(terminal.shown).toMatch(/smolvm:.* .*\r\n/);
  });

  test('never touches the terminal if the command does not start', async () => {
    const terminal = onTerminal(['exec', '-it', '--cwd', '/no/such', 'box', '--', 'true']);
    expect(await terminal.ended).toBe(125);
    expect(await terminal.nextModes()).toBe(COOKED);
    expect(terminal.shown).toContain('no such folder');
  });

  test.each([[['exec', '-it', 'box', '--', 'true']], [['shell', 'box']]])(
    '%j without a terminal is a usage error',
    async (args) => {
      expect(await cli(args)).toEqual(
        expect.objectContaining({
          exitCode: 2,
          stdout: '',
          stderr:
            'smolvm: stdin and stdout are not a terminal\nhint: For input from a file or pipe use exec -i without -t.\n',
        }),
      );
      expect(await json(args)).toMatchObject({ exitCode: 2, envelope: { ok: false } });
    },
  );
});

describe('shell', () => {
  test('is the login shell of the user that the guest names', async () => {
    const [etc, shell] = [join(world().qemu.guestRoot, 'etc'), join(world().folder, 'shell')];
    mkdirSync(etc, { recursive: true });
    writeFileSync(join(etc, 'passwd'), `root:x:0:0:root:/root:${shell}\n`);
    writeFileSync(shell, '#!/bin/sh\necho "shell $* $A"; read x; exit "$x"\n', { mode: 0o755 });
    const terminal = onTerminal(['shell', 'box', '-e', 'A=b']);
    await terminal.until('shell -l b\r\n');
    await expect.poll(() => terminal.modes()).toBe(RAW);
    terminal.type('9\r');
    expect(await terminal.ended).toBe(9);
    expect(await terminal.nextModes()).toBe(COOKED);
  });

  test('is /bin/sh in an image without users', async () => {
    const terminal = onTerminal(['shell', 'box', '--cwd', '/tmp']);
    await expect.poll(() => terminal.modes()).toBe(RAW);
    terminal.type('echo "$((6 * 7)) in $PWD"; exit 3\r');
    expect(await terminal.ended).toBe(3);
    expect(terminal.shown).toContain('42 in /tmp\r\n');
  });
});
