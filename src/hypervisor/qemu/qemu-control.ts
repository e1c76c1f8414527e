import { connectSoon } from '../../base/connect.ts';
import { SmolVMError } from '../../errors.ts';
import type { VmControl } from '../hypervisor.ts';
import { CONSOLE_BYTES, CONSOLE_ID } from './qemu-args.ts';
import { QmpClient } from './qmp-client.ts';

/** Opens QEMU's control socket. */
export async function openQemuControl(socketPath: string, signal: AbortSignal): Promise<VmControl> {
  let onEnd: (reason: string) => void = () => undefined;
  const guestEnded = new Promise<string>((resolve) => {
    onEnd = resolve;
  });
  const socket = await connectSoon(socketPath, signal);
  const onEvent = (event: string): void => {
    if (event === 'SHUTDOWN') onEnd('the guest shut down or its kernel panicked');
    if (event === 'CLOSED') onEnd('the VMM ended');
  };
  const client = await QmpClient.open(socket, onEvent, signal);
  // An open line must not keep a program alive that has nothing left to do.
  socket.unref();
  return {
    guestEnded,
    endWithGuest: async (until) => {
      await client.execute('set-action', { shutdown: 'poweroff' }, until);
    },
    pause: async (until) => {
      await client.execute('stop', {}, until);
    },
    resume: async (until) => {
      await client.execute('cont', {}, until);
    },
    takeConsole: async (until) => {
      const args = { device: CONSOLE_ID, size: CONSOLE_BYTES, format: 'base64' };
      return decodeBase64(await client.execute('ringbuf-read', args, until));
    },
    [Symbol.dispose]: () => {
      client[Symbol.dispose]();
    },
  };
}

function decodeBase64(value: unknown): Uint8Array {
  if (typeof value === 'string') return Buffer.from(value, 'base64');
  throw new SmolVMError('CONTROL_FAILED', 'the VMM answered a console read with something that is no text');
}
