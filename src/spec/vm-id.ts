import { randomBytes } from 'node:crypto';
import { ValidationError } from '../errors.ts';
import { shown } from './parse.ts';

/** 1 to 64 lowercase letters, digits and hyphens, no hyphen at either end. */
export const VM_ID_PATTERN = /^(?:[a-z0-9]|[a-z0-9][a-z0-9-]{0,62}[a-z0-9])$/;

/** What the pattern says, for messages. */
export const VM_ID_RULE = '1 to 64 lowercase letters, digits and hyphens, with no hyphen at either end';

/** A new random id, `vm-` and 8 hexadecimal digits. */
export function newVmId(): string {
  return `vm-${randomBytes(4).toString('hex')}`;
}

/** The id if it is well formed, else a {@link ValidationError}. An id becomes a folder name and an argument. */
export function parseVmId(value: unknown): string {
  if (typeof value === 'string' && VM_ID_PATTERN.test(value)) return value;
  throw new ValidationError('VM id', [`expected ${VM_ID_RULE}, received ${shown(value)}`]);
}
