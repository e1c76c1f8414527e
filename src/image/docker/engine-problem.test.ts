import { describe, expect, it } from 'vitest';
import { engineCure } from './engine-cures.ts';
import { engineStepError } from './engine-error.ts';
import { engineProblem, type EngineProblem } from './engine-problem.ts';
import { familiesOf, type HostSystem } from './host-system.ts';

/** What engines have said: Docker 20.10, 24 and 28, BuildKit, Podman and Buildah. */
const SAID: readonly (readonly [EngineProblem, string])[] = [
  [
    'not-installed',
    "The command 'docker' could not be found in this WSL 2 distro.\nWe recommend to activate the WSL integration in Docker Desktop settings.",
  ],
  [
    'daemon-not-running',
    'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?',
  ],
  [
    'daemon-not-running',
    'ERROR: Cannot connect to the Docker daemon at tcp://127.0.0.1:1. Is the docker daemon running?\nerrors pretty printing info',
  ],
  [
    'daemon-not-running',
    'failed to connect to the docker API at unix:///var/run/docker.sock; check if the path is correct and if the daemon is running: dial unix /var/run/docker.sock: connect: no such file or directory',
  ],
  [
    'daemon-not-running',
    'error during connect: Get "http://docker.example.com/v1.24/info": command [ssh -- nobody@127.0.0.1 docker system dial-stdio] has exited with exit status 255',
  ],
  [
    'daemon-not-running',
    'Cannot connect to Podman. Please verify your connection to the Linux system using `podman system connection list`, or try `podman machine init` and `podman machine start` to manage a new Linux VM\nError: unable to connect to Podman socket: Get "http://d/v4.3.1/libpod/_ping": dial unix ///run/podman/podman.sock: connect: no such file or directory',
  ],
  [
    'permission-denied',
    'Got permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Get "http://%2Fvar%2Frun%2Fdocker.sock/v1.24/info": dial unix /var/run/docker.sock: connect: permission denied',
  ],
  [
    'permission-denied',
    'ERROR: permission denied while trying to connect to the Docker daemon socket at unix:///tmp/sock: Get "http://%2Ftmp%2Fsock/v1.24/info": dial unix /tmp/sock: connect: permission denied\nerrors pretty printing info',
  ],
  [
    'permission-denied',
    'permission denied while trying to connect to the docker API at unix:///var/run/docker.sock',
  ],
  [
    'permission-denied',
    'time="2026-11-22T06:23:23Z" level=warning msg="Reading allowed ID mappings: reading subuid mappings for user \\"nobody\\" and subgid mappings for group \\"nobody\\": no subuid ranges found for user \\"nobody\\" in /etc/subuid"\nError: mkdir /root/.local: permission denied',
  ],
  ['permission-denied', 'Error: mkdir /run/containers: permission denied'],
  ['disk-full', 'Error processing tar file(exit status 1): write /usr/lib/x: no space left on device'],
  [
    'disk-full',
    'ERROR: failed to solve: failed to copy: write /var/lib/docker/tmp/x: no space left on device',
  ],
  [
    'disk-full',
    "E: You don't have enough free space in /var/cache/apt/archives/.\nThe command '/bin/sh -c apt-get install -y gcc' returned a non-zero code: 100",
  ],
  [
    'disk-full',
    'Error: writing blob: storing blob to file "/var/tmp/x": write /var/tmp/x: disk quota exceeded',
  ],
  [
    'registry-unreachable',
    'Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io on 10.0.0.1:53: no such host',
  ],
  [
    'registry-unreachable',
    'Error response from daemon: Get https://registry-1.docker.io/v2/: net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)',
  ],
  [
    'registry-unreachable',
    'ERROR: failed to solve: alpine:3.19: failed to resolve source metadata for docker.io/library/alpine:3.19: failed to do request: Head "https://registry-1.docker.io/v2/library/alpine/manifests/3.19": dial tcp: lookup registry-1.docker.io: no such host',
  ],
  [
    'registry-unreachable',
    'Error: creating build container: initializing source docker://nope.invalid/x:1: pinging container registry nope.invalid: Get "https://nope.invalid/v2/": dial tcp: lookup nope.invalid on 10.0.0.1:53: no such host',
  ],
  [
    'registry-unreachable',
    'toomanyrequests: You have reached your unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit',
  ],
];

describe('engineProblem', () => {
  it.each(SAID)('knows %s: %s', (problem, text) => {
    expect(engineProblem({ stderr: text, stdout: '' })?.problem).toBe(problem);
    expect(engineProblem({ stderr: 'something failed', stdout: text })?.problem).toBe(problem);
  });

  it.each([
    "The command '/bin/sh -c exit 7' returned a non-zero code: 7",
    'cat: /etc/shadow: Permission denied',
    'install: cannot create directory: mkdir failed: Permission denied',
    'ERROR: failed to solve: process "/bin/sh -c ./configure" did not complete successfully: exit code: 1',
    'Get "https://example.com/file": dial tcp: lookup example.com: no such host',
    'pull access denied for nope, repository does not exist or may require docker login',
    'Error response from daemon: No such image: nope:a',
  ])('takes no failure of a build for one of the engine: %s', (text) => {
    expect(engineProblem({ stderr: text, stdout: text })).toBeUndefined();
  });

  it('does not look at what a build said long before it failed', () => {
    const stderr = ['no space left on device', ...Array.from({ length: 40 }, () => 'more'), 'exit 1'].join(
      '\n',
    );
    expect(engineProblem({ stderr, stdout: '' })).toBeUndefined();
  });
});

describe('engineStepError', () => {
  const system: HostSystem = { platform: 'linux', families: ['debian'] };
  const failed = {
    engine: 'docker',
    step: 'build',
    exitCode: 2,
    stdout: 'said on stdout',
    stderr: '',
  } as const;

  it('shows stdout where stderr is empty, and the line that tells most', () => {
    expect(engineStepError(failed, system).message).toBe(
      'Docker build failed with exit code 2: said on stdout',
    );
    const info = { ...failed, stdout: SAID[1]?.[1] ?? '', stderr: 'errors pretty printing info' };
    expect(engineStepError(info, system).message).toContain('Is the docker daemon running?\nerrors pretty');
  });

  it('tells signals, escapes what terminals would obey and bounds what it shows', () => {
    const error = engineStepError(
      { ...failed, exitCode: null, endSignal: 'SIGKILL', stderr: `\u001b[2J${'x'.repeat(1e6)}` },
      system,
    );
    expect(error.message).toMatch(/^Docker build was ended by SIGKILL: x+$/);
    expect(error.message.length).toBeLessThan(4_000);
    expect(engineStepError({ ...failed, stderr: '\u001b[2J' }, system).message).toContain('\\x1b[2J');
    expect(engineStepError({ ...failed, stdout: '' }, system).message).toContain('it said nothing');
  });
});

describe('engineCure', () => {
  const problems = [
    'not-installed',
    'daemon-not-running',
    'permission-denied',
    'disk-full',
    'registry-unreachable',
  ] as const;
  const debian: HostSystem = { platform: 'linux', families: ['ubuntu', 'debian'] };
  const fedora: HostSystem = { platform: 'linux', families: ['fedora'] };
  const mac: HostSystem = { platform: 'darwin', families: [] };

  it('has another sentence for each problem', () => {
    for (const engine of ['docker', 'podman', 'buildah'] as const)
      for (const system of [debian, fedora, mac])
        expect(new Set(problems.map((problem) => engineCure(problem, engine, system))).size).toBe(5);
  });

  it('names what this system has', () => {
    expect(engineCure('not-installed', 'docker', debian)).toContain('sudo apt-get install docker.io');
    expect(engineCure('not-installed', 'podman', debian)).toContain('sudo apt-get install podman');
    expect(engineCure('not-installed', 'docker', fedora)).not.toContain('apt-get');
    expect(engineCure('not-installed', 'docker', mac)).toContain('Docker Desktop');
    expect(engineCure('daemon-not-running', 'docker', debian)).toContain('systemctl start docker');
    expect(engineCure('daemon-not-running', 'docker', mac)).toContain('open -a Docker');
    expect(engineCure('permission-denied', 'docker', debian)).toContain('usermod -aG docker');
    expect(engineCure('permission-denied', 'buildah', debian)).toContain('--add-subuids');
    expect(engineCure('disk-full', 'docker', debian)).toContain('docker system prune');
  });

  it('reads os-release', () => {
    expect(familiesOf('NAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian\n')).toEqual(['ubuntu', 'debian']);
    expect(familiesOf('ID="rocky"\nID_LIKE="rhel centos fedora"')).toEqual([
      'rocky',
      'rhel',
      'centos',
      'fedora',
    ]);
    expect(familiesOf('')).toEqual([]);
  });
});
