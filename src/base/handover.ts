/**
 * Items from one side to the other, one at a time: `put` resolves when its item was taken, so the giver never runs
 * ahead of the taker.
 */
export class Handover<T> implements AsyncIterableIterator<T, undefined> {
  readonly #onReturn: () => void;
  #waiting: { readonly item: T; readonly taken: () => void }[] = [];
  #asking: {
    readonly resolve: (result: IteratorResult<T, undefined>) => void;
    readonly reject: (error: unknown) => void;
  }[] = [];
  #end: { readonly error: Error | undefined } | undefined;

  /** @param onReturn - called when the taker leaves before the end */
  constructor(onReturn: () => void = () => undefined) {
    this.#onReturn = onReturn;
  }

  /** After the end items are dropped. */
  put(item: T): void | Promise<void> {
    if (this.#end !== undefined) return undefined;
    const asking = this.#asking.shift();
    if (asking === undefined) return new Promise((taken) => this.#waiting.push({ item, taken }));
    asking.resolve({ done: false, value: item });
    return undefined;
  }

  /** No more comes. What waits is still taken; then the taker gets the error, if there is one. */
  end(error?: Error): void {
    this.#end ??= { error };
    for (const { resolve, reject } of this.#asking.splice(0)) {
      if (this.#end.error === undefined) resolve({ done: true, value: undefined });
      else reject(this.#end.error);
    }
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      waiting.taken();
      return { done: false, value: waiting.item };
    }
    if (this.#end?.error !== undefined) throw this.#end.error;
    if (this.#end !== undefined) return { done: true, value: undefined };
    return new Promise((resolve, reject) => this.#asking.push({ resolve, reject }));
  }

  return(): Promise<IteratorResult<T, undefined>> {
    for (const { taken } of this.#waiting.splice(0)) taken();
    this.#end ??= { error: undefined };
    this.#onReturn();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
