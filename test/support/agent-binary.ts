import { readFileSync } from 'node:fs';
import { decompress } from 'fzstd';

/** The guest agent, out of the initrd that is shipped: a cpio archive in the "new ASCII" format (cpio(5)). */
export function readAgent(initrdPath: string): Buffer {
  const archive = Buffer.from(decompress(readFileSync(initrdPath)));
  const aligned = (at: number): number => (at + 3) & ~3;
  for (let at = 0; at < archive.length;) {
    const field = (index: number): number =>
      Number.parseInt(archive.toString('ascii', at + 6 + 8 * index, at + 14 + 8 * index), 16);
    const [sizeBytes, nameBytes] = [field(6), field(11)];
    const name = archive.toString('utf8', at + 110, at + 110 + nameBytes - 1);
    const contents = aligned(at + 110 + nameBytes);
    if (name === 'init') return archive.subarray(contents, contents + sizeBytes);
    at = aligned(contents + sizeBytes);
  }
  throw new Error(`there is no init in ${initrdPath}`);
}
