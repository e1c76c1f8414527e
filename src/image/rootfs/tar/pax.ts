import { LayerProblem } from '../layer-problem.ts';
import { natural } from './header.ts';

/** What the extended header of an entry says in place of its header. Absent: nothing. */
export interface PaxFields {
  readonly path?: string;
  readonly linkPath?: string;
  readonly sizeBytes?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: TimeStamp;
  /** Names (one character a byte) and values. */
  readonly xattrs: ReadonlyMap<string, Buffer>;
}

/** Seconds since 1970, any number of them, and nanoseconds from 0 to 999,999,999. */
export interface TimeStamp {
  readonly seconds: number;
  readonly nanoseconds: number;
}

const XATTR_KEY = 'SCHILY.xattr.';

/** Decodes a POSIX extended header: records of "LENGTH KEY=VALUE\n", values being any bytes. */
export function decodePax(bytes: Buffer): PaxFields {
  const fields: { -readonly [Key in keyof PaxFields]: PaxFields[Key] } = { xattrs: new Map() };
  const xattrs = new Map<string, Buffer>();
  for (const { key, value } of records(bytes)) {
    const text = value.toString('latin1');
    if (key.startsWith('GNU.sparse.'))
      throw new LayerProblem('sparse entries of GNU tar are not supported: pack without --sparse');
    if (key.startsWith(XATTR_KEY)) {
      // A copy: the value is kept, and must not keep the whole header.
      xattrs.set(key.slice(XATTR_KEY.length), Buffer.from(value));
    } else if (text !== '') {
      if (key === 'path') fields.path = text;
      else if (key === 'linkpath') fields.linkPath = text;
      else if (key === 'size') fields.sizeBytes = decimal(text, 'size');
      else if (key === 'uid') fields.uid = decimal(text, 'owner');
      else if (key === 'gid') fields.gid = decimal(text, 'group');
      else if (key === 'mtime') fields.mtime = decodeTime(text);
    }
  }
  fields.xattrs = xattrs;
  return fields;
}

function* records(bytes: Buffer): Generator<{ readonly key: string; readonly value: Buffer }> {
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(0x20, at);
    const digits = bytes.toString('latin1', at, Math.min(space, at + 10));
    const length = space > at && /^[1-9]\d*$/.test(digits) ? Number(digits) : 0;
    const end = at + length;
    const equals = bytes.indexOf(0x3d, space);
    if (length === 0 || end > bytes.length || bytes[end - 1] !== 0x0a || equals <= space + 1 || equals >= end)
      throw new LayerProblem('its extended header is damaged');
    yield { key: bytes.toString('latin1', space + 1, equals), value: bytes.subarray(equals + 1, end - 1) };
    at = end;
  }
}

function decimal(text: string, what: string): number {
  return natural(/^\d+$/.test(text) ? Number(text) : NaN, what);
}

/** "-1.25" is 1.25 seconds before 1970: two whole seconds before, and 750,000,000 ns. */
function decodeTime(text: string): TimeStamp {
  const [, sign = '', whole = '', fraction = ''] = /^(-?)(\d{1,15})(?:\.(\d*))?$/.exec(text) ?? [];
  if (whole === '') throw new LayerProblem('its time is no number');
  const nanoseconds = Number(fraction.slice(0, 9).padEnd(9, '0'));
  if (sign === '') return { seconds: Number(whole), nanoseconds };
  // "+ 0" so that there is no -0.
  return nanoseconds === 0
    ? { seconds: 0 - Number(whole), nanoseconds }
    : { seconds: -Number(whole) - 1, nanoseconds: 1_000_000_000 - nanoseconds };
}
