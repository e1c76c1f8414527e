import { describe, expect, test } from 'vitest';
import { parseArgv } from './parse-argv.ts';

/** The parts of the result that are data. */
function parsed(...argv: string[]) {
  const { kind, command, json } = parseArgv(argv, { HERE: '1' });
  return { kind, command, json };
}

function refusal(...argv: string[]) {
  const invocation = parseArgv(argv, {});
  if (invocation.kind !== 'refuse') throw new Error(`not refused: ${argv.join(' ')}`);
  return invocation;
}

describe('what is understood', () => {
  test.each([
    ['run', ['run', '--', 'ls']],
    ['run', ['run', 'ls', '--no-option-of-ours', '--', '-e']],
    ['run', ['run', '--vcpus', '2', '--memory=512', '--timings', '-i', '-e', 'A=1', '-eHERE', 'ls']],
    ['run', ['run', '-c', 'echo hi']],
    ['create', ['create']],
    ['create', ['create', 'a', '--start', '--boot-timeout', '1m']],
    ['start', ['start', 'a', '--timings']],
    ['exec', ['exec', 'a', 'ls']],
    ['exec', ['exec', '-i', 'a', '--cwd', '/tmp', '-e', 'A=1', '--', 'ls', '--x']],
    ['exec', ['exec', 'a', '--', '--timeout', '5x']],
    ['exec', ['exec', 'a', 'ls', '--timeout', '5x']],
    ['exec', ['exec', 'a', '-c', 'ls']],
    ['exec', ['exec', '-it', 'a', 'sh']],
    ['exec', ['exec', 'a', '-i', '--tty', '--', 'sh', '-t']],
    ['exec', ['exec', 'a', '-d', '--', 'ls']],
    ['shell', ['shell', 'a', '--user', 'me', '-e', 'A=1', '--cwd', '/tmp']],
    ['attach', ['attach', 'a', 'exec-1', '--cursor', '10']],
    ['ps', ['ps', 'a']],
    ['stop', ['stop', 'a', '--timeout', '10s']],
    ['delete', ['delete', 'a', 'b', '--force']],
    ['delete', ['delete', '--all']],
    ['delete', ['delete', '--all', '--dry-run', '--force']],
    ['pause', ['pause', 'a']],
    ['resume', ['resume', 'a']],
    ['create', ['create', 'a', '--disk-size', '2048', '--disk-mode', 'isolated', '--retain-disk']],
    ['run', ['run', '--config', '/c.json', '--boot-args', 'quiet loglevel=3', '--', 'ls']],
    ['list', ['list']],
    ['list', ['list', '--all']],
    ['info', ['info', 'a']],
    ['logs', ['logs', 'a']],
    ['logs', ['logs', '-f', 'a']],
    ['logs', ['logs', 'a', '--follow']],
    ['doctor', ['doctor']],
    ['cp', ['cp', 'a', 'box:/b', '--no-make-dirs', '--user', 'me']],
    ['cp', ['cp', '-', 'box:/b']],
    ['port expose', ['port', 'expose', 'a', '80:8080', '--host', '::1']],
    ['port close', ['port', 'close', 'a', '80']],
    ['port list', ['port', 'list', 'a']],
    ['port wait', ['port', 'wait', 'a', '80', '443', '--timeout', '5']],
    ['env set', ['env', 'set', 'a', 'A=1', 'B=', '--replace']],
    ['env set', ['env', 'set', '--file', '-', 'a']],
    ['env unset', ['env', 'unset', 'a', 'A', 'B']],
    ['env list', ['env', 'list', 'a']],
  ])('%s: %j', (command, argv) => {
    expect(parsed(...argv)).toEqual({ kind: 'act', command, json: false });
  });
});

describe('--json', () => {
  test.each([
    [['--json', 'list']],
    [['list', '--json']],
    [['run', '--json', 'ls']],
    [['exec', '--json', 'a', 'ls']],
    [['exec', 'a', '--json', 'ls']],
    [['list', '--bogus', '--json']],
    [['run', '--bogus', '--json', 'ls']],
    [['bogus', '--json']],
    [['--version', '--json']],
    [['--json', 'run', '-e', '!', 'ls']],
    [['--json', 'env', 'list', 'a']],
    [['env', '--json', 'list', 'a']],
    [['env', 'list', '--json', 'a']],
    [['env', 'list', 'a', '--json']],
  ])('is meant for us: %j', (argv) => {
    expect(parsed(...argv).json).toBe(true);
  });

  test.each([
    [['run', 'ls', '--json']],
    [['run', '--', '--json']],
    [['exec', 'a', 'ls', '--json']],
    [['run', '-e', '!', 'ls', '--json']],
  ])('is meant for the guest: %j', (argv) => {
    expect(parsed(...argv).json).toBe(false);
  });
});

describe('what is refused', () => {
  test.each([
    [['bogus'], null, `unknown command 'bogus'`, 'Did you mean logs? See: smolvm --help'],
    [['lst'], null, `unknown command 'lst'`, 'Did you mean list? See: smolvm --help'],
    [['--bogus', 'list'], null, `unknown option '--bogus'`, 'See: smolvm --help'],
    [['help', 'bogus'], null, 'no such command, or none given', 'See: smolvm --help'],
    [['--json'], null, 'no such command, or none given', 'See: smolvm --help'],
    [
      ['run', '--vcpu', '2', 'ls'],
      'run',
      `unknown option '--vcpu'`,
      'Did you mean --vcpus? See: smolvm run --help',
    ],
    [['run', '--vcpus'], 'run', `option '--vcpus <n>' argument missing`, 'See: smolvm run --help'],
    [['run'], 'run', 'no command to run was given', 'For instance: -- uname -a'],
    [['exec', 'a'], 'exec', 'no command to run was given', 'For instance: -- uname -a'],
    [['exec'], 'exec', `missing required argument 'name'`, 'See: smolvm exec --help'],
    [
      ['exec', 'a', '--timout', '1', 'ls'],
      'exec',
      `unknown option '--timout'`,
      'Did you mean --timeout? See: smolvm exec --help',
    ],
    [
      ['list', 'a'],
      'list',
      `too many arguments for 'list'. Expected 0 arguments but got 1.`,
      'See: smolvm list --help',
    ],
    [['delete'], 'delete', 'give ids of VMs, or --all', 'See: smolvm delete --help'],
    [['delete', 'a', '--all'], 'delete', 'give ids of VMs, or --all', 'See: smolvm delete --help'],
    [['delete', 'a', '--dry-run'], 'delete', '--dry-run needs --all', 'See: smolvm delete --help'],
    [['pause'], 'pause', `missing required argument 'name'`, 'See: smolvm pause --help'],
    [['create', '--disk-size', '2G'], 'create', `--disk-size: expected a whole number, received '2G'`, null],
    [['env'], 'env', 'no such command, or none given', 'See: smolvm env --help'],
    [['env', 'sett', 'a'], 'env', `unknown command 'sett'`, 'Did you mean set? See: smolvm env --help'],
    [['env', 'set'], 'env set', `missing required argument 'name'`, 'See: smolvm env set --help'],
    [
      ['env', 'set', 'a'],
      'env set',
      'no variable was given',
      'Give NAME=VALUE, or --file FILE with such lines.',
    ],
    [
      ['env', 'unset', 'a'],
      'env unset',
      `missing required argument 'variables'`,
      'See: smolvm env unset --help',
    ],
    [
      ['port', 'expose', 'a', 'http'],
      'port expose',
      `expected GUEST_PORT or GUEST_PORT:HOST_PORT, received 'http'`,
      null,
    ],
    [['port', 'wait', 'a', '1', 'x'], 'port wait', `PORT: expected a whole number, received 'x'`, null],
    [['create', 'a', '--timings'], 'create', '--boot-timeout and --timings need --start', null],
  ])('%j', (argv, command, message, hint) => {
    expect(refusal(...argv)).toMatchObject({ command, error: { message, hint } });
  });

  test.each([
    [['--timeout', '5x', 'a', 'ls']],
    [['a', '--timeout', '5x', 'ls']],
    [['--timeout', '5x', 'a', '-e', 'A=1', '--', 'ls']],
  ])('options of exec count on both sides of NAME: %j', (argv) => {
    expect(refusal('exec', ...argv).error).toMatchObject({
      message: expect.stringContaining('--timeout: expected a duration') as unknown,
    });
  });

  test('variables of exec add up, whichever side of NAME', () => {
    expect(refusal('exec', '-e', 'GONE', 'a', '-e', 'A=1', 'ls').error).toMatchObject({
      message: '-e: GONE is not set here',
    });
    expect(refusal('exec', '-e', 'A=1', 'a', '-e', 'GONE', 'ls').error).toMatchObject({
      message: '-e: GONE is not set here',
    });
  });
});

describe('what is shown', () => {
  test('the version', () => {
    expect(parseArgv(['--version'], {})).toMatchObject({
      kind: 'show',
      command: 'version',
      text: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as unknown,
    });
  });

  test('the help, the same for all ways to ask', () => {
    const help = parseArgv([], {});
    expect(help).toMatchObject({ kind: 'show', command: 'help', json: false });
    for (const argv of [['help'], ['--help'], ['-h']]) expect(parseArgv(argv, {})).toEqual(help);
    const help2 = parseArgv(['help', 'exec'], {});
    expect(help2).toMatchObject({
      kind: 'show',
      text: expect.stringMatching(/^Usage: smolvm exec \[options\] NAME/) as unknown,
    });
    for (const argv of [
      ['exec', '--help'],
      ['exec', 'a', '--help'],
    ])
      expect(parseArgv(argv, {})).toEqual(help2);
  });

  test('the help of a group and of a command in it', () => {
    for (const argv of [
      ['help', 'env'],
      ['env', '--help'],
      ['env', 'help'],
    ])
      expect(parseArgv(argv, {})).toMatchObject({
        kind: 'show',
        text: expect.stringMatching(/^Usage: smolvm env \[options\] \[command\]/) as unknown,
      });
    for (const argv of [
      ['env', 'help', 'set'],
      ['env', 'set', '--help'],
    ])
      expect(parseArgv(argv, {})).toMatchObject({
        kind: 'show',
        text: expect.stringMatching(
          /^Usage: smolvm env set \[options\] <name> \[variables\.\.\.\]/,
        ) as unknown,
      });
  });
});
