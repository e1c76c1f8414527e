import { constants } from 'node:os';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSmolVMError } from '../../errors.ts';
import { decodeExit, decodeFailed, decodeGuestHello, encodeExec, encodeHello, signalName } from './messages.ts';
import { PayloadReader, PayloadWriter } from './payload.ts';

function helloPayload(capabilities: readonly string[] = ['exec', 'stdin'], version = 1): Buffer {
  return new PayloadWriter()
    .u16(version)
    .text('0.1.0')
    .text('boot-id')
    .text('')
    .u32(65_536)
    .u32(64)
    .texts(capabilities)
    .bytes();
}

const texts = (count: number): string[] => Array.from({ length: count }, (_, index) => `c${index}`);

function exitPayload(kind: number, value: number, flags = 0): Buffer {
  return new PayloadWriter().u8(kind).u32(value).u8(flags).u64(1_500n).u64(2_048n).bytes();
}

describe('encodeHello', () => {
  it('sends the magic, version 1 alone and the nonce', () => {
    const nonce = Buffer.from('0123456789abcdef');
    expect(encodeHello(nonce).toString('latin1')).toBe('SMOLVM\0\x01' + '\x01\0' + '\x01\0' + '0123456789abcdef');
  });
});

describe('decodeGuestHello', () => {
  it('reads what the agent says of itself', () => {
    expect(decodeGuestHello(helloPayload())).toEqual({
      agentVersion: '0.1.0',
      bootId: 'boot-id',
      rootError: '',
      stdinWindowBytes: 65_536,
      maxCommands: 64,
      capabilities: new Set(['exec', 'stdin']),
    });
  });

  it('refuses another version and a list without end', () => {
    expect(() => decodeGuestHello(helloPayload([], 2))).toThrow(/version 2/);
    expect(() => decodeGuestHello(helloPayload(texts(65)))).toThrow(/65 capabilities/);
    expect(decodeGuestHello(helloPayload(texts(64))).capabilities.size).toBe(64);
  });
});

describe('encodeExec', () => {
  it('says all of a command in the order of the protocol', () => {
    const request = {
      argv: ['/bin/sh', '-c', 'ä'],
      env: { A: '1', B: '' },
      cwd: '/tmp',
      user: '0:0',
      stdin: true,
      onOutput: (): void => undefined,
    };
    const reader = new PayloadReader(encodeExec(request));
    const texts = (): string[] => Array.from({ length: reader.u32() }, () => reader.text(100));
    expect([reader.u8(), reader.u32(), reader.u32()]).toEqual([1, 1_048_576, 1_048_576]);
    expect([reader.text(100), reader.text(100), texts(), texts()]).toEqual([
      '/tmp',
      '0:0',
      ['/bin/sh', '-c', 'ä'],
      ['A=1', 'B='],
    ]);
    expect(() => reader.u8()).toThrow();
    expect(encodeExec({ ...request, stdin: false })[0]).toBe(0);
  });
});

describe('decodeExit', () => {
  it('reads codes, signals, usage and whether the output is still held', () => {
    const usage = { cpuMs: 1.5, peakRssKib: 2_048 };
    expect(decodeExit(exitPayload(0, 7))).toEqual({ kind: 'exited', exitCode: 7, outputHeldOpen: false, ...usage });
    expect(decodeExit(exitPayload(1, 9, 1))).toEqual({
      kind: 'signaled',
      signal: 'SIGKILL',
      outputHeldOpen: true,
      ...usage,
    });
  });

  it.each([
    [0, 256],
    [1, 0],
    [1, 65],
    [2, 0],
    [255, 1],
  ])('refuses an end of kind %i with the value %i', (kind, value) => {
    expect(() => decodeExit(exitPayload(kind, value))).toThrow(expect.objectContaining({ code: 'PROTOCOL_ERROR' }));
  });
});

describe('decodeFailed', () => {
  it('reads why a command never started', () => {
    const payload = new PayloadWriter().u32(2).text('notFound').text('no such program').bytes();
    expect(decodeFailed(payload)).toEqual({ errno: 2, reason: 'notFound', message: 'no such program' });
  });
});

describe('hostile payloads', () => {
  it('are read or are a breach, never another error', () => {
    const noise = fc.uint8Array({ maxLength: 120 }).map((bytes) => Buffer.from(bytes));
    const flipped = fc
      .tuple(fc.constantFrom(helloPayload(), exitPayload(0, 1)), fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 4 }))
      .map(([payload, flips]) => {
        const bytes = Buffer.from(payload);
        for (const [at, value] of flips) bytes[at % bytes.length] = value;
        return bytes;
      });
    fc.assert(
      fc.property(fc.oneof(noise, flipped), (bytes) => {
        for (const decode of [decodeGuestHello, decodeExit, decodeFailed]) {
          try {
            decode(bytes);
          } catch (error) {
            if (!isSmolVMError(error, 'PROTOCOL_ERROR')) throw error;
          }
        }
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('signalName', () => {
  it('names every signal of Linux', () => {
    expect(signalName(constants.signals.SIGTERM)).toBe('SIGTERM');
    expect(signalName(9)).toBe('SIGKILL');
    expect(signalName(34)).toBe('SIG34');
    for (let number = 1; number <= 64; number += 1) expect(signalName(number)).toMatch(/^SIG[A-Z0-9]+$/);
  });
});
