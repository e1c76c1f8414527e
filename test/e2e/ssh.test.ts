import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { BootImage, SmolVM } from 'smolvm';
import { endOf } from '../support/cli.ts';
import { fencesOf, runProgram } from '../support/run-example.ts';
import { sshImage, sshImageProblem, type SshImage } from '../support/ssh-image.ts';
import { useRealHost } from './real-host.ts';

const minuteMs = 60_000;
const host = useRealHost();
const cli = join(host.repo, 'dist/cli/main.js');

/** A program of this host to its end. */
async function runHere(argv: readonly string[], input = ''): Promise<{ exitCode: number; stdout: string }> {
  const [program = '', ...args] = argv;
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stdin.on('error', () => undefined).end(input);
  const [exitCode] = (await once(child, 'close')) as [number];
  return { exitCode, stdout };
}

const pinned = (vm: SmolVM): string => readFileSync(join(vm.dataDir, 'known_hosts'), 'utf8');

describe.skipIf(sshImageProblem !== undefined)(
  `SSH${sshImageProblem === undefined ? '' : `: ${sshImageProblem}`}`,
  () => {
    let image: SshImage;
    beforeAll(() => {
      image = sshImage();
    }, 15 * minuteMs);

    test(
      'carries commands, terminals and files; an ordinary client comes in too; a restart keeps the host key',
      async () => {
        await using vm = await SmolVM.create({
          vmId: 'ssh-box',
          rootfsPath: image.rootfsPath,
          channel: 'ssh',
        });
        await vm.start({ bootTimeoutMs: 2 * minuteMs });
        const result = await vm.run('echo out; echo err >&2; cat; exit 7', { input: 'in' });
        expect(result).toMatchObject({ exitCode: 7, stdout: 'out\nin', stderr: 'err\n' });
        // It came by SSH: its parent's parent serves a connection.
        const { stdout: parents } = await vm.run(
          'for p in $PPID $(cut -d" " -f4 /proc/$PPID/stat); do cat /proc/$p/comm; done',
        );
        expect(parents).toContain('sshd');
        const terminal = vm.spawn(['stty', 'size'], { terminal: { rows: 33, columns: 99 } });
        expect((await terminal).stdout).toBe('33 99\r\n');
        await vm.files.write('/srv/data', Buffer.alloc(300_000, 'x'));
        expect((await vm.run(['sha256sum', '/srv/data'])).stdout).toMatch(/^[0-9a-f]{64} /);
        expect(await vm.files.read('/srv/data')).toHaveLength(300_000);

        const commands = await vm.sshCommands();
        expect(await runHere([...commands.command, 'id -un; exit 3'])).toEqual({
          exitCode: 3,
          stdout: 'root\n',
        });
        expect((await runHere(['/bin/sh', '-c', `${commands.text} hostname`])).stdout).toBe('ssh-box\n');
        expect((await runHere(commands.sftp, 'ls /srv\n')).stdout).toContain('/srv/data');
        const local = join(host.scratch, 'upload');
        writeFileSync(local, 'by scp');
        await runHere([...commands.scp, '-q', local, `root@${commands.host}:/srv/scp`]);
        expect(await vm.files.readText('/srv/scp')).toBe('by scp');
        const words = ['sh', '-c', 'echo "a  b"; exit 6'];
        expect(await runHere([process.execPath, cli, 'ssh', 'ssh-box', '--', ...words])).toEqual({
          exitCode: 6,
          stdout: 'a  b\n',
        });

        expect(statSync(commands.keyPath).mode & 0o777).toBe(0o600);
        expect(statSync(commands.knownHostsPath).mode & 0o777).toBe(0o600);
        const key = pinned(vm);
        expect(key).toMatch(/^smolvm-ssh-box ssh-ed25519 \S+\n$/);
        // The key that came with the image is known to all who have the image.
        expect(key).not.toContain(image.hostKey.split(' ')[1]);
        expect(await vm.stop()).toBe('graceful');
        await vm.start({ bootTimeoutMs: 2 * minuteMs });
        expect(pinned(vm)).toBe(key);
        expect(await vm.files.readText('/srv/scp')).toBe('by scp');
      },
      5 * minuteMs,
    );

    test(
      'works as the examples of docs/ssh.md say',
      async () => {
        const folder = join(host.scratch, 'examples');
        mkdirSync(join(folder, 'bin'), { recursive: true });
        symlinkSync(image.rootfsPath, join(folder, 'debian-ssh.ext4'));
        const words = `exec '${process.execPath}' '${cli}' "$@"`;
        writeFileSync(join(folder, 'bin/smolvm'), `#!/bin/sh\n${words}\n`, { mode: 0o755 });
        const [shell = ''] = fencesOf('docs/ssh.md', 'shell');
        const env = { ...process.env, PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}` };
        const argv = ['-euo', 'pipefail', '-c', `${shell}smolvm delete --force box`];
        // What `smolvm ssh box` types into the guest's shell ends at once.
        const child = spawn('bash', argv, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
        const shown = await endOf(child);
        expect(shown, shown.stderr).toMatchObject({ exitCode: 0 });
        expect(shown.stdout).toContain('ID=debian');
        expect(shown.stdout).toContain('known_hosts');

        const [program = ''] = fencesOf('docs/ssh.md', 'typescript');
        const ended = await runProgram('ssh', program, {}, folder);
        expect(ended).toMatchObject({
          exitCode: 0,
          stdout: expect.stringMatching(/^root\n.*ssh /s) as string,
        });
      },
      8 * minuteMs,
    );

    test(
      'reaches two VMs at once, each with a key of its own; a guest reaches nothing of this host',
      async () => {
        await using server = createServer((socket) =>
          socket.on('error', () => undefined).end('reached'),
        ).listen(0, '127.0.0.1');
        await once(server, 'listening');
        const { port } = server.address() as AddressInfo;
        const options = { rootfsPath: image.rootfsPath, vcpuCount: 1 };
        await using first = await SmolVM.create({ ...options, vmId: 'one', channel: 'ssh' });
        // The agent carries its commands; the client's way is there beside it.
        await using second = await SmolVM.create({ ...options, vmId: 'two', sshCapable: true });
        await Promise.all([first, second].map((vm) => vm.start({ bootTimeoutMs: 4 * minuteMs })));
        const commands = await Promise.all([first.sshCommands(), second.sshCommands()]);
        expect(commands[0].port).not.toBe(commands[1].port);
        expect(pinned(first).split(' ')[2]).not.toBe(pinned(second).split(' ')[2]);
        const names = await Promise.all(commands.map(({ command }) => runHere([...command, 'hostname'])));
        expect(names.map(({ stdout }) => stdout)).toEqual(['one\n', 'two\n']);
        // The right port, the wrong VM.
        const swapped = commands[0].command.map((word) =>
          word === String(commands[0].port) ? String(commands[1].port) : word,
        );
        expect((await runHere([...swapped, 'hostname'])).exitCode).toBe(255);
        for (const address of ['10.0.2.2', '127.0.0.1']) {
          const { exitCode } = await second.run([
            'timeout',
            '5',
            'bash',
            '-c',
            `echo >/dev/tcp/${address}/${port}`,
          ]);
          expect(exitCode).not.toBe(0);
        }
      },
      8 * minuteMs,
    );

    test(
      'reaches an image with an init of its own, if its host key is given',
      async () => {
        const words = 'console=ttyS0 root=/dev/vda rw init=/own-init';
        const own = new BootImage({
          name: 'own',
          rootfsPath: image.rootfsPath,
          bootArgs: words,
          sshCapable: true,
        });
        await using stranger = await SmolVM.fromImage(own, { vmId: 'stranger', channel: 'ssh' });
        await expect(stranger.start({ bootTimeoutMs: 4 * minuteMs })).rejects.toMatchObject({
          code: 'COMMAND_UNAVAILABLE',
          hint: expect.stringContaining('sshHostKey') as string,
        });
        await using vm = await SmolVM.fromImage(own, {
          vmId: 'own',
          channel: 'ssh',
          sshHostKey: image.hostKey,
        });
        await vm.start({ bootTimeoutMs: 4 * minuteMs });
        expect(await vm.run('cat /proc/1/comm; exit 4')).toMatchObject({ exitCode: 4, stdout: 'own-init\n' });
        expect((await runHere([...(await vm.sshCommands()).command, 'hostname'])).exitCode).toBe(0);
        expect(await vm.stop({ timeoutMs: minuteMs / 3 })).toBe('graceful');
      },
      8 * minuteMs,
    );

    test(
      'is refused where the image has no server',
      async () => {
        await using vm = await SmolVM.create({ vmId: 'bare', channel: 'ssh' });
        await expect(vm.start({ bootTimeoutMs: 2 * minuteMs })).rejects.toMatchObject({
          code: 'COMMAND_UNAVAILABLE',
        });
        // The network is there all the same, with a name server for an image that names none.
        await using beside = await SmolVM.create({ vmId: 'beside', sshCapable: true });
        await beside.start({ bootTimeoutMs: 2 * minuteMs });
        const resolver = async () => (await beside.run('cat /etc/resolv.conf')).stdout;
        await expect.poll(resolver, { timeout: minuteMs }).toBe('nameserver 8.8.8.8\n');
      },
      6 * minuteMs,
    );
  },
);
