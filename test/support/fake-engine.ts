import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeEntry, END_OF_ARCHIVE, endOfContents } from '../../src/image/rootfs/tar/encode-entry.ts';
import { rootsFile } from '../../src/image/docker/tar-layer.ts';
import { fixture } from './places.ts';

/** How a step of a fake engine goes; see test/fixtures/fake-docker.mjs. */
export interface StepBehaviour {
  readonly exitCode?: number;
  readonly stdout?: string;
  readonly stderr?: string;
  readonly times?: number;
  readonly hangs?: boolean;
  readonly holds?: boolean;
}

/** One call that a fake engine got. */
export interface EngineCallRecord {
  readonly name: string;
  readonly step: string;
  readonly argv: readonly string[];
  readonly pid: number;
  readonly dockerHost?: string;
  readonly dockerfile?: string;
  readonly context?: Readonly<Record<string, { readonly mode: string; readonly sha256: string }>>;
}

/** Files of an image, by path: contents and mode. */
export type ImageFiles = Readonly<Record<string, readonly [contents: string, mode: number]>>;

/** Programs that play container engines, and what they were asked for. */
export class FakeEngine {
  /** The folder that belongs on PATH. */
  readonly bin: string;
  readonly #state: string;

  constructor(folder: string, names: readonly string[] = ['docker']) {
    this.bin = join(folder, 'bin');
    this.#state = join(folder, 'engine');
    mkdirSync(this.bin);
    mkdirSync(this.#state);
    for (const name of names) {
      const argv = [process.execPath, fixture('fake-docker.mjs'), this.#state, name];
      const script = `#!/bin/sh\nexec ${argv.map((word) => `'${word}'`).join(' ')} "$@"\n`;
      writeFileSync(join(this.bin, name), script, { mode: 0o755 });
    }
    this.image({ 'etc/hello': ['hello\n', 0o644] });
  }

  /** What an export of any image gives. */
  image(files: ImageFiles): void {
    const parts = Object.entries(files).flatMap(([path, [text, mode]]) => {
      const { entry, contents } = rootsFile(path, mode, Buffer.from(text));
      return [
        encodeEntry({ ...entry, sizeBytes: contents.length }),
        contents,
        endOfContents(contents.length),
      ];
    });
    writeFileSync(join(this.#state, 'rootfs.tar'), Buffer.concat([...parts, END_OF_ARCHIVE]));
  }

  /** What an inspection of any image says. */
  inspect(text: string): void {
    writeFileSync(join(this.#state, 'inspect.json'), text);
  }

  behave(steps: Readonly<Record<string, StepBehaviour>>): void {
    writeFileSync(join(this.#state, 'behaviour.json'), JSON.stringify(steps));
  }

  /** Lets go what holds. */
  release(): void {
    writeFileSync(join(this.#state, 'release'), '');
  }

  calls(step?: string): readonly EngineCallRecord[] {
    const path = join(this.#state, 'calls.jsonl');
    if (!existsSync(path)) return [];
    return readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as EngineCallRecord)
      .filter((call) => step === undefined || call.step === step);
  }

  /** Images and containers that are left. */
  left(): readonly string[] {
    return ['images', 'containers'].flatMap((kind) => {
      const folder = join(this.#state, kind);
      return existsSync(folder) ? readdirSync(folder) : [];
    });
  }
}
