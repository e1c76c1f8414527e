import { chmodSync, cpSync, existsSync, lutimesSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import type { Built } from './initrd.ts';
import { run, sha256OfFile } from './run.ts';

/** Debian's static BusyBox, pinned: package version and sha256 of the program in it. */
const BUSYBOX = {
  version: '1:1.35.0-4+deb12u1+b1',
  sha256: '3d9f2889d6782537624a4e1a10e68a2ddd53e0ee8bac02676f27308f42ec6bf6',
};

/** Size of the file system. The file is sparse: it holds little more than BusyBox. */
const SIZE_MIB = 512;

/** All times in the image: 2026-01-01 00:00 UTC. */
const EPOCH_S = 1_767_225_600;

/** Fixed ids, so that two builds give the same bytes. */
const UUID = '736d6f6c-766d-4261-8573-65696d616765';

const FOLDERS: Readonly<Record<string, number>> = {
  bin: 0o755, sbin: 0o755, dev: 0o755, etc: 0o755, home: 0o755, mnt: 0o755, opt: 0o755, proc: 0o555, root: 0o700,
  run: 0o755, srv: 0o755, sys: 0o555, tmp: 0o1777, usr: 0o755, 'usr/bin': 0o755, 'usr/sbin': 0o755, 'usr/local': 0o755,
  'usr/local/bin': 0o755, var: 0o755, 'var/log': 0o755, 'var/tmp': 0o1777, 'etc/profile.d': 0o755,
};

const FILES: Readonly<Record<string, string>> = {
  'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n',
  'etc/group': 'root:x:0:\ntty:x:5:\nnogroup:x:65534:\n',
  'etc/hosts': '127.0.0.1\tlocalhost\n::1\tlocalhost\n',
  'etc/hostname': 'smolvm\n',
  'etc/os-release': 'NAME="smolvm base"\nID=smolvm-base\nVERSION_ID=1\nPRETTY_NAME="smolvm base image (BusyBox 1.35)"\n',
  'etc/profile': 'export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nfor file in /etc/profile.d/*.sh; do\n  [ -r "$file" ] && . "$file"\ndone\nunset file\n',
};

/** Makes the base image: BusyBox with all its applets and the few files that programs look for. */
export function buildRootfs(outFolder: string): Built {
  const work = mkdtempSync(join(tmpdir(), 'smolvm-rootfs-'));
  try {
    const tree = join(work, 'tree');
    fillTree(tree, pinnedBusybox(work));
    const path = join(outFolder, 'base.ext4');
    makeExt4(tree, path);
    return { path, built: { busybox: BUSYBOX.version, busyboxSha256: BUSYBOX.sha256, mke2fs: mke2fsVersion() } };
  } finally {
    rmSync(work, { recursive: true });
  }
}

/** The pinned program: the installed one if it is that, else from the package archive. */
function pinnedBusybox(work: string): string {
  if (existsSync('/bin/busybox') && sha256OfFile('/bin/busybox') === BUSYBOX.sha256) return '/bin/busybox';
  run(['apt-get', 'download', `busybox-static=${BUSYBOX.version}`], { cwd: work });
  const packageFile = readdirSync(work).find((name) => name.endsWith('.deb'));
  if (packageFile === undefined) throw new Error('apt-get downloaded no package');
  run(['dpkg-deb', '-x', join(work, packageFile), join(work, 'deb')]);
  const program = join(work, 'deb/bin/busybox');
  const found = sha256OfFile(program);
  if (found !== BUSYBOX.sha256) throw new Error(`busybox has the sha256 ${found}, not ${BUSYBOX.sha256}`);
  return program;
}

function fillTree(tree: string, busybox: string): void {
  mkdirSync(tree, { mode: 0o755 });
  for (const [name, mode] of Object.entries(FOLDERS)) {
    mkdirSync(join(tree, name), { recursive: true });
    chmodSync(join(tree, name), mode);
  }
  cpSync(busybox, join(tree, 'bin/busybox'));
  chmodSync(join(tree, 'bin/busybox'), 0o755);
  for (const applet of run([busybox, '--list-full']).trim().split('\n').sort()) {
    const path = join(tree, applet);
    // `linuxrc` is for booting BusyBox from an initrd.
    if (applet === 'bin/busybox' || applet === 'linuxrc' || !existsSync(dirname(path))) continue;
    symlinkSync(relative(dirname(applet), 'bin/busybox'), path);
  }
  for (const [name, contents] of Object.entries(FILES)) {
    writeFileSync(join(tree, name), contents);
    chmodSync(join(tree, name), 0o644);
  }
  // Deepest first: making an entry changes its folder's time.
  const names = readdirSync(tree, { recursive: true, encoding: 'utf8' }).sort().reverse();
  for (const name of [...names, '.']) lutimesSync(join(tree, name), EPOCH_S, EPOCH_S);
}

/**
 * Folder → ext4 file. All inode tables are written now, so that no guest does it in the background, and the features
 * are named, so that another mke2fs.conf changes nothing.
 */
function makeExt4(tree: string, path: string): void {
  const features = 'none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,sparse_super,large_file,huge_file,dir_nlink,extra_isize,metadata_csum';
  const extended = `lazy_itable_init=0,lazy_journal_init=0,hash_seed=${UUID},root_owner=0:0,nodiscard`;
  rmSync(path, { force: true });
  writeFileSync(path, '');
  truncateSync(path, SIZE_MIB * 1024 * 1024);
  const env = { E2FSPROGS_FAKE_TIME: String(EPOCH_S), MKE2FS_CONFIG: '/dev/null' };
  run(['mke2fs', '-q', '-F', '-t', 'ext4', '-O', features, '-b', '4096', '-I', '256', '-N', '32768', '-J', 'size=8', '-m', '0', '-L', 'smolvm', '-U', UUID, '-E', extended, '-d', tree, path], { env });
  // mke2fs takes change and access times from the host's files, which cannot be set there.
  const inodes = usedInodes(path, env);
  const commands = inodes.flatMap((inode) => ['ctime', 'atime', 'crtime'].map((field) => `sif <${String(inode)}> ${field} @${String(EPOCH_S)}`));
  run(['debugfs', '-w', path], { env, input: `${commands.join('\n')}\n` });
  run(['e2fsck', '-fn', path], { env });
}

/** Root, and all inodes from 11 (lost+found) on: mke2fs gives them out in order. */
function usedInodes(path: string, env: Record<string, string>): readonly number[] {
  const stats = run(['dumpe2fs', '-h', path], { env });
  const [total, free] = ['Inode count', 'Free inodes'].map((name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(stats)?.[1]));
  if (total === undefined || free === undefined) throw new Error('dumpe2fs tells no inode counts');
  return [2, ...Array.from({ length: total - free - 10 }, (_, index) => 11 + index)];
}

function mke2fsVersion(): string {
  // It prints its version on stderr.
  return /mke2fs (\S+)/.exec(run(['sh', '-c', 'mke2fs -V 2>&1']))?.[1] ?? 'unknown';
}
