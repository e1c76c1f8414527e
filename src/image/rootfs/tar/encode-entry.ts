import { BLOCK_BYTES } from './header.ts';
import type { TarEntry } from './read-tar.ts';

const TYPEFLAGS: Readonly<Record<TarEntry['kind'], string>> = {
  file: '0',
  link: '1',
  symlink: '2',
  character: '3',
  block: '4',
  folder: '5',
  fifo: '6',
};

/** Two blocks of zeros. */
export const END_OF_ARCHIVE = Buffer.alloc(2 * BLOCK_BYTES);

/** The bytes that stand before an entry's contents: a header, and an extended one for what it has no room for. */
export function encodeEntry(entry: Omit<TarEntry, 'body'>): Buffer {
  const header = encodeHeader(entry, TYPEFLAGS[entry.kind]);
  const records = extendedRecords(entry);
  if (records.length === 0) return header;
  const extended = Buffer.concat(records);
  const own = { ...entry, name: 'PaxHeader', linkName: '', sizeBytes: extended.length };
  return Buffer.concat([encodeHeader(own, 'x'), extended, endOfContents(extended.length), header]);
}

/** The zeros after contents of so many bytes. */
export function endOfContents(sizeBytes: number): Buffer {
  return Buffer.alloc((BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES);
}

function extendedRecords(entry: Omit<TarEntry, 'body'>): readonly Buffer[] {
  const { seconds, nanoseconds } = entry.mtime;
  const records: Buffer[] = [];
  if (entry.name.length > 100) records.push(record('path', Buffer.from(entry.name, 'latin1')));
  if (entry.linkName.length > 100) records.push(record('linkpath', Buffer.from(entry.linkName, 'latin1')));
  if (!isOctal(entry.sizeBytes, 11)) records.push(record('size', decimal(entry.sizeBytes)));
  if (!isOctal(entry.uid, 7)) records.push(record('uid', decimal(entry.uid)));
  if (!isOctal(entry.gid, 7)) records.push(record('gid', decimal(entry.gid)));
  if (nanoseconds !== 0 || !isOctal(seconds, 11))
    records.push(record('mtime', timeText(seconds, nanoseconds)));
  for (const [name, value] of entry.xattrs) records.push(record(`SCHILY.xattr.${name}`, value));
  return records;
}

/** "LENGTH KEY=VALUE\n", where the length counts its own digits too. */
function record(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`, 'latin1'), value, Buffer.from('\n')]);
  let length = rest.length;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function decimal(value: number): Buffer {
  return Buffer.from(String(value));
}

/** Half a second before 1970 is -0.5, and here -1 second and 500,000,000 ns. */
function timeText(seconds: number, nanoseconds: number): Buffer {
  const isBefore = seconds < 0 && nanoseconds > 0;
  const whole = isBefore ? -(seconds + 1) : Math.abs(seconds);
  const fraction = String(isBefore ? 1_000_000_000 - nanoseconds : nanoseconds).padStart(9, '0');
  return Buffer.from(`${seconds < 0 ? '-' : ''}${whole}.${fraction}`);
}

function encodeHeader(entry: Omit<TarEntry, 'body'>, typeflag: string): Buffer {
  const header = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, at: number, digits: number): void =>
    void header.write(isOctal(value, digits) ? value.toString(8).padStart(digits, '0') : '', at, 'latin1');
  header.write(entry.name.slice(0, 100), 0, 'latin1');
  octal(entry.mode, 100, 7);
  octal(entry.uid, 108, 7);
  octal(entry.gid, 116, 7);
  octal(entry.sizeBytes, 124, 11);
  octal(entry.mtime.seconds, 136, 11);
  header.write(typeflag, 156, 'latin1');
  header.write(entry.linkName.slice(0, 100), 157, 'latin1');
  header.write('ustar\x0000', 257, 'latin1');
  octal(entry.devMajor, 329, 7);
  octal(entry.devMinor, 337, 7);
  header.write('        ', 148, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

function isOctal(value: number, digits: number): boolean {
  return value >= 0 && value < 8 ** digits;
}
