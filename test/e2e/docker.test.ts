import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  BootImage,
  DirectKernelBoot,
  DockerRootfsBuilder,
  ImageBuilder,
  SmolVM,
  SSH_BOOT_ARGS,
} from 'smolvm';
import { fencesOf, runExample, runProgram } from '../support/run-example.ts';
import { dockerProblem, startRealDocker, type RealDocker } from '../support/real-docker.ts';
import { useRealHost } from './real-host.ts';

const minuteMs = 60_000;
const host = useRealHost();
const problem = dockerProblem();

describe.skipIf(problem !== undefined)(`Docker${problem === undefined ? '' : `: ${problem}`}`, () => {
  let docker: RealDocker;
  let before: readonly string[];
  const cacheDir = join(host.scratch, 'images');

  beforeAll(async () => {
    docker = await startRealDocker();
    before = docker.contents();
    process.env['DOCKER_HOST'] = docker.host;
    process.env['PATH'] = `${docker.bin}:${process.env['PATH'] ?? ''}`;
  }, 15 * minuteMs);

  afterAll(async () => {
    await docker[Symbol.asyncDispose]();
    expect(readFileSync('/proc/self/mounts', 'utf8')).not.toContain(docker.folder);
    expect(existsSync(docker.folder)).toBe(false);
  }, 2 * minuteMs);

  test('a Dockerfile from scratch boots its own init', async () => {
    const builder = new DockerRootfsBuilder({
      name: 'own-init',
      dockerfile: 'FROM scratch\nCOPY . /\n',
      context: {
        init: {
          content: '#!/bin/busybox sh\necho "my init runs"\nexec /bin/busybox sleep 1000000\n',
          mode: 0o755,
        },
        'bin/busybox': { path: '/bin/busybox' },
      },
      rootfsSizeMib: 64,
      cacheDir,
      engine: 'docker',
    });
    const image = await builder.ensure({ backend: 'qemu', boot: new DirectKernelBoot() });
    expect(docker.contents()).toEqual(before);
    await using vm = await SmolVM.fromImage(image, { memSizeMib: 256 });
    await vm.start();
    expect(Buffer.from(await vm.readConsole()).toString()).toContain('my init runs');
    expect(vm.canRunCommands()).toBe(false);
  });

  test(
    'a Dockerfile from Debian runs commands; owners, modes and links are those of the build; a failed step leaves nothing',
    async () => {
      const options = { rootfsSizeMib: 1_024, cacheDir, engine: 'docker' } as const;
      const steps = 'RUN install -o nobody -g games -m 4751 /bin/true /srv/true && ln -s true /srv/link';
      const dockerfile = `FROM ${docker.debian}\nARG WHO\nRUN echo "made for $WHO" > /srv/made\n${steps}\n`;
      const builder = new DockerRootfsBuilder({
        name: 'debian',
        dockerfile,
        buildArgs: { WHO: 'me' },
        ...options,
      });
      const image = await builder.ensure({ backend: 'qemu', boot: 'agent' });
      await using vm = await SmolVM.fromImage(image);
      await vm.start();
      const { stdout } = await vm.run(
        'cat /srv/made; stat -c "%U %G %a" /srv/true; readlink /srv/link; ls -A / | grep -c docker',
      );
      expect(stdout).toBe('made for me\nnobody games 4751\ntrue\n0\n');

      const broken = `FROM ${docker.debian}\nRUN echo "the reason"; exit 7\n`;
      const failing = new DockerRootfsBuilder({ name: 'broken', dockerfile: broken, ...options });
      const output: string[] = [];
      const building = failing.ensure({
        backend: 'qemu',
        boot: 'agent',
        onProgress: (progress) => {
          if (progress.step === 'build') output.push(progress.output);
        },
      });
      await expect(building).rejects.toThrow(
        /Docker build failed with exit code 7.*returned a non-zero code: 7/s,
      );
      expect(output.join('')).toContain('the reason');
      const absent = new DockerRootfsBuilder({
        name: 'absent',
        dockerfile: 'FROM 127.0.0.1:1/x:1\n',
        ...options,
      });
      await expect(absent.ensure({ backend: 'qemu', boot: 'agent' })).rejects.toMatchObject({
        details: { problem: 'registry-unreachable' },
      });
      expect(docker.contents()).toEqual(before);
    },
    5 * minuteMs,
  );

  test(
    'a Debian image with an SSH server takes commands, and the key that it is booted with',
    async () => {
      const own = join(host.scratch, 'own-key');
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'me', '-f', own]);
      const builder = new ImageBuilder({ cacheDir, engine: 'docker' });
      expect(await builder.checkDocker()).toBe(true);
      const { kernelPath, rootfsPath, bootArgs } = await builder.buildDebianSshKey({
        sshPublicKey: readFileSync(`${own}.pub`, 'utf8'),
        baseImage: docker.debian,
      });
      expect(docker.contents()).toEqual(before);
      const image = new BootImage({ name: 'debian', kernelPath, rootfsPath, bootArgs, sshCapable: true });
      await using vm = await SmolVM.fromImage(image);
      await vm.start({ bootTimeoutMs: minuteMs });
      expect((await vm.run('. /etc/os-release; echo $ID; cat /proc/1/comm; ls /etc/ssh')).stdout).toMatch(
        /^debian\ninit\n(?!.*ssh_host_rsa)/s,
      );
      const { command, keyPath } = await vm.sshCommands();
      const withOwnKey = command.map((word) => word.replace(keyPath, own));
      const [program = '', ...args] = withOwnKey;
      expect(execFileSync(program, [...args, 'id -un'], { encoding: 'utf8', timeout: minuteMs })).toBe(
        'root\n',
      );

      const overSsh = image.with({ bootArgs: SSH_BOOT_ARGS });
      await using other = await SmolVM.fromImage(overSsh, { channel: 'ssh' });
      await other.start({ bootTimeoutMs: minuteMs });
      expect((await other.run('id -un')).stdout).toBe('root\n');
    },
    10 * minuteMs,
  );

  test(
    'an image that is to bring its network up is asked by its hook first, then by DHCP (behaviour 27)',
    async () => {
      const builder = new ImageBuilder({ cacheDir, engine: 'docker' });
      const { kernelPath, rootfsPath } = await builder.buildDebianSshKey({
        sshPublicKey: 'ssh-ed25519 AAAA',
        baseImage: docker.debian,
      });
      const bootArgs = `${SSH_BOOT_ARGS} smolvm.sshd=1 smolvm.network=guest`;
      const image = new BootImage({ name: 'asked', kernelPath, rootfsPath, bootArgs, sshCapable: true });
      await using vm = await SmolVM.fromImage(image);
      const inGuest = async (text: string): Promise<string> => {
        const [program, ...args] = (await vm.sshCommands()).command;
        return execFileSync(program, [...args, text], { encoding: 'utf8', timeout: minuteMs });
      };
      await vm.start({ bootTimeoutMs: minuteMs });
      expect(await inGuest('stat -c %a /tmp')).toBe('1777\n');
      // Nothing in the image could do it: what the command line says was taken.
      expect(Buffer.from(await vm.readConsole()).toString()).toContain('no program that could bring');

      const log = '#!/bin/sh\necho "$0 $*" >>/srv/log\n';
      const up = 'ip address add 10.0.2.15/24 dev eth0 && ip link set eth0 up\n';
      await vm.files.write('/etc/smolvm/network.sh', `${log}exit 1\n`, { mode: 0o755 });
      await vm.files.write('/usr/sbin/udhcpc', log + up, { mode: 0o755 });
      await vm.stop();
      await vm.start({ bootTimeoutMs: minuteMs });
      expect(await inGuest('cat /srv/log')).toMatch(
        /^\/etc\/smolvm\/network\.sh eth0\n\S+\/udhcpc -n -q -i eth0\n$/,
      );
    },
    10 * minuteMs,
  );

  test(
    'the example of a service with Node.js answers on a port of this host',
    async () => {
      const env = { BASE_IMAGE: docker.debian, SMOLVM_IMAGE_DIR: cacheDir };
      const { exitCode, stdout, stderr } = await runExample('node-service.ts', env);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect(JSON.parse(stdout)).toMatchObject({
        path: '/hello',
        node: expect.stringMatching(/^v\d+/) as string,
        kernel: expect.stringContaining('smolvm') as string,
      });
      expect(docker.contents()).toEqual(before);
    },
    10 * minuteMs,
  );

  test(
    'the examples of docs/images.md work, with this Debian under the name of the real one',
    async () => {
      const home = join(host.scratch, 'user');
      mkdirSync(join(home, '.ssh'), { recursive: true });
      const keyPath = join(home, '.ssh/id_ed25519');
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', keyPath]);
      const name = 'debian:bookworm-slim';
      const engine = (...args: readonly string[]) => execFileSync('docker', ['--host', docker.host, ...args]);
      engine('tag', docker.debian, name);
      try {
        const examples = fencesOf('docs/images.md', 'typescript');
        // The others need a registry that has python or Alpine: there is none here.
        const runnable = examples.filter((text) => /new \w+Builder\(/.test(text));
        expect([examples.length, runnable.length]).toEqual([4, 2]);
        const answers: string[] = [];
        for (const [index, text] of runnable.entries()) {
          const env = { HOME: home, SMOLVM_IMAGE_DIR: join(host.scratch, 'examples') };
          const { exitCode, stdout, stderr } = await runProgram(`images-${String(index)}`, text, env);
          expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
          answers.push(stdout);
        }
        expect(answers).toEqual([
          expect.stringMatching(/^[a-z0-9-]+\n$/),
          expect.stringMatching(/^Linux .*GNU\/Linux\n/),
        ]);
      } finally {
        engine('rmi', name);
      }
      expect(docker.contents()).toEqual(before);
    },
    10 * minuteMs,
  );
});
