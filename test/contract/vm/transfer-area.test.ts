import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SmolVM } from '../../../src/index.ts';
import type { AreaLie } from '../../support/fake-qemu.ts';
import { withWorld } from '../../support/world.ts';

const world = withWorld();
const MIB = 2 ** 20;
const inGuest = (path: string): string => join(world().qemu.guestRoot, path);
const here = (path: string): string => join(world().folder, path);
const areaOf = (vm: SmolVM): string =>
  join(world().run, readdirSync(world().run)[0] ?? '', vm.vmId, 'transfer');

/** Where in the area the bytes are, or -1. */
function placeIn(vm: SmolVM, bytes: Buffer): number {
  return readFileSync(areaOf(vm)).indexOf(bytes.subarray(0, 4_096));
}

async function launched(areaLie?: AreaLie): Promise<SmolVM> {
  world().qemu.behave(areaLie === undefined ? {} : { areaLie });
  return SmolVM.launch();
}

describe('a VM that runs', () => {
  it('has a private file with holes for its transfers, until it stops', async () => {
    await using vm = await launched();
    const path = areaOf(vm);
    expect(statSync(path)).toMatchObject({ size: 24 * MIB, blocks: 0 });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await vm.stop();
    expect(existsSync(path)).toBe(false);
  });
});

describe('large data', () => {
  const sizes = [0, 1, 65_535, 65_536, 65_537, MIB / 2 - 1, MIB / 2, MIB / 2 + 1, 5 * MIB + 3];

  it.each(sizes)('of %i bytes comes whole, both ways', async (size) => {
    await using vm = await launched();
    const bytes = randomBytes(size);
    await vm.files.write('/plain', bytes);
    expect(readFileSync(inGuest('plain')).equals(bytes)).toBe(true);
    expect(statSync(areaOf(vm)).blocks > 0).toBe(size >= 65_536);
    expect((await vm.files.read('/plain')).equals(bytes)).toBe(true);
    expect(
      (await vm.files.read('/plain', { offset: 1, length: 300_000 })).equals(bytes.subarray(1, 300_001)),
    ).toBe(true);
    writeFileSync(here('local'), bytes);
    await vm.uploadFile(here('local'), '/copy');
    await vm.downloadFile('/copy', here('back'));
    expect(readFileSync(here('back')).equals(bytes)).toBe(true);
  });

  it('goes through the part of the area that belongs to the session, and no other', async () => {
    await using vm = await launched();
    const bytes = randomBytes(MIB);
    await vm.files.write('/x', bytes);
    expect(placeIn(vm, bytes)).toBe(0);
    await vm.files.write('/x', randomBytes(5 * MIB));
    expect((await vm.files.read('/x')).length).toBe(5 * MIB);
    expect(
      readFileSync(areaOf(vm))
        .subarray(2 * MIB)
        .equals(Buffer.alloc(22 * MIB)),
    ).toBe(true);
  });

  it('of two transfers at once: one has the area, the other does without, both come whole', async () => {
    await using vm = await launched();
    const files = [randomBytes(3 * MIB), randomBytes(3 * MIB), randomBytes(3 * MIB)];
    await Promise.all(files.map((bytes, index) => vm.files.write(`/${String(index)}`, bytes)));
    const read = await Promise.all(files.map((_, index) => vm.files.read(`/${String(index)}`)));
    for (const [index, bytes] of files.entries()) expect(read[index]?.equals(bytes)).toBe(true);
  });

  it('that a caller gives in small parts is sent part by part', async () => {
    await using vm = await launched();
    const parts = [70_000, 3, 200_000, 1, 600_000].map((size) => randomBytes(size));
    async function* source(): AsyncGenerator<Uint8Array | string> {
      yield 'begin';
      yield* parts;
    }
    await vm.files.write('/parts', source());
    expect(readFileSync(inGuest('parts')).equals(Buffer.concat([Buffer.from('begin'), ...parts]))).toBe(true);
  });

  it.each(['absent', 'file'] as const)('comes without the area if that is not there: %s', async (what) => {
    await using vm = await launched(what === 'absent' ? 'absent' : undefined);
    if (what === 'file') rmSync(areaOf(vm));
    const bytes = randomBytes(2 * MIB);
    await vm.files.write('/x', bytes);
    expect((await vm.files.read('/x')).equals(bytes)).toBe(true);
  });
});

describe('a transfer that fails', () => {
  it('leaves the area to the next one: the source fails', async () => {
    await using vm = await launched();
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield randomBytes(MIB);
      await Promise.resolve();
      throw new Error('the source is gone');
    }
    await expect(vm.files.write('/x', failing())).rejects.toThrow('the source is gone');
    expect(existsSync(inGuest('x'))).toBe(false);
    const bytes = randomBytes(MIB);
    await expect
      .poll(async () => {
        await vm.files.write('/y', bytes);
        return placeIn(vm, bytes);
      })
      .toBe(0);
    expect(readFileSync(inGuest('y')).equals(bytes)).toBe(true);
  });

  it('leaves the area to the next one: the caller gives up', async () => {
    await using vm = await launched();
    const controller = new AbortController();
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (let count = 0; ; count += 1) {
        if (count === 10) controller.abort();
        yield randomBytes(MIB);
      }
    }
    await expect(vm.files.write('/x', endless(), { signal: controller.signal })).rejects.toMatchObject({
      code: 'ABORTED',
    });
    const bytes = randomBytes(MIB);
    await expect
      .poll(async () => {
        await vm.files.write('/y', bytes);
        return placeIn(vm, bytes);
      })
      .toBe(0);
  });

  it('because the file does not fit what the caller takes', async () => {
    await using vm = await launched();
    await vm.files.write('/x', randomBytes(3 * MIB));
    await expect(vm.files.read('/x', { maxBytes: MIB })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect((await vm.files.read('/x')).length).toBe(3 * MIB);
  });
});

describe('a guest that lies about the area', () => {
  it.each(['answersUnasked', 'answersOddly', 'takesTwice'] as const)('while it takes: %s', async (lie) => {
    await using vm = await launched(lie);
    const writing = vm.files.write('/x', randomBytes(3 * MIB));
    await expect(writing).rejects.toMatchObject({ code: 'PROTOCOL_ERROR' });
    expect(existsSync(inGuest('x'))).toBe(false);
  });

  it.each(['longInline', 'longPiece', 'emptyPiece', 'endsInRecord'] as const)(
    'while it gives: %s',
    async (lie) => {
      await using vm = await launched(lie);
      writeFileSync(inGuest('x'), randomBytes(lie === 'longInline' ? 10 : 3 * MIB));
      await expect(vm.files.read('/x')).rejects.toMatchObject({ code: 'PROTOCOL_ERROR' });
      await expect(vm.downloadFile('/x', here('out'))).rejects.toMatchObject({ code: 'PROTOCOL_ERROR' });
      expect(existsSync(here('out'))).toBe(false);
    },
  );
});
