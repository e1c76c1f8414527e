import { describe, expect, it } from 'vitest';
import { useDisposable } from './use-disposable.ts';

/** Something that counts how often it is disposed of. */
class Thing implements AsyncDisposable {
  disposals = 0;
  readonly #failure: Error | undefined;

  constructor(failure?: Error) {
    this.#failure = failure;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.disposals += 1;
    if (this.#failure !== undefined) throw this.#failure;
  }
}

describe('useDisposable', () => {
  it('gives what the use gives, after one disposal', async () => {
    const thing = new Thing();
    expect(await useDisposable(thing, async (given) => given === thing && given.disposals)).toBe(0);
    expect(thing.disposals).toBe(1);
  });

  it('disposes of it once when the use fails, and throws that failure', async () => {
    const thing = new Thing(new Error('of the disposal'));
    const failing = useDisposable(thing, () => {
      throw new Error('of the use');
    });
    await expect(failing).rejects.toThrow('of the use');
    expect(thing.disposals).toBe(1);
  });

  it('throws the failure of the disposal if the use did well', async () => {
    const thing = new Thing(new Error('of the disposal'));
    await expect(useDisposable(thing, () => 1)).rejects.toThrow('of the disposal');
    expect(thing.disposals).toBe(1);
  });
});
