import { describe, expect, it } from 'vitest';
import { mayMove } from './transitions.ts';
import type { VmState } from './vm-record.ts';

const STATES = [
  'creating',
  'created',
  'starting',
  'running',
  'paused',
  'stopping',
  'stopped',
  'failed',
  'deleting',
] as const satisfies readonly VmState[];

/** Every legal move; all pairs that are not here are illegal. */
const LEGAL = new Set([
  'creating → created',
  'creating → deleting',
  'created → starting',
  'created → deleting',
  'starting → running',
  'starting → failed',
  'starting → stopped',
  'running → stopping',
  'running → stopped',
  'running → deleting',
  'running → paused',
  'paused → running',
  'paused → stopping',
  'paused → stopped',
  'paused → deleting',
  'stopping → stopped',
  'stopped → starting',
  'stopped → deleting',
  'failed → starting',
  'failed → deleting',
  'deleting → deleting',
]);

describe('mayMove', () => {
  const pairs = STATES.flatMap((from) => STATES.map((to) => [from, to] as const));

  it.each(pairs)('decides about %s → %s', (from, to) => {
    expect(mayMove(from, to)).toBe(LEGAL.has(`${from} → ${to}`));
  });

  it('lets every state end in deletion', () => {
    for (const state of STATES) expect(reachable(state)).toContain('deleting');
  });
});

function reachable(from: VmState): ReadonlySet<VmState> {
  const seen = new Set<VmState>([from]);
  for (const state of seen) for (const next of STATES.filter((to) => mayMove(state, to))) seen.add(next);
  return seen;
}
