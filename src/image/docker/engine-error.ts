import { escapeText } from '../../base/escape-text.ts';
import { ImageError } from '../../errors.ts';
import { engineCure } from './engine-cures.ts';
import { ENGINE_TITLES, type EngineName } from './engine-names.ts';
import { engineProblem, lastLines, type EngineProblem } from './engine-problem.ts';
import type { HostSystem } from './host-system.ts';

/** One use of an engine: its error begins "Docker build …". */
export type EngineStep = 'info' | 'build' | 'create' | 'export' | 'inspect' | 'remove';

/** A step that ended with something else than exit code 0. */
export interface FailedStep {
  readonly engine: EngineName;
  readonly step: EngineStep;
  readonly exitCode: number | null;
  readonly endSignal?: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

const SHOWN_LINES = 20;
const SHOWN_CHARS = 3_000;

/** The error of a step: its name, exit code, what the engine said, and the cure where we know one. Pure. */
export function engineStepError(failed: FailedStep, system: HostSystem): ImageError {
  const { engine, step, exitCode, stdout, stderr } = failed;
  const found = engineProblem(failed);
  const how =
    exitCode === null
      ? `was ended by ${failed.endSignal ?? 'a signal'}`
      : `failed with exit code ${String(exitCode)}`;
  const meaning = found === undefined ? '' : ` (${MEANINGS[found.problem]})`;
  const lines = lastLines(stderr.trim() === '' ? stdout : stderr, SHOWN_LINES);
  // Docker 20 tells what is wrong on stdout, and on stderr only that something is.
  const said = found === undefined || lines.includes(found.line) ? lines : [found.line, ...lines];
  const text = escapeText(said.join('\n').slice(-SHOWN_CHARS), { keepLines: true });
  return new ImageError(`${ENGINE_TITLES[engine]} ${step} ${how}${meaning}: ${text || 'it said nothing'}`, {
    hint: found === undefined ? undefined : engineCure(found.problem, engine, system),
    details: { engine, step, exitCode, ...(found === undefined ? {} : { problem: found.problem }) },
  });
}

/** The error where an engine cannot be used at all. Pure. */
export function engineMissing(
  problem: EngineProblem,
  engine: EngineName,
  system: HostSystem,
  reason = '',
): ImageError {
  const note = reason === '' ? '' : `: ${reason}`;
  return new ImageError(`${ENGINE_TITLES[engine]} cannot be used: ${MEANINGS[problem]}${note}`, {
    hint: engineCure(problem, engine, system),
    details: { engine, problem },
  });
}

const MEANINGS: Readonly<Record<EngineProblem, string>> = {
  'not-installed': 'it is not installed, or not on PATH',
  'daemon-not-running': 'its daemon is not running or does not answer',
  'permission-denied': 'you may not use it',
  'disk-full': 'its disk is full',
  'registry-unreachable': 'the registry of an image does not answer or refuses',
};
