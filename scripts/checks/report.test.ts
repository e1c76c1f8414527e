import { describe, expect, it } from 'vitest';
import { oneFailed, oneSkipped } from './counts.ts';
import { countsText, stepText, sumOf } from './report.ts';
import type { Step, StepResult } from './step.ts';

const lint: Step = { name: 'lint', argv: ['eslint'], report: 'exit-code' };
const pure: Step = { name: 'pure', argv: ['vitest'], report: 'vitest' };

function resultOf(step: Step, given: Partial<StepResult>): StepResult {
  const counts = { passed: 1, failed: 0, skipped: 0 };
  return { name: step.name, counts, seconds: 1.25, output: 'noise\n', ...given };
}

describe('stepText', () => {
  it('is one line for a step that passed', () => {
    expect(stepText(lint, resultOf(lint, {}))).toBe('lint       ok         1.3 s');
  });

  it('tells the counts of a ring', () => {
    const counts = { passed: 7, failed: 0, skipped: 2 };
    expect(stepText(pure, resultOf(pure, { counts }))).toBe(
      'pure       ok         1.3 s  7 passed, 0 failed, 2 skipped',
    );
  });

  it('shows the whole output of a step that failed', () => {
    expect(stepText(lint, resultOf(lint, { counts: oneFailed, output: 'one\ntwo\n' }))).toBe(
      'lint       FAILED     1.3 s\none\ntwo\n',
    );
  });

  it('turns the events of go into text', () => {
    const guest: Step = { name: 'guest', argv: ['go'], report: 'go' };
    const output = '{"Action":"output","Output":"FAIL\\n"}\n';
    expect(stepText(guest, resultOf(guest, { counts: oneFailed, output }))).toContain('\nFAIL\n');
  });

  it('says why a step did not run', () => {
    const blocked = { blockedBy: 'go is not installed', output: '' };
    expect(stepText(pure, resultOf(pure, { ...blocked, counts: oneSkipped }))).toBe(
      'pure       skipped    1.3 s  go is not installed',
    );
    expect(stepText(pure, resultOf(pure, { ...blocked, counts: oneFailed }))).toBe(
      'pure       FAILED     1.3 s  go is not installed',
    );
  });
});

describe('the closing line', () => {
  it('sums up all steps', () => {
    const results = [resultOf(lint, {}), resultOf(pure, { counts: { passed: 40, failed: 2, skipped: 0 } })];
    expect(countsText(sumOf(results))).toBe('41 passed, 2 failed');
  });

  it('names skipped ones only if there are any', () => {
    expect(countsText({ passed: 1, failed: 0, skipped: 3 })).toBe('1 passed, 0 failed, 3 skipped');
  });
});
