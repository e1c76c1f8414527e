/** The deepest nesting of a value, and the most values in it: a cycle ends at one of them. */
const MAX_DEPTH = 32;
const MAX_VALUES = 1_000_000;

/**
 * A JSON value as text of which there is one only: keys in order. Pure.
 *
 * @returns undefined if it is not JSON: functions, dates, cycles, NaN, or too deep or too many values
 */
export function canonicalJson(value: unknown): string | undefined {
  try {
    return write(value, 0, { left: MAX_VALUES });
  } catch (error) {
    if (error instanceof NotJsonError) return undefined;
    throw error;
  }
}

class NotJsonError extends Error {}

function write(value: unknown, depth: number, budget: { left: number }): string {
  budget.left -= 1;
  if (depth > MAX_DEPTH || budget.left < 0) throw new NotJsonError();
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item) => write(item, depth + 1, budget)).join(',')}]`;
  if (!isPlainObject(value)) throw new NotJsonError();
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${write(member, depth + 1, budget)}`);
  return `{${members.join(',')}}`;
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
