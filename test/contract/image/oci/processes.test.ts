import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { pullImage } from '../../../../src/image/oci/pull.ts';
import { FakeRegistry } from '../../../support/fake-registry.ts';
import { digest, makeImage } from '../../../support/oci-image.ts';
import { buildFolder, fixture } from '../../../support/places.ts';
import { withTemporaryFolder } from '../../../support/temporary-folder.ts';

const folder = withTemporaryFolder();
const images = () => join(folder(), 'images');
const blobs = () => join(images(), 'blobs/sha256');

/** A process that is about to pull. */
class Puller implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(reference: string) {
    const argv = [fixture('oci-child.mjs'), buildFolder, reference, images()];
    const child = spawn(process.execPath, argv, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#process = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  static async ready(reference: string): Promise<Puller> {
    const puller = new Puller(reference);
    expect(await puller.#lines.next()).toMatchObject({ value: 'ready' });
    return puller;
  }

  begin(): void {
    this.#process.stdin?.write('\n');
  }

  async answer(): Promise<unknown> {
    const { value } = (await this.#lines.next()) as { value: string };
    return JSON.parse(value);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
  }
}

describe('processes that pull the same image at once', () => {
  it('do not get into each other’s way', async () => {
    await using registry = await FakeRegistry.start();
    const layers = Array.from({ length: 5 }, () => ({ noise: randomBytes(400_000) }));
    const made = await makeImage({ layers, compression: 'gzip' });
    const reference = registry.add(made);
    await using one = await Puller.ready(reference);
    await using other = await Puller.ready(reference);
    for (const puller of [one, other]) puller.begin();
    const expected = { digest: made.manifestDigest, tars: made.tars.map((tar) => digest(tar)) };
    expect(await Promise.all([one.answer(), other.answer()])).toEqual([expected, expected]);
    const names = readdirSync(blobs());
    expect(names).toHaveLength(7);
    for (const name of names) expect(digest(readFileSync(join(blobs(), name)))).toBe(`sha256:${name}`);
  });

  it('leave to the next what a killed one has fetched, and nothing of one that lives', async () => {
    await using registry = await FakeRegistry.start();
    const made = await makeImage({ layers: [{ noise: randomBytes(1_000_000) }], compression: 'none' });
    const reference = registry.add(made);
    const [layer = Buffer.alloc(0)] = made.layers;
    const name = `/blobs/${digest(layer)}`;
    registry.intercept = (request, response) => {
      if (request.url?.endsWith(name) !== true || registry.count(new RegExp(name)) > 2) return false;
      response.writeHead(200, { 'content-length': layer.length });
      response.write(layer.subarray(0, 300_000));
      return true;
    };
    const partial = () => readdirSync(blobs()).filter((file) => file.endsWith('.partial'));
    const sizes = () => partial().map((file) => readFileSync(join(blobs(), file)).length);
    {
      await using living = await Puller.ready(reference);
      await using killed = await Puller.ready(reference);
      for (const puller of [living, killed]) puller.begin();
      await expect.poll(sizes, { timeout: 15_000, interval: 20 }).toEqual([300_000, 300_000]);
      await killed[Symbol.asyncDispose]();
      const { signal } = new AbortController();
      const pulled = await pullImage({ reference, platform: 'linux/amd64', imagesFolder: images(), signal });
      expect(pulled.digest).toBe(made.manifestDigest);
      expect(registry.seen.at(-1)).toMatchObject({ range: 'bytes=300000-' });
      // That of the living one.
      expect(partial()).toHaveLength(1);
    }
    expect(digest(readFileSync(join(blobs(), digest(layer).slice(7))))).toBe(digest(layer));
  });
});
