import { assetsBlocker, goBlocker, guestBlocker } from './blockers.ts';
import type { Step } from './step.ts';

/** A check that an npm script of package.json makes. */
function npmCheck(name: string, script = name): Step {
  return { name, argv: ['npm', 'run', '--silent', script], report: 'exit-code' };
}

/** A project of vitest.config.ts. */
function ring(name: string): Step {
  const reportFile = `.build/results/${name}.json`;
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`];
  return {
    name,
    argv: ['node_modules/.bin/vitest', 'run', '--project', name, ...reporters],
    report: 'vitest',
    reportFile,
  };
}

/** Everything `npm test` runs, in this order: the quick and cheap first. */
export const steps: readonly Step[] = [
  npmCheck('typecheck'),
  npmCheck('lint'),
  npmCheck('format', 'format:check'),
  npmCheck('layers'),
  npmCheck('knip'),
  npmCheck('publint'),
  npmCheck('attw'),
  ring('pure'),
  ring('contract'),
  {
    name: 'guest',
    argv: ['go', 'test', '-json', './...'],
    folder: 'guest',
    report: 'go',
    blocker: goBlocker,
  },
  {
    name: 'assets',
    argv: ['node', '.build/scripts/assets-verify.js', '--quick'],
    report: 'exit-code',
    blocker: assetsBlocker,
  },
  { ...ring('e2e'), blocker: guestBlocker },
];
