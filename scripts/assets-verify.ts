// Proves that assets/x86_64 was made from this source: initrd and base image bit for bit, the kernel by the digest of
// its whole configuration and of its source (a full build takes some minutes: `npm run assets:build`, then git diff).
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildInitrd } from './assets/initrd.ts';
import { kernelConfigDigest, kernelInputs } from './assets/kernel.ts';
import { buildRootfs } from './assets/rootfs.ts';
import { REPO, run, sha256, sha256OfFile } from './assets/run.ts';

interface Entry {
  readonly file: string;
  readonly sha256: string;
  readonly built: Readonly<Record<string, string>>;
}

const assets = join(REPO, 'assets/x86_64');
const manifest = JSON.parse(readFileSync(join(assets, 'manifest.json'), 'utf8')) as Record<
  'kernel' | 'initrd' | 'rootfs',
  Entry
>;
const problems: string[] = [];
/** `--quick` leaves out what needs the kernel's source: the digest of the whole configuration. */
const quick = process.argv.includes('--quick');
const work = mkdtempSync(join(tmpdir(), 'smolvm-verify-'));
try {
  for (const name of ['kernel', 'initrd', 'rootfs'] as const) checkShipped(name);
  rebuild('initrd', buildInitrd);
  rebuild('rootfs', buildRootfs);
  const facts = quick ? kernelInputs() : { ...kernelInputs(), ...kernelConfigDigest() };
  for (const [key, value] of Object.entries(facts)) {
    const recorded = manifest.kernel.built[key];
    if (recorded !== value)
      problems.push(`kernel: ${key} is ${value}, the manifest says ${String(recorded)}`);
  }
  console.log(`kernel: compared ${Object.keys(facts).join(', ')}`);
} finally {
  rmSync(work, { recursive: true });
}
for (const problem of problems) console.error(`assets: ${problem}`);
process.exitCode = problems.length === 0 ? 0 : 1;

/** Is the file in the clone what the manifest says? */
function checkShipped(name: 'kernel' | 'initrd' | 'rootfs'): void {
  const entry = manifest[name];
  const path = join(work, `${name}.shipped`);
  run(['zstd', '-q', '-d', '-f', '--sparse', join(assets, entry.file), '-o', path]);
  if (sha256OfFile(path) !== entry.sha256)
    problems.push(`${entry.file} does not have the sha256 of the manifest`);
}

function rebuild(name: 'initrd' | 'rootfs', build: typeof buildInitrd): void {
  const { path, built } = build(work);
  const found = sha256(readFileSync(path));
  if (found === manifest[name].sha256) {
    console.log(`${name}: rebuilt, the same bytes`);
    return;
  }
  const tools = `made with ${JSON.stringify(manifest[name].built)}, here ${JSON.stringify(built)}`;
  problems.push(
    `${name}: rebuilt it has the sha256 ${found}, the manifest says ${manifest[name].sha256} (${tools})`,
  );
}
