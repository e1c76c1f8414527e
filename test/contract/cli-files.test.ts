import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cli, json, onTerminal } from '../support/cli.ts';
import { withWorld } from '../support/world.ts';

const world = withWorld();
const inGuest = (path: string): string => join(world().qemu.guestRoot, path);
const here = (path: string): string => join(world().folder, path);

beforeEach(async () => {
  expect(await cli(['create', 'box', '--start'])).toMatchObject({ exitCode: 0 });
});

afterEach(async () => {
  await cli(['delete', '--force', 'box']);
});

describe('cp', () => {
  test('copies a file there and back, and says so on a terminal only', async () => {
    writeFileSync(here('a file'), 'contents', { mode: 0o640 });
    expect(await cli(['cp', here('a file'), 'box:/srv/deep/'])).toMatchObject({
      exitCode: 0,
      stdout: '',
      stderr: '',
    });
    expect(readFileSync(inGuest('srv/deep/a file'), 'utf8')).toBe('contents');
    expect((await onTerminal(`cp 'box:/srv/deep/a file' ${here('back')}`)).stdout).toBe(
      `box:/srv/deep/a file → ${here('back')}\n`,
    );
    expect(readFileSync(here('back'), 'utf8')).toBe('contents');
    expect(statSync(here('back')).mode & 0o777).toBe(0o640);
  });

  test('copies folders because the source is one, and follows the link that is the source', async () => {
    mkdirSync(here('tree/sub'), { recursive: true });
    writeFileSync(here('tree/sub/x'), 'x');
    symlinkSync('tree', here('link'));
    expect(await json(['cp', here('link'), 'box:/srv/new'])).toEqual({
      exitCode: 0,
      envelope: {
        ok: true,
        command: 'cp',
        data: {
          vmId: 'box',
          direction: 'upload',
          kind: 'folder',
          localPath: here('link'),
          guestPath: '/srv/new',
        },
      },
    });
    expect(readFileSync(inGuest('srv/new/sub/x'), 'utf8')).toBe('x');
    symlinkSync('new', inGuest('srv/link'));
    expect(await json(['cp', 'box:/srv/link', `${here('out')}/`])).toMatchObject({
      exitCode: 0,
      envelope: { data: { direction: 'download', kind: 'folder', localPath: here('out/link') } },
    });
    expect(readFileSync(here('out/link/sub/x'), 'utf8')).toBe('x');
  });

  test('takes stdin and stdout for -, byte for byte', async () => {
    const input = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 256));
    expect(await cli(['cp', '-', 'box:/etc/motd'], { input })).toMatchObject({ exitCode: 0, stderr: '' });
    expect(readFileSync(inGuest('etc/motd'))).toEqual(input);
    expect((await cli(['cp', 'box:/etc/motd', '-'])).bytes).toEqual(input);
  });

  test('makes folders unless told not to', async () => {
    writeFileSync(here('file'), '');
    const { exitCode, stderr } = await cli(['cp', '--no-make-dirs', here('file'), 'box:/no/such/file']);
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^smolvm: in the guest: .*: no such file or folder\nhint: /) as string,
    });
    expect(existsSync(inGuest('no'))).toBe(false);
  });

  test.each([
    [['cp', 'a', 'b'], 2, 'neither path is in a VM'],
    [['cp', 'a:/a', 'b:/b'], 2, 'both paths are in VMs'],
    [['cp', '/no/such/file', 'box:/x'], 2, 'there is no /no/such/file'],
    [['cp', 'box:/no/such/file', '.'], 1, 'no such file or folder'],
    [['cp', 'box:/no/such/file', '-'], 1, 'no such file or folder'],
    [['cp', '--user', 'nobody', 'box:/x', '-'], 1, 'no such user'],
    [['cp', 'gone:/x', '.'], 1, `there is no VM 'gone'`],
  ])('%j exits with %i', async (args, exitCode, message) => {
    expect(await cli(args)).toMatchObject({
      exitCode,
      stdout: '',
      stderr: expect.stringContaining(message) as string,
    });
  });

  test('with --json does not mix a file into the envelope', async () => {
    expect(await json(['cp', 'box:/x', '-'])).toMatchObject({
      exitCode: 2,
      envelope: { ok: false, error: { code: 'INVALID_ARGUMENT' } },
    });
  });
});

describe('env', () => {
  const odd = `it's "odd" $HOME`;

  test('sets, lists and removes variables', async () => {
    expect(await cli(['env', 'set', 'box', 'B=1', `A=${odd}`])).toMatchObject({
      exitCode: 0,
      stdout: '',
      stderr: '',
    });
    expect((await cli(['env', 'list', 'box'])).stdout).toBe(`A=${odd}\nB=1\n`);
    expect(await json(['env', 'set', 'box', 'C=3'])).toEqual({
      exitCode: 0,
      envelope: { ok: true, command: 'env set', data: { vmId: 'box', names: ['A', 'B', 'C'] } },
    });
    expect(await json(['env', 'unset', 'box', 'A', 'B', 'UNKNOWN'])).toMatchObject({
      exitCode: 0,
      envelope: { command: 'env unset', data: { removed: ['A', 'B'] } },
    });
    expect(await json(['env', 'set', 'box', '--replace', 'ONLY='])).toMatchObject({
      envelope: { data: { names: ['ONLY'] } },
    });
    expect(await json(['env', 'list', 'box'])).toMatchObject({
      envelope: { command: 'env list', data: { vmId: 'box', variables: { ONLY: '' } } },
    });
  });

  test('takes secrets from a file or stdin, and arguments over them', async () => {
    writeFileSync(here('secrets'), '# mine\nTOKEN=a=b c\nB=file\n');
    expect(await cli(['env', 'set', 'box', '--file', here('secrets'), 'B=argument'])).toMatchObject({
      exitCode: 0,
    });
    expect((await cli(['env', 'list', 'box'])).stdout).toBe('B=argument\nTOKEN=a=b c\n');
    expect(await cli(['env', 'set', 'box', '--file', '-', '--replace'], { input: 'X=1' })).toMatchObject({
      exitCode: 0,
    });
    expect((await cli(['env', 'list', 'box'])).stdout).toBe('X=1\n');
  });

  test('is escaped on a terminal and raw in a pipe', async () => {
    await cli(['env', 'set', 'box', 'A=\x1b[2Jtwo\nlines']);
    expect((await cli(['env', 'list', 'box'])).stdout).toBe('A=\x1b[2Jtwo\nlines\n');
    expect((await onTerminal('env list box')).stdout).toBe('A=\\x1b[2Jtwo\\x0alines\n');
  });

  test('an error never shows a value', async () => {
    for (const args of [['hunter2'], ['A-B=hunter2'], ['--file', '-']]) {
      const { exitCode, stdout, stderr } = await cli(['env', 'set', 'box', ...args], {
        input: 'A=1\nhunter2',
      });
      expect(exitCode).toBe(2);
      expect(stdout + stderr).not.toContain('hunter2');
    }
  });

  test('a file that is too long or not there is refused', async () => {
    const tooLong = await cli(['env', 'set', 'box', '--file', '/dev/zero']);
    expect(tooLong).toMatchObject({
      exitCode: 2,
      stderr: 'smolvm: --file: it is longer than 1048576 bytes\n',
    });
    const gone = await cli(['env', 'set', 'box', '--file', '/no/such']);
    expect(gone).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('ENOENT') as string });
  });
});
