import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Terminal } from '../support/terminal.ts';
import { useRealHost } from './real-host.ts';

const host = useRealHost({ vmOfFile: true });
const CLI = join(host.repo, 'dist/cli/main.js');

function smolvm(
  args: readonly string[],
  input: string | Buffer = '',
): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args], { encoding: 'utf8', input });
  return { status, stdout, stderr };
}

const done = { status: 0, stdout: '', stderr: '' };

beforeAll(() => {
  expect(smolvm(['create', 'box', '--start'])).toMatchObject({ status: 0, stderr: '' });
});

afterAll(() => {
  expect(smolvm(['delete', '--force', 'box'])).toEqual(done);
});

describe('cp', () => {
  test('copies folders and files into the VM, and a file by stdin and stdout', () => {
    const tree = join(host.scratch, 'tree');
    mkdirSync(join(tree, 'sub'), { recursive: true });
    writeFileSync(join(tree, 'sub/file'), 'in a folder', { mode: 0o640 });
    symlinkSync('sub/file', join(tree, 'link'));
    expect(smolvm(['cp', tree, 'box:/srv/'])).toEqual(done);
    const look = 'cat /srv/tree/link; stat -c " %a" /srv/tree/sub/file; readlink /srv/tree/link';
    expect(smolvm(['exec', 'box', '-c', look]).stdout).toBe('in a folder 640\nsub/file\n');
    expect(smolvm(['cp', '-', 'box:/etc/motd'], 'good day\n')).toEqual(done);
    expect(smolvm(['cp', 'box:/etc/motd', '-'])).toEqual({ ...done, stdout: 'good day\n' });
    expect(smolvm(['cp', '--user', 'nobody', '-', 'box:/etc/motd'], 'mine')).toMatchObject({ status: 1 });
  });

  test('copies folders and files out of the VM', () => {
    const back = join(host.scratch, 'back');
    expect(smolvm(['exec', 'box', '-c', 'mkdir -p /srv/out; echo one > /srv/out/file'])).toEqual(done);
    expect(smolvm(['cp', 'box:/srv/out', back])).toEqual(done);
    expect(readFileSync(join(back, 'file'), 'utf8')).toBe('one\n');
    expect(smolvm(['cp', 'box:/srv/out/file', `${back}/deep/`])).toEqual(done);
    expect(readFileSync(join(back, 'deep/file'), 'utf8')).toBe('one\n');
  });
});

test('env sets variables for login shells, from arguments and from stdin', () => {
  expect(smolvm(['env', 'set', 'box', 'GREETING=good day', 'DROP=1'])).toEqual(done);
  expect(smolvm(['env', 'set', 'box', '--file', '-'], `TOKEN=it's "odd" $HOME\n`)).toEqual(done);
  expect(smolvm(['env', 'unset', 'box', 'DROP'])).toEqual(done);
  const all = `GREETING=good day\nTOKEN=it's "odd" $HOME\n`;
  expect(smolvm(['env', 'list', 'box'])).toEqual({ ...done, stdout: all });
  const print = 'echo "GREETING=$GREETING"; echo "TOKEN=$TOKEN"';
  expect(smolvm(['exec', 'box', '-c', print])).toEqual({ ...done, stdout: all });
});

test('port waits for a server in the guest and leads to it until it is closed', async () => {
  const server = spawn(
    process.execPath,
    [CLI, 'exec', 'box', '-c', 'echo page > /tmp/page; httpd -f -p 8080 -h /tmp'],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  try {
    expect(smolvm(['port', 'wait', 'box', '8080'])).toEqual(done);
    const { status, stdout } = smolvm(['port', 'expose', 'box', '8080']);
    expect(status).toBe(0);
    expect(await (await fetch(`http://${stdout.trim()}/page`)).text()).toBe('page\n');
    expect(smolvm(['port', 'list', 'box']).stdout).toBe(`GUEST PORT  ADDRESS\n8080        ${stdout}`);
    expect(smolvm(['port', 'close', 'box', '8080'])).toEqual(done);
    await expect(fetch(`http://${stdout.trim()}/page`)).rejects.toThrow();
  } finally {
    server.kill('SIGTERM');
    await once(server, 'exit');
  }
});

test('logs -f prints what comes to the console until the VM ends', async () => {
  expect(smolvm(['create', 'talker', '--vcpus', '1', '--start'])).toMatchObject({ status: 0 });
  const follower = spawn(process.execPath, [CLI, 'logs', '-f', 'talker'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let console = '';
  follower.stdout.setEncoding('utf8').on('data', (text: string) => (console += text));
  for (const word of ['first', 'second']) {
    expect(smolvm(['exec', 'talker', '-c', `echo ${word} word > /dev/console`])).toEqual(done);
    await expect.poll(() => console, { timeout: 20_000 }).toContain(`${word} word`);
  }
  expect(smolvm(['stop', 'talker'])).toMatchObject({ status: 0 });
  const [exitCode] = (await once(follower, 'close')) as [number | null];
  expect(exitCode).toBe(0);
  expect(console.match(/(first|second) word/g)).toEqual(['first word', 'second word']);
  expect(smolvm(['logs', 'talker']).stdout.startsWith(console)).toBe(true);
  expect(smolvm(['delete', 'talker'])).toEqual(done);
});

test('exec -d leaves a command to itself, ps lists it, attach reads it and exits as it did', async () => {
  const script = 'echo one; while [ ! -e /tmp/go ]; do sleep 0.05; done; echo two; exit 7';
  const { status, stdout } = smolvm(['exec', '-d', 'box', '--', 'sh', '-c', script]);
  expect(status).toBe(0);
  const id = stdout.trim();
  expect(smolvm(['ps', 'box']).stdout).toMatch(new RegExp(`^${id} +running +\\d+ +sh +2`, 'm'));
  const reader = spawn(process.execPath, [CLI, 'attach', 'box', id], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(reader.stdout, 'data');
  reader.kill('SIGINT');
  expect(await once(reader, 'exit')).toEqual([130, null]);
  expect(smolvm(['exec', 'box', '--', 'touch', '/tmp/go'])).toEqual(done);
  expect(smolvm(['attach', 'box', id])).toEqual({ status: 7, stdout: 'one\ntwo\n', stderr: '' });
  expect(smolvm(['attach', 'box', id, '--cursor', '4'])).toEqual({ status: 7, stdout: 'two\n', stderr: '' });
  expect(smolvm(['ps', 'box']).stdout).toMatch(new RegExp(`^${id} +exited 7 +- `, 'm'));
});

test('shell is a terminal in the guest, of the size of ours', async () => {
  const terminal = new Terminal([process.execPath, CLI, 'shell', 'box'], { rows: 33, columns: 99 });
  await terminal.until('#');
  terminal.type('stty size; tty; echo $((6 * 7)); sleep 100\r');
  await terminal.until('33 99');
  await terminal.until('/dev/pts/');
  await terminal.until('42');
  terminal.type('\x03');
  terminal.type('exit 9\r');
  expect(await terminal.ended).toBe(9);
  expect(await terminal.nextModes()).toBe('icanon echo isig icrnl opost');
});
