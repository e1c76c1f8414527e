import { openHost, type Host } from './open-host.ts';
import type { Services } from './vm/services.ts';

/** A use of the host; the host closes with its last lease. */
export interface HostLease {
  readonly services: Services;
  release(): Promise<void>;
}

/** All handles of a process share one open host: one database connection, one session per VM. */
let shared: { readonly host: Promise<Host>; leases: number } | undefined;

/** Takes a lease, opening the host if nobody has it open. */
export async function leaseHost(): Promise<HostLease> {
  shared ??= { host: openHost(), leases: 0 };
  const mine = shared;
  mine.leases += 1;
  let released = false;
  const release = async (): Promise<void> => {
    if (released) return;
    released = true;
    mine.leases -= 1;
    if (mine.leases > 0) return;
    if (shared === mine) shared = undefined;
    await (await mine.host).close();
  };
  try {
    return { services: (await mine.host).services, release };
  } catch (error) {
    // It never opened, so there is nothing to close; the next caller tries anew.
    if (shared === mine) shared = undefined;
    throw error;
  }
}

/** Uses the host for one call. */
export async function withHost<T>(use: (services: Services) => T | Promise<T>): Promise<T> {
  const lease = await leaseHost();
  try {
    return await use(lease.services);
  } finally {
    await lease.release();
  }
}
