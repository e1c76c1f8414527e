// Makes assets/x86_64 anew: kernel, initrd with the agent, base image, manifest.
// `assets-build.js initrd rootfs` makes only those and keeps the rest.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { buildInitrd, type Built } from './assets/initrd.ts';
import { buildKernel } from './assets/kernel.ts';
import { buildRootfs } from './assets/rootfs.ts';
import { REPO, run, sha256OfFile } from './assets/run.ts';

const builders: Readonly<Record<string, (outFolder: string) => Built>> = {
  kernel: buildKernel,
  initrd: buildInitrd,
  rootfs: buildRootfs,
};

const assets = join(REPO, 'assets/x86_64');
const manifestPath = join(assets, 'manifest.json');
const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(builders);
const manifest: Record<string, unknown> = existsSync(manifestPath)
  ? (JSON.parse(readFileSync(manifestPath, 'utf8')) as Record<string, unknown>)
  : { formatVersion: 1, arch: 'x86_64' };

mkdirSync(assets, { recursive: true });
const work = mkdtempSync(join(tmpdir(), 'smolvm-assets-'));
try {
  for (const name of wanted) {
    const build = builders[name];
    if (build === undefined) throw new Error(`no asset '${name}', use: ${Object.keys(builders).join(' ')}`);
    const { path, built } = build(work);
    manifest[name] = ship(path, built);
  }
  writeFileSync(manifestPath, `${JSON.stringify(manifest, undefined, 2)}\n`);
} finally {
  rmSync(work, { recursive: true });
}

function ship(path: string, built: Built['built']): unknown {
  const file = `${basename(path)}.zst`;
  run(['zstd', '-q', '-f', '-19', '-T1', path, '-o', join(assets, file)]);
  const { size } = statSync(path);
  console.log(`${file}: ${String(size)} bytes, compressed ${String(statSync(join(assets, file)).size)}`);
  return { file, sha256: sha256OfFile(path), sizeBytes: size, built };
}
