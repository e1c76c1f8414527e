import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { Deadline } from '../../../src/base/deadline.ts';
import { useDisposable } from '../../../src/base/use-disposable.ts';
import { lockAmongProcesses } from '../../../src/base/process-lock.ts';
import { buildFolder } from '../../support/places.ts';

it('has one holder at a time, in whatever order they come', async () => {
  using deadline = new Deadline('lock', 15_000);
  const what = randomUUID();
  let holders = 0;
  const turns = Array.from({ length: 8 }, async () => {
    await useDisposable(await lockAmongProcesses(what, deadline.signal), async () => {
      holders += 1;
      expect(holders).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      holders -= 1;
    });
  });
  await Promise.all(turns);
});

it('is no lock of another thing', async () => {
  using deadline = new Deadline('lock', 15_000);
  await using one = await lockAmongProcesses(randomUUID(), deadline.signal);
  await using other = await lockAmongProcesses(randomUUID(), deadline.signal);
  expect([one.hasWaited, other.hasWaited]).toEqual([false, false]);
});

it('can be given up waiting for', async () => {
  using deadline = new Deadline('lock', 15_000);
  const what = randomUUID();
  const controller = new AbortController();
  await useDisposable(await lockAmongProcesses(what, deadline.signal), async () => {
    const waiting = lockAmongProcesses(what, controller.signal, () => {
      controller.abort(new Error('enough'));
    });
    await expect(waiting).rejects.toThrow('enough');
  });
});

it('is free as soon as its holder is killed', async () => {
  using deadline = new Deadline('lock', 15_000);
  const what = randomUUID();
  const program = `
    const { lockAmongProcesses } = await import(${JSON.stringify(`${buildFolder}/base/process-lock.js`)});
    await lockAmongProcesses(${JSON.stringify(what)}, new AbortController().signal);
    console.log('held');`;
  const holder = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  await using lock = await lockAmongProcesses(what, deadline.signal, () => holder.kill('SIGKILL'));
  expect(lock.hasWaited).toBe(true);
});
