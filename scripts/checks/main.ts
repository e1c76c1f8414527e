import { chooseSteps } from './choose-steps.ts';
import { countsText, stepText, sumOf } from './report.ts';
import { runStep } from './run-step.ts';
import type { Step, StepResult } from './step.ts';
import { steps } from './steps.ts';

function stepsOrExit(names: readonly string[]): readonly Step[] {
  try {
    return chooseSteps(steps, names);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(2);
  }
}

const isMandatory = process.env['SMOLVM_CI'] === '1';
const results: StepResult[] = [];

for (const step of stepsOrExit(process.argv.slice(2))) {
  const result = await runStep(step, isMandatory);
  console.log(stepText(step, result));
  results.push(result);
}

const sum = sumOf(results);
console.log(`\n${countsText(sum)}`);
process.exitCode = sum.failed === 0 ? 0 : 1;
