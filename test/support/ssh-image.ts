import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectFolder } from './places.ts';

/** An image with an SSH server. */
export interface SshImage {
  readonly rootfsPath: string;
  /** The host key that came with the image: its own init uses it, smolvm's agent does not. */
  readonly hostKey: string;
}

const RELEASE = 'bookworm';
const PACKAGES = ['openssh-server', 'iproute2'];

/** The first process of an image that knows nothing of smolvm but the words on its kernel's command line. */
const OWN_INIT = `#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /run
mkdir -p /run/sshd /root/.ssh
ip link set lo up
for word in $(cat /proc/cmdline); do
  value=\${word#*=}
  case $word in
    ip=*) ip address add "\${value%%:*}/24" dev eth0 ;;
    smolvm.authorized_key_b64=*) echo "$value" | base64 -d >/root/.ssh/authorized_keys ;;
  esac
done
ip link set eth0 up
chmod 0700 /root/.ssh
chmod 0600 /root/.ssh/authorized_keys
/usr/sbin/sshd
while :; do sleep 1000; done
`;

/** Why the image cannot be made here; undefined: it can. */
export const sshImageProblem = ['/usr/bin/mmdebstrap', '/usr/sbin/mke2fs'].every((program) =>
  existsSync(program),
)
  ? process.getuid?.() === 0
    ? undefined
    : 'only root can make an image with files of root'
  : 'mmdebstrap or mke2fs is missing';

/** A Debian with OpenSSH. It takes a minute to make and is kept in .build/. */
export function sshImage(): SshImage {
  const key = createHash('sha256')
    .update(JSON.stringify([RELEASE, PACKAGES, OWN_INIT]))
    .digest('hex')
    .slice(0, 16);
  const folder = join(projectFolder, '.build', `ssh-image-${key}`);
  if (!existsSync(folder)) makeImage(folder);
  return {
    rootfsPath: join(folder, 'root.ext4'),
    hostKey: readFileSync(join(folder, 'host-key.pub'), 'utf8'),
  };
}

function makeImage(folder: string): void {
  const work = mkdtempSync(join(tmpdir(), 'smolvm-ssh-image-'));
  try {
    const [tree, made] = [join(work, 'tree'), join(work, 'made')];
    mkdirSync(made);
    const include = `--include=${PACKAGES.join(',')}`;
    run('mmdebstrap', ['--quiet', '--variant=minbase', include, RELEASE, tree]);
    for (const name of ['var/cache/apt', 'var/lib/apt/lists', 'usr/share/doc'])
      rmSync(join(tree, name), { recursive: true });
    writeFileSync(join(tree, 'own-init'), OWN_INIT);
    chmodSync(join(tree, 'own-init'), 0o755);
    run('/usr/sbin/mke2fs', ['-q', '-t', 'ext4', '-d', tree, join(made, 'root.ext4'), '500M']);
    writeFileSync(join(made, 'host-key.pub'), readFileSync(join(tree, 'etc/ssh/ssh_host_ed25519_key.pub')));
    mkdirSync(join(projectFolder, '.build'), { recursive: true });
    run('cp', ['-r', '--sparse=always', made, `${folder}.tmp`]);
    renameSync(`${folder}.tmp`, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
    rmSync(`${folder}.tmp`, { recursive: true, force: true });
  }
}

function run(program: string, args: readonly string[]): void {
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
}
