import { describe, expect, it } from 'vitest';
import { chooseSteps } from './choose-steps.ts';
import { steps } from './steps.ts';

const namesOf = (names: readonly string[]): readonly string[] =>
  chooseSteps(steps, names).map((step) => step.name);

describe('chooseSteps', () => {
  it('takes all when none is named', () => {
    expect(chooseSteps(steps, [])).toBe(steps);
  });

  it('keeps the order of the table', () => {
    expect(namesOf(['pure', 'lint'])).toEqual(['lint', 'pure']);
  });

  it('refuses a name that is no step', () => {
    expect(() => namesOf(['lint', 'lnit'])).toThrow(/no step lnit; the steps are typecheck, lint/);
  });
});

describe('the table of steps', () => {
  it('names every step once', () => {
    expect(new Set(namesOf([])).size).toBe(steps.length);
  });
});
