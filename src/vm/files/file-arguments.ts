import { ValidationError } from '../../errors.ts';

const MAX_PATH_BYTES = 4_095;

/** An absolute guest path without NUL, as it is. */
export function parseGuestPath(path: unknown): string {
  if (typeof path !== 'string' || !path.startsWith('/'))
    throw invalid('guest path', 'an absolute path', path);
  if (path.includes('\0')) throw invalid('guest path', 'a path without NUL bytes', path);
  if (Buffer.byteLength(path) > MAX_PATH_BYTES)
    throw invalid('guest path', `at most ${String(MAX_PATH_BYTES)} bytes`, '…');
  return path;
}

/** Permission bits → octal. */
export function parseMode(mode: unknown): string {
  if (typeof mode !== 'number' || !Number.isInteger(mode) || mode < 0 || mode > 0o7777)
    throw invalid('mode', 'permission bits from 0 to 0o7777', mode);
  return mode.toString(8).padStart(4, '0');
}

/** Where reading begins and how much is read. */
export function parseRange({
  offset = 0,
  length,
}: {
  readonly offset?: number | undefined;
  readonly length?: number | undefined;
}): {
  readonly offset: number;
  readonly length: number | undefined;
} {
  if (!Number.isSafeInteger(offset) || offset < 0) throw invalid('offset', 'whole bytes, at least 0', offset);
  if (length !== undefined && (!Number.isSafeInteger(length) || length < 0))
    throw invalid('length', 'whole bytes, at least 0', length);
  return { offset, length };
}

/** `/srv/` and `app.txt` → `/srv/app.txt`; a path without a slash at its end is the target itself. */
export function guestTarget(guestPath: string, localName: string): string {
  const path = parseGuestPath(guestPath);
  return path.endsWith('/') ? `${path}${localName}` : path;
}

function invalid(what: string, expected: string, got: unknown): ValidationError {
  return new ValidationError(what, [
    `expected ${expected}, got ${typeof got === 'string' ? JSON.stringify(got) : String(got)}`,
  ]);
}
