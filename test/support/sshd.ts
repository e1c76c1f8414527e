import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { AgentLaunch } from '../../src/guest/ssh/launch-agent.ts';
import type { SshEndpoint } from '../../src/guest/ssh/endpoint.ts';
import { readAgentProgram } from '../../src/image/agent-program.ts';
import { readManifest } from '../../src/image/manifest.ts';
import { unpackAsset } from '../../src/image/unpack-asset.ts';
import { knownHostsLine, parseSshPublicKey } from '../../src/spec/ssh-public-key.ts';
import { projectFolder } from './places.ts';

const SSHD = '/usr/sbin/sshd';

/** Why the tests with a real SSH server cannot run here; undefined: they can. */
export const sshdProblem = existsSync(SSHD) ? undefined : `there is no ${SSHD} (Debian: openssh-server)`;

/** A real SSH server on the loopback, whose guest is this host. */
export interface Sshd extends AsyncDisposable {
  readonly endpoint: SshEndpoint;
  /** What the server has told so far. */
  log(): string;
  /** Ends the server and all that serves its connections, as `kill -9` does. */
  killHard(): void;
}

/** The agent as it is shipped. It owns nothing here: this host is not to be powered off. */
export async function shippedAgent(folder: string): Promise<AgentLaunch> {
  const assets = join(projectFolder, 'assets/x86_64');
  const images = join(folder, 'images');
  mkdirSync(images, { recursive: true, mode: 0o700 });
  const { initrd: asset } = readManifest(assets);
  const initrd = await unpackAsset(asset, assets, join(images, asset.sha256));
  return { program: readAgentProgram(initrd), ownsMachine: false };
}

/** A pair of keys without a passphrase. */
export function makeKey(path: string): string {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', path]);
  return readFileSync(`${path}.pub`, 'utf8');
}

/** Starts one that lets the key of `endpoint` in, and pins its own. */
export async function startSshd(): Promise<Sshd> {
  const folder = mkdtempSync(join(tmpdir(), 'smolvm-sshd-'));
  const hostKey = makeKey(join(folder, 'host'));
  const keyPath = join(folder, 'client key');
  writeFileSync(join(folder, 'authorized'), makeKey(keyPath), { mode: 0o600 });
  const knownHostsPath = join(folder, 'known hosts');
  const pinned = parseSshPublicKey(hostKey, 'host key');
  writeFileSync(knownHostsPath, knownHostsLine('box', pinned), { mode: 0o600 });
  // As root it wants a folder for the half of it that has no rights.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const server = await listening(folder);
  const { username } = userInfo();
  const place = { host: '127.0.0.1', port: server.port, user: username };
  const endpoint = { ...place, keyPath, knownHostsPath, hostKeyAlias: 'box', hostKeyType: pinned.type };
  return {
    endpoint,
    log: server.log,
    killHard: server.killHard,
    [Symbol.asyncDispose]: async () => {
      server.killHard();
      await server.ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface Listening {
  readonly port: number;
  readonly ended: Promise<unknown>;
  log(): string;
  killHard(): void;
}

async function listening(folder: string): Promise<Listening> {
  for (;;) {
    const port = await freePort();
    const config = [
      `ListenAddress 127.0.0.1:${port}`,
      `HostKey ${join(folder, 'host')}`,
      `AuthorizedKeysFile ${join(folder, 'authorized')}`,
      `PidFile none`,
      'UsePAM no',
      'StrictModes no',
      'PermitRootLogin prohibit-password',
      'PasswordAuthentication no',
      'MaxStartups 100',
      'LogLevel VERBOSE',
      'Subsystem sftp internal-sftp',
    ].join('\n');
    writeFileSync(join(folder, 'config'), `${config}\n`);
    const server = spawn(SSHD, ['-D', '-e', '-f', join(folder, 'config')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const ended = once(server, 'exit');
    let log = '';
    const isUp = new Promise<boolean>((resolve) => {
      server.stderr.setEncoding('utf8').on('data', (text: string) => {
        log += text;
        if (log.includes('Server listening on')) resolve(true);
      });
      void ended.then(() => {
        resolve(false);
      });
    });
    if (await isUp) {
      const killHard = (): void => {
        for (const pid of [...childrenOf(server.pid ?? 0), server.pid ?? 0]) kill(pid);
      };
      return { port, ended, log: () => log, killHard };
    }
    // Somebody took the port in between.
    if (!log.includes('Address already in use')) throw new Error(`sshd does not start: ${log}`);
  }
}

/** All processes below one: sshd and the session that it serves for each connection, but not what runs in it. */
function childrenOf(pid: number): number[] {
  const list = readIfThere(`/proc/${pid}/task/${pid}/children`).trim();
  return (list === '' ? [] : list.split(' ').map(Number)).flatMap((child) =>
    readIfThere(`/proc/${child}/comm`).startsWith('sshd') ? [...childrenOf(child), child] : [],
  );
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
