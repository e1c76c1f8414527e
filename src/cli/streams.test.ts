import { EventEmitter } from 'node:events';
import { describe, expect, test, vi } from 'vitest';
import { Interruptions } from './interruption.ts';
import { Output } from './output.ts';

class FakeStream extends EventEmitter {
  readonly isTTY = undefined;
  readonly written: (string | Uint8Array)[] = [];
  readonly waiting: (() => void)[] = [];
  keepsUp = true;

  write(chunk: string | Uint8Array, onWritten: () => void): boolean {
    this.written.push(chunk);
    if (this.keepsUp) queueMicrotask(onWritten);
    else this.waiting.push(onWritten);
    return this.keepsUp;
  }
}

const failure = (code: string) => Object.assign(new Error(`${code}: write`), { code, errno: -1 });

describe('an output', () => {
  test('asks to wait only if its reader does not keep up', async () => {
    const stream = new FakeStream();
    const output = new Output(stream, () => undefined);
    expect(output.write('a')).toBeUndefined();
    stream.keepsUp = false;
    const written = output.write(Buffer.from('b'));
    expect(written).toBeInstanceOf(Promise);
    stream.waiting[0]?.();
    await written;
    expect(stream.written).toEqual(['a', Buffer.from('b')]);
  });

  test('tells of its failure once and then takes anything', async () => {
    const stream = new FakeStream();
    const onError = vi.fn();
    const output = new Output(stream, onError);
    stream.emit('error', failure('EPIPE'));
    stream.emit('error', failure('EPIPE'));
    expect(onError).toHaveBeenCalledOnce();
    expect(output.write('lost')).toBeUndefined();
    await output.flush();
    expect(stream.written).toEqual([]);
  });
});

describe('interruptions', () => {
  class FakeProcess extends EventEmitter {
    readonly exit = vi.fn();
  }

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ])('%s aborts, with exit code %i', (signal, exitCode) => {
    const [source, interruptions] = [new FakeProcess(), new Interruptions()];
    interruptions.watch(source);
    expect(interruptions.signal.aborted).toBe(false);
    source.emit(signal);
    expect(interruptions.signal.aborted).toBe(true);
    expect(interruptions.first).toEqual({ exitCode, error: null });
    expect(source.exit).not.toHaveBeenCalled();
  });

  test('a second Ctrl-C exits at once, unless it is the same one passed on', () => {
    const now = vi.spyOn(performance, 'now');
    const [source, interruptions] = [new FakeProcess(), new Interruptions()];
    interruptions.watch(source);
    for (const ms of [1_000, 1_020]) {
      now.mockReturnValue(ms);
      source.emit('SIGINT');
    }
    expect(source.exit).not.toHaveBeenCalled();
    now.mockReturnValue(2_000);
    source.emit('SIGINT');
    expect(source.exit).toHaveBeenCalledWith(130);
    now.mockRestore();
  });

  test('the first reason counts, and a terminal that hangs up twice is no second Ctrl-C', () => {
    const [source, interruptions] = [new FakeProcess(), new Interruptions()];
    interruptions.watch(source);
    source.emit('SIGHUP');
    source.emit('SIGHUP');
    source.emit('SIGTERM');
    expect(interruptions.first?.exitCode).toBe(129);
    expect(source.exit).not.toHaveBeenCalled();
  });

  test('a broken pipe is quiet, any other failure of an output is not', () => {
    const [broken, full] = [new Interruptions(), new Interruptions()];
    broken.outputFailed('stdout', failure('EPIPE'));
    expect(broken.first).toEqual({ exitCode: 141, error: null });
    full.outputFailed('stdout', failure('ENOSPC'));
    expect(full.first).toMatchObject({
      exitCode: null,
      error: { message: 'cannot write to stdout: ENOSPC: write' },
    });
  });
});
