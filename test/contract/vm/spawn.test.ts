import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { findProcesses } from '../../../src/base/process-ref.ts';
import { isSmolVMError, SmolVM, type SpawnOptions } from '../../../src/index.ts';
import { withWorld } from '../../support/world.ts';

const world = withWorld();
const forever = ['tail', '-f', '/dev/null'];

describe('a spawned command', () => {
  it('is a promise of its result', async () => {
    await using vm = await SmolVM.launch();
    expect(await vm.spawn('echo out; echo err >&2; exit 3')).toMatchObject({
      exitCode: 3,
      stdout: 'out\n',
      stderr: 'err\n',
    });
  });

  it('is iterated for its output, and still has a result', async () => {
    await using vm = await SmolVM.launch();
    const command = vm.spawn(['sh', '-c', 'echo one; echo two >&2; echo three']);
    const seen = { stdout: '', stderr: '' };
    for await (const { stream, bytes } of command) seen[stream] += bytes.toString();
    expect(seen).toEqual({ stdout: 'one\nthree\n', stderr: 'two\n' });
    expect(await command).toMatchObject({ ok: true, stdout: 'one\nthree\n' });
  });

  it('goes on when the loop over its output is left', async () => {
    await using vm = await SmolVM.launch();
    const command = vm.spawn(['sh', '-c', 'head -c 1000000 /dev/zero; echo end >&2']);
    for await (const { bytes } of command) if (bytes.length > 0) break;
    expect(await command).toMatchObject({ ok: true, stderr: 'end\n' });
    expect((await command).stdoutBytes.length).toBe(1_000_000);
  });

  it('waits for a reader that is slow, and loses nothing', async () => {
    await using vm = await SmolVM.launch();
    const command = vm.spawn(['sh', '-c', 'head -c 3000000 /dev/zero'], { maxOutputBytes: 0 });
    let bytes = 0;
    for await (const chunk of command.stdout as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(bytes).toBe(3_000_000);
    expect(await command).toMatchObject({ truncated: true, stdout: '' });
  });

  it('has Node streams', async () => {
    await using vm = await SmolVM.launch();
    const command = vm.spawn(['sh', '-c', 'cat; echo gone >&2'], { stdin: true });
    command.stdin?.write('to ');
    command.stdin?.end('cat');
    expect(await Promise.all([text(command.stdout), text(command.stderr)])).toEqual(['to cat', 'gone\n']);
    expect(await command).toMatchObject({ ok: true });
  });

  it('gives a late reader what was kept, and refuses one that would miss something', async () => {
    await using vm = await SmolVM.launch();
    const kept = vm.spawn('echo early');
    await kept;
    expect(await text(kept.stdout)).toBe('early\n');
    const dropped = vm.spawn('echo early', { maxOutputBytes: 2 });
    await dropped;
    expect(() => dropped.stdout).toThrow(expect.objectContaining({ code: 'WRONG_STATE' }));
  });

  it('without stdin reads nothing', async () => {
    await using vm = await SmolVM.launch();
    const command = vm.spawn(['cat']);
    expect(command.stdin).toBeNull();
    expect(await command).toMatchObject({ ok: true, stdout: '' });
  });

  it('tells its process id, and that it never got one', async () => {
    await using vm = await SmolVM.launch();
    expect(await vm.spawn(['true']).pid()).toBeGreaterThan(1);
    await expect(vm.spawn(['no-such-program']).pid()).rejects.toMatchObject({ code: 'COMMAND_NOT_STARTED' });
  });

  it.each<[unknown, SpawnOptions]>([
    ['ls', { terminal: { rows: 0, columns: 80 } }],
    ['ls', { detached: 'a b' }],
    ['ls', { input: 'x', stdin: true }],
    ['ls', { timeoutMs: -1 }],
    [['ls'], { unknown: 1 } as SpawnOptions],
  ])('with bad options throws at once: %j %j', async (command, options) => {
    await using vm = await SmolVM.launch();
    expect(() => vm.spawn(command as string, options)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
  });

  it('that is not detached cannot be left to itself', async () => {
    await using vm = await SmolVM.launch();
    await using command = vm.spawn(forever);
    await expect(command.detach()).rejects.toMatchObject({ code: 'WRONG_STATE' });
  });
});

describe('the outcome', () => {
  it('of a command that ended is its code or its signal', async () => {
    await using vm = await SmolVM.launch();
    expect(await vm.spawn('exit 7').outcome).toEqual({ kind: 'exited', exitCode: 7 });
    const command = vm.spawn(forever);
    await command.pid();
    command.kill('SIGINT');
    expect(await command.outcome).toEqual({ kind: 'signaled', signal: 'SIGINT' });
    command.kill();
    expect(() => {
      command.kill('SIGNONE');
    }).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });

  it('of one whose time was up is timedOut, with the output so far', async () => {
    await using vm = await SmolVM.launch();
    const command = vm.spawn(['sh', '-c', 'echo partial; exec tail -f /dev/null'], { timeoutMs: 300 });
    expect(await command.outcome).toEqual({ kind: 'timedOut', timeoutMs: 300, killed: true });
    await expect(command.result()).rejects.toMatchObject({
      code: 'TIMEOUT',
      details: { stdout: 'partial\n', outcome: { kind: 'timedOut' }, truncated: false },
    });
  });

  it('of one that its caller gave up is aborted', async () => {
    await using vm = await SmolVM.launch();
    const controller = new AbortController();
    const command = vm.spawn(['sh', '-c', 'echo x; exec tail -f /dev/null'], { signal: controller.signal });
    await once(command.stdout, 'readable');
    controller.abort();
    expect(await command.outcome).toEqual({ kind: 'aborted', killed: true });
  });

  it('of one that could not start is neverStarted', async () => {
    await using vm = await SmolVM.launch();
    const command = vm.spawn(['no-such-program']);
    expect(await command.outcome).toMatchObject({ kind: 'neverStarted' });
    const unsent = vm.spawn(forever, { signal: AbortSignal.abort() });
    expect(await unsent.outcome).toMatchObject({ kind: 'neverStarted' });
  });

  it('of one whose VM is not running is neverStarted', async () => {
    await using vm = await SmolVM.create();
    const command = vm.spawn(['true']);
    expect(await command.outcome).toMatchObject({ kind: 'neverStarted' });
    await expect(command.result()).rejects.toMatchObject({ code: 'COMMAND_UNAVAILABLE' });
  });

  it('of one whose VMM was killed is outcomeUnknown, and says what was seen', async () => {
    await using vm = await SmolVM.launch();
    const command = vm.spawn(['sh', '-c', 'echo seen; exec tail -f /dev/null']);
    await once(command.stdout, 'readable');
    process.kill(vm.info.pid ?? 0, 'SIGKILL');
    expect(await command.outcome).toMatchObject({ kind: 'outcomeUnknown' });
    await expect(command.result()).rejects.toMatchObject({
      code: 'VM_EXITED',
      details: { stdout: 'seen\n', outcome: { kind: 'outcomeUnknown' } },
    });
  });

  it('of one whose agent is mute is timedOut, not killed as far as anybody knows', async () => {
    world().qemu.behave({ onExec: 'silent' });
    await using vm = await SmolVM.launch();
    expect(await vm.spawn(['true'], { timeoutMs: 200 }).outcome).toEqual({
      kind: 'timedOut',
      timeoutMs: 200,
      killed: false,
    });
  });

  it('of one whose VMM was stopped is timedOut, not killed as far as anybody knows', async () => {
    await using vm = await SmolVM.launch();
    const command = vm.spawn(forever, { timeoutMs: 500 });
    await command.pid();
    const pid = vm.info.pid ?? 0;
    process.kill(pid, 'SIGSTOP');
    try {
      expect(await command.outcome).toEqual({ kind: 'timedOut', timeoutMs: 500, killed: false });
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  });

  it('of one whose agent breaks the protocol is outcomeUnknown', async () => {
    world().qemu.behave({ onExec: 'wrongTag' });
    await using vm = await SmolVM.launch();
    const command = vm.spawn(['true']);
    expect(await command.outcome).toMatchObject({ kind: 'outcomeUnknown' });
    await expect(command.result()).rejects.toMatchObject({ code: 'PROTOCOL_ERROR' });
  });
});

describe('a handle', () => {
  it('that leaves its scope ends its command', async () => {
    await using vm = await SmolVM.launch();
    const mark = `smolvm-test:${process.pid}:dispose`;
    {
      await using command = vm.spawn(['sh', '-c', 'tail -f /dev/null', mark]);
      await command.pid();
    }
    await expect.poll(() => findProcesses(mark)).toEqual([]);
  });

  it('with check turns another code than 0 into an error that has the output', async () => {
    await using vm = await SmolVM.launch();
    const error: unknown = await vm
      .run('echo why >&2; exit 2', { check: true })
      .catch((reason: unknown) => reason);
    expect(isSmolVMError(error, 'COMMAND_FAILED')).toBe(true);
    expect(error).toMatchObject({
      details: { exitCode: 2, stderr: 'why\n', outcome: { kind: 'exited', exitCode: 2 } },
    });
    expect((await vm.run('true', { check: true })).ok).toBe(true);
  });
});
