/** A promise whose end is decided elsewhere. (Node 20 has no `Promise.withResolvers`.) */
export class Deferred<T> {
  readonly promise: Promise<T>;
  #resolve: (value: T) => void = () => undefined;
  #reject: (reason: unknown) => void = () => undefined;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Its failure may be nobody's concern; whoever waits for it gets it all the same.
    this.promise.catch(() => undefined);
  }

  readonly resolve = (value: T): void => {
    this.#resolve(value);
  };

  readonly reject = (reason: unknown): void => {
    this.#reject(reason);
  };
}
