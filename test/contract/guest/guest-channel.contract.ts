import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { ExecRequest, GuestChannel, GuestExit } from '../../../src/guest/guest-channel.ts';

/** A channel to a guest that has `/bin/sh` and the usual tools. Disposing ends guest and channel. */
export interface ChannelUnderTest extends AsyncDisposable {
  /** May the agent end the machine, set its clock and feed its entropy? */
  readonly ownsMachine: boolean;
  readonly channel: GuestChannel;
  /** Another session with the same guest, on another port. */
  openAnother(): Promise<GuestChannel>;
}

const MIB = 2 ** 20;
const never = new AbortController().signal;

/** What every implementation of GuestChannel does, whatever carries it and whatever guest is at its end. */
export function guestChannelContract(name: string, open: () => Promise<ChannelUnderTest>): void {
  describe(`${name}: a session`, () => {
    it('begins with what the guest says of itself', async () => {
      await using guest = await open();
      const { info } = guest.channel;
      expect(info.bootId).not.toBe('');
      expect(info.rootError).toBe('');
      expect(info.stdinWindowBytes).toBeGreaterThan(0);
      expect(info.maxCommands).toBeGreaterThan(0);
      for (const capability of ['exec', 'stdin', 'signal', 'ping', 'sync', 'pty', 'tools']) {
        expect(info.capabilities).toContain(capability);
      }
      for (const capability of ['shutdown', 'time', 'entropy']) {
        expect(info.capabilities.has(capability)).toBe(guest.ownsMachine);
      }
    });

    it('answers requests, many at once', async () => {
      await using guest = await open();
      const { channel } = guest;
      await Promise.all([
        channel.ping(never),
        channel.sync(never),
        ...(guest.ownsMachine ? [channel.setTime(never), channel.addEntropy(randomBytes(64), never)] : []),
        ...Array.from({ length: 20 }, () => channel.ping(never)),
      ]);
    });

    it('gives a request up when its signal aborts, and goes on', async () => {
      await using guest = await open();
      const reason = new Error('enough');
      await expect(guest.channel.ping(AbortSignal.abort(reason))).rejects.toBe(reason);
      await guest.channel.ping(never);
    });

    it('ends all its commands when it is closed, and takes no more', async () => {
      await using guest = await open();
      const { channel } = guest;
      const running = channel.exec(request(['tail', '-f', '/dev/null'])).exit;
      const another = await guest.openAnother();
      await channel[Symbol.asyncDispose]();
      await channel[Symbol.asyncDispose]();
      await expect(running).rejects.toBeInstanceOf(Error);
      expect(await channel.closed).toBeInstanceOf(Error);
      expect(() => channel.exec(request(['true']))).toThrow();
      await expect(channel.ping(never)).rejects.toBeInstanceOf(Error);
      await another.ping(never);
      await another[Symbol.asyncDispose]();
    });

    it('of one port does not see what the other does', async () => {
      await using guest = await open();
      const another = await guest.openAnother();
      const results = await Promise.all([
        run(guest.channel, ['sh', '-c', 'for i in 1 2 3 4 5; do echo one; done']),
        run(another, ['sh', '-c', 'for i in 1 2 3 4 5; do echo two; done']),
      ]);
      expect(results.map(({ stdout }) => stdout.toString())).toEqual(['one\n'.repeat(5), 'two\n'.repeat(5)]);
      await another[Symbol.asyncDispose]();
      await guest.channel.ping(never);
    });

    it('ends when the guest powers off, which the guest agrees to first', async () => {
      await using guest = await open();
      if (!guest.ownsMachine) {
        await expect(guest.channel.shutdown(100, never)).rejects.toMatchObject({ code: 'COMMAND_UNAVAILABLE' });
        await expect(guest.channel.setTime(never)).rejects.toMatchObject({ code: 'COMMAND_UNAVAILABLE' });
        await guest.channel.ping(never);
        return;
      }
      await guest.channel.shutdown(100, never);
      expect(await guest.channel.closed).toBeInstanceOf(Error);
    });
  });

  describe(`${name}: a command`, () => {
    it.each([
      [['sh', '-c', 'exit 0'], { kind: 'exited', exitCode: 0 }],
      [['sh', '-c', 'exit 255'], { kind: 'exited', exitCode: 255 }],
      [['sh', '-c', 'kill -KILL $$'], { kind: 'signaled', signal: 'SIGKILL' }],
    ])('tells how it ended: %j', async (argv, exit) => {
      await using guest = await open();
      expect((await run(guest.channel, argv)).exit).toMatchObject(exit);
    });

    it('gets arguments, folder and variables as they are', async () => {
      await using guest = await open();
      const script = 'printf "%s|" "$@"; pwd; printf "%s" "$GREETING"';
      const { stdout } = await run(guest.channel, ['sh', '-c', script, 'sh', 'a b', '', '*', 'ä\n'], {
        cwd: '/usr',
        env: { GREETING: '$x = "y"' },
      });
      expect(stdout.toString()).toBe('a b||*|ä\n|/usr\n$x = "y"');
    });

    it('may be as long as 1 MiB', async () => {
      await using guest = await open();
      // One argument of Linux holds at most 128 KiB.
      const args = Array.from({ length: 16 }, (_, index) => String(index % 10).repeat(64 * 1024 - 1));
      const { stdout } = await run(guest.channel, ['sh', '-c', 'printf "%s" "$*" | wc -c', 'sh', ...args]);
      expect(stdout.toString().trim()).toBe(String(16 * 64 * 1024 - 1));
    });

    it.each([
      [['no-such-program'], {}, 'notFound'],
      [['/usr'], {}, 'notExecutable'],
      [['true'], { cwd: '/no/such/folder' }, 'badCwd'],
      [['true'], { user: 'no-such-user' }, 'badUser'],
    ] as const)('that cannot start says why, and the session goes on: %j %j', async (argv, options, reason) => {
      await using guest = await open();
      await expect(run(guest.channel, argv, options)).rejects.toMatchObject({
        code: 'COMMAND_NOT_STARTED',
        details: { reason },
      });
      expect((await run(guest.channel, ['true'])).exit).toMatchObject({ exitCode: 0 });
    });

    it('is killed with its whole process group', async () => {
      await using guest = await open();
      const started = deferred();
      const command = guest.channel.exec({
        ...request(['sh', '-c', 'tail -f /dev/null & echo $!; wait']),
        onOutput: (_name, chunk) => started.resolve(chunk.toString().trim()),
      });
      const pid = await started.promise;
      command.kill(9);
      expect(await command.exit).toMatchObject({ kind: 'signaled', signal: 'SIGKILL' });
      const look = ['sh', '-c', `while grep -q '^State:.[RSD]' /proc/${pid}/status 2>/dev/null; do :; done; echo gone`];
      expect((await run(guest.channel, look)).stdout.toString()).toBe('gone\n');
    });

    it('that leaves a process behind ends at once and says that its output is held', async () => {
      await using guest = await open();
      const { exit, stdout } = await run(guest.channel, ['sh', '-c', 'tail -f /dev/null & echo started']);
      expect(exit).toMatchObject({ kind: 'exited', exitCode: 0, outputHeldOpen: true });
      expect(stdout.toString()).toBe('started\n');
    });

    it('can be one of 100 at once', async () => {
      await using guest = await open();
      const results = await Promise.all(
        Array.from({ length: 100 }, (_, nth) => run(guest.channel, ['sh', '-c', `echo ${nth}; exit ${nth}`])),
      );
      expect(results.map(({ stdout }) => Number(stdout))).toEqual(results.map((_, nth) => nth));
    });
  });

  describe(`${name}: a terminal`, () => {
    it('has the size that was asked for, and learns of another one', async () => {
      await using guest = await open();
      let shown = '';
      const command = guest.channel.exec({
        ...request(['sh', '-c', 'trap "stty size; exit 5" WINCH; stty size; while :; do sleep 0.02; done'], true),
        terminal: { rows: 30, columns: 100 },
        onOutput: (name, chunk) => {
          expect(name).toBe('stdout');
          shown += chunk.toString();
          if (shown === '30 100\r\n') command.resize({ rows: 40, columns: 132 });
        },
      });
      expect(await command.exit).toMatchObject({ kind: 'exited', exitCode: 5 });
      expect(shown).toBe('30 100\r\n40 132\r\n');
    });
  });

  describe(`${name}: a tool`, () => {
    it('works on the files of the guest', async () => {
      await using guest = await open();
      const { exit, stdout } = await run(guest.channel, ['lstat', '/'], { tool: true });
      expect(exit).toMatchObject({ kind: 'exited', exitCode: 0 });
      expect(stdout.toString('latin1', 0, 1)).toBe('d');
    });
  });

  describe(`${name}: output and input`, () => {
    it('come whole, in order, on both streams', async () => {
      await using guest = await open();
      const script = 'head -c 3000000 /dev/zero | tr "\\0" o; head -c 3000000 /dev/zero | tr "\\0" e >&2';
      const { stdout, stderr } = await run(guest.channel, ['sh', '-c', script]);
      expect(stdout.equals(Buffer.alloc(3_000_000, 'o'))).toBe(true);
      expect(stderr.equals(Buffer.alloc(3_000_000, 'e'))).toBe(true);
    });

    it('wait for a slow consumer without holding up anybody else', async () => {
      await using guest = await open();
      const [gate, first] = [deferred(), deferred()];
      let taken = 0;
      const command = guest.channel.exec({
        ...request(['head', '-c', String(4 * MIB), '/dev/zero']),
        onOutput: async (_name, chunk) => {
          first.resolve('');
          await gate.promise;
          taken += chunk.length;
        },
      });
      await first.promise;
      await Promise.all([guest.channel.ping(never), run(guest.channel, ['true'])]);
      expect(taken).toBe(0);
      gate.resolve('');
      await command.exit;
      expect(taken).toBe(4 * MIB);
    });

    it('go both ways at once', async () => {
      await using guest = await open();
      const input = randomBytes(3 * MIB);
      const { stdout } = await run(guest.channel, ['cat'], {}, input);
      expect(stdout.equals(input)).toBe(true);
    });

    it('end when the sender ends them', async () => {
      await using guest = await open();
      expect((await run(guest.channel, ['wc', '-c'], {}, Buffer.alloc(0))).stdout.toString().trim()).toBe('0');
    });

    it('do not block a command that does not read', async () => {
      await using guest = await open();
      const { exit } = await run(guest.channel, ['true'], {}, Buffer.alloc(2 * MIB));
      expect(exit).toMatchObject({ exitCode: 0 });
    });
  });
}

interface Ran {
  readonly exit: GuestExit;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

function request(argv: readonly string[], stdin = false): ExecRequest {
  return { argv, env: {}, cwd: '', user: '', stdin, onOutput: () => undefined };
}

async function run(
  channel: GuestChannel,
  argv: readonly string[],
  options: Partial<ExecRequest> = {},
  input?: Buffer,
): Promise<Ran> {
  const chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  const command = channel.exec({
    ...request(argv, input !== undefined),
    ...options,
    onOutput: (name, chunk) => void chunks[name].push(Buffer.from(chunk)),
  });
  if (input !== undefined) {
    await command.write(input);
    command.end();
  }
  const exit = await command.exit;
  return { exit, stdout: Buffer.concat(chunks.stdout), stderr: Buffer.concat(chunks.stderr) };
}

function deferred(): { readonly promise: Promise<string>; readonly resolve: (value: string) => void } {
  let resolve: (value: string) => void = () => undefined;
  const promise = new Promise<string>((fulfil) => (resolve = fulfil));
  return { promise, resolve };
}
