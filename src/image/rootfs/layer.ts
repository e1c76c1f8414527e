import type { Readable } from 'node:stream';

/** One archive of files, laid over those before it. */
export interface Layer {
  /** Names it in errors: "sha256:…", "/home/me/rootfs.tar.gz". */
  readonly name: string;
  /** Opens it from its beginning: plain tar bytes. What the stream fails with, the build fails with. */
  open(signal: AbortSignal): Promise<Readable>;
}
