import { ValidationError } from '../../errors.ts';
import { runTool, type Connect } from '../files/run-tool.ts';

/** What {@link SmolVM.waitForPorts} takes besides the ports. */
export interface WaitForPortsOptions {
  /** Milliseconds until `TIMEOUT`. Default 30,000. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const MAX_PORTS = 64;

/** Waits until something listens on each of the guest's TCP ports. */
export async function waitForPorts(
  connect: Connect,
  ports: readonly number[],
  { timeoutMs = DEFAULT_TIMEOUT_MS, signal }: WaitForPortsOptions,
): Promise<void> {
  if (ports.length === 0 || ports.length > MAX_PORTS)
    throw new ValidationError('ports', [
      `expected 1 to ${String(MAX_PORTS)} ports, got ${String(ports.length)}`,
    ]);
  const argv = ['listening', ...ports.map((port) => String(parsePort('port', port)))];
  await runTool(connect, { argv, timeoutMs, signal });
}

/** A TCP port. */
export function parsePort(what: string, port: unknown): number {
  if (typeof port === 'number' && Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new ValidationError(what, [`expected a port from 1 to 65535, got ${JSON.stringify(port)}`]);
}
