import { describe, expect, test } from 'vitest';
import { NO_PROGRESS, progressed, progressLine, stepLine } from './progress-line.ts';
import type { ImageProgress } from '../index.ts';

const MIB = 1024 * 1024;

function lineAfter(...news: readonly ImageProgress[]): string {
  return progressLine(news.reduce(progressed, NO_PROGRESS), 80);
}

const download = (layer: string, doneMib: number, totalMib: number): ImageProgress => ({
  step: 'download',
  layer,
  doneBytes: doneMib * MIB,
  totalBytes: totalMib * MIB,
});

describe('the line of a terminal', () => {
  test('shows all layers together', () => {
    expect(lineAfter(download('a', 1, 4), download('b', 2, 8), download('a', 4, 4))).toBe(
      'downloading [##########----------] 6.0 of 12.0 MiB',
    );
  });

  test('shows how much was done where nobody knows the whole', () => {
    expect(lineAfter(download('a', 1, 1), { step: 'unpack', bytes: 3 * MIB })).toBe('unpacking 3.0 MiB');
    expect(lineAfter({ step: 'wait' })).toBe('waiting for another process that makes this image');
  });

  test('shows the last line of an engine, in one line and harmless', () => {
    const news = ['Step 1/2\nStep', ' 2/2 \u001b[31mred', '\n'].map(
      (output) => ({ step: 'build', output }) as const,
    );
    expect(lineAfter(...news)).toMatch(/^building: Step 2\/2 [^\u001b]*red$/);
  });

  test('is never longer than the terminal is wide', () => {
    const state = progressed(NO_PROGRESS, { step: 'build', output: 'x'.repeat(10_000) });
    expect(progressLine(state, 40)).toHaveLength(39);
    expect(progressLine(NO_PROGRESS, 40)).toBe('');
  });
});

test('where nobody watches a step is one line, and damage is told', () => {
  expect(stepLine(download('a', 1, 4))).toBe('downloading');
  expect(stepLine({ step: 'damaged', problem: 'it is\ncut off' })).toMatch(
    /^what is stored is damaged \(it is[^\n]*cut off\)/,
  );
});
