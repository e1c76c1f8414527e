import { spawn } from 'node:child_process';
import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { noCounts, oneFailed, oneSkipped, readCounts } from './counts.ts';
import type { Step, StepResult } from './step.ts';

const resultsFolder = '.build/results';
const stepLimitMs = 40 * 60_000;

/** Runs one step. A step that cannot run here is skipped, or fails where all are mandatory. */
export async function runStep(step: Step, isMandatory: boolean): Promise<StepResult> {
  const startedAt = performance.now();
  const blockedBy = step.blocker?.();
  if (blockedBy !== undefined) {
    return { ...resultOf(step, startedAt), counts: isMandatory ? oneFailed : oneSkipped, blockedBy };
  }
  await mkdir(resultsFolder, { recursive: true });
  if (step.reportFile !== undefined) await rm(step.reportFile, { force: true });

  const logFile = `${resultsFolder}/${step.name}.log`;
  const exitCode = await runToFile(step, logFile);
  const output = await readFile(logFile, 'utf8');
  const report = step.reportFile === undefined ? output : await readIfThere(step.reportFile);
  return { ...resultOf(step, startedAt), counts: readCounts(step.report, report, exitCode), output };
}

function resultOf(step: Step, startedAt: number): StepResult {
  return { name: step.name, counts: noCounts, seconds: (performance.now() - startedAt) / 1000, output: '' };
}

/** Output goes to a file, not a pipe: a process that a test left behind cannot hold the runner up. */
async function runToFile(step: Step, logFile: string): Promise<number> {
  const [command, ...args] = step.argv;
  await using log = await open(logFile, 'w');
  const child = spawn(command, args, {
    cwd: step.folder ?? '.',
    env: { ...process.env, NO_COLOR: '1' },
    stdio: ['ignore', log.fd, log.fd],
    timeout: stepLimitMs,
  });
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

async function readIfThere(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    return '';
  }
}
