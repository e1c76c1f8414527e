import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { poll } from '../../src/base/poll.ts';
import { projectFolder } from './places.ts';

/** A Docker Engine of the tests' own. */
export interface RealDocker extends AsyncDisposable {
  /** Holds all that it has. */
  readonly folder: string;
  readonly host: string;
  /** Belongs first on PATH: a `docker` that builds with the network of this host, because the engine has none. */
  readonly bin: string;
  /** An image of Debian with `apt`, in place of the one of a registry. */
  readonly debian: string;
  /** Images and containers that the engine has. */
  contents(): readonly string[];
}

const BASE = 'smolvm-test-debian:base';

/** Why there can be no Docker Engine here, or undefined. */
export function dockerProblem(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can start a Docker Engine';
  const missing = ['dockerd', 'containerd', 'docker', 'mmdebstrap'].filter(
    (program) => spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program]).status !== 0,
  );
  return missing.length === 0 ? undefined : `not installed: ${missing.join(', ')}`;
}

/**
 * Starts an engine whose files are all in a folder of its own and which leaves the network of this host as it is: no
 * bridge, no rules of a firewall. Disposing ends it and removes the folder.
 */
export async function startRealDocker(): Promise<RealDocker> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'smolvm-docker-')));
  const host = `unix://${join(folder, 'socket')}`;
  const places = { 'data-root': 'data', 'exec-root': 'exec', pidfile: 'pid' };
  const placed = Object.entries(places).map(([option, name]) => `--${option}=${join(folder, name)}`);
  const apart = [
    '--bridge=none',
    '--iptables=false',
    '--ip6tables=false',
    '--ip-forward=false',
    '--ip-masq=false',
  ];
  // A file, because a pipe would be one more thing that this process has open.
  const logPath = join(folder, 'log');
  const log = openSync(logPath, 'w');
  const daemon = spawn('dockerd', ['--host', host, ...placed, ...apart], { stdio: ['ignore', log, log] });
  closeSync(log);
  const ended = once(daemon, 'exit');
  const docker = (...args: readonly string[]) =>
    spawnSync('docker', ['--host', host, ...args], { encoding: 'utf8', timeout: 300_000 });
  const stop = async (): Promise<void> => {
    daemon.kill('SIGTERM');
    await ended;
    unmountBelow(folder);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const signal = AbortSignal.timeout(60_000);
    await poll(
      () => {
        if (daemon.exitCode !== null)
          throw new Error(`dockerd ended: ${readFileSync(logPath, 'utf8').slice(-8_000)}`);
        return docker('version').status === 0 ? true : undefined;
      },
      200,
      signal,
    );
    const imported = docker('import', debianArchive(), BASE);
    if (imported.status !== 0) throw new Error(`docker import failed: ${imported.stderr}`);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    folder,
    host,
    bin: wrapper(folder),
    debian: BASE,
    contents: () =>
      [
        docker('images', '--all', '--quiet', '--no-trunc').stdout,
        docker('ps', '--all', '--quiet').stdout,
      ].flatMap((text) => text.split('\n').filter((line) => line !== '')),
    [Symbol.asyncDispose]: stop,
  };
}

/** `docker` with `--network host` in builds; the proxies of this host, if it has some, are told to them. */
function wrapper(folder: string): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const real = execFileSync('sh', ['-c', 'command -v docker'], { encoding: 'utf8' }).trim();
  const proxies = ['http_proxy', 'https_proxy', 'no_proxy'].filter((name) => process.env[name] !== undefined);
  const args = ['--network host', ...proxies.map((name) => `--build-arg ${name}`)].join(' ');
  const script = `#!/bin/sh\nif [ "$1" = build ]; then shift; exec ${real} build ${args} "$@"; fi\nexec ${real} "$@"\n`;
  writeFileSync(join(bin, 'docker'), script, { mode: 0o755 });
  return bin;
}

/** The archive of a small Debian, made once a month: packages that are no longer on the mirrors cannot be installed. */
function debianArchive(): string {
  const month = new Date().toISOString().slice(0, 7);
  const folder = join(projectFolder, '.build/debian');
  const path = join(folder, `base-${month}.tar`);
  if (existsSync(path)) return path;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const sources = ['/etc/apt/sources.list.d/debian.sources', '/etc/apt/sources.list'].find(
    (file) => existsSync(file) && readFileSync(file, 'utf8').includes('bookworm'),
  );
  // What this host's apt needs to reach its mirror, the builds need too; mmdebstrap leaves it in the image.
  const proxies = execFileSync('apt-config', ['dump', '--format', '%f "%v";%n', 'Acquire'], {
    encoding: 'utf8',
  })
    .split('\n')
    .filter((line) => /^Acquire::(?:http|https)::Proxy/i.test(line))
    .map((line) => `--aptopt=${line}`);
  const argv = [
    '--variant=apt',
    '--quiet',
    ...proxies,
    'bookworm',
    `${path}.tmp.tar`,
    ...(sources === undefined ? [] : [sources]),
  ];
  execFileSync('mmdebstrap', argv, { stdio: ['ignore', 'ignore', 'inherit'], timeout: 600_000 });
  renameSync(`${path}.tmp.tar`, path);
  return path;
}

/** A daemon that ends takes most of its mounts with it; the namespace of its network stays. */
function unmountBelow(folder: string): void {
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((path) => path.startsWith(`${folder}/`));
  for (const path of mounts.reverse()) execFileSync('umount', [path]);
}
