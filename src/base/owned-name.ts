import { randomBytes } from 'node:crypto';
import { isAlive, ownProcessRef, type ProcessRef } from './process-ref.ts';

const PATTERN = /^\.[a-z]+-(\d+)-(\d+)-([0-9a-f-]{36})-[0-9a-f]{12}\.tmp$/;

/**
 * A name for a temporary file or folder that tells whose it is, so that what a killed process left is known as that.
 *
 * @param kind - begins the name: lower case letters
 */
export function ownedName(kind: string): string {
  const { pid, startTicks, bootId } = ownProcessRef();
  return `.${kind}-${String(pid)}-${String(startTicks)}-${bootId}-${randomBytes(6).toString('hex')}.tmp`;
}

/** The process that such a name belongs to; undefined for any other name. */
export function ownerOfName(name: string): ProcessRef | undefined {
  const [, pid, startTicks, bootId] = PATTERN.exec(name) ?? [];
  if (pid === undefined || startTicks === undefined || bootId === undefined) return undefined;
  return { pid: Number(pid), startTicks: Number(startTicks), bootId };
}

/** Is it such a name, of a process that is dead? */
export function isAbandoned(name: string): boolean {
  const owner = ownerOfName(name);
  return owner !== undefined && !isAlive(owner);
}
