import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { launchCommand, MarkReader } from './launch-agent.ts';

const nonce = 'ab'.repeat(16);

describe('MarkReader', () => {
  it('finds marks however the bytes are cut, and whatever a login shell prints before', () => {
    const noise = fc.string({ unit: 'binary', maxLength: 200 }).filter((text) => !text.includes(nonce));
    fc.assert(
      fc.property(noise, noise, fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (before, between, cuts) => {
        const bytes = Buffer.from(`${before}${nonce} send\n${between}${nonce} run\n`);
        const reader = new MarkReader(nonce);
        const found: string[] = [];
        for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
          const size = cuts[turn % cuts.length] ?? 1;
          let mark = reader.take(bytes.subarray(at, at + size));
          at += size;
          for (; mark !== undefined; mark = reader.take(Buffer.alloc(0))) found.push(mark);
        }
        expect(found).toEqual(['send', 'run']);
      }),
    );
  });

  it('gives up a shell that prints without end', () => {
    const reader = new MarkReader(nonce);
    const flood = (): void => {
      for (let count = 0; count < 20; count += 1) reader.take(Buffer.alloc(64 * 1024, 'x'));
    };
    expect(flood).toThrow(expect.objectContaining({ code: 'COMMAND_UNAVAILABLE' }));
  });
});

describe('launchCommand', () => {
  const program = { bytes: Buffer.alloc(1234), sha256: 'c'.repeat(64) };

  it('is one text in single quotes for /bin/sh, so that any login shell hands it on as it is', () => {
    const command = launchCommand({ program, ownsMachine: true }, nonce);
    expect(command).toMatch(/^exec \/bin\/sh -c '[^'\n]*'$/);
  });

  it('asks for the machine only where it is ours', () => {
    expect(launchCommand({ program, ownsMachine: true }, nonce)).toContain('stdio machine');
    expect(launchCommand({ program, ownsMachine: false }, nonce)).not.toContain('machine');
  });
});
