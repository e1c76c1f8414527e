import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { JsonLines } from '../../base/json-lines.ts';
import { errnoOf } from '../../errors.ts';
import type { GuestChannel } from '../../guest/guest-channel.ts';
import { bridge } from './bridge.ts';
import {
  parseForwardRequest,
  type Forward,
  type ForwardAnswer,
  type ForwardRequest,
} from './forward-messages.ts';

/** Connections at once, of all forwards of a VM; each costs a process in the guest. */
const MAX_CONNECTIONS = 256;

/** The forwards of one VM, served by one process of this host for as long as the VM runs and there are any. */
export class Forwarder {
  readonly #channel: GuestChannel;
  readonly #servers = new Map<string, { readonly forward: Forward; readonly server: Server }>();
  readonly #connections = new Set<Socket>();
  readonly #onIdle: () => void;

  /** @param onIdle - called when the last forward is removed */
  constructor(channel: GuestChannel, onIdle: () => void) {
    this.#channel = channel;
    this.#onIdle = onIdle;
  }

  /** Serves requests on one connection of the control socket. */
  serve(socket: Socket): void {
    const lines = new JsonLines();
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const value of lines.push(chunk)) void this.#answer(parseForwardRequest(value), socket);
      } catch {
        socket.destroy();
      }
    });
  }

  /** Ends all forwards and connections. */
  end(): void {
    for (const { server } of this.#servers.values()) server.close();
    for (const connection of this.#connections) connection.destroy();
    this.#servers.clear();
  }

  async #answer(request: ForwardRequest, socket: Socket): Promise<void> {
    const answer = await this.#carryOut(request).catch((error: unknown): ForwardAnswer => ({
      ok: false,
      errno: errnoOf(error) ?? '',
      message: error instanceof Error ? error.message : String(error),
    }));
    socket.end(`${JSON.stringify(answer)}\n`, () => {
      if (this.#servers.size === 0) this.#onIdle();
    });
  }

  async #carryOut(request: ForwardRequest): Promise<ForwardAnswer> {
    if (request.op === 'list') return { ok: true, forwards: this.#all() };
    const { host, hostPort, guestPort } = request;
    const matching = this.#all().filter(
      (forward) =>
        forward.host === host &&
        forward.guestPort === guestPort &&
        (hostPort === 0 || forward.hostPort === hostPort),
    );
    if (request.op === 'remove') {
      for (const forward of matching) this.#remove(forward);
      return { ok: true, forwards: matching };
    }
    return {
      ok: true,
      forwards: matching.length > 0 ? matching : [await this.#add({ host, hostPort, guestPort })],
    };
  }

  async #add({ host, hostPort, guestPort }: Forward): Promise<Forward> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.#accept(socket, guestPort);
    });
    server.listen({ host, port: hostPort, exclusive: true });
    await once(server, 'listening');
    const forward = { host, hostPort: (server.address() as AddressInfo).port, guestPort };
    this.#servers.set(keyOf(forward), { forward, server });
    return forward;
  }

  #remove(forward: Forward): void {
    const entry = this.#servers.get(keyOf(forward));
    this.#servers.delete(keyOf(forward));
    entry?.server.close();
  }

  #accept(socket: Socket, guestPort: number): void {
    if (this.#connections.size >= MAX_CONNECTIONS) {
      socket.resetAndDestroy();
      return;
    }
    this.#connections.add(socket);
    const done = (): void => {
      this.#connections.delete(socket);
    };
    bridge(socket, this.#channel, guestPort).then(done, () => {
      socket.destroy();
      done();
    });
  }

  #all(): Forward[] {
    return [...this.#servers.values()].map(({ forward }) => forward);
  }
}

function keyOf({ host, hostPort, guestPort }: Forward): string {
  return `${host} ${String(hostPort)} ${String(guestPort)}`;
}
