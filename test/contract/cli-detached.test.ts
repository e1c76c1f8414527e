import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cli, json, program, seen, start } from '../support/cli.ts';
import { Terminal } from '../support/terminal.ts';
import { withWorld } from '../support/world.ts';

const world = withWorld();
const here = (path: string): string => join(world().folder, path);

beforeEach(async () => {
  expect(await cli(['create', 'box', '--start'])).toMatchObject({ exitCode: 0 });
});

afterEach(async () => {
  await cli(['delete', '--force', 'box']);
});

/** Starts a detached command; returns its id. */
async function detach(script: string): Promise<string> {
  const { exitCode, stdout, stderr } = await cli(['exec', '-d', 'box', '--', 'sh', '-c', script]);
  expect({ exitCode, stdout, stderr }).toEqual({
    exitCode: 0,
    stdout: expect.stringMatching(/^exec-[0-9a-f]{12}\n$/) as string,
    stderr: '',
  });
  return stdout.trim();
}

describe('exec -d, attach and ps', () => {
  test('a command goes on without us; others attach to it, see it, and exit as it did', async () => {
    expect((await cli(['ps', 'box'])).stdout).toBe('EXEC ID  STATE  PID  PROGRAM  STARTED\n');
    const id = await detach(`echo one; while [ ! -e ${here('go')} ]; do sleep 0.05; done; echo two; exit 7`);
    expect((await cli(['ps', 'box'])).stdout).toMatch(
      new RegExp(`^EXEC ID .*\\n${id}  running  \\d+ +sh +\\d{4}-.*Z\\n$`),
    );
    const { child, ended } = start(['attach', 'box', id]);
    await seen(child, 'one\n');
    writeFileSync(here('go'), '');
    expect(await ended).toMatchObject({ exitCode: 7, stdout: 'one\ntwo\n', stderr: '' });
    expect(await cli(['attach', 'box', id, '--cursor', '4'])).toMatchObject({ exitCode: 7, stdout: 'two\n' });
    expect(await json(['attach', 'box', id])).toMatchObject({
      exitCode: 7,
      envelope: { command: 'attach', data: { vmId: 'box', execId: id, exitCode: 7, stdout: 'one\ntwo\n' } },
    });
    expect(await json(['ps', 'box'])).toMatchObject({
      exitCode: 0,
      envelope: {
        data: { vmId: 'box', commands: [{ execId: id, running: false, exitCode: 7, program: 'sh' }] },
      },
    });
    expect((await cli(['ps', 'box'])).stdout).toContain(`${id}  exited 7  -`);
  });

  test('Ctrl-C leaves the command running, and a person is told where to go on', async () => {
    const id = await detach(
      `echo one; while [ ! -e ${here('go')} ]; do sleep 0.05; done; touch ${here('done')}`,
    );
    const { child, ended } = start(['attach', 'box', id]);
    await seen(child, 'one\n');
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ exitCode: 130, stdout: 'one\n', stderr: '' });
    const terminal = new Terminal([process.execPath, program, 'attach', 'box', id]);
    await terminal.until('one');
    terminal.kill('SIGINT');
    expect(await terminal.ended).toBe(130);
    expect(terminal.shown).toContain(`it goes on; smolvm attach box ${id} --cursor 4\r\n`);
    writeFileSync(here('go'), '');
    await expect.poll(() => existsSync(here('done'))).toBe(true);
  });

  test('a broken pipe leaves it running too', async () => {
    const id = await detach(
      `while [ ! -e ${here('go')} ]; do echo y; sleep 0.05; done; touch ${here('done')}`,
    );
    const { child, ended } = start(['attach', 'box', id]);
    await seen(child, 'y\n');
    child.stdout.destroy();
    expect(await ended).toMatchObject({ exitCode: 141, stderr: '' });
    writeFileSync(here('go'), '');
    await expect.poll(() => existsSync(here('done'))).toBe(true);
  });

  test('--json tells id and process id', async () => {
    expect(await json(['exec', '-d', 'box', '--', 'true'])).toEqual({
      exitCode: 0,
      envelope: {
        ok: true,
        command: 'exec',
        data: {
          vmId: 'box',
          execId: expect.stringMatching(/^exec-/) as string,
          pid: expect.any(Number) as number,
        },
      },
    });
  });

  test.each([
    [['exec', '-d', 'box', '--', 'no-such-program'], 127, 'no such program'],
    [['attach', 'box', 'nobody'], 125, 'no such command: nobody'],
    [['attach', 'gone', 'x'], 125, `there is no VM 'gone'`],
    [['attach', 'box', 'no/name'], 2, 'execId'],
    [['exec', '-d', '-i', 'box', 'ls'], 2, '-i makes no sense with -d'],
    [['exec', '-dt', 'box', 'ls'], 2, '-t makes no sense with -d'],
    [['ps', 'gone'], 1, `there is no VM 'gone'`],
  ])('%j exits with %i', async (args, exitCode, message) => {
    expect(await cli(args)).toMatchObject({
      exitCode,
      stdout: '',
      stderr: expect.stringContaining(message) as string,
    });
  });
});
