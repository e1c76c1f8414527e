import { parseWholeNumber } from './parse-values.ts';
import { UsageError } from './usage-error.ts';

/** `GUEST_PORT` or `GUEST_PORT:HOST_PORT`, parsed. */
export interface PortPair {
  readonly guestPort: number;
  readonly hostPort: number | undefined;
}

/** `8080` or `8080:3000` → ports. Their range is for the SDK to judge. */
export function parsePortPair(text: string): PortPair {
  const { guest, host } = /^(?<guest>\d+)(?::(?<host>\d+))?$/.exec(text)?.groups ?? {};
  if (guest === undefined)
    throw new UsageError(`expected GUEST_PORT or GUEST_PORT:HOST_PORT, received '${text}'`);
  const hostPort = host === undefined ? undefined : parseWholeNumber('HOST_PORT', host);
  return { guestPort: parseWholeNumber('GUEST_PORT', guest), hostPort };
}

/** `127.0.0.1:8080`, `[::1]:8080`. */
export function addressOf({ host, hostPort }: { readonly host: string; readonly hostPort: number }): string {
  return `${host.includes(':') ? `[${host}]` : host}:${hostPort}`;
}
