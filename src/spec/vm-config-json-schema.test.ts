import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VM_CONFIG_JSON_SCHEMA } from './vm-config-json-schema.ts';
import { checkFields, vmConfigSchema } from './vm-fields.ts';

type Schema = Readonly<Record<string, unknown>>;
type Members = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  object: isObject,
  string: (value) => typeof value === 'string',
  integer: (value) => Number.isInteger(value),
  boolean: (value) => typeof value === 'boolean',
  null: (value) => value === null,
};

/** Keywords of JSON Schema 2020-12 that ours has: does the value meet this one? */
const KEYWORDS: Readonly<Record<string, (value: unknown, wanted: never, schema: Schema) => boolean>> = {
  type: (value, wanted: string | readonly string[]) =>
    [wanted].flat().some((name) => TYPES[name]?.(value) === true),
  enum: (value, wanted: readonly unknown[]) => wanted.includes(value),
  const: (value, wanted: unknown) => value === wanted,
  pattern: (value, wanted: string) => typeof value !== 'string' || new RegExp(wanted, 'u').test(value),
  minimum: (value, wanted: number) => typeof value !== 'number' || value >= wanted,
  maximum: (value, wanted: number) => typeof value !== 'number' || value <= wanted,
  maxLength: (value, wanted: number) => typeof value !== 'string' || Array.from(value).length <= wanted,
  allOf: (value, wanted: readonly Schema[]) => wanted.every((one) => isValid(one, value)),
  not: (value, wanted: Schema) => !isValid(wanted, value),
  required: (value, wanted: readonly string[]) =>
    !isObject(value) || wanted.every((name) => Object.hasOwn(value, name)),
  properties: (value, wanted: Readonly<Record<string, Schema>>) =>
    !isObject(value) ||
    Object.entries(wanted).every(([name, one]) => !Object.hasOwn(value, name) || isValid(one, value[name])),
  additionalProperties: (value, wanted: Schema | false, { properties = {} }) =>
    !isObject(value) ||
    Object.entries(value)
      .filter(([name]) => !Object.hasOwn(properties as Members, name))
      .every(([, one]) => wanted !== false && isValid(wanted, one)),
  propertyNames: (value, wanted: Schema) =>
    !isObject(value) || Object.keys(value).every((name) => isValid(wanted, name)),
  if: (value, wanted: Schema, { then }) => !isValid(wanted, value) || isValid(then as Schema, value),
};
const NO_RULES = ['$schema', 'title', 'default', 'then'];

function isValid(schema: Schema, value: unknown): boolean {
  return Object.entries(schema).every(([keyword, wanted]) => {
    if (NO_RULES.includes(keyword)) return true;
    const rule = KEYWORDS[keyword];
    if (rule === undefined) throw new Error(`the test does not know the keyword ${keyword}`);
    return rule(value, wanted as never, schema);
  });
}

const paths = { kernelPath: '/k', rootfsPath: '/r' };
const bySchema = (input: unknown): boolean => isValid(VM_CONFIG_JSON_SCHEMA, input);
const byUs = (input: unknown): boolean => checkFields(vmConfigSchema, input).isGood;

describe('the JSON Schema of VMConfig', () => {
  it('is plain data', () => {
    expect(JSON.parse(JSON.stringify(VM_CONFIG_JSON_SCHEMA))).toEqual(VM_CONFIG_JSON_SCHEMA);
  });

  it('gives the defaults that we fill in', () => {
    const { value } = checkFields(vmConfigSchema, paths) as { readonly value: Members };
    const defaults = Object.entries(VM_CONFIG_JSON_SCHEMA.properties).flatMap(([name, one]) =>
      'default' in one ? [[name, one.default] as const] : [],
    );
    expect(value).toEqual({ ...paths, ...Object.fromEntries(defaults) });
  });

  it.each([
    [{}, true],
    [{ vmId: null, backend: null, diskSizeMib: null }, true],
    [{ vmId: 'VM1' }, false],
    [{ vmId: 'a' }, true],
    [{ vcpuCount: 0 }, false],
    [{ vcpuCount: 33 }, false],
    [{ memSizeMib: 127 }, false],
    [{ memSizeMib: 128.5 }, false],
    [{ kernelPath: '' }, false],
    [{ kernelPath: undefined }, false],
    [{ backend: 'other' }, false],
    [{ diskMode: 'x' }, false],
    [{ diskMode: 'shared', diskSizeMib: 100 }, false],
    [{ diskMode: 'shared', diskSizeMib: null }, true],
    [{ envVars: { '1A': '' } }, false],
    [{ envVars: { A: 1 } }, false],
    [{ envVars: null }, false],
    [{ bootArgs: 'a root=/x' }, false],
    [{ bootArgs: 'a\nb' }, false],
    [{ channel: 'ssh' }, true],
    [{ channel: 'ssh', sshCapable: false }, false],
    [{ channel: 'agent', sshCapable: true }, true],
    [{ channel: 'vsock' }, false],
    [{ sshHostKey: 'no key' }, false],
    [{ unknown: 1 }, false],
  ])('agrees with the validator about %j: %j', (fields, expected) => {
    expect([bySchema({ ...paths, ...fields }), byUs({ ...paths, ...fields })]).toEqual([expected, expected]);
  });

  it('agrees with the validator about whatever it is given', () => {
    const value = fc.oneof(
      fc.integer({ min: -1, max: 40 }),
      fc.integer({ min: 100, max: 17_000 }),
      fc.double(),
      fc.boolean(),
      fc.constantFrom(
        null,
        '',
        'a',
        'A',
        'auto',
        'shared',
        'isolated',
        'qemu',
        'root=1',
        'x root=',
        'init=/init',
      ),
      fc.string({ maxLength: 10 }),
      fc.dictionary(
        fc.oneof(fc.constantFrom('A', '_b', '1', 'A-B'), fc.string({ maxLength: 3 })),
        fc.string(),
      ),
      fc.constantFrom([], [1], ['a']),
    );
    const names = [...Object.keys(VM_CONFIG_JSON_SCHEMA.properties), 'other'];
    const fields = fc.record(Object.fromEntries(names.map((name) => [name, value])), { requiredKeys: [] });
    // What the schema cannot say: quotes come in pairs.
    const isSayable = (input: Members): boolean => !JSON.stringify(input).includes('\\"');
    fc.assert(
      fc.property(
        fc.oneof(
          fields,
          fields.map((some) => ({ ...paths, ...some })),
          fc.anything({ maxDepth: 1 }),
        ),
        (input) => {
          fc.pre(
            !isObject(input) ||
              (Object.prototype.toString.call(input) === '[object Object]' && isSayable(input)),
          );
          expect(bySchema(input)).toBe(byUs(input));
        },
      ),
      { numRuns: 500 },
    );
  });
});
