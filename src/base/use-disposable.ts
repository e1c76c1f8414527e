/**
 * Uses a thing and disposes of it, whatever comes of the use. If both fail, the failure of the use is the one to know:
 * the other often follows from it.
 */
export async function useDisposable<D extends AsyncDisposable, T>(
  thing: D,
  use: (thing: D) => T | Promise<T>,
): Promise<T> {
  let result: T;
  try {
    result = await use(thing);
  } catch (error) {
    await Promise.allSettled([thing[Symbol.asyncDispose]()]);
    throw error;
  }
  await thing[Symbol.asyncDispose]();
  return result;
}
