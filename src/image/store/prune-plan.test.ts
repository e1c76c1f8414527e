import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { prunePlan, type StoreFacts } from './prune-plan.ts';

const key = fc.constantFrom('a', 'b', 'c', 'd');
const digest = fc.constantFrom('sha256:1', 'sha256:2', 'sha256:3');
const facts: fc.Arbitrary<StoreFacts> = fc.record({
  names: fc.array(fc.record({ name: fc.string(), key })),
  damagedNameFiles: fc.constant([]),
  entries: fc.uniqueArray(
    fc.record({
      path: fc.string(),
      diskBytes: fc.nat(),
      key,
      isDamaged: fc.boolean(),
      usedBy: fc.array(fc.constantFrom('vm-1', 'vm-2')),
      blobs: fc.array(digest),
    }),
    { selector: (entry) => entry.key },
  ),
  blobs: fc.uniqueArray(fc.record({ path: fc.string(), diskBytes: fc.nat(), digest }), {
    selector: (blob) => blob.digest,
  }),
  leftovers: fc.array(fc.record({ path: fc.string(), diskBytes: fc.nat() })),
  assets: fc.array(fc.record({ path: fc.string(), diskBytes: fc.nat(), isUsed: fc.boolean() })),
  somebodyMakes: fc.boolean(),
});

describe('a prune', () => {
  test('never takes what a VM uses, what has a name and is sound, nor a blob of what stays', () => {
    fc.assert(
      fc.property(facts, (found) => {
        const plan = prunePlan(found);
        const gone = new Set(plan.map(({ kind, what }) => `${kind} ${what}`));
        for (const entry of found.entries) {
          const hasName = found.names.some((name) => name.key === entry.key);
          const isNeeded = entry.usedBy.length > 0 || (hasName && !entry.isDamaged);
          if (isNeeded) expect(gone).not.toContain(`image ${entry.key}`);
          if (!gone.has(`image ${entry.key}`))
            for (const blob of entry.blobs) expect(gone).not.toContain(`blob ${blob}`);
        }
      }),
    );
  });

  test('takes all images that nothing leads to, and nothing that may be in the making', () => {
    fc.assert(
      fc.property(facts, (found) => {
        const kinds = prunePlan(found).map(({ kind }) => kind);
        if (found.somebodyMakes) expect(kinds).not.toContain('blob');
        const free = found.entries.filter(
          ({ key: one, usedBy }) => usedBy.length === 0 && !found.names.some((name) => name.key === one),
        );
        expect(kinds.filter((kind) => kind === 'image').length).toBeGreaterThanOrEqual(
          found.somebodyMakes ? 0 : free.length,
        );
        if (found.somebodyMakes) expect(kinds).not.toContain('image');
      }),
    );
  });
});
