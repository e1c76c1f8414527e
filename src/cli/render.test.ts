import { describe, expect, test } from 'vitest';
import {
  OperationTimeoutError,
  SmolVMError,
  ValidationError,
  VMNotFoundError,
  type VmInfo,
} from '../index.ts';
import { renderChecks } from './commands/doctor.ts';
import { renderCommands } from './commands/ps.ts';
import { renderInfo } from './commands/info.ts';
import { renderList } from './commands/list.ts';
import { bytesAsJson, failureLine } from './envelope.ts';
import { exitCodeOf } from './exit-code.ts';
import { failureOf, SeveralErrors } from './failure.ts';
import { renderError, renderStack } from './render-failure.ts';
import { renderTimings } from './start-report.ts';
import { styleFor } from './style.ts';
import { UsageError } from './usage-error.ts';

const plain = styleFor({ isTerminal: false }, {});
const colours = styleFor({ isTerminal: true }, {});

const vm: VmInfo = {
  vmId: 'builder',
  state: 'running',
  reason: null,
  vcpuCount: 2,
  memSizeMib: 512,
  diskMode: 'isolated',
  diskSizeMib: 256,
  retainDiskOnDelete: false,
  bootArgs: '',
  bootMode: 'agent',
  channel: 'agent',
  sshCapable: false,
  backend: 'qemu',
  kernelPath: '/k',
  rootfsPath: '/r',
  ephemeral: false,
  pid: 12,
  createdAt: '2026-01-02T03:04:05.678Z',
};

describe('exit codes', () => {
  const notStarted = (reason: string) =>
    new SmolVMError('COMMAND_NOT_STARTED', 'no', { details: { reason } });
  const several = new SeveralErrors(
    '1 of 2',
    [{ vmId: 'A', error: new ValidationError('VM id', ['bad']) }],
    ['b'],
  );
  test.each([
    ['run', new OperationTimeoutError('the command', 5), 124],
    ['exec', new OperationTimeoutError('the command', 5), 124],
    ['run', new OperationTimeoutError(`start VM 'a'`, 5), 125],
    ['stop', new OperationTimeoutError('the command', 5), 1],
    ['run', notStarted('notFound'), 127],
    ['exec', notStarted('notExecutable'), 126],
    ['exec', notStarted('badCwd'), 125],
    ['exec', notStarted('badUser'), 125],
    ['run', new SmolVMError('HYPERVISOR_UNAVAILABLE', 'no'), 125],
    ['exec', new VMNotFoundError('a'), 125],
    ['shell', new VMNotFoundError('a'), 125],
    ['attach', new VMNotFoundError('a'), 125],
    ['ps', new VMNotFoundError('a'), 1],
    ['exec', new TypeError('defect'), 125],
    ['info', new VMNotFoundError('a'), 1],
    ['info', new TypeError('defect'), 1],
    ['run', new UsageError('no'), 2],
    ['create', new ValidationError('VM options', ['bad']), 2],
    [null, new UsageError('no'), 2],
    ['delete', several, 1],
  ])('%s: %s → %i', (command, error, expected) => {
    expect(exitCodeOf(command, error, failureOf(error))).toBe(expected);
  });
});

describe('failures', () => {
  test('of the SDK keep code, hint and details', () => {
    const hint = 'See `smolvm list`.';
    expect(failureOf(new VMNotFoundError('a'))).toEqual({
      code: 'VM_NOT_FOUND',
      message: `there is no VM 'a'`,
      hint,
      details: { vmId: 'a' },
    });
  });

  test('of a stream of the host are HOST_FAILED', () => {
    const eisdir = Object.assign(new Error('EISDIR: illegal operation on a directory, read'), {
      errno: -21,
      code: 'EISDIR',
    });
    expect(failureOf(eisdir).code).toBe('HOST_FAILED');
    expect(failureOf(new Error('cannot write to stdout', { cause: eisdir })).code).toBe('HOST_FAILED');
  });

  test('that nobody foresaw are INTERNAL', () => {
    expect(failureOf(new TypeError('x'))).toMatchObject({ code: 'INTERNAL', message: 'x', details: {} });
    expect(failureOf('x')).toMatchObject({ code: 'INTERNAL', message: 'x' });
  });

  test('of several VMs name each', () => {
    const error = new SeveralErrors(
      '1 of 2 VMs were not deleted',
      [{ vmId: 'a', error: new VMNotFoundError('a') }],
      ['b'],
    );
    expect(failureOf(error)).toMatchObject({
      code: 'VM_NOT_FOUND',
      details: { done: ['b'], failures: [{ vmId: 'a', code: 'VM_NOT_FOUND' }] },
    });
    expect(renderError(error, plain)).toBe(`smolvm: there is no VM 'a'\nhint: See \`smolvm list\`.\n`);
  });

  test('an envelope keeps empty details and a missing hint', () => {
    expect(failureLine(null, failureOf(new UsageError('no')))).toBe(
      '{"ok":false,"command":null,"error":{"code":"INVALID_ARGUMENT","message":"no","hint":null,"details":{}}}\n',
    );
  });

  test('for people: what, then what to do', () => {
    expect(renderError(new SmolVMError('BUSY', 'busy', { hint: 'Wait.' }), plain)).toBe(
      'smolvm: busy\nhint: Wait.\n',
    );
    expect(renderError(new SmolVMError('BUSY', 'busy'), plain)).toBe('smolvm: busy\n');
    expect(renderError(new SmolVMError('BUSY', 'busy', { hint: 'Wait.' }), colours)).toContain(
      '\x1b[31msmolvm:\x1b[39m busy',
    );
  });

  test('a stack shows the causes', () => {
    const stack = renderStack(new SmolVMError('INTERNAL', 'outer', { cause: new Error('inner') }));
    expect(stack).toMatch(/outer[^]*at [^]*inner/);
  });
});

describe('colours', () => {
  test.each([
    [true, {}, true],
    [true, { NO_COLOR: '' }, true],
    [true, { NO_COLOR: '1' }, false],
    [true, { TERM: 'dumb' }, false],
    [false, {}, false],
    [false, { FORCE_COLOR: '1' }, false],
  ])('terminal %j with %j: %j', (isTerminal, env, expected) => {
    expect(styleFor({ isTerminal }, env).isColorSupported).toBe(expected);
  });
});

describe('tables', () => {
  test('list', () => {
    const damaged = { vmId: 'x\x1b[2J', state: 'damaged', reason: 'no' } as const;
    expect(renderList([vm, damaged], plain)).toBe(
      [
        'NAME      STATE    VCPUS  MEMORY   BACKEND  CREATED',
        'builder   running  2      512 MiB  qemu     2026-01-02T03:04:05.678Z',
        'x\\x1b[2J  damaged  -      -        -        -',
        '',
      ].join('\n'),
    );
    expect(renderList([vm], colours)).toContain('\x1b[32mrunning\x1b[39m  2      512 MiB');
  });

  test('list with disks that have no VM', () => {
    const retained = {
      vmId: 'old',
      state: 'retained',
      diskSizeMib: 256,
      rootfsPath: '/r',
      retainedAt: '2026-01-02T03:04:05.678Z',
    } as const;
    const lines = renderList([{ ...vm, state: 'paused' }, retained], colours).split('\n');
    expect(lines[1]).toContain('\x1b[33mpaused\x1b[39m');
    expect(lines[2]).toBe('old      retained  -      -        -        2026-01-02T03:04:05.678Z');
    expect(renderList([{ ...retained, retainedAt: null }], plain)).toMatch(/\nold +retained +- +- +- +-\n$/);
  });

  test('info', () => {
    expect(renderInfo(vm)).toContain(
      'vmId                builder\nstate               running\nreason              -\n',
    );
  });

  test('doctor', () => {
    const checks = [
      { name: 'state', result: 'ok', found: 'fine', fix: null },
      { name: 'hypervisor', result: 'failed', found: 'none\x1b[31m', fix: 'Install one.' },
    ] as const;
    expect(renderChecks(checks, plain)).toBe(
      'ok      state       fine\nfailed  hypervisor  none\\x1b[31m\n                    fix: Install one.\n',
    );
  });

  test('ps', () => {
    const facts = { oldestCursor: 0, endCursor: 5, startedAtMs: Date.UTC(2026, 0, 2) };
    const commands = [
      { ...facts, execId: 'a', pid: 12, running: true, program: 'tail\x1b[2J' },
      { ...facts, execId: 'exec-1', pid: 0, running: false, exitCode: 3, program: 'sh', startedAtMs: 1e300 },
      { ...facts, execId: 'b', pid: 0, running: false, signal: 'SIGKILL', program: '/bin/x' },
    ];
    expect(renderCommands(commands, plain)).toBe(
      [
        'EXEC ID  STATE     PID  PROGRAM      STARTED',
        'a        running   12   tail\\x1b[2J  2026-01-02T00:00:00.000Z',
        'exec-1   exited 3  -    sh           -',
        'b        SIGKILL   -    /bin/x       2026-01-02T00:00:00.000Z',
        '',
      ].join('\n'),
    );
  });

  test('timings', () => {
    const steps = [
      { name: 'probe', durationMs: 0.26 },
      { name: 'guest', durationMs: 1234.5 },
    ];
    expect(renderTimings({ path: 'cold', totalMs: 1234.76, steps, acceleration: { kind: 'hardware' } })).toBe(
      'probe       0.3 ms\nguest    1234.5 ms\ntotal    1234.8 ms (cold start, hardware)\n',
    );
  });
});

describe('bytes in an envelope', () => {
  test('are text, and base64 besides only if they are not UTF-8', () => {
    expect(bytesAsJson('stdout', Buffer.from('é\0'))).toEqual({ stdout: 'é\0' });
    expect(bytesAsJson('stdout', Buffer.of(0x61, 0xff))).toEqual({ stdout: 'a\ufffd', stdoutBase64: 'Yf8=' });
    expect(bytesAsJson('stdout', Buffer.from('xaby').subarray(1, 3))).toEqual({ stdout: 'ab' });
  });
});
