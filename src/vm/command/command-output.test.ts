import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CommandOutput } from './command-output.ts';

describe('CommandOutput', () => {
  it('keeps the first bytes of each stream up to the bound and says whether more came', () => {
    const chunks = fc.array(
      fc.tuple(fc.constantFrom('stdout' as const, 'stderr' as const), fc.uint8Array({ maxLength: 20 })),
    );
    fc.assert(
      fc.property(chunks, fc.nat(60), (added, maxBytes) => {
        const output = new CommandOutput(maxBytes);
        for (const [name, bytes] of added) void output.add(name, Buffer.from(bytes));
        let isLonger = false;
        for (const name of ['stdout', 'stderr'] as const) {
          const all = Buffer.concat(added.filter(([to]) => to === name).map(([, bytes]) => bytes));
          expect(output.bytes(name)).toEqual(all.subarray(0, maxBytes));
          isLonger ||= all.length > maxBytes;
        }
        expect(output.truncated).toBe(isLonger);
      }),
    );
  });

  it('joins a character that came in two pieces', () => {
    const output = new CommandOutput(100);
    const bytes = Buffer.from('ä');
    void output.add('stdout', bytes.subarray(0, 1));
    void output.add('stdout', bytes.subarray(1));
    expect(output.text('stdout')).toBe('ä');
  });

  it('does not change when the chunk is used again', () => {
    const output = new CommandOutput(100);
    const chunk = Buffer.from('abc');
    void output.add('stdout', chunk);
    chunk.fill(0);
    expect(output.text('stdout')).toBe('abc');
  });
});
