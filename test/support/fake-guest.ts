import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FakeBehaviour } from './fake-qemu.ts';
import { fixture } from './places.ts';

/** A stand-in for a VM, with its sockets, without the SDK. */
export interface FakeGuestProcess extends AsyncDisposable {
  readonly controlSocket: string;
  readonly agentSockets: readonly [string, string];
  readonly pid: number;
}

/** Starts one; its sockets are there soon. */
export function startFakeGuest(folder: string, behaviour: FakeBehaviour = {}): FakeGuestProcess {
  const [controlSocket, first, second] = [
    join(folder, 'control'),
    join(folder, 'agent-0'),
    join(folder, 'agent-1'),
  ];
  const behaviourPath = join(folder, 'behaviour.json');
  writeFileSync(behaviourPath, JSON.stringify(behaviour));
  const chardevs = [controlSocket, first, second].flatMap((path, index) => [
    '-chardev',
    `socket,id=c${index},path=${path},server=on,wait=off`,
  ]);
  const args = [
    fixture('fake-qemu.mjs'),
    behaviourPath,
    '-name',
    `fake-guest-test:${process.pid}`,
    ...chardevs,
  ];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const ended = once(child, 'exit');
  return {
    controlSocket,
    agentSockets: [first, second],
    pid: child.pid ?? 0,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
