import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeAll, writeFileAtomic } from '../../../src/base/write-atomic.ts';
import { withTemporaryFolder } from '../../support/temporary-folder.ts';

const folder = withTemporaryFolder();
const text = (content: string) => (file: Parameters<typeof writeAll>[0]) =>
  writeAll(file, Buffer.from(content), 0);

describe('writeFileAtomic', () => {
  it('makes a file with its contents and mode, and nothing else', async () => {
    const path = join(folder(), 'a');
    await writeFileAtomic({ path, mode: 0o600, write: text('hello') });
    expect(readFileSync(path, 'utf8')).toBe('hello');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder())).toEqual(['a']);
  });

  it('replaces a file', async () => {
    const path = join(folder(), 'a');
    writeFileSync(path, 'old');
    await writeFileAtomic({ path, mode: 0o444, durable: false, write: text('new') });
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(readdirSync(folder())).toEqual(['a']);
  });

  it('leaves the old file as it was when writing fails half way', async () => {
    const path = join(folder(), 'a');
    writeFileSync(path, 'old');
    const write = async (file: Parameters<typeof writeAll>[0]): Promise<void> => {
      await writeAll(file, Buffer.from('half'), 0);
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    };
    await expect(writeFileAtomic({ path, mode: 0o600, write })).rejects.toMatchObject({ code: 'NO_SPACE' });
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(folder())).toEqual(['a']);
  });

  it('leaves nothing when the file cannot take its name', async () => {
    const path = join(folder(), 'taken');
    await expect(
      writeFileAtomic({ path: join(path, 'a'), mode: 0o600, write: text('x') }),
    ).rejects.toMatchObject({ code: 'HOST_FAILED' });
    expect(readdirSync(folder())).toEqual([]);
  });

  it('is made whole by each of many writers at once', async () => {
    const path = join(folder(), 'a');
    const contents = Array.from({ length: 20 }, (_, index) => String(index).repeat(10_000));
    await Promise.all(
      contents.map((content) => writeFileAtomic({ path, mode: 0o600, durable: false, write: text(content) })),
    );
    expect(contents).toContain(readFileSync(path, 'utf8'));
    expect(readdirSync(folder())).toEqual(['a']);
  });
});

describe('writeAll', () => {
  it('goes on where a short write has stopped', async () => {
    const bytes = Buffer.from('0123456789');
    const written = Buffer.alloc(15);
    const file = {
      write: (from: Uint8Array, offset: number, length: number, position: number) => {
        const size = Math.min(length, 3);
        written.set(from.subarray(offset, offset + size), position);
        return Promise.resolve({ bytesWritten: size });
      },
      truncate: () => Promise.resolve(),
    };
    await writeAll(file, bytes, 5);
    expect(written.toString('latin1')).toBe('\0\0\0\0\x000123456789');
  });
});
