import { describe, expect, it } from 'vitest';
import { Cleanup } from './cleanup.ts';

describe('Cleanup', () => {
  it('undoes the last thing first, each after the one before has ended', async () => {
    const undone: string[] = [];
    const undo = new Cleanup();
    undo.defer('a', () => void undone.push('a'));
    undo.defer('b', async () => {
      await Promise.resolve();
      undone.push('b');
    });
    undo.defer('c', () => void undone.push('c'));
    expect(await undo.run()).toEqual([]);
    expect(undone).toEqual(['c', 'b', 'a']);
  });

  it('reports the steps that fail, carries out the others and never throws', async () => {
    const undone: string[] = [];
    const [sync, async] = [new Error('sync'), new Error('async')];
    const undo = new Cleanup();
    undo.defer('a', () => void undone.push('a'));
    undo.defer('b', () => Promise.reject(async));
    undo.defer('c', () => {
      throw sync;
    });
    expect(await undo.run()).toEqual([
      { what: 'c', error: sync },
      { what: 'b', error: async },
    ]);
    expect(undone).toEqual(['a']);
  });

  it('does nothing once what was made is kept', async () => {
    const undone: string[] = [];
    const undo = new Cleanup();
    undo.defer('a', () => void undone.push('a'));
    undo.keep();
    undo.defer('b', () => void undone.push('b'));
    await undo.run();
    expect(undone).toEqual(['b']);
  });

  it('carries out each step once', async () => {
    let count = 0;
    const undo = new Cleanup();
    undo.defer('count', () => void (count += 1));
    await undo.run();
    await undo.run();
    expect(count).toBe(1);
  });
});
