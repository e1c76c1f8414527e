import { execFile, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { SmolVM } from 'smolvm';
import { useRealHost } from './real-host.ts';

const host = useRealHost();
const KIB = 1_024;
const MIB = KIB * KIB;

function emptyFolder(): string {
  return mkdtempSync(join(host.scratch, 'test-'));
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Digests of files as the guest sees them. */
async function digestsInGuest(vm: SmolVM, ...paths: readonly string[]): Promise<string[]> {
  const { stdout } = await vm.run(['sha256sum', ...paths]);
  return stdout
    .trim()
    .split('\n')
    .map((line) => line.slice(0, 64));
}

/** Has something gone through the transfer area of the VM? The command line of its VMM names the file. */
function areaBlocks(vm: SmolVM): number {
  const words = readFileSync(`/proc/${vm.info.pid}/cmdline`, 'utf8').split('\0');
  const node = words.find((word) => word.includes('"node-name":"transfer"')) ?? '';
  return statSync((JSON.parse(node) as { file: { filename: string } }).file.filename).blocks;
}

describe('copies of any size', () => {
  const sizes = [0, 1, 511, 512, 4_096, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1];
  const large = [512 * KIB - 1, 512 * KIB, 512 * KIB + 1, 5 * MIB + 3, 64 * MIB];

  test('come whole, both ways, as files, as bytes and as parts of them', async () => {
    await using vm = await SmolVM.launch();
    const folder = emptyFolder();
    for (const size of [...sizes, ...large]) {
      const [bytes, local, back] = [randomBytes(size), join(folder, 'local'), join(folder, 'back')];
      writeFileSync(local, bytes);
      await vm.uploadFile(local, '/srv/copy');
      await vm.files.write('/srv/written', bytes);
      const expected = digest(bytes);
      expect(await digestsInGuest(vm, '/srv/copy', '/srv/written')).toEqual([expected, expected]);
      await vm.downloadFile('/srv/copy', back);
      expect(digest(readFileSync(back)), String(size)).toBe(expected);
      expect(digest(await vm.files.read('/srv/copy')), String(size)).toBe(expected);
      const part = await vm.files.read('/srv/copy', { offset: 100, length: 100 * KIB });
      expect(part.equals(bytes.subarray(100, 100 + 100 * KIB))).toBe(true);
    }
    expect(areaBlocks(vm)).toBeGreaterThan(0);
  });

  test('go without the area when they are small', async () => {
    await using vm = await SmolVM.launch({ vcpuCount: 1 });
    const bytes = randomBytes(64 * KIB - 1);
    await vm.files.write('/srv/small', bytes);
    expect((await vm.files.read('/srv/small')).equals(bytes)).toBe(true);
    await vm.uploadFile('/etc/hostname', '/srv/name');
    expect(areaBlocks(vm)).toBe(0);
  });

  test('with holes keep them, and so do folders with many small files and some large ones', async () => {
    await using vm = await SmolVM.launch();
    const folder = emptyFolder();
    const [tree, back] = [join(folder, 'tree'), join(folder, 'back')];
    for (let count = 0; count < 20; count += 1) {
      mkdirSync(join(tree, `folder-${count}`), { recursive: true });
      for (let file = 0; file < 20; file += 1)
        writeFileSync(join(tree, `folder-${count}`, `file-${file}`), randomBytes(count * 97 + file));
    }
    writeFileSync(join(tree, 'large'), randomBytes(7 * MIB + 11));
    writeFileSync(join(tree, 'other'), randomBytes(3 * MIB - 1));
    const sparse = openSync(join(tree, 'sparse'), 'w');
    writeSync(sparse, randomBytes(MIB), 0, MIB, 20 * MIB + 5);
    closeSync(sparse);
    truncateSync(join(tree, 'sparse'), 300 * MIB);
    await vm.uploadFolder(tree, '/srv/tree');
    await vm.downloadFolder('/srv/tree', back);
    const same = spawnSync('diff', ['-r', tree, back], { encoding: 'utf8' });
    expect(`${same.stdout}${same.stderr}`).toBe('');
    expect(statSync(join(back, 'sparse')).blocks * 512).toBeLessThan(4 * MIB);
    expect(areaBlocks(vm)).toBeGreaterThan(0);
  });
});

describe('many copies at once', () => {
  test('of one process, to and from one VM, do not mix', async () => {
    await using vm = await SmolVM.launch();
    const files = Array.from({ length: 4 }, () => randomBytes(5 * MIB + 1));
    await Promise.all(files.map((bytes, index) => vm.files.write(`/srv/${index}`, bytes)));
    const paths = files.map((_, index) => `/srv/${index}`);
    expect(await digestsInGuest(vm, ...paths)).toEqual(files.map(digest));
    const mixed = await Promise.all([
      ...paths.map((path) => vm.files.read(path)),
      vm.files.write('/srv/4', files[0] ?? '').then(() => Buffer.alloc(0)),
    ]);
    expect(mixed.slice(0, 4).map(digest)).toEqual(files.map(digest));
    expect(await digestsInGuest(vm, '/srv/4')).toEqual([digest(files[0] ?? Buffer.alloc(0))]);
  });

  test('of eight processes do not mix either', async () => {
    await using vm = await SmolVM.create({ vmId: 'eight' });
    await vm.start();
    const folder = emptyFolder();
    const cli = join(host.repo, 'dist/cli/main.js');
    const copy = promisify(execFile);
    const names = Array.from({ length: 8 }, (_, index) => `file-${index}`);
    for (const name of names) writeFileSync(join(folder, name), randomBytes(4 * MIB + 7));
    const expected = names.map((name) => digest(readFileSync(join(folder, name))));
    await Promise.all(
      names.map((name) => copy(process.execPath, [cli, 'cp', join(folder, name), `eight:/srv/${name}`])),
    );
    expect(await digestsInGuest(vm, ...names.map((name) => `/srv/${name}`))).toEqual(expected);
    await Promise.all(
      names.map((name) =>
        copy(process.execPath, [cli, 'cp', `eight:/srv/${name}`, join(folder, `${name}.back`)]),
      ),
    );
    expect(names.map((name) => digest(readFileSync(join(folder, `${name}.back`))))).toEqual(expected);
    await vm.delete();
  });
});

describe('a copy that ends early', () => {
  /** Gives some bytes, then calls back and gives more without end. */
  async function* endless(then: () => void): AsyncGenerator<Uint8Array> {
    for (let count = 0; ; count += 1) {
      if (count === 6) then();
      yield randomBytes(MIB);
    }
  }

  test('by its caller leaves the file as it was and the area to the next copy', async () => {
    await using vm = await SmolVM.launch();
    await vm.files.write('/srv/x', 'as it was');
    const bytes = randomBytes(6 * MIB);
    for (let round = 0; round < 3; round += 1) {
      const controller = new AbortController();
      const source = endless(() => {
        controller.abort();
      });
      const { signal } = controller;
      await expect(vm.files.write('/srv/x', source, { signal })).rejects.toMatchObject({ code: 'ABORTED' });
      await vm.files.write('/srv/y', bytes);
      const reading = vm.files.readStream('/srv/y');
      await once(reading, 'readable');
      reading.destroy();
      expect((await vm.files.read('/srv/y')).equals(bytes)).toBe(true);
    }
    expect(await vm.files.readText('/srv/x')).toBe('as it was');
    expect((await vm.files.list('/srv')).map(({ name }) => name)).toEqual(['x', 'y']);
  });

  test('because the VM was killed is told as that', async () => {
    await using vm = await SmolVM.launch();
    const { pid } = vm.info;
    const source = endless(() => {
      if (pid !== null) process.kill(pid, 'SIGKILL');
    });
    await expect(vm.files.write('/srv/x', source)).rejects.toMatchObject({ code: 'VM_EXITED' });
  });
});

describe('where the area cannot be used, copies go without', () => {
  test('because the guest hides it', async () => {
    await using vm = await SmolVM.launch();
    const bytes = randomBytes(2 * MIB);
    expect((await vm.run('mount -t tmpfs none /sys')).exitCode).toBe(0);
    await vm.files.write('/srv/x', bytes);
    expect((await vm.files.read('/srv/x')).equals(bytes)).toBe(true);
    expect(areaBlocks(vm)).toBe(0);
  });

  test('because the user may not open a disk', async () => {
    await using vm = await SmolVM.launch({ vcpuCount: 1 });
    const bytes = randomBytes(2 * MIB);
    await vm.files.mkdir('/srv/open', { mode: 0o777 });
    await vm.files.chmod('/srv/open', 0o777);
    await vm.files.write('/srv/open/x', bytes, { user: '1000' });
    expect((await vm.files.read('/srv/open/x', { user: '1000' })).equals(bytes)).toBe(true);
    expect(await vm.files.stat('/srv/open/x')).toMatchObject({ uid: 1000 });
    expect(areaBlocks(vm)).toBe(0);
  });
});
