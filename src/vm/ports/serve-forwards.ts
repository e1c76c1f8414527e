import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { connect } from '../../base/connect.ts';
import { Deadline } from '../../base/deadline.ts';
import { errnoOf } from '../../errors.ts';
import { forwardSocket, vmPaths } from '../../spec/file-names.ts';
import { openSession } from '../command/open-session.ts';
import type { Services } from '../services.ts';
import { Forwarder } from './forwarder.ts';

const CONNECT_TIMEOUT_MS = 10_000;

/** The life of a forwarder process: serves until the VM ends or nothing is left to forward. */
export async function serveForwards(services: Services, vmId: string): Promise<void> {
  const path = forwardSocket(vmPaths(services.paths, vmId));
  using deadline = new Deadline(`connect to VM '${vmId}'`, CONNECT_TIMEOUT_MS);
  const channel = await openSession(services, vmId, deadline.signal);
  const over = { resolve: (): void => undefined };
  const idle = new Promise<void>((resolve) => (over.resolve = resolve));
  const forwarder = new Forwarder(channel, () => {
    over.resolve();
  });
  const control = createServer((socket) => {
    forwarder.serve(socket);
  });
  // Another one may have been faster: then it is the one.
  if (!(await listenAlone(control, path))) return;
  try {
    await Promise.race([idle, channel.closed]);
  } finally {
    rmSync(path, { force: true });
    control.close();
    forwarder.end();
  }
}

/** False if somebody else serves there. */
async function listenAlone(control: ReturnType<typeof createServer>, path: string): Promise<boolean> {
  for (;;) {
    try {
      control.listen(path);
      await once(control, 'listening');
      return true;
    } catch (error) {
      if (errnoOf(error) !== 'EADDRINUSE') throw error;
      if (await isServed(path)) return false;
      // Left by a forwarder that was killed.
      rmSync(path, { force: true });
    }
  }
}

async function isServed(path: string): Promise<boolean> {
  try {
    (await connect(path)).destroy();
    return true;
  } catch {
    return false;
  }
}
