import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { isIP, type Socket } from 'node:net';
import { connect, connectSoon, PeerClosedError, readUntil } from '../../base/connect.ts';
import { Deadline } from '../../base/deadline.ts';
import { JsonLines } from '../../base/json-lines.ts';
import { poll } from '../../base/poll.ts';
import { minimalEnv } from '../../base/subprocess.ts';
import { errnoOf, SmolVMError, ValidationError } from '../../errors.ts';
import { forwardSocket, vmPaths } from '../../spec/file-names.ts';
import { requireRunning } from '../command/open-session.ts';
import { findVm } from '../find-vm.ts';
import type { Services } from '../services.ts';
import { parseForwardAnswer, type Forward, type ForwardRequest } from './forward-messages.ts';
import { parsePort } from './wait-for-ports.ts';

/** What {@link SmolVM.exposeLocal} takes besides the ports. */
export interface ExposeOptions {
  /** The address of this host to listen on. Default `127.0.0.1`; any other lets other machines in. */
  readonly host?: string | undefined;
}

const ANSWER_TIMEOUT_MS = 15_000;
const LOOPBACK = '127.0.0.1';

/** Leads a port of this host to a port of the guest; the same pair twice is one forward. */
export async function exposeLocal(
  services: Services,
  vmId: string,
  ports: { readonly guestPort: unknown; readonly hostPort: unknown },
  options: ExposeOptions,
): Promise<Forward> {
  const request = requestOf('add', ports, options);
  requireRunning(findVm(services, vmId));
  using deadline = new Deadline(`expose a port of VM '${vmId}'`, ANSWER_TIMEOUT_MS);
  const [forward] = await ask(services, vmId, request, deadline.signal);
  if (forward === undefined)
    throw new SmolVMError('INTERNAL', 'the forwarder told nothing of the forward that it made');
  return forward;
}

/** Removes forwards, also those of other processes; returns those that were there. Open connections go on. */
export async function unexposeLocal(
  services: Services,
  vmId: string,
  ports: { readonly guestPort: unknown; readonly hostPort: unknown },
  options: ExposeOptions,
): Promise<readonly Forward[]> {
  const request = requestOf('remove', ports, options);
  findVm(services, vmId);
  using deadline = new Deadline(`close a port of VM '${vmId}'`, ANSWER_TIMEOUT_MS);
  return await ask(services, vmId, request, deadline.signal);
}

/** The forwards of a VM. */
export async function listExposed(services: Services, vmId: string): Promise<readonly Forward[]> {
  findVm(services, vmId);
  using deadline = new Deadline(`list the ports of VM '${vmId}'`, ANSWER_TIMEOUT_MS);
  return await ask(services, vmId, { op: 'list' }, deadline.signal);
}

function requestOf(
  op: 'add' | 'remove',
  ports: { readonly guestPort: unknown; readonly hostPort: unknown },
  { host = LOOPBACK }: ExposeOptions,
): ForwardRequest {
  if (isIP(host) === 0)
    throw new ValidationError('host', [`expected an IP address of this host, got ${JSON.stringify(host)}`]);
  const guestPort = parsePort('guest port', ports.guestPort);
  return {
    op,
    host,
    guestPort,
    hostPort: ports.hostPort === undefined ? 0 : parsePort('host port', ports.hostPort),
  };
}

/** How soon a forwarder that was just ending is asked again, or replaced. */
const RETRY_MS = 10;

/** Asks the VM's forwarder, which is started where there is none and one is needed. */
async function ask(
  services: Services,
  vmId: string,
  request: ForwardRequest,
  signal: AbortSignal,
): Promise<readonly Forward[]> {
  const path = forwardSocket(vmPaths(services.paths, vmId));
  return poll(
    async () => {
      const socket =
        (await ifServed(connect(path))) ??
        (request.op === 'add' ? await startForwarder(services, vmId, signal) : undefined);
      return socket === undefined ? [] : await ifServed(askOn(socket, request, signal));
    },
    RETRY_MS,
    signal,
  );
}

async function askOn(
  socket: Socket,
  request: ForwardRequest,
  signal: AbortSignal,
): Promise<readonly Forward[]> {
  try {
    socket.write(`${JSON.stringify(request)}\n`);
    const lines = new JsonLines();
    const answer = parseForwardAnswer(await readUntil(socket, (chunk) => lines.push(chunk)[0], signal));
    if (answer.ok) return answer.forwards;
    throw notListening(request, answer);
  } finally {
    socket.destroy();
  }
}

/** Nobody there, or somebody who was just leaving: a forwarder ends with its last forward. */
const GONE: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE']);

async function ifServed<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (GONE.has(errnoOf(error)) || error instanceof PeerClosedError) return undefined;
    throw error;
  }
}

async function startForwarder(services: Services, vmId: string, signal: AbortSignal): Promise<Socket> {
  const paths = vmPaths(services.paths, vmId);
  const log = openSync(paths.forwardLog, 'a', 0o600);
  const child = spawn(process.execPath, [services.forwarderProgram, vmId, paths.forwardMarker], {
    detached: true,
    stdio: ['ignore', log, log],
    cwd: '/',
    env: { ...minimalEnv(), ...services.sameStateEnv },
  });
  closeSync(log);
  child.unref();
  using attempt = new Deadline('start the forwarder', ANSWER_TIMEOUT_MS, signal);
  child.once('error', (error) => {
    attempt.cancel(
      new SmolVMError('HOST_FAILED', `the forwarder cannot be started: ${error.message}`, { cause: error }),
    );
  });
  child.once('exit', (code) => {
    // 0: another one was faster, and answers.
    if (code === 0) return;
    attempt.cancel(
      new SmolVMError('HOST_FAILED', `the forwarder ended with code ${String(code)}`, {
        hint: `See ${paths.forwardLog}`,
      }),
    );
  });
  return await connectSoon(forwardSocket(paths), attempt.signal);
}

function notListening(
  request: ForwardRequest,
  { errno, message }: { readonly errno: string; readonly message: string },
): SmolVMError {
  const where = request.op === 'list' ? '' : ` ${request.host}:${String(request.hostPort)}`;
  return new SmolVMError('PORT_UNAVAILABLE', `this host's port${where} cannot be used: ${message}`, {
    hint: errno === 'EADDRINUSE' ? 'Choose another port, or leave it out for a free one.' : undefined,
    details: { errno },
  });
}
