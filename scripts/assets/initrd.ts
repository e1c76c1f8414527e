import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpioArchive } from './cpio.ts';
import { REPO, run, sha256 } from './run.ts';

/** A file to ship, before compression. */
export interface Built {
  readonly path: string;
  readonly built: Readonly<Record<string, string>>;
}

/** Builds the guest agent (Go, static) and the initrd that holds it as `/init`. Same Go version, same bytes. */
export function buildInitrd(outFolder: string): Built {
  const work = mkdtempSync(join(tmpdir(), 'smolvm-agent-'));
  try {
    const agent = join(work, 'init');
    run(['go', 'build', '-trimpath', '-buildvcs=false', '-ldflags', '-s -w -buildid= -E smolvm/guest/sys.entry', '-o', agent, '.'], {
      cwd: join(REPO, 'guest'),
      env: { CGO_ENABLED: '0', GOOS: 'linux', GOARCH: 'amd64', GOFLAGS: '' },
    });
    const contents = readFileSync(agent);
    const path = join(outFolder, 'initrd.cpio');
    writeFileSync(path, cpioArchive([
      { name: 'dev', mode: 0o040755 },
      // The kernel opens it as stdin, stdout and stderr of /init before anything is mounted.
      { name: 'dev/console', mode: 0o020600, device: [5, 1] },
      { name: 'proc', mode: 0o040555 },
      { name: 'sys', mode: 0o040555 },
      { name: 'newroot', mode: 0o040755 },
      { name: 'init', mode: 0o100755, contents },
    ]));
    return { path, built: { go: goVersion(), agentSha256: sha256(contents) } };
  } finally {
    rmSync(work, { recursive: true });
  }
}

/** The Go toolchain on PATH, such as `go1.26.8`. */
export function goVersion(): string {
  return run(['go', 'env', 'GOVERSION']).trim();
}
