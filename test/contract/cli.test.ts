import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { openSqlDatabase } from '../../src/store/sql-database.ts';
import { cli, endOf, json, onTerminal, program, seen, start } from '../support/cli.ts';
import { buildFolder, projectFolder } from '../support/places.ts';
import { withWorld } from '../support/world.ts';

const world = withWorld();
/** The files of smolvm that a command line loads. */
async function loadedBy(args: readonly string[]): Promise<readonly string[]> {
  const folder = join(world().folder, 'coverage');
  await cli(args, { env: { NODE_V8_COVERAGE: folder } });
  const reports = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
  rmSync(folder, { recursive: true });
  return reports
    .flatMap((text) => (JSON.parse(text) as { result: { url: string }[] }).result)
    .flatMap(({ url }) => (url.includes(buildFolder) ? [relative(buildFolder, fileURLToPath(url))] : []));
}

describe('help and version', () => {
  test('work without a state folder', async () => {
    const { version } = JSON.parse(readFileSync(join(projectFolder, 'package.json'), 'utf8')) as {
      version: string;
    };
    const env = { SMOLVM_HOME: '/proc/nowhere' };
    expect(await cli(['--version'], { env })).toMatchObject({
      exitCode: 0,
      stdout: `${version}\n`,
      stderr: '',
    });
    expect((await cli(['--help'], { env })).stdout).toMatch(/^Usage: smolvm \[options\] \[command\]\n/);
    expect(await json(['--version'])).toEqual({
      exitCode: 0,
      envelope: { ok: true, command: 'version', data: { version } },
    });
  });

  test.each([[['--version']], [['--help']], [['help', 'run']], [['run', '--help']]])(
    '%j loads no SDK',
    async (args) => {
      const files = await loadedBy(args);
      expect(files).toContain('cli/main.js');
      expect(files.filter((file) => !file.startsWith('cli/'))).toEqual([]);
    },
  );

  test('any other command line does, which shows that the test above can fail', async () => {
    expect(await loadedBy(['list'])).toContain('index.js');
  });

  test('a broken pipe is quiet', async () => {
    const { child, ended } = start(['--help']);
    child.stdout.destroy();
    expect(await ended).toMatchObject({ exitCode: 141, stderr: '' });
  });
});

describe('errors', () => {
  test('of usage: exit code 2, on stderr, with a hint', async () => {
    expect(await cli(['lst'])).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: `smolvm: unknown command 'lst'\nhint: Did you mean list? See: smolvm --help\n`,
    });
  });

  test('of usage as an envelope', async () => {
    expect(await json(['run', '--vcpu', '2', '--', 'ls'])).toEqual({
      exitCode: 2,
      envelope: {
        ok: false,
        command: 'run',
        error: {
          code: 'INVALID_ARGUMENT',
          message: `unknown option '--vcpu'`,
          hint: 'Did you mean --vcpus? See: smolvm run --help',
          details: {},
        },
      },
    });
    expect(await json(['bogus'])).toMatchObject({ exitCode: 2, envelope: { ok: false, command: null } });
  });

  test('that the SDK finds in the options are usage errors too, and no VM is made', async () => {
    const { exitCode, stderr } = await cli(['run', '--vcpus', '99', '--', 'ls']);
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('vcpuCount') as string,
    });
    expect(world().qemu.calls()).toEqual([]);
  });

  test.each([
    [['info', 'gone'], 1],
    [['start', 'gone'], 1],
    [['stop', 'gone'], 1],
    [['logs', 'gone'], 1],
    [['delete', 'gone'], 1],
    [['exec', 'gone', 'ls'], 125],
  ])('a VM that is not there: %j exits with %i', async (args, exitCode) => {
    expect(await cli(args)).toMatchObject({
      exitCode,
      stdout: '',
      stderr: `smolvm: there is no VM 'gone'\nhint: See \`smolvm list\`.\n`,
    });
    const error = { code: 'VM_NOT_FOUND', details: { vmId: 'gone' } };
    expect(await json(args)).toMatchObject({ exitCode, envelope: { ok: false, command: args[0], error } });
  });

  test('show their stack only on request', async () => {
    expect((await cli(['info', 'gone'])).stderr).not.toContain('    at ');
    expect((await cli(['info', 'gone'], { env: { SMOLVM_DEBUG: '1' } })).stderr).toContain('    at ');
  });

  test('do not pass on what a terminal would act on', async () => {
    const { exitCode, stderr } = await cli(['info', '\x1b]52;c;eA==\x07\u202e']);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^[\n\x20-\x7e]+$/);
  });

  test('of a full disk under stdout are told', async () => {
    const full = openSync('/dev/full', 'w');
    const child = spawn(process.execPath, [program, 'list'], {
      stdio: ['ignore', full, 'pipe'],
      env: process.env,
    });
    closeSync(full);
    expect(await endOf(child)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^smolvm: cannot write to stdout: ENOSPC/) as string,
    });
  });
});

describe('a terminal', () => {
  test('gets colours, unless NO_COLOR is set', async () => {
    expect((await onTerminal('info gone')).stdout).toBe(
      `\x1b[31msmolvm:\x1b[39m there is no VM 'gone'\n\x1b[36mhint:\x1b[39m See \`smolvm list\`.\n`,
    );
    expect((await onTerminal('info gone', { NO_COLOR: '1' })).stdout).toBe(
      `smolvm: there is no VM 'gone'\nhint: See \`smolvm list\`.\n`,
    );
  });

  test('is told how far it is, a pipe is not', async () => {
    expect((await onTerminal('run -- echo hi')).stdout).toBe('starting…\nhi\n');
    expect(await cli(['run', '--', 'echo', 'hi'])).toMatchObject({ exitCode: 0, stdout: 'hi\n', stderr: '' });
  });

  test('is told of emulation, once', async () => {
    world().useProgram({ kvm: 'aborts' });
    const { stdout } = await onTerminal('run -- echo hi');
    expect(stdout).toMatch(
      /^starting…\nnote: running under emulation \([^\n]+\): slower, and no hardware boundary\. See smolvm doctor\.\nhi\n$/,
    );
    expect((await cli(['run', '--', 'echo', 'hi'])).stderr).toBe('');
  });

  test('gets nothing but the envelope with --json', async () => {
    const { stdout } = await onTerminal('--json run -- printf "a\\\\233b"');
    expect(stdout).toMatch(/^\{"ok":true,[^\n]*\}\n$/);
  });
});

describe('run', () => {
  test('passes bytes, both outputs and the exit code on', async () => {
    const ended = await cli([
      'run',
      '--',
      'sh',
      '-c',
      String.raw`printf '\377\000a'; printf err >&2; exit 7`,
    ]);
    expect(ended).toMatchObject({ exitCode: 7, stderr: 'err' });
    expect(ended.bytes).toEqual(Buffer.from([0xff, 0, 0x61]));
  });

  test.each([
    [['-c', 'kill -9 $$'], 137],
    [['--', 'no-such-program'], 127],
    [['--', '/etc/passwd'], 126],
    [['--cwd', '/nowhere', '--', 'ls'], 125],
    [['--user', 'nobody', '--', 'ls'], 125],
    [['--timeout', '200ms', '--', 'sleep', '100'], 124],
  ])('%j exits with %i', async (args, exitCode) => {
    expect(await cli(['run', ...args])).toMatchObject({ exitCode });
    expect((await cli(['list'])).stdout).toBe('NAME  STATE  VCPUS  MEMORY  BACKEND  CREATED\n');
  });

  test('takes words as they are, and a string by -c', async () => {
    expect((await cli(['run', '--', 'echo', '$HOME  *', '--json'])).stdout).toBe('$HOME  * --json\n');
    expect((await cli(['run', '-c', 'echo "a  b" | tr a c'])).stdout).toBe('c  b\n');
    expect((await cli(['run', 'echo hi'])).exitCode).toBe(127);
  });

  test('sets variables and the folder', async () => {
    const args = [
      'run',
      '-e',
      'A=x y',
      '-e',
      'FROM_HERE',
      '--cwd',
      '/tmp',
      '-c',
      'echo "$A,$FROM_HERE,$PWD"',
    ];
    expect((await cli(args, { env: { FROM_HERE: 'ours' } })).stdout).toBe('x y,ours,/tmp\n');
  });

  test('forwards stdin only when asked', async () => {
    const input = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 256));
    expect((await cli(['run', '-i', '--', 'cat'], { input })).bytes).toEqual(input);
    expect((await cli(['run', '--', 'cat'], { input })).bytes).toHaveLength(0);
  });

  test('does not wait for a stdin that the command does not read', async () => {
    const child = spawn(process.execPath, [program, 'run', '-i', '--', 'true'], { env: process.env });
    expect(await endOf(child)).toMatchObject({ exitCode: 0, stderr: '' });
    child.stdin.destroy();
  });

  test('holds the command back while nobody reads', async () => {
    const marker = join(world().folder, 'written');
    const script = `head -c 3000000 /dev/zero; touch ${marker}; head -c 3000000 /dev/zero`;
    const child = spawn(process.execPath, [program, 'run', '-c', script], { env: process.env });
    await new Promise((resolve) => child.stdout.once('readable', resolve));
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(existsSync(marker)).toBe(false);
    const { exitCode, bytes } = await endOf(child);
    expect({ exitCode, length: bytes.length }).toEqual({ exitCode: 0, length: 6_000_000 });
  });

  test('a broken pipe ends the command and is quiet', async () => {
    const { child, ended } = start(['run', '--', 'yes']);
    await seen(child, 'y\n');
    child.stdout.destroy();
    expect(await ended).toMatchObject({ exitCode: 141, stderr: '' });
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s ends command and VM, exit code %i', async (signal, exitCode) => {
    const { child, ended } = start(['run', '-c', 'echo ready; sleep 100']);
    await seen(child, 'ready');
    child.kill(signal);
    expect(await ended).toMatchObject({ exitCode, stdout: 'ready\n', stderr: '' });
  });

  test('a VM that somebody else deletes meanwhile is an error of its own', async () => {
    const marker = join(world().folder, 'ready');
    const { ended } = start(['run', '-c', `touch ${marker}; sleep 100`]);
    await expect.poll(() => existsSync(marker)).toBe(true);
    const { envelope } = await json(['list']);
    const [vm] = (envelope as { data: { vms: { vmId: string }[] } }).data.vms;
    // Both of them delete it then; either may be told that it is gone already.
    await cli(['delete', '--force', vm?.vmId ?? '']);
    expect(await ended).toMatchObject({
      exitCode: 125,
      stderr: expect.not.stringContaining('there is no VM') as string,
    });
  });

  test('SIGTERM during the boot leaves nothing', async () => {
    world().qemu.behave({ bootsWhenExists: '/nowhere' });
    const { child, ended } = start(['run', '--', 'true']);
    await expect.poll(() => world().qemu.calls()).toContain('launch');
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ exitCode: 143, stdout: '', stderr: '' });
  });

  test('a boot that takes too long is a failure of smolvm', async () => {
    world().qemu.behave({ bootsWhenExists: '/nowhere' });
    const { exitCode, stderr } = await cli(['run', '--boot-timeout', '300ms', '--', 'true']);
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 125,
      stderr: expect.stringContaining('300 ms') as string,
    });
  });

  test('--timings prints every step to stderr', async () => {
    const { stdout, stderr } = await cli(['run', '--timings', '--', 'true']);
    expect(stdout).toBe('');
    expect(stderr).toMatch(
      /^probe +[\d.]+ ms\n(?:\w+ +[\d.]+ ms\n)+total +[\d.]+ ms \(cold start, hardware\)\n$/,
    );
  });
});

describe('run --json', () => {
  test('is one envelope with all of it, and exits as the command did', async () => {
    const { exitCode, envelope } = await json([
      'run',
      '-c',
      String.raw`printf 'out\377'; echo err >&2; exit 3`,
    ]);
    expect(exitCode).toBe(3);
    expect(envelope).toEqual({
      ok: true,
      command: 'run',
      data: {
        vmId: expect.stringMatching(/^vm-[0-9a-f]{8}$/) as string,
        exitCode: 3,
        signal: null,
        stdout: 'out\ufffd',
        stdoutBase64: 'b3V0/w==',
        stderr: 'err\n',
        truncated: false,
        durationMs: expect.any(Number) as number,
        timings: expect.objectContaining({ path: 'cold', acceleration: { kind: 'hardware' } }) as object,
      },
    });
  });

  test('names the signal', async () => {
    const data = { exitCode: 143, signal: 'SIGTERM' };
    expect(await json(['run', '-c', 'kill $$'])).toMatchObject({ exitCode: 143, envelope: { data } });
  });

  test('keeps 16 MiB of output and says that there was more', async () => {
    const { envelope } = await json(['run', '--', 'head', '-c', '17000000', '/dev/zero']);
    const { data } = envelope as { data: { stdout: string; truncated: boolean } };
    expect([data.stdout.length, data.truncated]).toEqual([16 * 1024 * 1024, true]);
  });

  test('a timeout keeps what was written', async () => {
    const details = { stdout: 'hi\n', timeoutMs: 500 };
    const error = { code: 'TIMEOUT', details };
    const { exitCode, envelope } = await json(['run', '--timeout', '500ms', '-c', 'echo hi; sleep 100']);
    expect({ exitCode, envelope }).toMatchObject({
      exitCode: 124,
      envelope: { ok: false, command: 'run', error },
    });
  });

  test('an interruption is an envelope too', async () => {
    const marker = join(world().folder, 'ready');
    const { child, ended } = start(['--json', 'run', '-c', `touch ${marker}; sleep 100`]);
    await expect.poll(() => existsSync(marker)).toBe(true);
    child.kill('SIGTERM');
    const { exitCode, stdout } = await ended;
    expect(exitCode).toBe(143);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, command: 'run', error: { code: 'ABORTED' } });
  });
});

describe('a VM that stays', () => {
  test('is made, started, used, listed, stopped and deleted', async () => {
    expect(await cli(['create', 'box', '--memory', '256'])).toMatchObject({
      exitCode: 0,
      stdout: 'box\n',
      stderr: '',
    });
    expect((await cli(['exec', 'box', 'ls'])).exitCode).toBe(125);
    expect(await cli(['start', 'box'])).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
    const args = [
      'exec',
      '-e',
      'A=1',
      'box',
      '-i',
      '-e',
      'B=2',
      '--',
      'sh',
      '-c',
      'echo "$A$B"; cat; exit 5',
    ];
    expect(await cli(args, { input: 'in' })).toMatchObject({ exitCode: 5, stdout: '12\nin' });
    expect((await cli(['list'])).stdout).toMatch(
      /^NAME.*\nbox   running  2      256 MiB  qemu     \d{4}-.*Z\n$/,
    );
    expect((await cli(['info', 'box'])).stdout).toMatch(/\nmemSizeMib +256\n/);
    expect(await cli(['delete', 'box'])).toMatchObject({
      exitCode: 1,
      stderr: `smolvm: VM 'box' is running\nhint: Stop it first: smolvm stop box; or delete it as it is: smolvm delete --force box\n`,
    });
    expect(await json(['stop', 'box'])).toEqual({
      exitCode: 0,
      envelope: { ok: true, command: 'stop', data: { vmId: 'box', outcome: 'graceful' } },
    });
    expect(await cli(['delete', 'box'])).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
  });

  test('gets a name if none is given, and can be deleted while it runs', async () => {
    const { envelope } = await json(['create', '--start']);
    const { data } = envelope as { data: { vmId: string; state: string } };
    expect(data).toMatchObject({
      vmId: expect.stringMatching(/^vm-/) as string,
      state: 'running',
      timings: { path: 'cold' },
    });
    expect(await json(['delete', '--force', data.vmId])).toMatchObject({
      exitCode: 0,
      envelope: { ok: true, data: { deleted: [data.vmId] } },
    });
  });

  test('is named and stays when create --start fails after it was made', async () => {
    world().qemu.behave({ exitsAtOnce: { code: 1, stderr: 'no luck' } });
    const { exitCode, stdout, stderr } = await cli(['create', 'box', '--start', '--boot-timeout', '1s']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: 'box\n' });
    expect(stderr).toContain('no luck');
    expect((await cli(['info', 'box'])).stdout).toMatch(/\nstate +failed\n/);
    await cli(['delete', 'box']);
  });

  test('a second Ctrl-C ends a command that is not done; the next one puts things right', async () => {
    world().qemu.behave({ ignoresShutdown: true });
    await cli(['create', 'box', '--start']);
    const { child, ended } = start(['stop', 'box', '--timeout', '1h']);
    const isStopping = async () => (await cli(['info', 'box'])).stdout.includes('stopping');
    await expect.poll(isStopping, { timeout: 10_000 }).toBe(true);
    child.kill('SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(child.exitCode).toBe(null);
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ exitCode: 130, stdout: '', stderr: '' });
    expect((await cli(['info', 'box'])).stdout).toMatch(/\nstate +stopped\n/);
    await cli(['delete', 'box']);
  });

  test('several are deleted one by one, and each failure is told', async () => {
    for (const name of ['a', 'b', 'c', 'd']) await cli(['create', name]);
    const { exitCode, stderr } = await cli(['delete', 'a', 'gone', 'a', 'NO', 'b']);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^smolvm: there is no VM 'gone'\nhint: .*\nsmolvm: VM id: .*"NO"\n$/);
    expect(await json(['delete', 'c', 'gone', 'd'])).toMatchObject({
      exitCode: 1,
      envelope: {
        ok: false,
        command: 'delete',
        error: {
          code: 'VM_NOT_FOUND',
          message: '1 of 3 VMs were not deleted',
          details: { done: ['c', 'd'], failures: [{ vmId: 'gone', code: 'VM_NOT_FOUND' }] },
        },
      },
    });
  });

  test('its console is escaped on a terminal and raw in a pipe', async () => {
    world().qemu.behave({ console: 'boot\r\n\x1b[2J\u009bhi\r\n' });
    await cli(['create', 'box', '--start']);
    expect((await cli(['logs', 'box'])).stdout).toBe('boot\r\n\x1b[2J\u009bhi\r\n');
    expect((await onTerminal('logs box')).stdout).toBe('boot\n\\x1b[2J\\x9bhi\n');
    expect(await json(['logs', 'box'])).toMatchObject({
      envelope: { data: { console: 'boot\r\n\x1b[2J\u009bhi\r\n' } },
    });
    await cli(['delete', '--force', 'box']);
  });

  test('with a damaged record is listed with the reason, and can be deleted', async () => {
    await cli(['create', 'broken']);
    const database = await openSqlDatabase(join(world().home, 'smolvm.db'));
    database.prepare('UPDATE vms SET status = ? WHERE id = ?').run('no json', 'broken');
    database.close();
    const { exitCode, stdout, stderr } = await cli(['list']);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/\nbroken  damaged  -      -       -        -\n$/);
    expect(stderr).toMatch(
      /^smolvm: the record of VM 'broken' is damaged: .*\nhint: Remove it: smolvm delete broken\n$/,
    );
    expect(await json(['list'])).toMatchObject({
      envelope: { data: { vms: [{ vmId: 'broken', state: 'damaged' }] } },
    });
    expect(await cli(['delete', 'broken'])).toMatchObject({ exitCode: 0, stderr: '' });
  });
});

describe('list and doctor', () => {
  test('list of nothing', async () => {
    expect(await cli(['list'])).toMatchObject({
      exitCode: 0,
      stdout: 'NAME  STATE  VCPUS  MEMORY  BACKEND  CREATED\n',
      stderr: '',
    });
    expect(await json(['list'])).toEqual({
      exitCode: 0,
      envelope: { ok: true, command: 'list', data: { vms: [] } },
    });
  });

  test('doctor says what is well', async () => {
    expect(await json(['doctor'])).toMatchObject({
      exitCode: 0,
      envelope: { ok: true, data: { healthy: true } },
    });
    expect((await cli(['doctor'])).stdout).toMatch(/^ok +state +.*\n/);
  });

  test('doctor exits with 1 if something failed, and says what to do', async () => {
    world().useProgram({ machines: 'pc' });
    const { exitCode, stdout } = await cli(['doctor']);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/\nfailed +hypervisor .*\n +fix: /);
  });

  test('a state folder that cannot be one is refused', async () => {
    const home = join(world().folder, 'file');
    writeFileSync(home, '');
    const { exitCode, stderr } = await cli(['list'], { env: { SMOLVM_HOME: home } });
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('is not a folder') as string,
    });
  });
});
