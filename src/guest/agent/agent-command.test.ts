import { describe, expect, it } from 'vitest';
import type { ExecRequest } from '../guest-channel.ts';
import { AgentCommand } from './agent-command.ts';
import { FRAME, type Frame } from './frames.ts';
import { encodeExec } from './messages.ts';
import { PayloadReader, PayloadWriter } from './payload.ts';
import { notStarted } from './refusals.ts';

interface Sent {
  readonly type: number;
  readonly flags: number;
  readonly payload: Buffer;
}

/** A command whose frames go into a list. */
function commandOf(request: Partial<ExecRequest> = {}, stdinWindowBytes = 10): { command: AgentCommand; sent: Sent[] } {
  const sent: Sent[] = [];
  const complete: ExecRequest = {
    argv: ['cat'],
    env: {},
    cwd: '',
    user: '',
    stdin: true,
    onOutput: () => undefined,
    ...request,
  };
  const opening = { type: FRAME.EXEC, payload: encodeExec(complete), onOutput: complete.onOutput, describeFailure: notStarted };
  const command = new AgentCommand(opening, stdinWindowBytes, (type, flags, payload) => {
    sent.push({ type, flags, payload: Buffer.from(payload) });
  });
  return { command, sent };
}

const frame = (type: number, payload: Buffer = Buffer.alloc(0)): Frame => ({ type, flags: 0, stream: 1, payload });
const exit = frame(FRAME.EXIT, new PayloadWriter().u8(0).u32(3).u8(0).u64(0n).u64(0n).bytes());
const credit = (bytes: number): Frame => frame(FRAME.GUEST_CREDIT, new PayloadWriter().u8(0).u32(bytes).bytes());
const sizesOf = (sent: readonly Sent[], type: number): number[] =>
  sent.filter((one) => one.type === type).map(({ payload }) => payload.length);

describe('AgentCommand', () => {
  it('sends no more input than the guest has room for, and goes on when there is more', async () => {
    const { command, sent } = commandOf();
    const written = command.write(Buffer.alloc(25));
    expect(sizesOf(sent, FRAME.STDIN)).toEqual([10]);
    command.receive(credit(12));
    await Promise.resolve();
    expect(sizesOf(sent, FRAME.STDIN)).toEqual([10, 12]);
    command.receive(credit(100));
    await written;
    expect(sizesOf(sent, FRAME.STDIN)).toEqual([10, 12, 3]);
    command.end();
    expect(sent.at(-1)).toMatchObject({ type: FRAME.STDIN, flags: 1 });
  });

  it('stops writing when the command ends', async () => {
    const { command, sent } = commandOf();
    const written = command.write(Buffer.alloc(25));
    command.receive(exit);
    await written;
    command.end();
    command.kill(9);
    expect(sizesOf(sent, FRAME.STDIN)).toEqual([10]);
    expect(sizesOf(sent, FRAME.SIGNAL)).toEqual([]);
    await expect(command.exit).resolves.toMatchObject({ exitCode: 3 });
  });

  it('tells the end only after the consumer has taken all output', async () => {
    let take: () => void = () => undefined;
    const taken = new Promise<void>((resolve) => (take = resolve));
    const { command } = commandOf({ onOutput: () => taken });
    command.receive(frame(FRAME.STDOUT, Buffer.from('x')));
    expect(command.receive(exit)).toBe(true);
    let ended = false;
    void command.exit.then(() => (ended = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(ended).toBe(false);
    take();
    await command.exit;
  });

  it('gives credit back for what was taken, in pieces of half a window', async () => {
    const { command, sent } = commandOf();
    for (let count = 0; count < 16; count += 1) command.receive(frame(FRAME.STDERR, Buffer.alloc(32_768)));
    await new Promise((resolve) => setImmediate(resolve));
    const credits = sent.filter(({ type }) => type === FRAME.CREDIT).map(({ payload }) => new PayloadReader(payload));
    expect(credits.map((reader) => [reader.u8(), reader.u32()])).toEqual([[2, 524_288]]);
  });

  it('refuses more output than it gave credit for', () => {
    const { command } = commandOf({ onOutput: () => new Promise(() => undefined) });
    for (let count = 0; count < 32; count += 1) command.receive(frame(FRAME.STDOUT, Buffer.alloc(32_768)));
    expect(() => command.receive(frame(FRAME.STDOUT, Buffer.alloc(1)))).toThrow(/more output than it may send/);
    expect(command.receive(frame(FRAME.STDERR, Buffer.alloc(1)))).toBe(false);
  });

  it('kills the command when the consumer of its output fails, and passes that failure on', async () => {
    const failure = new Error('disk full');
    const { command, sent } = commandOf({ onOutput: () => Promise.reject(failure) });
    command.receive(frame(FRAME.STDOUT, Buffer.from('x')));
    await new Promise((resolve) => setImmediate(resolve));
    const signal = new PayloadReader(sent.find(({ type }) => type === FRAME.SIGNAL)?.payload ?? Buffer.alloc(0));
    expect([signal.u32(), signal.u8()]).toEqual([9, 0]);
    command.receive(exit);
    await expect(command.exit).rejects.toBe(failure);
  });

  it('splits a long request into parts and refuses one of more than 2 MiB before sending any of it', () => {
    const { sent } = commandOf({ argv: ['echo', 'x'.repeat(40_000)] });
    expect(sent.map(({ type, flags }) => [type, flags])).toEqual([
      [FRAME.EXEC, 1],
      [FRAME.EXEC, 1],
      [FRAME.EXEC, 0],
    ]);
    expect(() => commandOf({ argv: ['echo', 'x'.repeat(2 ** 21)] })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
  });

  it.each([
    ['a frame that is no answer to a command', frame(FRAME.PONG)],
    ['credit for what is no input', frame(FRAME.GUEST_CREDIT, new PayloadWriter().u8(1).u32(5).bytes())],
    ['an end that is too short', frame(FRAME.EXIT)],
  ])('refuses %s', (_what, received) => {
    expect(() => commandOf().command.receive(received)).toThrow(expect.objectContaining({ code: 'PROTOCOL_ERROR' }));
  });

  it('fails with what the guest says when the command never started', async () => {
    const { command } = commandOf();
    const payload = new PayloadWriter().u32(2).text('notFound').text('no such program: \x1b[31mcat').bytes();
    expect(command.receive(frame(FRAME.FAILED, payload))).toBe(true);
    await expect(command.exit).rejects.toMatchObject({
      code: 'COMMAND_NOT_STARTED',
      message: 'the command did not start: no such program: \\x1b[31mcat',
      hint: expect.stringContaining('install') as unknown,
      details: { reason: 'notFound', errno: 2 },
    });
  });
});
