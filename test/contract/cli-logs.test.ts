import type { ChildProcess } from 'node:child_process';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { cli, json, onTerminal, seen, start } from '../support/cli.ts';
import { withWorld } from '../support/world.ts';

const world = withWorld();
const consoleFile = (): string => join(world().folder, 'console');
const write = (text: string): void => {
  appendFileSync(consoleFile(), text);
};

/** Writes to the console and waits until a follower has printed it. */
async function writeAndSee(child: ChildProcess, text: string): Promise<void> {
  const printed = seen(child, text.slice(-10));
  write(text);
  await printed;
}

beforeEach(async () => {
  writeFileSync(consoleFile(), 'boot\r\n');
  world().qemu.behave({ consoleFile: consoleFile() });
  await cli(['create', 'box', '--start']);
});

describe('logs -f', () => {
  test('prints what is kept, then what comes, and ends with the VM', async () => {
    const { child, ended } = start(['logs', '-f', 'box']);
    await seen(child, 'boot\r\n');
    await writeAndSee(child, 'one\n');
    await writeAndSee(child, 'two\n\xff');
    // Who else reads takes it from the VMM; it is in the log all the same.
    const three = seen(child, 'three\n');
    write('three\n');
    expect((await cli(['logs', 'box'])).stdout).toContain('three\n');
    await three;
    write('last\n');
    await cli(['stop', 'box']);
    expect(await ended).toMatchObject({
      exitCode: 0,
      stdout: 'boot\r\none\ntwo\n\xffthree\nlast\n',
      stderr: '',
    });
    expect(await cli(['logs', '-f', 'box'])).toMatchObject({
      exitCode: 0,
      stdout: 'boot\r\none\ntwo\n\xffthree\nlast\n',
    });
    await cli(['delete', 'box']);
  });

  test('ends with a VM whose VMM is killed, and with one that is deleted', async () => {
    const { child, ended } = start(['logs', '-f', 'box']);
    await seen(child, 'boot\r\n');
    const { envelope } = await json(['info', 'box']);
    process.kill((envelope as { data: { pid: number } }).data.pid, 'SIGKILL');
    expect(await ended).toMatchObject({ exitCode: 0, stdout: 'boot\r\n', stderr: '' });
    await cli(['start', 'box']);
    const second = start(['logs', '-f', 'box']);
    await seen(second.child, 'boot\r\n');
    await cli(['delete', '--force', 'box']);
    expect(await second.ended).toMatchObject({ exitCode: 0, stderr: '' });
  });

  test('is ended by Ctrl-C and by a broken pipe, and leaves the VM as it is', async () => {
    const interrupted = start(['logs', '-f', 'box']);
    await seen(interrupted.child, 'boot\r\n');
    interrupted.child.kill('SIGINT');
    expect(await interrupted.ended).toMatchObject({ exitCode: 130, stderr: '' });
    const broken = start(['logs', '-f', 'box']);
    await seen(broken.child, 'boot\r\n');
    broken.child.stdout.destroy();
    await sleep(50);
    write('more\n');
    expect(await broken.ended).toMatchObject({ exitCode: 141, stderr: '' });
    expect((await cli(['info', 'box'])).stdout).toContain('running');
    await cli(['delete', '--force', 'box']);
  });

  test('says when the console was faster than it can be read', async () => {
    const { child, ended } = start(['logs', '-f', 'box']);
    await seen(child, 'boot\r\n');
    await writeAndSee(child, `${'x'.repeat(300 * 1024)}the end\n`);
    await cli(['stop', 'box']);
    const { exitCode, stdout, stderr } = await ended;
    expect({ exitCode, stderr }).toEqual({
      exitCode: 0,
      stderr: 'smolvm: the console was faster than it can be read: output may be missing here\n',
    });
    expect(stdout.length).toBe(256 * 1024 + 6);
    await cli(['delete', 'box']);
  });

  test('is escaped on a terminal', async () => {
    write('\x1b[2Jhi\r\n');
    const ended = onTerminal('logs -f box');
    await sleep(1_000);
    await cli(['delete', '--force', 'box']);
    expect((await ended).stdout).toBe('boot\n\\x1b[2Jhi\n');
  });

  test('is not for --json', async () => {
    expect(await json(['logs', '-f', 'box'])).toMatchObject({ exitCode: 2, envelope: { ok: false } });
    await cli(['delete', '--force', 'box']);
  });
});
